"""What a stored model must not hold, so that it is loaded without this package."""

import copy
import io
import pickle
import sys
from types import FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = frozenset({int, float, bool, str, bytes, type(None)})
HOLDERS = list | tuple | dict | set | frozenset
WHOLE = type | FunctionType | MethodType | ModuleType


def without_callbacks(model: Any) -> Any:
    """Return a fitted estimator as it is without our callbacks, so that it is loaded without this package.

    Wherever they hang: on a step of a pipeline, on the best estimator of a search, on what its scorer holds. The
    callbacks of others stay.

    Parameters
    ----------
    model : estimator
        It is left as it is.

    Returns
    -------
    estimator
        Store this. The model itself where there is nothing of ours; else a copy of its objects that shares all arrays
        and trees with it.
    """
    callback = sys.modules.get(f"{__package__}.callback")
    if callback is None:  # nobody has made one
        return model
    file = io.BytesIO()
    leaving = _Leaving(file, callback.AzmlCallback)
    leaving.dump(model)
    file.seek(0)
    return _Sharing(file, leaving.shared).load() if leaving.left else model


class _Leaving(pickle.Pickler):
    """Writes how objects hold each other; what holds no others is shared, not written."""

    def __init__(self, file: io.BytesIO, kind: type) -> None:
        super().__init__(file, protocol=5)
        self._kind = kind
        self.shared: list[Any] = []
        self.left = 0
        self._theirs: set[int] = set()

    def persistent_id(self, thing: Any) -> int | None:
        if type(thing) in PLAIN or isinstance(thing, HOLDERS):
            return None
        if hasattr(thing, "__dict__") and not isinstance(thing, WHOLE) and id(thing) not in self._theirs:
            return None
        self.shared.append(thing)
        return len(self.shared) - 1

    def reducer_override(self, thing: Any) -> Any:
        callbacks = vars(thing).get("_skl_callbacks", ()) if hasattr(thing, "__dict__") else ()
        kept = [each for each in callbacks if not isinstance(each, self._kind)]
        self._theirs.update(map(id, kept))
        if len(kept) == len(callbacks):
            return NotImplemented
        self.left += 1
        fresh = copy.copy(thing)
        vars(fresh).pop("_skl_callbacks")
        if kept:
            vars(fresh)["_skl_callbacks"] = kept  # where scikit-learn keeps them
        return fresh.__reduce_ex__(5)


class _Sharing(pickle.Unpickler):
    """Reads it again, in the same process."""

    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, number: int) -> Any:
        return self._shared[number]
