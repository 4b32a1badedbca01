"""The only monkeypatching of the house, and every bit of it can be undone.

What replaces a function looks like it (name, signature, docstring), calls it exactly once, and steps aside as soon
as it is undone, even where somebody else has patched on top of it.
"""

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal

from .adapter import Observation, Observer, Placing, is_paused, stumble

_INSIDE: ContextVar[bool] = ContextVar("azml_autolog_inside", default=False)
_ABSENT = object()


@dataclass(frozen=True)
class Target:
    """A function or method to observe.

    Attributes
    ----------
    owner : class or module
        Where it is looked up.
    name : str
        Its name there.
    observer : Observer
        Runs around every outermost call: not around calls that an observed call makes.
    open_run : callable, default=None
        Takes the arguments of the call; returns the run for it, and whether it ends with the call. None instead leaves
        the call alone, as if nothing was patched. Without it, the current run is taken, or one is started; `place_fit`
        is what a training wants.
    """

    owner: Any
    name: str
    observer: Observer
    open_run: Placing | None = None


class Patches:
    """What was replaced, and how to put it back.

    Parameters
    ----------
    source : str
        Name of the adapter, for warnings and notes.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of its observers.

    Attributes
    ----------
    active : bool
        False once undone; a replacement that can outlive its undoing asks this.
    """

    def __init__(self, source: str, *, on_error: Literal["warn", "raise"] = "warn") -> None:
        self.source = source
        self.active = True
        self._on_error = on_error
        self._undo: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def replace(self, owner: Any, name: str, value: object) -> None:
        """Put `value` in the place of an attribute of a class or module.

        Parameters
        ----------
        owner : class or module
            Where the attribute is looked up.
        name : str
            Its name; an inherited attribute is covered, and uncovered again.
        value : object
            What stands there until `undo`.
        """
        old = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self.also(lambda: _restore(owner, name, value, old))

    def replace_cell(self, function: Any, variable: str, value: object) -> None:
        """Put `value` into a closure cell: the function stays the same object, for everyone who holds it.

        Parameters
        ----------
        function : function
            A function with a closure.
        variable : str
            Name of a free variable of it.
        value : object
            What the cell holds until `undo`.

        Raises
        ------
        ValueError
            If the function has no such cell.
        """
        cell = cell_of(function, variable)
        old = cell.cell_contents
        cell.cell_contents = value

        def restore() -> None:
            if cell.cell_contents is value:
                cell.cell_contents = old

        self.also(restore)

    def observe(self, target: Target) -> None:
        """Run the target's observer around each outermost call of it.

        Parameters
        ----------
        target : Target
            What to observe.

        Raises
        ------
        AttributeError
            If the owner has no such attribute.
        """
        raw = inspect.getattr_static(target.owner, target.name)
        match raw:
            case staticmethod() | classmethod():
                self.replace(target.owner, target.name, type(raw)(self._observed(raw.__func__, target)))
            case _:
                self.replace(target.owner, target.name, self._observed(raw, target))

    def also(self, undo: Callable[[], object]) -> None:
        """Call `undo` when all this is undone, the latest first."""
        with self._lock:
            self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back; twice does no harm."""
        self.active = False
        with self._lock:
            steps, self._undo = self._undo, []
        for step in reversed(steps):
            step()

    def _observed(self, call: Callable[..., Any], target: Target) -> FunctionType:
        @functools.wraps(call)
        def observed(*args: Any, **kwargs: Any) -> Any:
            if self._looks_away():
                return call(*args, **kwargs)
            with self._observation(target, args, kwargs) as seen:
                if seen.left_alone:
                    return call(*args, **kwargs)
                with _inside():
                    if seen.arguments:
                        args, kwargs = self._given(call, args, kwargs, seen)
                    seen.result = call(*args, **kwargs)
            return seen.result

        @functools.wraps(call)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            if self._looks_away():
                return await call(*args, **kwargs)
            with self._observation(target, args, kwargs) as seen:
                if seen.left_alone:
                    return await call(*args, **kwargs)
                with _inside():
                    if seen.arguments:
                        args, kwargs = self._given(call, args, kwargs, seen)
                    seen.result = await call(*args, **kwargs)
            return seen.result

        if inspect.iscoroutinefunction(call):
            return awaited  # type: ignore[return-value]
        return observed  # type: ignore[return-value]

    def _looks_away(self) -> bool:
        return not self.active or is_paused(self.source) or _INSIDE.get()

    def _observation(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        place = target.open_run
        opened = None if place is None else functools.partial(place, *args, **kwargs)
        watch = _bound(target.observer, args, kwargs)
        return Observation(self.source, watch, open_run=opened, on_error=self._on_error)

    def _given(
        self, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seen: Observation
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call with those of the observer among them; the user's alone where that fails."""
        try:
            return with_arguments(call, args, kwargs, seen.arguments)
        except (TypeError, ValueError) as error:
            stumble(self.source, error, seen.run, on_error=self._on_error)
            return args, kwargs


@contextlib.contextmanager
def patched(*targets: Target, source: str = "", on_error: Literal["warn", "raise"] = "warn") -> Iterator[None]:
    """Observe targets for the length of a ``with`` block.

    Parameters
    ----------
    *targets : Target
        What to observe.
    source : str, default=""
        Name for warnings and notes; empty takes that of the target's owner.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of the observers.
    """
    with contextlib.ExitStack() as stack:
        for target in targets:
            patches = Patches(source or getattr(target.owner, "__name__", "observer"), on_error=on_error)
            stack.callback(patches.undo)
            patches.observe(target)
        yield


def with_arguments(
    call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], changes: Mapping[str, object]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call, some of them replaced by name, however the user gave them.

    Raises
    ------
    TypeError
        If the call takes no argument of such a name, or not those of the user.
    ValueError
        If nobody knows what the call takes.
    """
    signature = inspect.signature(call)
    bound = signature.bind(*args, **kwargs)
    rest = next((one.name for one in signature.parameters.values() if one.kind is one.VAR_KEYWORD), None)
    for name, value in changes.items():
        if name in signature.parameters and name != rest:
            bound.arguments[name] = value
        elif rest is not None:
            bound.arguments[rest] = {**bound.arguments.get(rest, {}), name: value}
        else:
            raise TypeError(f"an observer gives {name!r} to {call!r}, which takes no such argument")
    return bound.args, bound.kwargs


def cell_of(function: Any, variable: str) -> Any:
    """Return the closure cell of a free variable.

    Raises
    ------
    ValueError
        If the function has no such cell.
    """
    code = getattr(function, "__code__", None)
    if code is None or variable not in code.co_freevars:
        raise ValueError(f"{function!r} has no closure cell {variable!r}")
    return function.__closure__[code.co_freevars.index(variable)]


def _bound(observer: Observer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observer:
    """Return an observer that knows its call: the user's words may be ours, such as ``on_error``."""
    return lambda run: observer(run, *args, **kwargs)


@contextlib.contextmanager
def _inside() -> Iterator[None]:
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def _restore(owner: Any, name: str, ours: object, old: object) -> None:
    if vars(owner).get(name, _ABSENT) is not ours:
        return  # somebody patched on top of us: ours steps aside by itself, theirs stays
    if old is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, old)
