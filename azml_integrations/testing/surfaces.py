"""All that can be replaced in a framework, so that a test can tell whether it was given back."""

import logging
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

Places: TypeAlias = Mapping[tuple[str, str], object]
"""What stands where: ``("sklearn.base.BaseEstimator", "fit")``, and the object itself."""

_ABSENT = object()
_LARGEST = 10_000
"""Containers of more items are told by themselves alone."""

_OFTEN = 10
"""So many faults are told; the others are counted."""


@dataclass(frozen=True)
class Surface:
    """The attributes of a framework's modules and classes at one moment, and of the interpreter itself.

    Attributes
    ----------
    places : mapping
        Every attribute, by where it is looked up and its name.
    """

    places: Places

    def unlike(self, later: "Surface") -> set[tuple[str, str]]:
        """Return where something else stands later; what has come since is looked at if it can be called."""
        changed = {place for place, value in self.places.items() if _differ(value, later.places.get(place, _ABSENT))}
        come = {place for place in later.places.keys() - self.places.keys() if callable(later.places[place])}
        return changed | {place for place in come if place[0] in self._owners()}

    def _owners(self) -> set[str]:
        return {owner for owner, _ in self.places}


def surface(packages: Collection[str]) -> Surface:
    """Return the surface of the modules that are imported of some packages, and of the interpreter.

    Parameters
    ----------
    packages : collection of str
        Import names; their submodules belong to them.

    Returns
    -------
    Surface
    """
    places: dict[tuple[str, str], object] = dict(_interpreter())
    seen: set[int] = set()
    for name, module in list(sys.modules.items()):
        if _belongs(name, packages):
            for owner in (module, *_classes(module, packages)):
                if id(owner) not in seen:
                    seen.add(id(owner))
                    places.update(_attributes(owner))
    return Surface(places)


def told(places: Collection[tuple[str, str]], before: Surface, after: Surface) -> Iterator[str]:
    """Say what stands where it did not stand, one line each.

    Yields
    ------
    str
        ``toy.Model.fit is <function observed ...>, before autolog it was ...``
    """
    for owner, name in sorted(places)[:_OFTEN]:
        now, then = after.places.get((owner, name), _ABSENT), before.places.get((owner, name), _ABSENT)
        yield f"{owner}.{name} is {_said(now)}, before autolog it was {_said(then)}"
    if len(places) > _OFTEN:
        yield f"... and {len(places) - _OFTEN} more"


def _interpreter() -> Iterator[tuple[tuple[str, str], object]]:
    yield ("sys", "meta_path"), _Held(list(sys.meta_path))
    yield ("sys", "path_hooks"), _Held(list(sys.path_hooks))
    yield from ((("os.environ", name), _Held([value])) for name, value in os.environ.items())
    yield ("logging.root", "handlers"), _Held(list(logging.root.handlers))


def _classes(module: ModuleType, packages: Collection[str]) -> Iterator[type]:
    for value in list(vars(module).values()):
        if isinstance(value, type) and _belongs(str(getattr(value, "__module__", "")), packages):
            yield value


def _attributes(owner: Any) -> Iterator[tuple[tuple[str, str], object]]:
    where = owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner.__qualname__}"
    for name, value in list(vars(owner).items()):
        if not isinstance(value, ModuleType) and name != "__slotnames__":  # copyreg's note, of any pickling
            yield (where, name), _held(value)


@dataclass(frozen=True, eq=False)
class _Held:
    """A container or function, with what it held: it may be the same object and hold something else."""

    parts: list[object]
    whole: object = None


def _held(value: Any) -> object:
    """Return what tells whether an attribute is what it was: itself, and what could be changed in it unseen."""
    function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    if isinstance(function, FunctionType):
        return _Held([function.__code__, function.__defaults__, *_cells(function)], value)
    if isinstance(value, dict) and len(value) < _LARGEST:
        return _Held([part for item in list(value.items()) for part in item], value)
    if isinstance(value, list | set) and len(value) < _LARGEST:
        return _Held(list(value), value)
    return value


def _cells(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # empty still
            yield _ABSENT


def _differ(one: object, other: object) -> bool:
    if not isinstance(one, _Held) or not isinstance(other, _Held):
        return one is not other
    if one.whole is not other.whole or len(one.parts) != len(other.parts):
        return True
    return any(a is not b and not (isinstance(a, str) and a == b) for a, b in zip(one.parts, other.parts, strict=True))


def _belongs(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _said(value: object) -> str:
    whole = value.whole if isinstance(value, _Held) and value.whole is not None else value
    return "not there" if whole is _ABSENT else repr(whole)[:120]
