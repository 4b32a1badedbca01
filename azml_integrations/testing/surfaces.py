"""All that can be replaced in a framework, so that a test can tell whether it was given back."""

import logging
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

_LARGEST = 10_000
"""Containers of more items are told by themselves alone."""

_OFTEN = 10
"""So many faults are told; the others are counted."""


@dataclass(frozen=True, eq=False)
class Held:
    """What stands in one place: an object, and what could be changed in it unseen.

    Attributes
    ----------
    value : object
        Itself.
    parts : tuple
        Items of a container; code, defaults and closure cells of a function.
    """

    value: object
    parts: tuple[object, ...] = ()

    def is_like(self, other: "Held") -> bool:
        """Tell whether the other is the same object, and holds the same ones."""
        if type(self.value) is type(other.value) is int:  # a counter; a switch would be a bool
            return True
        if self.value is not other.value or len(self.parts) != len(other.parts):
            return False
        pairs = zip(self.parts, other.parts, strict=True)
        return all(one is another or (type(one) is str and one == another) for one, another in pairs)


_NOTES = frozenset({"__slotnames__", "__warningregistry__"})
"""What Python itself writes down: copyreg of any pickling, warnings of any that was raised there."""

NOTHING = Held(object())


@dataclass(frozen=True)
class Surface:
    """The attributes of a framework's modules and classes at one moment, and of the interpreter itself.

    Attributes
    ----------
    places : mapping
        Every attribute, by where it is looked up and its name: ``("sklearn.base.BaseEstimator", "fit")``.
    """

    places: Mapping[tuple[str, str], Held]

    def unlike(self, later: "Surface") -> set[tuple[str, str]]:
        """Return where something else stands later; what has come since is looked at if it can be called."""
        changed = {place for place, held in self.places.items() if not held.is_like(later.places.get(place, NOTHING))}
        come = {place for place in later.places.keys() - self.places.keys() if callable(later.places[place].value)}
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
    places: dict[tuple[str, str], Held] = dict(_interpreter())
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
        now, then = (one.places.get((owner, name), NOTHING) for one in (after, before))
        yield f"{owner}.{name} is {_said(now)}, before autolog it was {_said(then)}"
    if len(places) > _OFTEN:
        yield f"... and {len(places) - _OFTEN} more"


def _interpreter() -> Iterator[tuple[tuple[str, str], Held]]:
    for owner, name in ((sys, "meta_path"), (sys, "path_hooks"), (logging.root, "handlers")):
        yield (getattr(owner, "__name__", "logging.root"), name), _held(getattr(owner, name))
    yield from ((("os.environ", name), Held(os.environ, (value,))) for name, value in os.environ.items())


def _classes(module: ModuleType, packages: Collection[str]) -> Iterator[type]:
    for value in list(vars(module).values()):
        if issubclass(type(value), type) and _belongs(str(getattr(value, "__module__", "")), packages):
            yield value


def _attributes(owner: Any) -> Iterator[tuple[tuple[str, str], Held]]:
    where = owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner.__qualname__}"
    for name, value in list(vars(owner).items()):
        if not issubclass(type(value), ModuleType) and name not in _NOTES:
            yield (where, name), _held(value)


def _held(value: Any) -> Held:
    kind = type(value)  # not isinstance: a proxy answers that with code of its own
    function = value.__func__ if issubclass(kind, staticmethod | classmethod) else value
    if issubclass(type(function), FunctionType):
        return Held(value, (function.__code__, function.__defaults__, *_cells(function)))
    if issubclass(kind, dict) and len(value) < _LARGEST:
        return Held(value, tuple(part for item in list(value.items()) for part in item))
    if issubclass(kind, list | set) and len(value) < _LARGEST:
        return Held(value, tuple(value))
    return Held(value)


def _cells(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # empty still
            yield None


def _belongs(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _said(held: Held) -> str:
    return "not there" if held is NOTHING else repr(held.value)[:120]
