"""Follows names through code, without running it, and tells what becomes of each use of a name that is known."""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence

from . import others, table
from .facts import Entry, Fact, Finding, Spot, Verdict
from .reading import UNREADABLE, Piece, Program
from .scopes import (
    Instance,
    Local,
    Named,
    Scope,
    Thing,
    bound_anywhere,
    catches_import_errors,
    imported,
    iterated,
    made,
    one_of,
)

_GIVEN = frozenset(dir(builtins)) | {
    *("__file__", "__name__", "__doc__", "__path__", "__builtins__"),
    *("get_ipython", "display", "In", "Out", "_", "__", "___", "exit", "quit", "dbutils", "spark", "sc"),
}
"""Names that nobody has to bind: Python's, a notebook's, a Databricks notebook's."""

_APART = frozenset(("azureml", "azureml.train"))
"""Packages that have no module below them until somebody imports it."""

_WITH_CORE = frozenset(("azureml.core", "azureml.data", "azureml.exceptions", "azureml._common", "azureml._restclient"))
"""Modules that come with whatever is imported of azureml."""

_DEEPEST = 10
"""Functions that are asked for what they return while one of them is asked."""

_SAME = frozenset(("list", "sorted", "reversed", "tuple", "iter"))
"""Functions that return what they are given, in another order or container."""


def findings(program: Program) -> list[Finding]:
    """Return every use of a known name in a program, in order, and what in it cannot be read."""
    follower = Follower(program)
    try:
        follower.follow()
    except RecursionError:
        follower.found.append(Finding(follower.spot, UNREADABLE, Verdict.BROKEN, "is nested too deep to be followed"))
    return sorted({*program.faults, *follower.found})


