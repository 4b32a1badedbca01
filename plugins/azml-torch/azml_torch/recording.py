"""From what was seen at each step to points of a run: means, rates, epochs, and the thread that writes them.

A training thread only appends what it has seen to a queue. A thread of ours takes it from there about once a second,
so that a training never waits for a disk.
"""

import contextlib
import os
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import TYPE_CHECKING, Any

import msgspec

from azml_integrations.errors import AutologWarning

from .loading import Iteration
from .losses import Loss
from .readings import Later, Reading, value_of

if TYPE_CHECKING:
    from azml_integrations import Run

    from .session import Session

BATCH = 2048
"""Records after which the writer is woken before its time."""

SECOND = 1.0
"""Between two points of a rate [s]."""

PAUSE = 1.0
"""How long the writer sleeps [s]: what a killed process loses at most, beside what waits on a device."""

IDLE = 10
"""After so many pauses without work the writer ends; the next record begins another."""

BEHIND = 8 * BATCH
"""Records beyond which the training thread writes by itself, because the writer gets no turn."""


@dataclass(slots=True)
class Mean:
    """A weighted mean of values that come one by one.

    Attributes
    ----------
    total, weight : float
        Sum of the weighted values, and of the weights.
    """

    total: float = 0.0
    weight: float = 0.0

    def add(self, value: float, weight: float) -> None:
        """Take one more."""
        self.total += value * weight
        self.weight += weight

    def add_sum(self, total: float, weight: float) -> None:
        """Take the weighted sum of several more."""
        self.total += total
        self.weight += weight

    @property
    def value(self) -> float:
        """The mean so far."""
        return self.total / self.weight


@dataclass(slots=True)
class Rate:
    """Steps and samples in a second of training; pauses between two steps in which something is evaluated do not count.

    Attributes
    ----------
    steps, samples : int
        Since the last point.
    elapsed : float
        Time for them [s].
    last : float or None
        The last step [s since the epoch, UTC]; None after a pause.
    """

    steps: int = 0
    samples: int = 0
    elapsed: float = 0.0
    last: float | None = None

    def step(self, at: float, samples: int) -> None:
        """Count one step."""
        if self.last is not None:
            self.elapsed += max(at - self.last, 0.0)
            self.steps += 1
            self.samples += samples
        self.last = at

    def steps_of(self, steps: Sequence["PlainStep"]) -> None:
        """Count steps that follow each other."""
        if self.last is None:
            self.last, steps = steps[0].at, steps[1:]
        if steps:
            self.elapsed += max(steps[-1].at - self.last, 0.0)
            self.steps += len(steps)
            self.samples += sum([step.samples() for step in steps])
            self.last = steps[-1].at

    @property
    def due(self) -> bool:
        """Whether it is time for a point."""
        return self.elapsed >= SECOND

    def point(self) -> dict[str, float]:
        """Return the rates, and begin anew."""
        if not self.steps or not self.elapsed:
            return {}
        found = {"steps_per_second": self.steps / self.elapsed}
        if self.samples:
            found["samples_per_second"] = self.samples / self.elapsed
        self.steps = self.samples = 0
        self.elapsed = 0.0
        return found


class Track:
    """One optimizer in one run.

    Parameters
    ----------
    book : Book
        Of the run.
    number : int
        Which optimizer of the run, from 1: what belongs to a second one is called ``mse_loss_2``.
    optimizer : torch.optim.Optimizer
        Which; it is not kept alive.

    Attributes
    ----------
    step : int
        Its steps so far, in this run.
    clock : int
        How many steps its thread had made after its last one.
    learning_rates : tuple
        Last learning rate of each group.
    runs : tuple or None
        What `runs_here` returned where the current run was that of the book.
    tensor_rates : bool
        Whether one of them is a tensor, which may change and stay the same object.
    skipped : int
        Last number of skipped steps logged; -1 for none.
    """

    def __init__(self, book: "Book", number: int, optimizer: object) -> None:
        self.book, self.run = book, book.run
        self.suffix = f"_{number}" if number > 1 else ""
        self.kind = type(optimizer).__name__
        self.optimizer = weakref.ref(optimizer)
        self.step = self.clock = 0
        self.skipped = -1
        self.learning_rates: tuple[object, ...] = ()
        self.runs: tuple[object, ...] | None = None
        self.tensor_rates = False
        self.rate = Rate()

    def named(self, name: str) -> str:
        """Return the name of a metric of this optimizer."""
        return name + self.suffix


