"""An observer around one call of the user's.

An observer is a generator with one ``yield``: before it, it logs what is known; the user's call happens at the
``yield``; after it, it logs the result. Nothing it does reaches the user: its error becomes one
`AutologWarning` and a note in the run, while the user's own exception leaves as it came.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from ..core.pausing import is_paused, paused, paused_here
from ..errors import AutologWarning, AzmlError, warn_outside

if TYPE_CHECKING:
    from ..core.run import Run

__all__ = [
    "Observation",
    "Observer",
    "attempt",
    "current_or_new_run",
    "is_paused",
    "observed_run",
    "paused",
    "paused_here",
    "stumble",
]

Observer: TypeAlias = Callable[..., Generator[Mapping[str, object] | None, Any, None]]
"""``observer(run, *args, **kwargs)``, with the arguments of the user's call; a generator with one ``yield``.

What it yields is nothing, or arguments that the call gets in the place of the user's, by name:
``yield {"callbacks": [ours, *callbacks]}``. A list of the user's is never changed, a new one is given.
"""
Placing: TypeAlias = Callable[..., "tuple[Run, bool] | None"]
"""``open_run(*args, **kwargs)``: the run for a call, and whether it ends with it; None leaves the call alone."""

_UNDER_WAY: "ContextVar[Observation | None]" = ContextVar("azml_autolog_under_way", default=None)


def observed_run() -> "Run | None":
    """Return the run in which a call around this one is being recorded, by whichever adapter, or None.

    Two adapters may see one training: scikit-learn's sees the ``fit`` of an estimator whose own framework has an
    adapter too. The inner one adds to this run what only it knows, and ends nothing.
    """
    seen = _UNDER_WAY.get()
    while seen is not None and (seen.over or seen.run is None):
        seen = seen.around
    return None if seen is None else seen.run


@contextlib.contextmanager
def attempt(source: str, run: "Run | None" = None, *, on_error: str = "warn") -> Iterator[None]:
    """Do one of several things: when it fails, that is a `stumble`, and the others are still done.

    Parameters
    ----------
    source, run, on_error
        As `stumble` has them.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it raises is ours to bear
        stumble(source, error, run, on_error=on_error)


def stumble(source: str, error: Exception, run: "Run | None" = None, *, on_error: str = "warn") -> None:
    """Turn an error of ours into one warning, at the user's line, and a note in the run.

    The same error in the same run, at the next step or the next call, is not told again.

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
        Unless it raises, or the run has heard of it.
    """
    if on_error == "raise" or isinstance(error, AutologWarning):  # one of ours, that a filter made an error
        raise error
    message = f"{type(error).__name__}: {error.message if isinstance(error, AzmlError) else error}"
    if run is not None:
        if (source, message) in run._warned:  # noqa: SLF001 - a fault at every step is one fault of the run
            return
        run._warned.add((source, message))  # noqa: SLF001 - likewise
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
        Returns the run to write to and whether the observation has to end it, or None where the call is to be left
        alone. Without it, the current run is taken, or one is started.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Attributes
    ----------
    run : Run or None
        None when there could be none.
    result : object
        What the user's call returned.
    arguments : mapping of str to object
        What the observer has yielded: arguments of the call in the place of the user's, by name.
    left_alone : bool
        Whether `open_run` wanted nothing to be observed.
    around : Observation or None
        The observation that was under way when this one was entered.
    over : bool
        Whether it has been left.
    """

    def __init__(
        self,
        source: str,
        observer: Observer,
        *args: object,
        open_run: "Callable[[], tuple[Run, bool] | None] | None" = None,
        on_error: Literal["warn", "raise"] = "warn",
        **kwargs: object,
    ) -> None:
        self.run: Run | None = None
        self.result: object = None
        self.arguments: Mapping[str, object] = {}
        self.left_alone = False
        self.around: Observation | None = None
        self.over = False
        self._source = source
        self._observe: Callable[[Run], Generator[Mapping[str, object] | None, Any, None]]
        self._observe = lambda run: observer(run, *args, **kwargs)
        self._open_run = open_run or current_or_new_run
        self._on_error = on_error
        self._owned = False
        self._steps: Generator[Mapping[str, object] | None, Any, None] | None = None

    def __enter__(self) -> Self:
        """Run the observer up to its ``yield``."""
        with paused():
            try:
                self._begin()
            except Exception as error:  # noqa: BLE001 - whatever an observer raises is ours to bear
                self._steps = None
                stumble(self._source, error, self.run, on_error=self._on_error)
            except BaseException as interrupt:  # Ctrl-C before the user's call: there will be no call
                self._end(interrupt)
                raise
        self.around = _UNDER_WAY.get()
        _UNDER_WAY.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Resume the observer with the result, or fail the run; the user's exception is never swallowed."""
        self.over = True
        if _UNDER_WAY.get() is self:  # left in another context than it was entered in: there it is over, too
            _UNDER_WAY.set(self.around)
        with paused():
            if error is None:
                self._finish()
            else:
                with contextlib.suppress(Exception):  # also a warning that a filter made an error: theirs goes first
                    self._abandon()
                with contextlib.suppress(Exception):
                    self._end(error)

    def _begin(self) -> None:
        opened = self._open_run()
        if opened is None:
            self.left_alone = True
            return
        self.run, self._owned = opened
        self._steps = self._observe(self.run)
        given: object = next(self._steps, None)
        if isinstance(given, Mapping):
            self.arguments = given
        elif given is not None:
            raise TypeError(f"the observer yields {given!r}; it yields nothing, or arguments of the call by name")

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
