"""An observer around one call of the user's.

An observer is a generator with one ``yield``: before it, it logs what is known; the user's call happens at the
``yield``; after it, it logs the result. Nothing it does reaches the user: its error becomes one
`AutologWarning` and a note in the run, while the user's own exception leaves as it came.
"""

import contextlib
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from ..core.pausing import is_paused, paused, paused_here
from ..errors import AutologWarning, AzmlError, warn_outside

if TYPE_CHECKING:
    from ..core.run import Run

__all__ = ["Observation", "Observer", "current_or_new_run", "is_paused", "paused", "paused_here", "stumble"]

Observer: TypeAlias = Callable[..., Generator[None, Any, None]]
"""``observer(run, *args, **kwargs)``, with the arguments of the user's call; a generator with one ``yield``."""


def stumble(source: str, error: Exception, run: "Run | None" = None, *, on_error: str = "warn") -> None:
    """Turn an error of ours into one warning, at the user's line, and a note in the run.

    Parameters
    ----------
    source : str
        Who stumbled: the name of the adapter; more may follow after a space.
    error : Exception
        What happened.
    run : Run, default=None
        Run whose notes say what is missing in it.
    on_error : {"warn", "raise"}, default="warn"
        ``raise`` lets the error out, for whoever writes an adapter.

    Warns
    -----
    AutologWarning
        Always, unless it raises.
    """
    if on_error == "raise" or isinstance(error, AutologWarning):  # one of ours, that a filter made an error
        raise error
    message = f"{type(error).__name__}: {error.message if isinstance(error, AzmlError) else error}"
    if run is not None:
        with contextlib.suppress(Exception):  # the note may fail for the same reason: a full disk
            run.note(source, message)
    framework = source.partition(" ")[0]
    warn_outside(f"autolog of {source}: {message}; training goes on", AutologWarning, framework)


class Observation:
    """One call of the user's, seen from its beginning to its end.

    Enter it before the call, set `result` after the call, leave it: ``with Observation(...) as seen:
    seen.result = call()``. When the call raises, the run ends as Failed before the exception leaves, if the
    observation has started that run.

    Parameters
    ----------
    source : str
        Name of the adapter, for warnings and notes.
    observer : Observer
        Called with the run and the arguments of the call.
    *args, **kwargs
        Arguments of the user's call.
    open_run : callable, default=None
        Returns the run to write to and whether the observation has to end it; None takes the current run, or
        starts one.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Attributes
    ----------
    run : Run or None
        None when there could be none.
    result : object
        What the user's call returned.
    """

    def __init__(
        self,
        source: str,
        observer: Observer,
        *args: object,
        open_run: "Callable[[], tuple[Run, bool]] | None" = None,
        on_error: Literal["warn", "raise"] = "warn",
        **kwargs: object,
    ) -> None:
        self.run: Run | None = None
        self.result: object = None
        self._source = source
        self._observe: Callable[[Run], Generator[None, Any, None]] = lambda run: observer(run, *args, **kwargs)
        self._open_run = open_run or current_or_new_run
        self._on_error = on_error
        self._owned = False
        self._steps: Generator[None, Any, None] | None = None

    def __enter__(self) -> Self:
        """Run the observer up to its ``yield``."""
        with paused():
            try:
                self.run, self._owned = self._open_run()
                self._steps = self._observe(self.run)
                next(self._steps, None)
            except Exception as error:  # noqa: BLE001 - whatever an observer raises is ours to bear
                self._steps = None
                stumble(self._source, error, self.run, on_error=self._on_error)
            except BaseException as interrupt:  # Ctrl-C before the user's call: there will be no call
                self._end(interrupt)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Resume the observer with the result, or fail the run; the user's exception is never swallowed."""
        with paused():
            if error is None:
                self._finish()
            else:
                with contextlib.suppress(Exception):  # also a warning that a filter made an error: theirs goes first
                    self._abandon()
                with contextlib.suppress(Exception):
                    self._end(error)

    def _finish(self) -> None:
        try:
            self._resume()
        except BaseException as interrupt:
            self._end(interrupt)
            raise
        self._end(None)

    def _resume(self) -> None:
        if self._steps is None:
            return
        try:
            self._steps.send(self.result)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - as above
            stumble(self._source, error, self.run, on_error=self._on_error)
            return
        self._steps.close()
        more = RuntimeError("the observer yields more than once; an observer has one yield, where the call happens")
        stumble(self._source, more, self.run, on_error=self._on_error)

    def _abandon(self) -> None:
        if self._steps is not None:
            self._steps.close()

    def _end(self, error: BaseException | None) -> None:
        if not self._owned or self.run is None:
            return
        try:
            if error is None:
                self.run.complete()
            else:
                self.run.fail(error)
        except Exception as trouble:  # noqa: BLE001 - a full disk must not cost the user a trained model
            stumble(self._source, trouble, on_error=self._on_error)


def current_or_new_run() -> "tuple[Run, bool]":
    """Return the run that this context is in, or a new one, and whether it is new."""
    from ..core import current_run, implicit_run

    run = current_run()
    return (run, False) if run is not None else (implicit_run(), True)