class PlainStep(msgspec.Struct, eq=False, gc=False):  # as a Loss
    """One step of an optimizer behind one backward pass of one loss, whose value is here; nothing stands beside it.

    Attributes
    ----------
    track, step, at, iteration
        As in `Stepped`.
    loss : Loss
        The one.
    """

    track: Any
    step: int
    at: float
    loss: Loss
    iteration: Any

    @property
    def book(self) -> "Book":
        """The run's."""
        book: Book = self.track.book
        return book

    def readings(self) -> Iterator[Reading | None]:
        """Yield nothing: all is here."""
        return iter(())

    def samples(self) -> int:
        """Return how many samples were trained on; logits of tokens are more rows than samples."""
        most = self.iteration.batch_size if self.iteration is not None else None
        return self.loss.samples if most is None else min(self.loss.samples, most) or most


class Stepped(msgspec.Struct, eq=False, gc=False):  # as a Loss
    """One step of an optimizer, as it was seen.

    Attributes
    ----------
    track : Track
        Of the optimizer.
    step : int
        Which, from 1.
    at : float
        When [s since the epoch, UTC].
    losses : list of Loss
        Those that were trained on since the last step.
    beside : dict of str to Reading or None
        Other numbers, by their full name.
    passes : int
        Backward passes since the last step.
    iteration : Iteration or None
        Of the training data.
    closure : bool
        Whether the optimizer evaluated the losses itself, perhaps often.
    """

    track: Any
    step: int
    at: float
    losses: list[Loss]
    beside: Any
    passes: int
    iteration: Any
    closure: bool

    @property
    def book(self) -> "Book":
        """The run's."""
        book: Book = self.track.book
        return book

    def readings(self) -> Iterator[Reading | None]:
        """Yield what has to be here."""
        yield from (loss.reading for loss in self.losses)
        yield from (self.beside or {}).values()

    def told(self) -> dict[str, tuple[float, float]]:
        """Return value and weight of each loss: of several calls in one step their mean."""
        groups: dict[str, list[Loss]] = {}
        for loss in self.losses:
            groups.setdefault(loss.name, []).append(loss)
        if self.closure:  # what ``step`` returns is the first evaluation
            groups = {name: group[:1] for name, group in groups.items()}
        told = {name: _joined(group, self.passes) for name, group in groups.items()}
        return {name: joined for name, joined in told.items() if joined is not None}

    def samples(self) -> int:
        """Return how many samples were trained on: of several losses of one backward pass the largest counts."""
        sizes: dict[int, int] = {}
        for loss in self.losses:
            sizes[loss.turn] = max(sizes.get(loss.turn, 0), loss.samples)
        counted = list(sizes.values())[:1] if self.closure else sizes.values()
        most = self.iteration.batch_size if self.iteration is not None else None
        if most is not None:  # logits of tokens are more rows than samples
            counted = [min(size, most) or most for size in counted]
        return sum(counted)


class Evaluated:
    """One loss that was not trained on, as it was seen."""

    __slots__ = ("at", "book", "iteration", "loss", "step")

    def __init__(self, book: "Book", step: int, at: float, loss: Loss, iteration: Iteration | None) -> None:
        self.book, self.step, self.at, self.loss, self.iteration = book, step, at, loss, iteration

    def readings(self) -> Iterator[Reading | None]:
        """Yield what has to be here."""
        yield self.loss.reading


