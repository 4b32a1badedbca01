"""What an object is made of, taken down so that two of them can be told apart by the first thing that differs."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_DEEPEST = 100
"""So many levels are looked at; below, the pickle tells."""

_NAMED = (type, FunctionType, BuiltinFunctionType, ModuleType)


@dataclass(frozen=True)
class Portrait:
    """An object as it was at one moment.

    Attributes
    ----------
    kind : str
        Its type.
    content : str
        What it holds, where it can be said in one line.
    parts : dict
        Portraits of its attributes (``".rate"``) and items (``"[0]"``).
    """

    kind: str
    content: str = ""
    parts: Mapping[str, "Portrait"] = field(default_factory=dict)


def portrait(value: object) -> Portrait:
    """Return the portrait of an object and all that hangs on it; nothing of it is called but its pickling."""
    return _Painter().paint(value)


def differences(before: Portrait, after: Portrait, place: str) -> Iterator[str]:
    """Tell what differs between two portraits, one line for each place.

    Parameters
    ----------
    before, after : Portrait
        Without and with autolog.
    place : str
        What the whole is called.

    Yields
    ------
    str
        ``result.coef_: ...``
    """
    if before.kind != after.kind:
        yield f"{place} is a {after.kind}, without autolog a {before.kind}"
        return
    if before.content != after.content:
        now, then = (one.content or "an object of its own" for one in (after, before))
        yield f"{place} is {now}, without autolog {then}"
    for part in chain(before.parts, (part for part in after.parts if part not in before.parts)):
        if part not in after.parts:
            yield f"{place}{part} is missing with autolog"
        elif part not in before.parts:
            yield f"{place}{part} is there with autolog only, a {after.parts[part].kind}"
        else:
            yield from differences(before.parts[part], after.parts[part], place + part)


class _Painter:
    """Paints one object; what it has painted already it only points at."""

    def __init__(self) -> None:
        self._painted: dict[int, tuple[str, object]] = {}

    def paint(self, value: Any, place: str = "", depth: int = 0) -> Portrait:
        if isinstance(value, _PLAIN):
            return Portrait(_name(type(value)), repr(value))
        if isinstance(value, _NAMED):
            return Portrait(_name(type(value)), _name(value))
        if id(value) in self._painted:
            return Portrait(_name(type(value)), f"the one at {self._painted[id(value)][0] or 'the top'}")
        self._painted[id(value)] = place, value  # kept: an id belongs to nobody else meanwhile
        parts = _parts(value) if depth < _DEEPEST else ()
        painted = {name: self.paint(part, place + name, depth + 1) for name, part in parts}
        return Portrait(_name(type(value)), _pixels(value), painted)


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    """Yield what an object holds: its items and attributes, or, without either, what its pickle is made of."""
    if isinstance(value, MethodType):
        yield from ((".__func__", value.__func__), (".__self__", value.__self__))
        return
    if _is_array(value):
        yield from _attributes(value)
        return
    items, attributes = list(_items(value)), list(_attributes(value))
    yield from items
    yield from attributes
    if not items and not attributes:
        yield from _reduced(value)


def _items(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for number, (key, item) in enumerate(value.items()):
            if isinstance(key, _PLAIN):
                yield f"[{key!r}]", item
            else:
                yield from ((f"[key {number}]", key), (f"[of key {number}]", item))
    elif isinstance(value, list | tuple | deque):
        yield from ((f"[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from ((f"[{number}]", item) for number, item in enumerate(sorted(value, key=_order)))


def _attributes(value: Any) -> Iterator[tuple[str, object]]:
    yield from ((f".{name}", item) for name, item in sorted(getattr(value, "__dict__", {}).items()))
    for each in type(value).__mro__:
        slots = vars(each).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                yield f".{name}", getattr(value, name)


def _reduced(value: Any) -> Iterator[tuple[str, object]]:
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - a lock, a socket: its type says all that can be said
        return
    if isinstance(reduced, tuple):
        yield from ((f".__reduce__[{number}]", part) for number, part in enumerate(reduced[1:3], start=1))


def _is_array(value: object) -> bool:
    return any(
        module in sys.modules and isinstance(value, getattr(sys.modules[module], name))
        for module, name in (("numpy", "ndarray"), ("numpy", "generic"), ("torch", "Tensor"))
    )


def _pixels(value: Any) -> str:
    """Return shape, type and a digest of an array or tensor, else nothing."""
    if not _is_array(value):
        return ""
    shape, kind = tuple(value.shape), str(value.dtype)
    if "torch" in kind:
        content = repr(value.detach().cpu().to_dense().tolist()).encode()  # any type, any layout that has numbers
    else:
        content = repr(value.tolist()).encode() if kind == "object" else value.tobytes()
    return f"{kind} of shape {shape} with content {sha256(content).hexdigest()[:12]}"


def _order(item: object) -> tuple[str, str]:
    return _name(type(item)), repr(item) if isinstance(item, _PLAIN) else ""


def _name(value: Any) -> str:
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__name__
    return str(name) if module in {None, "builtins"} else f"{module}.{name}"
