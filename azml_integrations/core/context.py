"""The current run: which run a call belongs to that names none."""

from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self


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


class as_current:  # noqa: N801 - a verb: ``with as_current(run):``
    """Make a run the current one for the length of a ``with`` block, and do nothing else to it.

    ``with run:`` also ends the run and copies what is printed into it. This is for an adapter whose framework calls the
    user's code, in whichever thread: what that code logs belongs to `run`.

    Parameters
    ----------
    run : Run
        It stays as it is; where it is over, it is not the current run.

    Examples
    --------
    >>> with as_current(child):  # doctest: +SKIP
    ...     objective(trial)
    """

    def __init__(self, run: Ending) -> None:
        self._run = run

    def __enter__(self) -> Self:
        """Make it the current run of this context."""
        enter(self._run)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the run before it the current one again."""
        leave(self._run)