class Follower:
    """Reads one program from top to bottom, then the bodies of its functions.

    Parameters
    ----------
    program : Program
        What to read.
    """

    def __init__(self, program: Program) -> None:
        self.found: list[Finding] = []
        self._program = program
        self._scope = Scope()
        self._later: list[tuple[Piece, Scope, ast.AST]] = []
        self._bases: list[tuple[Piece, ast.Name]] = []
        self._guarded = 0
        self._branches = 0
        self._answers: dict[ast.AST, Thing | None] = {}
        self._depth = 0
        self._returned: list[Thing | None] = []
        self._open = not program.closed
        self._loaded = _WITH_CORE.union(*(imported(piece.tree) for piece in program.pieces))

    @property
    def spot(self) -> Spot:
        """Return where the code begins that is being read."""
        return Spot(self._piece.path, self._piece.cell, 1, 1)

    def follow(self) -> None:
        """Read everything, and fill `found`."""
        for piece in self._program.pieces:
            self._piece = piece
            self._body(piece.tree.body)
        while self._later:
            self._piece, self._scope, node = self._later.pop(0)
            self._inside(node)
        self._tell_unbound()

    # -- statements ------------------------------------------------------------------------------

    def _body(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912 - one case for each kind of statement
        match node:
            case ast.Import(names=names):
                for alias in names:
                    self._import(alias)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Assign(targets=targets, value=value):
                thing = self._look(value)
                for target in targets:
                    self._bind(target, thing, value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                thing = self._look(value) if value is not None else None
                self._bind(target, thing or self._annotated(annotation), value)
            case ast.Return(value=value):
                self._returned.append(self._look(value) if value is not None else None)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    thing = self._look(item.context_expr)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, thing, None)
                self._body(body)
            case ast.For(target=target, iter=several) | ast.AsyncFor(target=target, iter=several):
                self._bind(target, iterated(self._look(several)), None)
                self._branch(node.body, node.orelse)
            case ast.While(test=test, body=body, orelse=orelse) | ast.If(test=test, body=body, orelse=orelse):
                self._look(test)
                self._branch(body, orelse)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.Match(subject=subject, cases=cases):
                self._look(subject)
                for case in cases:
                    self._children(case.pattern)
                    if case.guard is not None:
                        self._look(case.guard)
                    self._branch(case.body)
            case _:
                self._children(node)

    def _branch(self, *bodies: Sequence[ast.stmt]) -> None:
        """Read code that may be passed over: it forgets nothing that was known."""
        self._branches += 1
        for body in bodies:
            self._body(body)
        self._branches -= 1

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        guarded = catches_import_errors(node)
        self._guarded += guarded
        for handler in node.handlers:
            if handler.type is not None:
                self._look(handler.type)
        self._branch(node.body, *(handler.body for handler in node.handlers))
        self._guarded -= guarded
        self._branch(node.orelse)
        self._body(node.finalbody)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for outside in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._look(outside)
        self._scope.bound[node.name] = Local(node)
        self._later.append((self._piece, self._scope, node))

    def _class(self, node: ast.ClassDef) -> None:
        for outside in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self._look(outside)
        self._scope.bound[node.name] = None
        outer, self._scope = self._scope, Scope(self._scope)
        self._body(node.body)
        self._scope = outer

    def _inside(self, node: ast.AST) -> None:
        """Read the body of a function in a scope of its own."""
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))  # noqa: S101 - for mypy
        self._scope = Scope(self._scope)
        self._branches = self._guarded = 0
        taken = node.args
        for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs):
            self._scope.bound[one.arg] = self._annotated(one.annotation) if one.annotation is not None else None
        for rest in filter(None, (taken.vararg, taken.kwarg)):
            self._scope.bound[rest.arg] = None
        self._body(node.body)

    # -- imports ---------------------------------------------------------------------------------

    def _import(self, alias: ast.alias) -> None:
        name = alias.name
        if name.partition(".")[0] == "azureml":
            self._tell_module(alias, name)
        elif (fact := table.fact(name)) is not None:
            self._tell(alias, name, fact)
        bound = alias.asname or name.partition(".")[0]
        self._scope.bound[bound] = Named(name if alias.asname else bound)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            module = "."
        for alias in node.names:
            full = f"{module}.{alias.name}"
            if alias.name == "*":
                self._import_all(module)
                continue
            self._scope.bound[alias.asname or alias.name] = self._imported(alias, module, full)

    def _imported(self, alias: ast.alias, module: str, full: str) -> Named:
        if module.partition(".")[0] != "azureml":
            broken = table.fact(full) or table.fact(module)
            if broken is not None:
                self._tell(alias, full, broken)
            return Named(full)
        found = table.entry(full)
        if found is not None:
            self._tell(alias, found[0], _imports(found[1].fact))
            return Named(*_named(found))
        fact = table.fact(full)
        if fact is None and table.is_module(full):
            self._tell(alias, full, Fact(full, Verdict.RUNS))
        else:
            self._tell(alias, full, fact or _unheard(full))
        return Named(full, fact)

    def _import_all(self, module: str) -> None:
        self._open = True
        for name, canonical, fact in table.names_in(module):
            self._scope.bound[name] = Named(canonical, fact)

    def _tell_module(self, node: ast.AST, name: str) -> None:
        fact = Fact(name, Verdict.RUNS) if name in table.modules() and not table.room_of(name) else table.fact(name)
        self._tell(node, name, fact or _unheard(name))

    # -- expressions -----------------------------------------------------------------------------

    def _look(self, node: ast.AST, *, called: bool = False) -> Thing | None:  # noqa: C901, PLR0911 - one case for each kind
        """Read an expression, tell of what is used in it, and return what it stands for."""
        match node:
            case ast.Name(id=name):
                return self._scope.find(name)
            case ast.Attribute():
                return self._attribute(node, called=called)
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=value, slice=place):
                thing = self._look(value)
                self._look(place)
                return thing if isinstance(place, ast.Slice) else one_of(thing)
            case ast.Await(value=value) | ast.Starred(value=value):
                return self._look(value)
            case ast.NamedExpr(target=target, value=value):
                thing = self._look(value)
                self._bind(target, thing, value)
                return thing
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._look(test)
                return self._look(body) or self._look(orelse)
            case ast.BoolOp(values=values):
                things = [self._look(value) for value in values]
                return next((thing for thing in things if thing is not None), None)
            case ast.Lambda(args=taken, body=body):
                with_arguments = [one.arg for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
                outer, self._scope = self._scope, Scope(self._scope, dict.fromkeys(with_arguments))
                self._look(body)
                self._scope = outer
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case _:
                self._children(node)
        return None

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
            else:
                self._look(child)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Thing | None:
        outer, self._scope = self._scope, Scope(self._scope)
        for loop in node.generators:
            self._bind(loop.target, iterated(self._look(loop.iter)), None)
            for test in loop.ifs:
                self._look(test)
        if isinstance(node, ast.DictComp):
            self._look(node.key)
        thing = self._look(node.value if isinstance(node, ast.DictComp) else node.elt)
        self._scope = outer
        if not isinstance(thing, Instance):
            return None
        return Instance(f"{{{thing.kind}}}" if isinstance(node, ast.DictComp) else f"[{thing.kind}]")

    def _attribute(self, node: ast.Attribute, *, called: bool) -> Thing | None:
        if isinstance(node.value, ast.Name):
            self._bases.append((self._piece, node.value))
            if (known := self._scope.find(f"{node.value.id}.{node.attr}")) is not None:
                return known
        base = self._look(node.value)
        match base:
            case Named(name=name):
                return self._name_in(node, name, called=called)
            case Instance(kind=kind):
                return self._member(node, kind)
            case _:
                return None

    def _name_in(self, node: ast.Attribute, base: str, *, called: bool) -> Thing | None:
        """Return what a name of a module or class stands for."""
        full = f"{base}.{node.attr}"
        if base in _APART and table.is_module(full) and not (self._open or full in self._loaded):
            self._tell(node, full, Fact(full, Verdict.BROKEN, f"{full} is used, but imported nowhere in this file"))
            return None
        if base.partition(".")[0] != "azureml":
            if (fact := table.fact(full)) is not None:
                self._tell(node, full, fact)
            return Named(full)
        if (found := table.entry(full)) is not None:
            if not called:
                self._tell(node, found[0], found[1].fact)
            return Named(*_named(found))
        if (owner := table.entry(base)) is not None and owner[1].fact.verdict is not Verdict.CLOUD:
            return self._member(node, owner[1].fact.name)
        if full in table.modules() and table.room_of(full) is None:
            return Named(full)
        fact = table.fact(full) or (None if owner is not None else _unheard(full))
        if fact is not None:
            self._tell(node, full, fact)
        return Named(full, fact)

    def _member(self, node: ast.Attribute, kind: str) -> Thing | None:
        if kind[:1] in ("[", "{"):
            inner = kind[1:-1]
            return {"values": Instance(f"[{inner}]"), "items": Instance(f"[({inner})]"), "get": made(inner)}.get(
                node.attr
            )
        found = table.member(kind, node.attr)
        if found is None:
            read = isinstance(node.ctx, ast.Load)
            if table.is_class(kind) and (read or kind in table.SEALED) and not node.attr.startswith("_"):
                self._tell(node, f"{kind}.{node.attr}", _unheard(f"{kind}.{node.attr}"))
            return None
        name, fact = found
        self._tell(node, name, fact)
        return Named(name, fact) if fact.parameters is not None else made(fact.gives)

    def _call(self, node: ast.Call) -> Thing | None:
        thing = self._look(node.func, called=True)
        arguments = [self._look(argument) for argument in node.args]
        for keyword in node.keywords:
            self._look(keyword.value)
        match thing:
            case Named(name=name, fact=None):
                self._tell_gone_arguments(node, name)
                return made(others.GIVES.get(name, ""))
            case Named(name=name, fact=Fact() as fact):
                if table.entry(name) is not None or isinstance(node.func, ast.Name):
                    self._tell(node.func, name, fact)
                self._tell_unknown_arguments(node, name, fact)
                return made(fact.gives)
            case Local(node=function):
                return self._returns(function)
            case Instance():
                return thing
            case _:
                return self._of_builtin(node.func, arguments)

    def _of_builtin(self, function: ast.expr, arguments: Sequence[Thing | None]) -> Thing | None:
        """Return what a function of Python itself returns of something known."""
        first = arguments[0] if arguments else None
        if isinstance(function, ast.Name) and first is not None:
            if function.id == "next":
                return one_of(first)
            if function.id in _SAME:
                return first
        return None

    def _returns(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Thing | None:
        """Return what a function of the program returns, if that is plain to see."""
        if function not in self._answers and self._depth < _DEEPEST:
            self._answers[function] = None  # while it is asked: it may call itself
            self._depth += 1
            self._answers[function] = self._what_returns(function)
            self._depth -= 1
        return self._answers.get(function)

    def _what_returns(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Thing | None:
        """Read a function in advance, and tell nothing of it: that is done when it is its turn."""
        kept = (self._scope, self.found, self._later, self._bases, self._returned, self._branches, self._guarded)
        while self._scope.outer is not None:
            self._scope = self._scope.outer
        self.found, self._later, self._bases, self._returned = [], [], [], []
        self._inside(function)
        things = [thing for thing in self._returned if thing is not None]
        (self._scope, self.found, self._later, self._bases, self._returned, self._branches, self._guarded) = kept
        return things[0] if things and all(thing == things[0] for thing in things) else None

    def _annotated(self, node: ast.expr) -> Thing | None:
        """Return an object of the class that an annotation names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        if isinstance(node, ast.BinOp):  # Run | None
            return self._annotated(node.left) or self._annotated(node.right)
        if isinstance(node, ast.Subscript):  # Optional[Run]
            return self._annotated(node.slice)
        name = _dotted(node)
        if name is None:
            return None
        first, _, rest = name.partition(".")
        known = self._scope.find(first)
        if not isinstance(known, Named):
            return None
        found = table.entry(f"{known.name}.{rest}" if rest else known.name)
        return made(found[1].fact.gives) if found is not None else None

    # -- binding ---------------------------------------------------------------------------------

    def _bind(self, target: ast.expr, thing: Thing | None, value: ast.expr | None) -> None:
        match target:
            case ast.Name(id=name):
                self._set(name, thing)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                self._look(target)
                if owner == "self":
                    self._set_outside(f"{owner}.{name}", thing)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                self._bind_parts(parts, thing, value)
            case ast.Starred(value=part):
                self._bind(part, None, None)
            case _:
                self._look(target)

    def _bind_parts(self, parts: Sequence[ast.expr], thing: Thing | None, value: ast.expr | None) -> None:
        things: list[Thing | None] = [None] * len(parts)
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(parts):
            kept, self.found = self.found, []
            things = [self._look(one) for one in value.elts]
            self.found = kept
        elif isinstance(thing, Instance) and thing.kind.startswith("("):
            things[-1] = made(thing.kind[1:-1])
        elif isinstance(thing, Instance):
            things = [one_of(thing)] * len(parts)
        for part, one in zip(parts, things, strict=True):
            self._bind(part, one, None)

    def _set(self, name: str, thing: Thing | None) -> None:
        if thing is not None or not self._branches or name not in self._scope.bound:
            self._scope.bound[name] = thing

    def _set_outside(self, name: str, thing: Thing | None) -> None:
        """Bind an attribute of ``self`` around the methods, so that all of them see it."""
        scope = self._scope.outer or self._scope
        if thing is not None:
            scope.bound[name] = thing

    # -- telling ---------------------------------------------------------------------------------

    def _tell(self, node: ast.AST, name: str, fact: Fact) -> None:
        if self._guarded and fact.verdict in (Verdict.BROKEN, Verdict.UNKNOWN):
            return
        self.found.append(Finding(self._piece.spot(node), name, fact.verdict, fact.why))

    def _tell_gone_arguments(self, node: ast.Call, name: str) -> None:
        for keyword in node.keywords:
            why = others.BROKEN_ARGUMENTS.get((name, keyword.arg or ""))
            if why is not None:
                self._tell(keyword, f"{name}({keyword.arg}=)", Fact(name, Verdict.BROKEN, why))

    def _tell_unknown_arguments(self, node: ast.Call, name: str, fact: Fact) -> None:
        taken = table.parameters(fact)
        if taken is None or taken[1] or fact.verdict is Verdict.CLOUD:
            return
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in taken[0]:
                why = f"{fact.name} of the old SDK has no argument {keyword.arg}"
                self._tell(keyword, f"{name}({keyword.arg}=)", Fact(name, Verdict.UNKNOWN, why))

    def _tell_unbound(self) -> None:
        """Tell of names that are used as modules are, and bound nowhere."""
        if self._open:
            return
        bound = {name for piece in self._program.pieces for name in bound_anywhere(piece.tree)} | _GIVEN
        for piece, node in self._bases:
            if node.id not in bound:
                self._piece = piece
                why = f"{node.id} is used, but imported or defined nowhere in this file"
                self._tell(node, node.id, Fact(node.id, Verdict.BROKEN, why))


def _named(found: tuple[str, Entry]) -> tuple[str, Fact]:
    return found[0], found[1].fact


def _imports(fact: Fact) -> Fact:
    """Return what becomes of the import of a name: what differs does so when it is used."""
    return Fact(fact.name, Verdict.RUNS) if fact.verdict is Verdict.DIFFERS else fact


def _unheard(name: str) -> Fact:
    return Fact(
        name, Verdict.UNKNOWN, f"{name.rpartition('.')[2]} is not known here: it may be misspelt, or of the cloud"
    )


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else None


def counts(found: Iterable[Finding]) -> dict[Verdict, int]:
    """Return how many uses there are of each kind."""
    numbers = dict.fromkeys(Verdict, 0)
    for one in found:
        numbers[one.verdict] += 1
    return numbers


def checked(programs: Iterable[Program]) -> Iterator[Finding]:
    """Yield what is found in several programs."""
    for program in programs:
        yield from findings(program)
