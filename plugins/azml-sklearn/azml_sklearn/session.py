"""What is remembered between one fit and the next: which run a fit, a prediction and a metric belong to."""

import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from azml_integrations.autologging import is_paused, paused, stumble
from azml_integrations.errors import AutologWarning, OptionError, warn_outside

from .errors import ModelFormatMissingError
from .models import format_named

if TYPE_CHECKING:
    from azml_integrations import AutologOptions, Run
    from azml_integrations.autologging import Patches

    from .formats import ModelFormat

SOURCE = "sklearn"
LISTENING: "dict[Session, Patches]" = {}
"""The sessions of autolog, while it is on: they hear of what is recorded without them."""

_RECORDED: "ContextVar[Run | None]" = ContextVar("azml_sklearn_recorded", default=None)


def recorded() -> "Run | None":
    """Return the run of the fit that is under way in this context, or None."""
    return _RECORDED.get()


@contextmanager
def recording(run: "Run") -> Iterator[None]:
    """Mark a fit as recorded in a run while it is under way."""
    token = _RECORDED.set(run)
    try:
        yield
    finally:
        _RECORDED.reset(token)


class Session:
    """The adapter between two turns of the switch.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Attributes
    ----------
    on : bool
        Whether the switch is still on.
    at_end : list of callable
        Each is called with a run of the user's before it ends.
    runs_of : Remembered
        The run of each fitted estimator that is still alive, by identity.
    made_by : Remembered
        The run of each prediction that is still alive, by identity.
    covered : WeakSet of type
        Classes whose predictions and scores are heard.
    """

    _taken: ClassVar[set[str]] = set()  # of all sessions: a run has one first fit, whoever records it
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, options: "AutologOptions") -> None:
        self.options = options
        self.on = True
        self.max_metric_rows = _count(options.extra, "max_metric_rows", 50_000)
        self.max_model_bytes = _count(options.extra, "max_model_bytes", 256 * 2**20)
        self.max_child_runs = _count(options.extra, "max_child_runs", 1000)
        self.model_format = _format(options)
        self.log_input_examples = _flag(options.extra, "log_input_examples", default=False)
        self.at_end: list[Callable[[Run], object]] = []
        self.runs_of = Remembered()
        self.made_by = Remembered()
        self.covered: weakref.WeakSet[type] = weakref.WeakSet()
        self._last: ContextVar[Run | None] = ContextVar("azml_sklearn_last_fit", default=None)
        self._prepared: dict[str, int] = {}
        self._named: defaultdict[tuple[str, str], list[object]] = defaultdict(list)

    def end(self) -> None:
        """Say that the switch was turned off."""
        self.on = False

    def hear_end(self, run: "Run") -> None:
        """Do what waits for the end of a run of the user's; one that we began ourselves is paused over."""
        if not is_paused("sklearn"):
            for act in self.at_end:
                with paused(), self.attempt(run):
                    act(run)

    @property
    def last(self) -> "Run | None":
        """The run of the last fit of this context."""
        return self._last.get()

    @last.setter
    def last(self, run: "Run") -> None:
        self._last.set(run)

    def open_run(self, name: str) -> "tuple[Run, bool]":
        """Return the run for one more fit, and whether it has to be ended with the fit.

        The first fit of a user's run stands in that run, each later one in a child; without a user's run, each
        has a run of its own.
        """
        from azml_integrations import current_run, implicit_run

        run = current_run()
        return (implicit_run(name=name), True) if run is None else self.place_in(run, name)

    def place_in(self, run: "Run", name: str) -> "tuple[Run, bool]":
        """Return a user's run for its first fit, a child of it for each later one; and whether it has to be ended."""
        with self._lock:
            free = run.id not in self._taken
            self._taken.add(run.id)
        if free and "estimator" not in run.get_properties():  # another process may have fitted in this run
            return run, False
        from azml_integrations import implicit_child

        from . import several

        several.remember(run, self)
        return implicit_child(run, name=name), True

    def next_preparation(self, run: "Run") -> int:
        """Return the number of one more preprocessing step of a run, from 1."""
        with self._lock:
            if run.id not in self._prepared:
                there = [key.partition("preprocessing.")[2] for key in run.get_properties()]
                self._prepared[run.id] = max((int(number) for number in there if number.isdecimal()), default=0)
            self._prepared[run.id] += 1
            return self._prepared[run.id]

    def metric_name(self, run: "Run", metric: str, about: object) -> str:
        """Return the name for a metric: the second one on other data, or with other settings, is ``_2``."""
        with self._lock:
            seen = self._named[run.id, metric]
            if about not in seen:
                seen.append(about)
            place = seen.index(about) + 1
        return metric if place == 1 else f"{metric}_{place}"

    @contextmanager
    def attempt(self, run: "Run | None") -> Iterator[None]:
        """Do one of several things: when it fails, the others are still done."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a picture that fails must not cost the model
            stumble(SOURCE, error, run, on_error=self.options.on_error)


class Remembered:
    """Runs by the identity of objects, which are not kept alive by it."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[weakref.ref[Any], Run]] = {}

    def __setitem__(self, thing: Any, run: "Run") -> None:
        key = id(thing)
        try:
            reference = weakref.ref(thing, lambda _: self._runs.pop(key, None))
        except TypeError:  # a list, say: what comes of it belongs to the last fit
            return
        self._runs[key] = (reference, run)

    def get(self, thing: Any) -> "Run | None":
        """Return the run of this very object, or None."""
        reference, run = self._runs.get(id(thing), (None, None))
        return run if reference is not None and reference() is thing else None


def _count(extra: Any, name: str, default: int) -> int:
    value = extra.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is a number of at least 0, not {value!r}")
    return value


def _format(options: "AutologOptions") -> "ModelFormat":
    """Return the format of models; say at once, not only in each run, when its package is missing."""
    try:
        chosen = format_named(options.extra.get("model_format", "pickle"))
    except OptionError as error:
        raise ValueError(error.message) from error
    try:
        if options.log_models:
            chosen.check_written()
    except ModelFormatMissingError as missing:
        warn_outside(f"autolog of sklearn: no models will be stored: {missing.message}", AutologWarning, "sklearn")
    return chosen


def _flag(extra: Any, name: str, *, default: bool) -> bool:
    value = extra.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is True or False, not {value!r}")  # noqa: TRY004 - as of every option
    return value
