"""Fits that scikit-learn does not decorate: of the user's classes, of other packages, and of a few of its own.

They never reach the choke point, or reach it in the middle, by ``super().fit``. Where a class defines such a ``fit``, a
descriptor covers it, as others cover what it predicts: seen from the class it is the very same function; only the
call on an instance is heard.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, is_paused

from .fits import Fit, called
from .nesting import is_inside
from .predictions import Predicting
from .sweeps import hide_our_frame

if TYPE_CHECKING:
    from .session import Session

METHODS = ("fit", "partial_fit")
Observe = Callable[[Fit], AbstractContextManager[object]]
"""Returns what an outermost fit is called in."""


def listen_to_undecorated(session: "Session", patches: Patches, decorated: CodeType, observe: Observe) -> None:
    """Cover the undecorated fits of all estimators that are there, and of those to come.

    Parameters
    ----------
    session : Session
        Bears the errors.
    patches : Patches
        Takes the covers away again.
    decorated : code
        What a decorated method runs first: such a one is seen at the choke point.
    observe : Observe
        Observes a fit.
    """
    from sklearn.base import BaseEstimator

    def cover(kind: type) -> None:
        if kind.__module__.partition(".")[0] == __package__:  # LoggedEstimator records itself
            return
        for name in METHODS:
            method = vars(kind).get(name)
            if isinstance(method, FunctionType) and method.__code__ is not decorated:
                patches.replace(kind, name, Fitting(method, session, patches, observe))

    for kind in _below(BaseEstimator):
        cover(kind)
    there = vars(BaseEstimator).get("__init_subclass__")

    def __init_subclass__(cls: type, **settings: Any) -> None:  # noqa: N807 - its name
        if there is None:
            super(BaseEstimator, cls).__init_subclass__(**settings)
        else:
            there.__func__(cls, **settings)
        if patches.active:
            with session.attempt(None):
                cover(cls)

    patches.replace(BaseEstimator, "__init_subclass__", classmethod(__init_subclass__))


class Fitting(Predicting):
    """A ``fit`` that is recorded when it is the outermost one."""

    def __init__(self, method: FunctionType, session: "Session", patches: Patches, observe: Observe) -> None:
        self._observe = observe
        super().__init__(method, session, patches)

    def _heard(self) -> Callable[..., Any]:
        method, session, patches, observe = self._method, self._session, self._patches, self._observe

        def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            if not patches.active or is_inside() or is_paused("sklearn"):
                return method(estimator, *args, **kwargs)
            seen = Fit(estimator, method.__name__)
            with session.attempt(None):
                seen = called(method, estimator, args, kwargs)
            try:
                with observe(seen):
                    return method(estimator, *args, **kwargs)
            except BaseException as error:
                hide_our_frame(error)
                raise

        return fit

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        """Return the method as it was, also within something observed: no frame of ours stands in its traceback."""
        if is_inside() or is_paused("sklearn"):
            return self._method.__get__(estimator, owner)
        return super().__get__(estimator, owner)


def _below(kind: type) -> Iterator[type]:
    """Yield all subclasses, each once."""
    seen: set[type] = set()
    waiting = kind.__subclasses__()
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += each.__subclasses__()
            yield each
