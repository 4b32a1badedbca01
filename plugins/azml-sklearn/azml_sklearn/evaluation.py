"""Metrics that the user computes with ``sklearn.metrics``.

Nothing of `sklearn.metrics` is replaced: its functions keep the real one in a closure cell, and that cell is
written. So calls under names imported before are seen too, and every function stays the same object, with the
same signature and pickle.
"""

import functools
import inspect
import numbers
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, is_paused, paused

from .nesting import is_inside
from .predictions import source

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


def by_user(depth: int) -> bool:
    """Tell whether a listened-to function was called by the user, not by scikit-learn or in a fit of it."""
    if is_inside() or is_paused():
        return False
    frame = sys._getframe(depth + 1)  # noqa: SLF001 - who called is the question
    return not str(frame.f_globals.get("__name__", "")).startswith("sklearn.")


def _is_metric(name: str, real: Callable[..., Any]) -> bool:
    """Tell a metric from what makes scorers, and from distances between samples."""
    return not (
        name.startswith(("check_", "get_", "make_"))
        or name.endswith("_samples")
        or real.__module__.startswith("sklearn.metrics.pairwise")
    )


def _recording(real: Callable[..., Any], name: str, session: "Session", patches: Patches) -> Callable[..., Any]:
    signature = inspect.signature(real)

    @functools.wraps(real)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        value = real(*args, **kwargs)
        if patches.active and by_user(depth=2):  # past validate_params' wrapper
            with paused(), session.attempt(None):
                record(session, name, value, signature.bind(*args, **kwargs).arguments)
        return value

    return recorded


def record(session: "Session", name: str, value: Any, arguments: dict[str, Any]) -> None:
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
    """
    run, data = attribute(session, list(arguments.values()))
    number = _number(value)
    if run is None or number is None:
        return
    settings = {key: setting for key, setting in list(arguments.items())[2:] if setting is not None}
    told = ", ".join(f"{key}={_shown(setting)}" for key, setting in settings.items())
    metric = session.metric_name(run, name, (fingerprint(data), told))
    if isinstance(number, list):
        run.log_list(metric, number, told)
    else:
        run.log(metric, number, told)


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


def _shown(setting: Any) -> str:
    if isinstance(setting, str | int | float | bool):
        return repr(setting)
    if callable(setting):
        return getattr(setting, "__qualname__", "callable")
    return f"array#{hash(fingerprint(setting)) & 0xFFFF:04x}"
