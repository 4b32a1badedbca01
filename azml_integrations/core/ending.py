"""How a process's own runs end when nobody ends them: with the program, as the program did.

A clean end is Completed, an uncaught exception or a non-zero ``sys.exit`` Failed, SIGTERM Canceled. A process
that is killed says nothing; its released lock does.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache, wraps
from types import FrameType, TracebackType
from typing import Protocol


class Owned(Protocol):
    """A run that lives and dies with this process."""

    @property
    def owned(self) -> bool:
        """Whether this very process owns the run, and it has not ended."""

    def complete(self) -> None:
        """End well."""

    def fail(self, error_details: str | BaseException | None = None, error_code: str | None = None) -> None:
        """End badly."""

    def cancel(self) -> None:
        """End early."""


class Watch:
    """Ends the runs of one process that are still open when it ends."""

    def __init__(self) -> None:
        self._kept: set[Owned] = set()
        self._at_last: set[Callable[[], object]] = set()
        self._error: BaseException | None = None
        self._ending = False
        self._late = 0
        self._program: FrameType | None = None

    def add(self, run: Owned) -> None:
        """Watch over a run until it has ended; the run is kept alive for so long."""
        self._kept.add(run)

    def remove(self, run: Owned) -> None:
        """Stop watching over a run."""
        self._kept.discard(run)

    def at_last(self, act: Callable[[], object]) -> None:
        """Do something, once, when all runs have ended with the program."""
        self._at_last.add(act)

    def end(self) -> None:
        """End all open runs as the program ended; SIGTERM waits for that, a second one does not."""
        self._ending = True
        self._end_all()
        if self._late:
            os.kill(os.getpid(), self._late)

    def _end_all(self) -> None:
        error = self._error or self._uncaught() or sys.exc_info()[1]  # the last: a multiprocessing child that raised
        code = error.code if isinstance(error, SystemExit) else self._exit_code()
        for run in [run for run in self._kept if run.owned]:
            with contextlib.suppress(Exception):  # one run's full disk is no reason to leave the others open
                if error is not None and not isinstance(error, SystemExit):
                    run.fail(error)
                elif code not in (None, 0):
                    run.fail(f"the program ended with exit code {code!r}", "ExitCode")
                else:
                    run.complete()
        for act in self._at_last:
            with contextlib.suppress(Exception):
                act()
        if isinstance(error, KeyboardInterrupt):
            _stay_interrupted()

    def _uncaught(self) -> BaseException | None:
        """Return the exception that left the program, also where somebody's later excepthook kept it from ours."""
        last: BaseException | None = getattr(sys, "last_value", None)
        trace = last.__traceback__ if last is not None else None
        return last if trace is not None and trace.tb_frame is self._program else None

    def _exit_code(self) -> object:
        """Return the last code given to ``sys.exit``, unless somebody caught that and the program ran to its end."""
        from opcode import opname

        program = self._program
        returned = program is not None and opname[program.f_code.co_code[program.f_lasti]].startswith("RETURN")
        return None if returned else _code

    def install(self) -> None:
        """Hear of the program's end: ``atexit``, uncaught exceptions, ``sys.exit`` and SIGTERM."""
        atexit.register(self.end)
        sys.excepthook = self._hearing(sys.excepthook)
        if threading.current_thread() is threading.main_thread():
            self._program = _outermost()
        if (processes := sys.modules.get("multiprocessing.process")) and processes.parent_process() is not None:
            from multiprocessing import util

            util.Finalize(None, self.end, exitpriority=100)
        if threading.current_thread() is threading.main_thread() and _is_default(signal.SIGTERM):
            signal.signal(signal.SIGTERM, self._terminated)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._let_go)

    def _let_go(self) -> None:
        """Give SIGTERM back in a forked child: a pool ends its workers by it, also one stuck in native code."""
        if signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _hearing(
        self, hook: Callable[[type[BaseException], BaseException, TracebackType | None], object]
    ) -> Callable[[type[BaseException], BaseException, TracebackType | None], object]:
        @wraps(hook)
        def hear(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> object:
            self._error = error
            return hook(kind, error, trace)

        return hear

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        if self._ending:  # a pool tells its workers to leave, and terminates them in the same moment
            self._late = number
            signal.signal(number, signal.SIG_DFL)
            return
        for run in [run for run in self._kept if run.owned]:
            with contextlib.suppress(Exception):
                run.cancel()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_code: object = None
"""What ``sys.exit`` was last called with."""


def _exiting(leave: Callable[..., object]) -> Callable[..., object]:
    @wraps(leave)
    def hear(code: object = None, /) -> object:
        global _code  # noqa: PLW0603 - the code is told nowhere else
        _code = code
        return leave(code)

    return hear


# At import, not when the first run begins: in ``sys.exit(main())`` the function is looked up before `main` runs.
sys.exit = _exiting(sys.exit)  # type: ignore[assignment]


def _outermost() -> FrameType:
    """Return the frame of the program itself."""
    frame = sys._getframe()  # noqa: SLF001 - the only door to it
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


def _stay_interrupted() -> None:
    """Let an interrupted program die of SIGINT, as its shell expects.

    Python does so while the last string that it evaluated was interrupted; a named tuple that we import is another one.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")  # noqa: S102 - a fixed string


def _is_default(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_DFL


def watch() -> Watch:
    """Return this process's watch, installed on first use."""
    return _watch_of(os.getpid())


@cache
def _watch_of(_pid: int) -> Watch:  # a forked child has an end of its own
    installed = Watch()
    installed.install()
    return installed
