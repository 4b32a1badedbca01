"""Looking names up in the one table."""

from collections.abc import Iterator, Mapping
from functools import cache

from . import others
from .facts import Entry, Fact, Room, Verdict
from .sdk import ENTRIES, ROOMS

DATA_FRAME = "DataFrame"
"""The class of pandas, of which only what is gone is known."""

SEALED = frozenset(("Environment", "RunConfiguration", "ScriptRunConfig"))
"""Classes that refuse the assignment of attributes that they do not have."""


@cache
def _names() -> Mapping[str, tuple[str, Entry]]:
    """Return the canonical name and the entry of each class and function, by every full name that it has."""
    found = {}
    for entry in ENTRIES:
        canonical = full_name(entry)
        for place in entry.places:
            found[f"{place}.{entry.fact.name}"] = (canonical, entry)
    return found


@cache
def _classes() -> Mapping[str, Entry]:
    return {entry.fact.name: entry for entry in ENTRIES}


@cache
def _others() -> Mapping[str, Fact]:
    return others.facts()


def full_name(entry: Entry) -> str:
    """Return the name of a class or function in the place that the documentation names first."""
    return f"{entry.places[0]}.{entry.fact.name}"


def entry(name: str) -> tuple[str, Entry] | None:
    """Return the canonical name and the entry of a class or function, by any full name of it."""
    return _names().get(name)


def fact(name: str) -> Fact | None:
    """Return what is known about a name of a module: one of azureml's, or a broken one of another library."""
    found = _names().get(name)
    if found is not None:
        return found[1].fact
    if (room := room_of(name)) is not None:
        last = name.rpartition(".")[2]
        if last.endswith(("Exception", "Error")):
            return Fact(last, Verdict.RUNS)  # an except clause may name it
        return Fact(last, Verdict.CLOUD, room.why)
    return _others().get(name)


def member(kind: str, name: str) -> tuple[str, Fact] | None:
    """Return the full name of, and what is known about, a member of a class.

    Parameters
    ----------
    kind : str
        The class, by its short name; of several that it may be, ``A|B``, the first that has the member counts.
    name : str
        The member.
    """
    if kind == DATA_FRAME:
        found = _others().get(f"pandas.{kind}.{name}")
        return None if found is None else (f"pandas.{kind}.{name}", found)
    for candidate in kind.split("|"):
        one = _classes().get(candidate)
        while one is not None:
            for known in one.members:
                if known.name == name:
                    return f"{full_name(one)}.{name}", known
            one = _classes().get(one.like)
    return None


def names_in(module: str) -> Iterator[tuple[str, str, Fact]]:
    """Yield what ``from module import *`` brings: each name, its canonical full name, and what is known about it."""
    for one in ENTRIES:
        if module in one.places:
            yield one.fact.name, full_name(one), one.fact


def is_class(kind: str) -> bool:
    """Tell whether the members of a class are known, so that one that is not among them is remarkable."""
    several = [_classes().get(one) for one in kind.split("|")]
    return all(one is not None and bool(one.members or one.like) for one in several)


def is_module(name: str) -> bool:
    """Tell whether a name is that of a module of azureml, or of a package around one."""
    return name in modules() or room_of(name) is not None


@cache
def modules() -> frozenset[str]:
    """Return all modules of azureml that are known, and the packages around them."""
    named = {place for entry in ENTRIES for place in entry.places} | {room.module for room in ROOMS}
    return frozenset(around for module in named for around in _around(module))


def _around(module: str) -> Iterator[str]:
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def room_of(name: str) -> Room | None:
    """Return the room of the cloud that a module or name belongs to."""
    for room in ROOMS:
        if name == room.module or name.startswith(room.module + "."):
            return room
    return None


def everything() -> Iterator[tuple[str, Fact]]:
    """Yield each name of azureml in full, in the order of the table, and what is known about it."""
    for one in ENTRIES:
        yield full_name(one), one.fact
        for known in one.members:
            yield f"{full_name(one)}.{known.name}", known
    for room in ROOMS:
        yield f"{room.module}.*", Fact("*", Verdict.CLOUD, room.why)


def parameters(fact: Fact) -> tuple[frozenset[str], bool] | None:
    """Return the names of the parameters in SDK v1, and whether more are taken; None where they are not known."""
    if fact.parameters is None:
        return None
    import ast

    spelled = ast.parse(f"def f({fact.parameters}): ...").body[0]
    assert isinstance(spelled, ast.FunctionDef)  # noqa: S101 - for mypy
    one = spelled.args
    return frozenset(a.arg for a in (*one.posonlyargs, *one.args, *one.kwonlyargs)), one.kwarg is not None
