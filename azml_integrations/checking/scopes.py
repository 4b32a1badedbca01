"""What names stand for while code is read: imported names, and objects whose class is plain to see."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .facts import Fact


@dataclass(frozen=True)
class Named:
    """Something known by its full name: a module, class or function.

    Attributes
    ----------
    name : str
        Such as ``azureml.core.Run`` or ``numpy.random``.
    fact : Fact or None
        What is known about it.
    """

    name: str
    fact: Fact | None = None


@dataclass(frozen=True)
class Instance:
    """An object of a class.

    Attributes
    ----------
    kind : str
        The class, as `Fact.gives` spells it.
    """

    kind: str


@dataclass(frozen=True)
class Local:
    """A function of the program itself.

    Attributes
    ----------
    node : ast.FunctionDef or ast.AsyncFunctionDef
        Its definition.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef


Thing = Named | Instance | Local


@dataclass
class Scope:
    """What is bound in a function, or in the program itself.

    Attributes
    ----------
    outer : Scope or None
        Where a name is looked for next.
    bound : dict
        What a name stands for; None where that is not known.
    """

    outer: "Scope | None" = None
    bound: dict[str, Thing | None] = field(default_factory=dict)

    def find(self, name: str) -> Thing | None:
        """Return what a name stands for, or None."""
        if name in self.bound:
            return self.bound[name]
        return self.outer.find(name) if self.outer is not None else None


def made(kind: str) -> Instance | None:
    """Return an object of a class, or None of no class."""
    return Instance(kind) if kind else None


def one_of(thing: Thing | None) -> Thing | None:
    """Return what stands in a list, or in a dict behind its names."""
    if isinstance(thing, Instance) and thing.kind[:1] in ("[", "{"):
        return made(thing.kind[1:-1])
    return None


def iterated(thing: Thing | None) -> Thing | None:
    """Return what a loop over something meets: in a dict that is names."""
    return one_of(thing) if isinstance(thing, Instance) and thing.kind.startswith("[") else None


def bound_anywhere(tree: ast.AST) -> Iterator[str]:
    """Yield every name that is bound somewhere in code, in whatever scope."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case _:
                pass


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield every module that is imported somewhere in code, the packages around it, and what may be modules."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                found = [f"{module}.{alias.name}" for alias in names]
            case _:
                continue
        for name in found:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def catches_import_errors(node: ast.Try | ast.TryStar) -> bool:
    """Tell whether a ``try`` goes on where an import fails."""
    caught: Iterable[ast.expr | None] = [handler.type for handler in node.handlers]
    names = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"}
    return any(
        one is None or any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(one)) for one in caught
    )
