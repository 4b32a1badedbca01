"""Which model made a prediction: so that its metric goes to that model's run.

``predict`` has no choke point as ``fit`` has. When a fit of a class has been recorded, the methods of that class that
predict are covered by descriptors. Seen from the class they are what they were (the very same function, its
signature, its pickle); only the call on an instance remembers the result, weakly.
"""

import copy
import functools
import threading
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations.autologging import Patches

    from .session import Session

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "fit_predict")
_LOCK = threading.Lock()


def listen_to_predictions(kind: type, session: "Session", patches: "Patches") -> None:
    """Cover the predicting methods of a class, where they are defined, once."""
    with _LOCK:
        for name in METHODS:
            owner = next((base for base in kind.__mro__ if name in vars(base)), None)
            if owner is None or isinstance(vars(owner)[name], Predicting):
                continue
            patches.replace(owner, name, Predicting(vars(owner)[name], session, patches))


def source(value: Any) -> Any:
    """Return the array that an array is a view of, or the value itself."""
    import numpy as np

    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return value


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
        self._patches = patches

        @functools.wraps(getattr(method, "fn", method))
        def predict(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            result = method.__get__(estimator, type(estimator))(*args, **kwargs)
            run = session.runs_of.get(estimator)
            if run is not None and patches.active:
                session.made_by[source(result)] = run
            return result

        self._predict = predict

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        """Return the method as it was; on an instance, one that remembers."""
        bound = self._method.__get__(estimator, owner)  # raises what available_if raises
        if estimator is None or not self._patches.active or not hasattr(bound, "__func__"):
            return bound
        return MethodType(self._predict, estimator)

    def __getattr__(self, name: str) -> Any:
        """Answer like the method for everything else: ``fn``, ``__isabstractmethod__``."""
        if name.startswith("_") and not name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._method, name)

    def __reduce__(self) -> Any:
        """Let a class that is pickled by value carry the method itself."""
        return copy.copy, (self._method,)
