"""Metrics that the user computes with ``sklearn.metrics``.

Nothing of `sklearn.metrics` is replaced: its functions keep the real one in a closure cell, and that cell is
written. So calls under names imported before are seen too, and every function stays the same object, with the
same signature and pickle.
"""

import functools
import inspect
import numbers
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, paused

from .nesting import by_user
from .training import innermost

if TYPE_CHECKING:
    from azml_integrations import Run

    from .session import Session

CELL = "func"
MOST_VALUES = 256
"""A metric that is one number per class or output is logged as a list up to this length."""
SAMPLE = 1000
"""Two arrays are other data when they differ in shape or in one of so many values."""


def listen_to_metrics(session: "Session", patches: Patches) -> None:
    """Record what the functions of ``sklearn.metrics`` return to the user.

    Raises
    ------
    RuntimeError
        If this scikit-learn keeps its functions another way.
    """
    from sklearn import metrics

    heard = 0
    for name in metrics.__all__:
        public = getattr(metrics, name)
        real = real_function(public)
        if real is None or not _is_metric(name, real):
            continue
        patches.replace_cell(public, CELL, _recording(real, name, session, patches))
        heard += 1
    if not heard:
        raise RuntimeError("no function of sklearn.metrics can be listened to; metrics you compute are not recorded")


def real_function(public: Any) -> Callable[..., Any] | None:
    """Return what a function made by scikit-learn's ``validate_params`` calls, or None."""
    code = getattr(public, "__code__", None)
    if code is None or CELL not in code.co_freevars:
        return None
    content = public.__closure__[code.co_freevars.index(CELL)].cell_contents
    return content if inspect.isfunction(content) else None


def _is_metric(name: str, real: Callable[..., Any]) -> bool:
    """Tell a metric from what makes scorers, and from distances between samples."""
    return not (
        name.startswith(("check_", "get_", "make_"))
        or name.endswith("_samples")
        or real.__module__.startswith("sklearn.metrics.pairwise")
    )


def _recording(real: Callable[..., Any], name: str, session: "Session", patches: Patches) -> Callable[..., Any]:
    signature = inspect.signature(real)
    defaults = {key: parameter.default for key, parameter in signature.parameters.items()}

    @functools.wraps(real)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        value = real(*args, **kwargs)
        if patches.active and by_user(depth=2):  # past validate_params' wrapper
            with paused(), session.attempt(None):
                record(session, name, value, signature.bind(*args, **kwargs).arguments, defaults)
        return value

    return recorded


def record(
    session: "Session", name: str, value: Any, arguments: dict[str, Any], defaults: dict[str, Any] | None = None
) -> None:
    """Log one result into the run that it speaks of.

    Parameters
    ----------
    session : Session
        Knows who made what.
    name : str
        The function's name.
    value : object
        What it returned; only a number, or a few of them, is a metric.
    arguments : dict
        What it was given, the two arrays first.
    defaults : dict, default=None
        What it takes where it is given nothing.
    """
    run, data = attribute(session, list(arguments.values()))
    number = _number(value)
    if run is None or number is None:
        return
    told = _told(dict(list(arguments.items())[2:]), defaults or {})
    metric = session.metric_name(run, name, (fingerprint(data), told))
    if isinstance(number, list):
        run.log_list(metric, number, told)
    else:
        run.log(metric, number, told)


def record_score(
    session: "Session", run: "Run", score: Any, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Log what ``model.score(X, y)`` returned, with a word for what it is.

    Parameters
    ----------
    session : Session
        Knows on which data the run was scored before.
    run : Run
        That of the model.
    score : method
        What was called.
    value : object
        What it returned.
    args, kwargs
        What it was given.
    """
    number = _number(value)
    if number is None or isinstance(number, list):
        return
    arguments = inspect.signature(score).bind(*args, **kwargs).arguments
    X, y, *_ = [*arguments.values(), None, None]
    settings = _told({name: each for name, each in list(arguments.items())[2:] if name != "params"}, {})
    told = ", ".join(word for word in (meaning(score.__self__), settings) if word)
    run.log(session.metric_name(run, "score", (fingerprint(X if y is None else y), told)), number, told)


def meaning(estimator: Any) -> str:
    """Say in a word what the ``score`` of an estimator is."""
    if hasattr(estimator, "best_params_"):
        scoring = estimator.refit if isinstance(estimator.refit, str) else estimator.scoring
        if scoring is not None:
            return scoring if isinstance(scoring, str) else getattr(scoring, "__name__", type(scoring).__name__)
    answering = innermost(estimator)
    score = type(answering).score
    known = {"ClassifierMixin.score": "accuracy", "RegressorMixin.score": "R²"}
    return known.get(score.__qualname__) or (inspect.getdoc(score) or "").partition("\n")[0]


def source(value: Any) -> Any:
    """Return the array that an array is a view of, or the value itself."""
    import numpy as np

    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return value


def attribute(session: "Session", values: list[Any]) -> "tuple[Run | None, Any]":
    """Return the run that a metric of these arguments belongs to, and the argument that is not the prediction.

    It is the run of the model that made one of them; else of the last fit of this context, unless the user is
    inside another run by now.
    """
    from azml_integrations import current_run

    for place, value in enumerate(values[:2]):
        run = session.made_by.get(source(value))
        if run is not None:
            return run, values[1 - place] if len(values) > 1 else None
    run, current = session.last, current_run()
    if current is not None and (run is None or not _within(run, current)):
        run = current
    return run, values[0] if values else None


def fingerprint(values: Any) -> object:
    """Return what tells data from other data: equal for a copy, cheap for a large array."""
    import numpy as np

    array = np.asarray(values)
    flat = array.reshape(-1)
    some = flat[:: max(1, flat.size // SAMPLE)]
    content = tuple(map(str, some.tolist())) if array.dtype.hasobject else some.tobytes()
    return array.shape, array.dtype.str, hash(content)


def _within(run: "Run", current: "Run") -> bool:
    if run.id == current.id:
        return True
    parent = run.parent
    return parent is not None and parent.id == current.id


def _number(value: Any) -> float | list[float] | None:
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.number) and value.size <= MOST_VALUES:
        if value.ndim == 0:
            return float(value)
        if value.ndim == 1:
            return [float(each) for each in value]
    return None


def _told(settings: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Say which settings a metric was given; a None that is the default anyway is none."""
    given = {
        key: each for key, each in settings.items() if each is not None or defaults.get(key) is not None
    }  # average=None is another metric than the default: a number for each class
    return ", ".join(f"{key}={'None' if each is None else _shown(each)}" for key, each in given.items())


def _shown(setting: Any) -> str:
    if isinstance(setting, str | int | float | bool):
        return repr(setting)
    if callable(setting):
        return getattr(setting, "__qualname__", "callable")
    return f"array#{hash(fingerprint(setting)) & 0xFFFF:04x}"
