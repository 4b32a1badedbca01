"""What a hyperparameter may be: each function returns the expression ``[name, [arguments]]`` of a search space."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, TypeAlias

from .. import errors, names

Expression: TypeAlias = list[Any]
"""``[name, [arguments]]``, as JSON keeps it."""

LARGEST_EXPONENT = 700.0
"""``exp`` of more than this is no float."""


def choice(*options: Any) -> Expression:
    """Take one of several values.

    Parameters
    ----------
    *options
        The values; or one list, range, tuple or array of them. Numbers, strings, booleans and lists of them.

    Returns
    -------
    expression : list
        ``["choice", [[option, ...]]]``

    Raises
    ------
    HyperDriveConfigException
        If there is none, or one that JSON cannot hold.

    Examples
    --------
    >>> choice(0.1, 1.0)
    ['choice', [[0.1, 1.0]]]
    >>> choice(range(16, 64, 16))
    ['choice', [[16, 32, 48]]]
    """
    alone: Any = options[0] if len(options) == 1 else None
    alone = alone.tolist() if hasattr(alone, "tolist") else alone
    given = list(alone) if isinstance(alone, (list, tuple, range)) else list(options)
    if not given:
        raise errors.HyperDriveConfigException("choice() got nothing to choose from; expected values or a list of them")
    return ["choice", [[_plain(option) for option in given]]]


def randint(upper: int) -> Expression:
    """Take an integer from 0 up to, and without, a bound.

    Parameters
    ----------
    upper : int
        The bound, > 0.

    Raises
    ------
    HyperDriveConfigException
        If `upper` is no integer above 0.
    """
    if isinstance(upper, bool) or not isinstance(_plain(upper), int) or upper <= 0:
        raise errors.HyperDriveConfigException(f"randint() got {upper!r} as upper; expected an integer above 0")
    return ["randint", [_plain(upper)]]


def uniform(min_value: float, max_value: float) -> Expression:
    """Take any number between two bounds.

    Parameters
    ----------
    min_value, max_value : float
        The bounds.

    Raises
    ------
    HyperDriveConfigException
        If they are no numbers, or `min_value` is not below `max_value`.
    """
    return ["uniform", _bounds("uniform", min_value, max_value)]


def quniform(min_value: float, max_value: float, q: float) -> Expression:
    """Take ``round(uniform(min_value, max_value) / q) * q``; an integer where `q` is one.

    Parameters
    ----------
    min_value, max_value : float
        The bounds.
    q : int or float
        Distance between two values, > 0.

    Raises
    ------
    HyperDriveConfigException
        If they are no such numbers.
    """
    return ["quniform", [*_bounds("quniform", min_value, max_value), _positive("quniform", "q", q)]]


def loguniform(min_value: float, max_value: float) -> Expression:
    """Take ``exp(uniform(min_value, max_value))``: the bounds are logarithms.

    Parameters
    ----------
    min_value, max_value : float
        The bounds of the logarithm; at most `LARGEST_EXPONENT`.

    Raises
    ------
    HyperDriveConfigException
        If they are no such numbers.
    """
    return ["loguniform", _exponents("loguniform", min_value, max_value)]


def qloguniform(min_value: float, max_value: float, q: float) -> Expression:
    """Take ``round(exp(uniform(min_value, max_value)) / q) * q``; parameters as in `quniform` and `loguniform`."""
    return ["qloguniform", [*_exponents("qloguniform", min_value, max_value), _positive("qloguniform", "q", q)]]


def normal(mu: float, sigma: float) -> Expression:
    """Take a normally distributed number.

    Parameters
    ----------
    mu : float
        Mean.
    sigma : float
        Standard deviation, > 0.

    Raises
    ------
    HyperDriveConfigException
        If they are no such numbers.
    """
    return ["normal", [_number("normal", "mu", mu), _positive("normal", "sigma", sigma)]]


def qnormal(mu: float, sigma: float, q: float) -> Expression:
    """Take ``round(normal(mu, sigma) / q) * q``; parameters as in `normal` and `quniform`."""
    return [
        "qnormal",
        [_number("qnormal", "mu", mu), _positive("qnormal", "sigma", sigma), _positive("qnormal", "q", q)],
    ]


def lognormal(mu: float, sigma: float) -> Expression:
    """Take ``exp(normal(mu, sigma))``: mean and deviation are those of the logarithm."""
    return ["lognormal", [_number("lognormal", "mu", mu), _positive("lognormal", "sigma", sigma)]]


def qlognormal(mu: float, sigma: float, q: float) -> Expression:
    """Take ``round(exp(normal(mu, sigma)) / q) * q``; parameters as in `lognormal` and `quniform`."""
    return [
        "qlognormal",
        [_number("qlognormal", "mu", mu), _positive("qlognormal", "sigma", sigma), _positive("qlognormal", "q", q)],
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: a numpy number by its ``item()``."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and isfinite(value)):
        return value
    raise errors.HyperDriveConfigException(
        f"{value!r} ({errors.a(value)}) cannot be the value of a hyperparameter; expected a finite number, a string, "
        f"a boolean, None, or a list of them"
    )


def _text(value: str) -> str:
    """Return a string that a command line and a run can hold."""
    try:
        return names.text("hyperparameter", value)
    except errors.NameRefusedError as error:
        raise errors.HyperDriveConfigException(f"choice() got {value!r}: {error.message}") from None


def _number(function: str, name: str, value: Any) -> float:
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, bool) or not isinstance(plain, (int, float)) or not isfinite(plain):
        raise errors.HyperDriveConfigException(f"{function}() got {value!r} as {name}; expected a finite number")
    return plain


def _positive(function: str, name: str, value: Any) -> float:
    number = _number(function, name, value)
    if number <= 0:
        raise errors.HyperDriveConfigException(f"{function}() got {value!r} as {name}; expected a number above 0")
    return number


def _bounds(function: str, low: Any, high: Any) -> Sequence[float]:
    bounds = [_number(function, "min_value", low), _number(function, "max_value", high)]
    if bounds[0] >= bounds[1]:
        raise errors.HyperDriveConfigException(
            f"{function}() got min_value {low!r} and max_value {high!r}; expected min_value below max_value"
        )
    return bounds


def _exponents(function: str, low: Any, high: Any) -> Sequence[float]:
    bounds = _bounds(function, low, high)
    if bounds[1] > LARGEST_EXPONENT:
        raise errors.HyperDriveConfigException(
            f"{function}() got max_value {high!r}; the bounds are logarithms, and exp({high!r}) is no float: for "
            f"values from a to b pass {function}(log(a), log(b))"
        )
    return bounds


__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]
