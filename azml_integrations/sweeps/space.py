"""A search space: a name and an expression for each hyperparameter, and how values are drawn from them."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import exp
from random import Random
from typing import Any, TypeAlias

from .. import errors, names
from . import parameter_expressions
from .parameter_expressions import Expression

Parameters: TypeAlias = dict[str, Any]
"""Values of one child: by the name in the space, as JSON has them."""


def checked(space: object) -> dict[str, Expression]:
    """Return a search space of which every expression can be drawn from.

    Parameters
    ----------
    space : dict of str to expression
        As the functions of `parameter_expressions` return them.

    Raises
    ------
    HyperDriveConfigException
        If it is empty, or something in it is no expression.
    """
    if not isinstance(space, Mapping) or not space:
        what = "nothing" if isinstance(space, Mapping) else errors.a(space)
        raise errors.HyperDriveConfigException(
            f"the parameter space holds {what}; expected a dict such as {{'--lr': loguniform(-6, -1)}}"
        )
    return {_name(name): _expression(name, expression) for name, expression in space.items()}


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or any(letter.isspace() for letter in name):
        raise errors.HyperDriveConfigException(
            f"{name!r} cannot be the name of a hyperparameter; expected a string without blanks, such as '--lr'"
        )
    return names.label("hyperparameter", name)


def _expression(name: object, given: object) -> Expression:
    """Return an expression as its own function would have made it."""
    match given:
        case [str(function), [*arguments]] if function in parameter_expressions.__all__:
            try:
                made: Expression = getattr(parameter_expressions, function)(*arguments)
            except TypeError:
                pass
            else:
                return made
    raise errors.HyperDriveConfigException(
        f"hyperparameter {name!r} got {given!r}; expected an expression such as uniform(0, 1), or choice({given!r})"
        if not isinstance(given, list)
        else f"hyperparameter {name!r} got the list {given!r}; expected an expression such as choice({given!r})"
    )


# -- drawing -----------------------------------------------------------------------------------------


def draw(space: Mapping[str, Expression], random: Random) -> Parameters:
    """Return one value for each hyperparameter."""
    return {name: _drawn(expression, random) for name, expression in space.items()}


def _drawn(expression: Expression, random: Random) -> Any:
    function, arguments = expression
    if function == "choice":
        return random.choice(arguments[0])
    if function == "randint":
        return random.randrange(arguments[0])
    quantised = function.startswith("q")
    *shape, q = arguments if quantised else (*arguments, None)
    value = _SHAPES[function.removeprefix("q")](random, *shape)
    return multiple(value, q) if quantised else value


def _exp(exponent: float) -> float:
    """Return the exponential; of what is too large, the largest float."""
    try:
        return exp(exponent)
    except OverflowError:
        return sys.float_info.max


_SHAPES: Mapping[str, Callable[..., float]] = {
    "uniform": Random.uniform,
    "normal": Random.gauss,
    "loguniform": lambda random, low, high: _exp(random.uniform(low, high)),
    "lognormal": lambda random, mu, sigma: _exp(random.gauss(mu, sigma)),
}


def multiple(value: float, q: float) -> float:
    """Return the multiple of `q` that is nearest to a value, without the dust of the multiplication."""
    times = round(value / q)
    return times * q if isinstance(q, int) else float(f"{times * q:.12g}")


# -- grids -------------------------------------------------------------------------------------------


def size(space: Mapping[str, Expression]) -> int:
    """Return the number of points of a grid."""
    total = 1
    for _, arguments in space.values():
        total *= len(arguments[0])
    return total


def grid(space: Mapping[str, Expression]) -> Iterator[Parameters]:
    """Yield the points of a grid; the last hyperparameter changes first."""
    for values in product(*(arguments[0] for _, arguments in space.values())):
        yield dict(zip(space, values, strict=True))


# -- as arguments ------------------------------------------------------------------------------------


def arguments(parameters: Mapping[str, Any]) -> list[str]:
    """Return hyperparameters as a script takes them: ``--name value``; a name that begins with ``-`` as it is.

    Examples
    --------
    >>> arguments({"--alpha": 0.1, "layers": [64, 32]})
    ['--alpha', '0.1', '--layers', '[64, 32]']
    """
    return [text for name, value in parameters.items() for text in (flag(name), spelled(value))]


def flag(name: str) -> str:
    """Return a hyperparameter's name as an option of a script."""
    return name if name.startswith("-") else f"--{name}"


def spelled(value: Any) -> str:
    """Return a hyperparameter's value as an argument."""
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)
