"""Hyperparameters as properties: ``param.<name>``, set once."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations import Run

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def describe(run: "Run", estimator: Any, given: Mapping[str, Any]) -> int:
    """Write an estimator's class and parameters into a run; one that cannot be written costs only itself.

    Parameters
    ----------
    run : Run
        Where to.
    estimator : object
        Whose.
    given : mapping of str to object
        What its ``get_params(deep=True)`` says.

    Returns
    -------
    int
        Number of parameters written.
    """
    import sklearn

    kind = type(estimator)
    facts = {
        "estimator": kind.__name__,
        "estimator.class": f"{kind.__module__}.{kind.__qualname__}",
        "framework": f"scikit-learn {sklearn.__version__}",
    }
    parameters: dict[str, str] = {}
    for name, value in given.items():
        try:
            parameters[f"param.{name}"] = as_text(value)
        except Exception as error:  # noqa: BLE001 - a user's repr may raise anything
            run.note("sklearn", f"parameter {name} is not recorded: its repr raised {type(error).__name__}: {error}")
    return _add(run, facts, parameters)


def in_one_line(estimator: Any) -> str:
    """Return an estimator's class and parameters as one would type them."""
    parameters = estimator.get_params(deep=False)
    return f"{type(estimator).__name__}({', '.join(f'{name}={_shown(value)}' for name, value in parameters.items())})"


def as_text(value: object) -> str:
    """Return a parameter's value as text that is the same in the next process."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # numpy's 0.1, out of a logspace, is 0.1
        value = value.item()
    if isinstance(value, str):
        return value
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return _ADDRESS.sub("", repr(value))


def safe_text(value: object) -> str:
    """Return a parameter's value as text, also where that raises."""
    try:
        return as_text(value)
    except Exception as error:  # noqa: BLE001 - a user's repr may raise anything
        return f"<its repr raised {type(error).__name__}>"


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else safe_text(value)


def _add(run: "Run", facts: dict[str, str], parameters: dict[str, str]) -> int:
    try:
        run.add_properties(facts | parameters)
    except Exception:  # noqa: BLE001 - one of them is refused: find out which, and keep the others
        written = 0
        if run.properties.get("framework", facts["framework"]) != facts["framework"]:  # another adapter's
            facts = {name.replace("framework", "framework.sklearn"): text for name, text in facts.items()}
        for name, text in (facts | parameters).items():
            try:
                run.add_properties({name: text})
                written += name in parameters
            except Exception as error:  # noqa: BLE001 - as above
                run.note("sklearn", f"property {name} is not recorded: {getattr(error, 'message', repr(error))}")
        return written
    return len(parameters)
