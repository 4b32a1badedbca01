"""Whether autolog is off in this context: what is called here is nobody's training, or somebody else's."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_EVERYTHING: frozenset[str] = frozenset({"*"})
_PAUSED: ContextVar[frozenset[str]] = ContextVar("azml_autolog_paused", default=frozenset())

paused_here = _PAUSED.get
"""Returns what is paused in this context, nearly always nothing: one call, and no frame, for who asks at every step."""


@contextlib.contextmanager
def paused(*frameworks: str) -> Iterator[None]:
    """Switch autolog off in this context: what is called inside is nobody's training, or somebody else's.

    Parameters
    ----------
    *frameworks : str
        Adapters that fall silent, ``"torch"``: their training is recorded by the caller. None means all of them.
    """
    token = _PAUSED.set(_PAUSED.get() | (frozenset(frameworks) or _EVERYTHING))
    try:
        yield
    finally:
        _PAUSED.reset(token)


@contextlib.contextmanager
def unpaused() -> Iterator[None]:
    """Forget in this context what is paused: an adapter that comes inside a pause outlives it, and begins as ever."""
    token = _PAUSED.set(frozenset())
    try:
        yield
    finally:
        _PAUSED.reset(token)


def is_paused(framework: str | None = None) -> bool:
    """Tell whether autolog is off in this context, as a whole or for one framework.

    Parameters
    ----------
    framework : str, default=None
        Name of an adapter. None asks about all of them: one that was paused by name leaves the others on.
    """
    off = _PAUSED.get()
    return bool(off) and (off >= _EVERYTHING or framework in off)
