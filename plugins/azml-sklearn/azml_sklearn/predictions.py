"""Which model made a prediction, or was scored: so that its metric goes to that model's run.

``predict`` has no choke point as ``fit`` has. When a fit of a class has been recorded, the methods of that class that
predict are covered by descriptors, and its ``score``. Seen from the class they are what they were (the very same
function, its signature, its pickle); only the call on an instance is heard.
"""

import copy
import functools
import threading
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import paused

from .evaluation import record_score, source
from .nesting import by_user, inside

if TYPE_CHECKING:
    from azml_integrations import Run
    from azml_integrations.autologging import Patches

    from .session import Session

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "fit_predict",
    "score",
)
_LOCK = threading.Lock()


def listen_to_predictions(kind: type, session: "Session", patches: "Patches") -> None:
    """Cover the methods of a class that predict and score, where they are defined, once."""
    with _LOCK:
        if kind in session.covered:
            return
        session.covered.add(kind)
        for name in METHODS:
            owner = next((base for base in kind.__mro__ if name in vars(base)), None)
            if owner is None or isinstance(vars(owner)[name], Predicting):
                continue
            cover = Scoring if name == "score" else Predicting
            patches.replace(owner, name, cover(vars(owner)[name], session, patches))


def remember(run: "Run", estimator: Any, session: "Session", patches: "Patches") -> None:
    """Let what an estimator predicts from now on, and the metrics of that, belong to a run."""
    session.last = run
    session.runs_of[estimator] = run
    with session.attempt(run):
        listen_to_predictions(type(estimator), session, patches)


class Predicting:
    """A method that remembers what it returned, and for which estimator.

    Parameters
    ----------
    method : object
        What stood in the class: a function, or scikit-learn's ``available_if``.
    session : Session
        Knows the estimators' runs.
    patches : Patches
        Inactive once undone.
    """

    def __init__(self, method: Any, session: "Session", patches: "Patches") -> None:
        self._method = method
        self._session = session
        self._patches = patches
        self._call = functools.wraps(getattr(method, "fn", method))(self._heard())

    def _heard(self) -> Callable[..., Any]:
        """Return what is called in the place of the method."""
        method, session, patches = self._method, self._session, self._patches

        def predict(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            result = method.__get__(estimator, type(estimator))(*args, **kwargs)
            run = session.runs_of.get(estimator)
            if run is not None and patches.active:
                session.made_by[source(result)] = run
            return result

        return predict

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        """Return the method as it was; on an instance, one that remembers."""
        bound = self._method.__get__(estimator, owner)  # raises what available_if raises
        if estimator is None or not self._patches.active or not hasattr(bound, "__func__"):
            return bound
        return MethodType(self._call, estimator)

    def __getattr__(self, name: str) -> Any:
        """Answer like the method for everything else: ``fn``, ``__isabstractmethod__``."""
        if name.startswith("_") and not name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._method, name)

    def __reduce__(self) -> Any:
        """Let a class that is pickled by value carry the method itself."""
        return copy.copy, (self._method,)


class Scoring(Predicting):
    """A ``score`` whose result, when the user asks for it, is a metric of the estimator's run."""

    def _heard(self) -> Callable[..., Any]:
        method, session, patches = self._method, self._session, self._patches

        def score(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            bound = method.__get__(estimator, type(estimator))
            run = session.runs_of.get(estimator)
            if run is None or not patches.active or not by_user(depth=1):
                return bound(*args, **kwargs)
            with inside():  # a score of the user's own may call its parent's, and functions of sklearn.metrics
                value = bound(*args, **kwargs)
            with paused(), session.attempt(run):
                record_score(session, run, bound, value, args, kwargs)
            return value

        return score
