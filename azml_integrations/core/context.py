"""The current run: which run a call belongs to that names none."""

from contextvars import ContextVar
from typing import Protocol


class Ending(Protocol):
    """Something that is over at some point."""

    @property
    def over(self) -> bool:
        """Whether this handle has ended its run."""


_stack: ContextVar[tuple[Ending, ...]] = ContextVar("azml_runs", default=())

runs_here = _stack.get
"""Returns the runs that were entered in this context, over or not, the innermost last.

The tuple is the same object until a run is entered or left, and a run that is over stays so: who knows what `current`
returned for it need not ask again.
"""


def enter(run: Ending) -> None:
    """Make a run the current one of this context until it is over, or until `leave`."""
    _stack.set((*(other for other in _stack.get() if not other.over), run))


def leave(run: Ending) -> None:
    """Take a run's last entry out of this context."""
    stack = list(_stack.get())
    for position in range(len(stack) - 1, -1, -1):
        if stack[position] is run:
            del stack[position]
            break
    _stack.set(tuple(stack))


def current() -> Ending | None:
    """Return the innermost run of this context that is not over."""
    for run in reversed(_stack.get()):  # no generator: an adapter asks at every step of a training
        if not run.over:
            return run
    return None


def clear() -> None:
    """Have no current run in this context."""
    _stack.set(())