class Beside:
    """Numbers that belong to the last step but became known after it."""

    __slots__ = ("at", "beside", "book", "step", "track")

    def __init__(self, track: Track, at: float, beside: dict[str, Reading]) -> None:
        self.book, self.track, self.step, self.at, self.beside = track.book, track, track.step, at, beside

    def readings(self) -> Iterator[Reading | None]:
        """Yield what has to be here."""
        yield from self.beside.values()


Record = PlainStep | Stepped | Evaluated | Beside


@dataclass
class Pass:
    """One pass over evaluation data, so far."""

    iteration: Iteration
    means: dict[str, Mean] = field(default_factory=dict)
    step: int = 0
    at: float = 0.0


class Book:
    """What is written about one run.

    Parameters
    ----------
    run : Run
        Where to.
    implicit : bool
        Whether it was begun by us.

    Attributes
    ----------
    tracks : list of Track
        Its optimizers, in the order of their first steps.
    model : str
        Class of what is trained, for the line at the end.
    epochs : int
        Epochs that are over.
    latest : dict of str to float
        The last value of each metric.
    continues : bool
        Whether points may follow: until the run has ended, and after that where we ended it because a cell of a
        notebook was over.
    """

    def __init__(self, run: "Run", *, implicit: bool) -> None:
        self.run, self.implicit = run, implicit
        self.tracks: list[Track] = []
        self.model = ""
        self.epochs = 0
        self.latest: dict[str, float] = {}
        self.paused = False
        self.told_steps = 0
        self._moments: list[tuple[Any, Any, Any]] = []  # as `Run.log_moments` takes them
        self._epoch: Iteration | None = None
        self._batches = 0  # of this epoch, as far as backward passes tell
        self._sums: defaultdict[str, Mean] = defaultdict(Mean)
        self._ended: tuple[int, float] = (0, 0.0)
        self._pass: Pass | None = None

    @property
    def continues(self) -> bool:
        """Whether points may follow."""
        return self.paused or not self.run.over

    @property
    def step(self) -> int:
        """Steps so far, of the optimizer that has made most."""
        return max((track.step for track in self.tracks), default=0)

    # -- taking in -----------------------------------------------------------------------------------

    def take(self, record: "Stepped | Evaluated | Beside") -> None:
        """Turn one record into points."""
        match record:
            case Stepped():
                self._take_step(record)
            case Evaluated():
                self._take_evaluation(record)
            case Beside():
                self._add(self._changed(record.beside), record.step, record.at)

    def take_plain(self, steps: list[PlainStep]) -> None:
        """Turn steps into points that follow each other in one iteration, with the same loss of the same track."""
        first, last = steps[0], steps[-1]
        self._turn_to(first.iteration)
        self._batches += len(steps)
        track = first.track
        name = track.named(first.loss.name)
        values = [step.loss.reading for step in steps]
        self._moments.append(({name: values}, [step.step for step in steps], [step.at for step in steps]))
        self.latest[name] = values[-1]
        if self._epoch is not None:
            weights = [step.loss.samples or 1 for step in steps]
            total = sum(map(mul, values, weights))
            self._sums[name].add_sum(total, sum(weights))
        track.rate.steps_of(steps)
        if track.rate.due:
            self._add(self._rates(track), last.step, last.at)
        self._ended = (last.step, last.at)

    def _turn_to(self, iteration: Iteration | None) -> None:
        """Close what a step shows to be over."""
        if self._pass is not None:
            self.close_pass()
        if iteration is not self._epoch:
            self.close_epoch()
            self._epoch = iteration
            self._batches = 0

    def _take_step(self, record: Stepped) -> None:
        self._turn_to(record.iteration)
        self._batches += record.passes
        track, told = record.track, record.told()
        values: dict[str, object] = {name + track.suffix: value for name, (value, _) in told.items()}
        if record.beside:
            values |= self._changed(record.beside)
        track.rate.step(record.at, record.samples())
        if track.rate.due:
            values |= self._rates(track)
        self._add(values, record.step, record.at)
        if self._epoch is not None:
            for name, (value, weight) in told.items():
                self._sums[name + track.suffix].add(value, weight)
        self._ended = (record.step, record.at)

    def _take_evaluation(self, record: Evaluated) -> None:
        if record.iteration is not None:  # one without data of its own is part of a step: a metric beside the loss
            for track in self.tracks:
                track.rate.last = None
        value = None if record.loss.reading is None else value_of(record.loss.reading)
        if value is None:
            return
        if self._pass is not None and self._pass.iteration is not record.iteration:
            self.close_pass()
        name = f"eval_{record.loss.name}"
        if record.iteration is None:
            self._add({name: value}, record.step, record.at)
            return
        if self._pass is None:
            self._pass = Pass(record.iteration)
        self._pass.step, self._pass.at = record.step, record.at
        self._pass.means.setdefault(name, Mean()).add(value, _weight(record.loss))

    def _rates(self, track: Track) -> dict[str, object]:
        """Return how fast an optimizer's steps were since the last point."""
        return {track.named(name): value for name, value in track.rate.point().items()} | peak_memory()

    def _changed(self, beside: dict[str, Reading]) -> dict[str, object]:
        """Return numbers by name, without learning rates and scales that are what they were."""
        found = {name: value_of(reading) for name, reading in beside.items()}
        return {
            name: value
            for name, value in found.items()
            if value is not None and not (name.startswith(("lr", "amp_")) and self.latest.get(name) == value)
        }

    def _add(self, values: dict[str, object], step: int | None, at: float) -> None:
        if values:
            self.latest |= values  # type: ignore[arg-type]  # numbers, all of them
            self._moments.append((values, step, at))

    # -- what ends -----------------------------------------------------------------------------------

    def close_pass(self) -> None:
        """Write the means of a pass over evaluation data, if there is one."""
        done, self._pass = self._pass, None
        if done is not None:
            self._add({name: mean.value for name, mean in done.means.items()}, done.step, done.at)

    def close_epoch(self) -> None:
        """Write the means of an epoch, if there is one."""
        if self._epoch is None:
            return
        self._epoch = None
        self.epochs += 1
        means = {f"train_{name}": mean.value for name, mean in self._sums.items()}
        self._sums.clear()
        self._add({"epoch": self.epochs, **means}, *self._ended)

    def tidy(self) -> None:
        """Close what is over although nothing has followed it yet."""
        if self._pass is not None and not self._pass.iteration.alive:
            self.close_pass()
        if self._epoch is not None and not self._epoch.alive:
            self.close_epoch()

    def end(self, *, crashed: bool) -> None:
        """Close everything; an epoch that a crash broke off has no mean."""
        self.close_pass()
        whole = self._epoch is not None and self._epoch.batches is not None and self._batches >= self._epoch.batches
        if whole or not crashed:
            self.close_epoch()
        for track in self.tracks:
            if "steps_per_second" + track.suffix not in self.latest:
                self._add(self._rates(track), track.step, track.rate.last or time.time())

    def write(self) -> None:
        """Write what has been collected."""
        moments, self._moments = self._moments, []
        if moments:
            self.run.log_moments(moments)


