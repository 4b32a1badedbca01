"""Whether a call is made inside another one that is observed already: also in the workers of a parallel fit.

scikit-learn hands the settings of ``config_context`` to each task of a parallel fit, and enters them in the worker. The
mark travels as those settings' type. So no task is wrapped, and a traceback out of a worker shows no frame of ours.
"""

import contextlib
import functools
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import is_paused

from .fits import choke_point

if TYPE_CHECKING:
    from azml_integrations.autologging import Patches

_INSIDE: ContextVar[bool] = ContextVar("azml_sklearn_inside", default=False)


def is_inside() -> bool:
    """Tell whether an outermost fit, or a cross-validation, is under way in this context."""
    return _INSIDE.get()


def by_user(depth: int) -> bool:
    """Tell whether a listened-to function was called by the user, not by scikit-learn or in a fit of it.

    Parameters
    ----------
    depth : int
        Frames between this call and the user's, without both.
    """
    if is_inside() or is_paused("sklearn"):
        return False
    frame = sys._getframe(depth + 1)  # noqa: SLF001 - who called is the question
    return not str(frame.f_globals.get("__name__", "")).startswith("sklearn.")


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Mark what is called here as part of something observed already."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


class Both(AbstractContextManager[object]):
    """Two context managers as one ``with`` enters them: the second within the first.

    The first is left first all the same: what is ours is done when scikit-learn has put its settings back.
    """

    def __init__(self, theirs: AbstractContextManager[object], ours: AbstractContextManager[object]) -> None:
        self._theirs = theirs
        self._ours = ours

    def __enter__(self) -> object:
        self._ours.__enter__()
        return self._theirs.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        swallowed = self._theirs.__exit__(kind, error, trace)
        self._ours.__exit__(kind, error, trace)
        return swallowed


class InsideSettings(dict[str, Any]):
    """Settings of scikit-learn that are entered as part of something observed already, in whichever process."""


def carry_nesting(patches: "Patches") -> None:
    """Let the tasks of ``sklearn.utils.parallel.Parallel`` know that they are part of a fit.

    Raises
    ------
    RuntimeError
        If this scikit-learn hands its settings to the workers another way.
    """
    from sklearn.utils import parallel

    dispatch = parallel.Parallel.__call__.__code__
    work = parallel._FuncWrapper.__call__.__code__  # noqa: SLF001 - what runs in the worker has no public name
    if "get_config" not in dispatch.co_names or not {"config", "config_context"} <= {*work.co_varnames, *work.co_names}:
        raise RuntimeError("fits inside a parallel fit cannot be told from yours: each may be recorded as a run")
    settings, enter = parallel.get_config, parallel.config_context

    @functools.wraps(settings)
    def get_config() -> dict[str, Any]:
        caller = sys._getframe(1)  # noqa: SLF001 - which parallel call asks
        marked = patches.active and is_inside() and caller.f_code is dispatch and stays_here(caller.f_locals["self"])
        return InsideSettings(settings()) if marked else settings()

    @functools.wraps(enter)
    def config_context(**given: Any) -> AbstractContextManager[object]:
        caller = sys._getframe(1)  # noqa: SLF001 - the task that is about to run
        marked = caller.f_code is work and isinstance(caller.f_locals["config"], InsideSettings)
        return Both(enter(**given), inside()) if marked else enter(**given)

    for name, ours in (("get_config", get_config), ("config_context", config_context)):
        ours.__module__ = parallel.__name__  # whoever pickles it finds the plain one there, in a worker
        patches.replace(parallel, name, ours)


def stays_here(parallel: Any) -> bool:
    """Tell whether workers share this environment: on a dask or ray host our mark might not be importable."""
    return type(getattr(parallel, "_backend", None)).__module__ == "joblib._parallel_backends"


def is_part_of_another(estimator: Any) -> bool:
    """Tell whether scikit-learn fits an estimator as a part of something, whether or not that is observed.

    A fold, a candidate and a member of an ensemble are parts. The last step of a pipeline, the refit of a search and
    the regressor behind a transformed target are not: they are fitted once, on all that there is.

    Parameters
    ----------
    estimator : object
        Whose fit is about to begin, or under way.
    """
    from sklearn.utils import parallel

    task = parallel._FuncWrapper.__call__.__code__  # noqa: SLF001 - what runs a task, here or in a worker
    fit = _fit_wrapper()
    frame = sys._getframe(1)  # noqa: SLF001 - what called us, and what called that, is the question
    while frame is not None:
        if frame.f_code is task:
            return True
        if frame.f_code is fit and _fits_others_many_times(frame.f_locals["estimator"], estimator):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def in_a_worker() -> bool:
    """Tell whether this process works for another one that started it through multiprocessing or loky."""
    return multiprocessing.parent_process() is not None


@functools.cache
def _fit_wrapper() -> CodeType | None:
    try:
        return choke_point()
    except (AttributeError, LookupError):  # a scikit-learn of another shape: tasks are known all the same
        return None


def _fits_others_many_times(enclosing: Any, estimator: Any) -> bool:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.pipeline import Pipeline

    once = Pipeline, BaseSearchCV, TransformedTargetRegressor
    return enclosing is not estimator and not isinstance(enclosing, once)
