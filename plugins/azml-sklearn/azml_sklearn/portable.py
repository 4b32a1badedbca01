"""What a stored model must not hold, so that it is loaded without this package."""

import copy
import sys
from typing import Any


def without_callbacks(thing: Any) -> Any:
    """Return a fitted estimator as it is without our callbacks, so that it is loaded without this package.

    Only the objects on the way to a callback are copied, shallowly; where there is none, that is the thing itself.
    The callbacks of others stay.

    Parameters
    ----------
    thing : object
        An estimator, or a list, tuple or dict of what may hold one.

    Returns
    -------
    object
        Store this; the one given is unchanged.
    """
    callback = sys.modules.get(f"{__package__}.callback")
    return thing if callback is None else _without(thing, {}, callback.AzmlCallback)


def _without(thing: Any, known: dict[int, Any], ours: type) -> Any:
    if id(thing) in known:
        return known[id(thing)]
    if type(thing) in (list, tuple):
        parts = [_without(part, known, ours) for part in thing]
        changed = any(new is not old for new, old in zip(parts, thing, strict=True))
        return type(thing)(parts) if changed else thing
    if isinstance(thing, dict):
        changes = {key: new for key, old in thing.items() if (new := _without(old, known, ours)) is not old}
        if not changes:
            return thing
        fresh = copy.copy(thing)
        fresh.update(changes)
        return fresh
    if not hasattr(thing, "get_params") or isinstance(thing, type):
        return thing
    known[id(thing)] = thing  # an estimator that holds itself ends here
    known[id(thing)] = _stripped(thing, known, ours)
    return known[id(thing)]


def _stripped(estimator: Any, known: dict[int, Any], ours: type) -> Any:
    state = vars(estimator)
    callbacks = state.get("_skl_callbacks", ())
    kept = [each for each in callbacks if not isinstance(each, ours)]
    changes = {name: new for name, old in state.items() if (new := _without(old, known, ours)) is not old}
    if not changes and len(kept) == len(callbacks):
        return estimator
    fresh = copy.copy(estimator)
    vars(fresh).update(changes)
    if kept:
        fresh._skl_callbacks = kept  # noqa: SLF001 - where scikit-learn keeps them
    else:
        vars(fresh).pop("_skl_callbacks", None)
    return fresh