def _joined(group: list[Loss], passes: int) -> tuple[float, float] | None:
    """Return value and weight of one loss in one step; None where no value came."""
    found = [
        (value, loss) for loss in group if loss.reading is not None and (value := value_of(loss.reading)) is not None
    ]
    if not found:
        return None
    weight = sum(_weight(loss) for _, loss in found)
    if len(found) == passes > 1 and all(loss.divisor == passes for _, loss in found):
        return sum(value for value, _ in found), weight  # loss / n, n times: the mean, in n parts
    return sum(value for value, _ in found) / len(found), weight


def _weight(loss: Loss) -> float:
    return float(loss.samples or 1)


def peak_memory() -> dict[str, float]:
    """Return the most memory that tensors on the CUDA device took so far [bytes]; nothing where none is used."""
    import torch

    if not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    return {"max_memory_allocated": torch.cuda.max_memory_allocated()}


# -- the writer --------------------------------------------------------------------------------------


class Recorder:
    """The queue between the training threads and the journals.

    Parameters
    ----------
    session : Session
        Bears the errors.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._queue: deque[Record] = deque()
        self.renew()
        _alive.add(self)

    def renew(self) -> None:
        """Begin anew, in a forked child: what waited is the parent's."""
        self._queue.clear()
        self._lock = threading.RLock()  # reentrant: a signal handler may end a run while this thread writes
        self._wake = threading.Event()
        self._writer: threading.Thread | None = None

    def add(self, record: Record) -> None:
        """Take a record, from any thread."""
        queue = self._queue
        queue.append(record)
        if self._writer is None:
            self._begin()
        elif len(queue) >= BATCH:
            if not self._wake.is_set():
                self._wake.set()
            if len(queue) > BEHIND:
                self.drain()

    def drain(self, *, tidy: bool = True) -> None:
        """Write all that is here; with `tidy` also the means of what seems to be over."""
        with self._lock:
            touched: dict[int, Book] = {}
            waits = self._session.numbers.waiting
            while self._queue and not (waits and _is_away(self._queue[0])):
                record = self._queue.popleft()
                book = touched[id(record.book)] = record.book
                try:
                    if type(record) is PlainStep:
                        book.take_plain(self._like(record))
                    else:
                        book.take(record)
                except Exception as error:  # noqa: BLE001 - one record that cannot be told costs no other
                    self._session.stumble("writing", error, book.run)
            for book in touched.values():
                if tidy and not self._queue:
                    book.tidy()
                self._session.attempt(book.run, book.write)

    def _like(self, first: PlainStep) -> list[PlainStep]:
        """Take the steps that go on like one from the queue, until a point of their rate is due."""
        queue, found = self._queue, [first]
        track, name, iteration = first.track, first.loss.name, first.iteration
        rate = track.rate
        until = (first.at if rate.last is None else rate.last) + SECOND - rate.elapsed
        last = first
        while queue and last.at < until:
            last = queue[0]
            if (
                type(last) is not PlainStep
                or last.track is not track
                or last.iteration is not iteration
                or last.loss.name != name
            ):
                break
            found.append(queue.popleft())
        return found

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the writer away."""
        with self._lock:
            yield

    def _begin(self) -> None:
        with self._lock:
            if self._writer is not None:
                return
            _finish_with_process(self)
            self._writer = threading.Thread(target=self._write, name="azml-torch", daemon=True)
            try:
                self._writer.start()
            except RuntimeError:  # the interpreter goes down; what is left is written at the end
                return

    def _write(self) -> None:
        idle = 0
        while idle < IDLE:
            self._wake.wait(PAUSE)
            self._wake.clear()
            idle = idle + 1 if not self._queue else 0
            with contextlib.suppress(AutologWarning):  # a filter made it an error, and nobody is here to get it
                self.drain()
        self._writer = None
        if self._queue:  # it came between the last look and the line before
            self._begin()


def _is_away(record: Record) -> bool:
    return any(not reading.here() for reading in record.readings() if isinstance(reading, Later))


_alive: "weakref.WeakSet[Recorder]" = weakref.WeakSet()
_held: list[Recorder] = []


def _hold_all() -> None:
    """Before a fork: no writer may be in the middle of a line."""
    for recorder in list(_alive):
        recorder._lock.acquire()  # noqa: SLF001 - of this module
        _held.append(recorder)


def _let_all_go() -> None:
    while _held:
        _held.pop()._lock.release()  # noqa: SLF001 - likewise


def _renew_all() -> None:
    _held.clear()
    for recorder in list(_alive):
        recorder.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_all, after_in_parent=_let_all_go, after_in_child=_renew_all)


def _finish_with_process(recorder: Recorder) -> None:
    """Write what is left when a process of `multiprocessing` ends: it runs no ``atexit``."""
    from multiprocessing import process, util

    if process.parent_process() is not None:
        util.Finalize(None, recorder.drain, exitpriority=50)
