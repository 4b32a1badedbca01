"""What is remembered between one step and the next: which run an optimizer, a loss and an evaluation belong to."""

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from azml_integrations import current_run, implicit_run
from azml_integrations.autologging import is_paused, paused_here, runs_here, stumble
from azml_integrations.records import RunStatus

from . import description
from .cells import Cells
from .loading import Iteration, Loading
from .losses import LOSS, Loss, below, divisor_of, is_reduced, is_scaled, name_of
from .readings import Numbers, Reading, is_transformed
from .recording import Beside, Book, Evaluated, PlainStep, Recorder, Stepped, Track

if TYPE_CHECKING:
    from azml_integrations import AutologOptions, Run

SOURCE = "torch"
MOST_OPTIMIZERS = 8
"""Optimizers of one run whose steps are recorded."""

MOST_PENDING = 256
"""Losses that wait for a backward pass; older ones were evaluations."""

LISTENING: "list[Session]" = []
"""The session of autolog, while it is on."""


class Here(threading.local):
    """What the thread that asks has seen."""

    def __init__(self) -> None:
        self.seen = Seen()


class Seen:
    """What one thread has seen since its last step.

    Attributes
    ----------
    losses : list of Loss
        Criteria called, and losses written by hand.
    beside : dict of str to Reading
        Other numbers for the next step.
    passes : int
        Backward passes.
    clock : int
        Steps that this thread has made, of any optimizer.
    loading : Loading
        What it iterates over.
    track : Track or None
        That of its last step.
    """

    __slots__ = ("beside", "clock", "loading", "losses", "passes", "track")

    def __init__(self) -> None:
        self.forget()
        self.clock = 0
        self.loading = Loading()
        self.track: Track | None = None

    def forget(self) -> None:
        """Begin a new step."""
        self.losses: list[Loss] = []
        self.beside: dict[str, Reading] = {}
        self.passes = 0


class Session:
    """The adapter between two turns of the switch.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Attributes
    ----------
    compiled : list of Optimizer
        Those that compiled code has made a step of, not heard of yet.
    missing : list of str
        What cannot be recorded with this PyTorch, and why.
    """

    def __init__(self, options: "AutologOptions") -> None:
        self.options = options
        self.norm_every = _count(options.extra, "log_grad_norm", 0)
        self.missing: list[str] = []
        self.numbers = Numbers()
        self.here = Here()
        self.compiled: list[torch.optim.Optimizer] = []
        self.recorder = Recorder(self)
        self.cells = Cells(self._end_cell)
        self._books: dict[str, Book] = {}
        self._last: Book | None = None
        self._inherited: set[str] = set()
        self._tracks: dict[int, tuple[weakref.ref[Any], Track | None]] = {}
        self._skipped: dict[int, int] = {}
        self._stumbled: set[tuple[str, type]] = set()
        self._lock = threading.RLock()
        self._process = os.getpid()
        atexit.register(self.flush)

    # -- losses --------------------------------------------------------------------------------------

    def called(self, name: str, result: object, inputs: tuple[Any, ...]) -> None:
        """Hear of a criterion: its name, what it returned, what it was called with."""
        if not isinstance(result, Tensor) or (paused_here() and is_paused(SOURCE)):
            return
        if self.compiled:
            self._hear_compiled()
        here = self.here.seen
        reading: Reading | None = None
        if type(result) is Tensor and result.is_cpu and not result.ndim and not is_transformed(result):
            reading = result.item()  # the plain loop
        if type(reading) is not float:
            reading = self.numbers.read(result)
        try:
            samples = inputs[0].shape[0]
        except (AttributeError, IndexError):  # nothing to count
            samples = 0
        node = result.grad_fn
        if node is not None:
            number = node._sequence_nr()  # noqa: SLF001 - see losses
            if here.losses and here.losses[-1].node == number:  # one criterion is made of another
                here.losses[-1].name = name
                return
            here.losses.append(Loss(name, reading, samples, number, here.clock))
            if len(here.losses) > MOST_PENDING:
                self._were_evaluations([loss for loss in here.losses if not loss.turn][: MOST_PENDING // 2])
        elif reading is not None:
            self._evaluated(Loss(name, reading, samples, 0, here.clock))

    def went_back_from(self, root: Tensor) -> None:
        """Hear of a backward pass that begins at one tensor."""
        here = self.here.seen
        losses, node = here.losses, root.grad_fn
        if losses and node is not None and not self.compiled:
            last = losses[-1]
            if last.node == node._sequence_nr() and last.reading is not None:  # noqa: SLF001 - see losses
                here.passes += 1
                last.turn = last.turn or here.passes  # the plain loop
                return
        self.went_back((root,))

    def went_back(self, roots: Iterable[object]) -> None:
        """Hear of a backward pass."""
        here = self.here.seen
        if not here.losses and is_paused(SOURCE):
            return
        if self.compiled:
            self._hear_compiled()
        here.passes += 1
        for root in roots:
            node = root.grad_fn if isinstance(root, Tensor) else None
            if node is None:
                continue
            last = here.losses[-1] if here.losses else None
            if last is not None and last.node == node._sequence_nr() and last.reading is not None:  # noqa: SLF001 - see losses
                last.turn = last.turn or here.passes
            else:
                self.trained_on(root)

    def trained_on(self, root: Tensor) -> None:
        """Hear of a tensor that a backward pass begins at, or begins at a multiple of."""
        here, node = self.here.seen, root.grad_fn
        turn = max(here.passes, 1)
        found = below(node, here.losses)
        for loss in found:
            loss.turn = loss.turn or turn
        if len(found) == 1 and found[0].reading is not None and is_scaled(node, found[0]):
            return
        reading = self.numbers.read(root)
        if reading is None:
            return
        name, samples = LOSS, max((loss.samples for loss in found), default=0)
        if not found:
            name = name_of(node)
        elif len(found) == 1 and found[0].reading is None and is_reduced(node, found[0]):
            name = found[0].name
        own = Loss(name, reading, samples, node._sequence_nr(), here.clock)  # type: ignore[union-attr]  # noqa: SLF001
        own.turn, own.divisor = turn, divisor_of(node)
        here.losses.append(own)

    def _were_evaluations(self, losses: list[Loss]) -> None:
        """Take losses for what they are: no backward pass has gone through them, and none will."""
        gone = set(map(id, losses))
        here = self.here.seen
        here.losses = [loss for loss in here.losses if id(loss) not in gone]
        for loss in losses:
            if loss.reading is not None:
                self._evaluated(loss)

    def _evaluated(self, loss: Loss) -> None:
        book = None if is_follower() else self._book_now()
        if book is None:
            return
        if book.paused:
            self.cells.watch()
        self.recorder.add(Evaluated(book, book.step, time.time(), loss, self.here.seen.loading.evaluating()))

    # -- steps ---------------------------------------------------------------------------------------

    def stepped(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Hear that an optimizer has made a step."""
        here = self.here.seen
        here.clock += 1
        track = here.track
        if (
            track is None
            or track.runs is not runs_here()
            or track.optimizer() is not optimizer
            or paused_here()
            or track.run.over
        ):  # not the plain loop
            track = None if is_paused(SOURCE) else self._track(optimizer)
            if track is None:
                here.forget()
                return
            here.track = track
        now = time.time()
        losses, loading = here.losses, here.loading
        if len(losses) == 1 and losses[0].turn:  # the plain loop
            here.losses = []
        else:
            losses = self._losses_of(track)
        if loading.fresh:
            loading.step()
        track.step += 1
        track.clock = here.clock
        groups = optimizer.param_groups
        rates = (groups[0].get("lr"),) if len(groups) == 1 else tuple([group.get("lr") for group in groups])
        if rates != track.learning_rates or track.tensor_rates:
            self._see_rates(track, rates)
        if self.norm_every and track.step % self.norm_every == 0:
            self._measure_gradients(optimizer)
        if self._skipped:
            self._see_skipped(track, optimizer)
        beside = self._beside(track) if here.beside else None
        passes, here.passes = here.passes, 0
        iteration = None if loading.training is None else loading.epoch()
        closure = len(args) > 1 or bool(kwargs)
        if passes == len(losses) == 1 and type(losses[0].reading) is float and not (beside or closure):
            self.recorder.add(PlainStep(track, track.step, now, losses[0], iteration))
        else:
            self.recorder.add(Stepped(track, track.step, now, losses, beside, passes, iteration, closure))
        if self.numbers.devices:
            self.numbers.turn(now)

    def _hear_compiled(self) -> None:
        """Hear of steps that were made by compiled code, which cannot tell while it runs."""
        while self.compiled:
            self.stepped(self.compiled.pop(0), (), {})

    def skipped(self, optimizer: object) -> None:
        """Hear that a step was left out, because a gradient was not finite."""
        here = self.here.seen
        here.losses = [loss for loss in here.losses if not loss.turn]
        here.passes = 0
        here.beside = {}
        self._skipped[id(optimizer)] = self._skipped.get(id(optimizer), 0) + 1

    def scaled(self, optimizer: object) -> None:
        """Hear that an optimizer's steps are scaled."""
        self._skipped.setdefault(id(optimizer), 0)

    def know_scale(self, scale: Tensor) -> None:
        """Hear of the factor of the next steps."""
        here = self.here.seen
        if here.track is None or is_paused(SOURCE):
            return
        reading = self.numbers.read(scale)
        if reading is not None:
            self.recorder.add(Beside(here.track, time.time(), {here.track.named("amp_scale"): reading}))

    def clipped(self, norm: object) -> None:
        """Hear of the norm of the gradients before they were clipped."""
        if not is_paused(SOURCE) and isinstance(norm, Tensor):
            reading = self.numbers.read(norm)
            if reading is not None:
                self.here.seen.beside["grad_norm"] = reading

    def iterates(self, iterator: object, loader: object) -> None:
        """Hear that somebody iterates over a data loader."""
        if not is_paused(SOURCE):
            self.here.seen.loading.begin(Iteration(iterator, loader))

    def _losses_of(self, track: Track) -> list[Loss]:
        """Return the losses that led to a step, and keep those that may lead to the next one."""
        here = self.here.seen
        trained = [loss for loss in here.losses if loss.turn]
        if not trained and not here.passes:  # gradients came in another way, from ``torch.autograd.grad``
            trained, here.losses = here.losses, []
            return trained
        waiting = [loss for loss in here.losses if not loss.turn]
        here.losses = waiting
        if old := [loss for loss in waiting if loss.born < track.clock]:
            self._were_evaluations(old)
        return trained

    def _see_rates(self, track: Track, rates: tuple[Any, ...]) -> None:
        """Keep learning rates that have changed, or that are tensors and may have."""
        track.tensor_rates = any(isinstance(rate, Tensor) for rate in rates)
        track.learning_rates = rates
        for number, rate in enumerate(rates):
            reading = self.numbers.read(rate) if isinstance(rate, Tensor) else rate
            if reading is not None:
                self.here.seen.beside[f"lr_group_{number}" if number else "lr"] = reading

    def _see_skipped(self, track: Track, optimizer: object) -> None:
        """Keep how many steps were left out, where it has changed."""
        skipped = self._skipped.get(id(optimizer), track.skipped)
        if skipped != track.skipped:
            track.skipped = skipped
            self.here.seen.beside["amp_skipped_steps"] = skipped

    def _measure_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Keep the norm of all gradients, unless the user clips and it is known."""
        beside = self.here.seen.beside
        groups = optimizer.param_groups
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        if "grad_norm" in beside or not gradients or not all(map(_is_whole, gradients)):
            return
        with torch.no_grad():
            first = gradients[0].device
            norms = [torch.linalg.vector_norm(gradient).to(first) for gradient in gradients]
            reading = self.numbers.read(torch.linalg.vector_norm(torch.stack(norms)))
        if reading is not None:
            beside["grad_norm"] = reading

    def _beside(self, track: Track) -> dict[str, Reading]:
        """Return what stands beside the losses of this step, by the names of this optimizer."""
        here = self.here.seen
        beside, here.beside = here.beside, {}
        if not track.suffix:
            return beside
        groups = {name: name.replace("lr", f"lr{track.suffix}", 1) for name in beside if name.startswith("lr_")}
        return {groups.get(name, track.named(name)): reading for name, reading in beside.items()}

    # -- runs ----------------------------------------------------------------------------------------

    def _track(self, optimizer: torch.optim.Optimizer) -> Track | None:
        """Return where an optimizer's steps are written now; None for nowhere."""
        _, track = self._tracks.get(id(optimizer), (None, _UNKNOWN))
        if track is None:
            return None
        runs = runs_here()
        if runs is track.runs and not track.run.over:
            return track
        run = current_run()
        if run is not None and run is track.book.run:
            if any(entered is run for entered in runs):
                track.runs = runs
            return track
        if run is not None and run.id in self._inherited:
            run = None
        if track is not _UNKNOWN and (run == track.book.run or (run is None and track.book.continues)):
            if track.book.paused:
                self.cells.watch()
            return track
        with self._lock:
            return self._begin(optimizer, run)

    def _begin(self, optimizer: torch.optim.Optimizer, run: "Run | None") -> Track | None:
        """Return a new track for an optimizer, in the current run or one that we begin."""
        key = id(optimizer)
        reference = weakref.ref(optimizer, lambda _: self._forget(key))
        self._tracks[id(optimizer)] = reference, None
        if is_follower():
            return None
        models, missing = description.models_of(optimizer)
        book = self._open(description.name_of(models)) if run is None else self._book_of(run)
        known = next((track for track in book.tracks if track.optimizer() is optimizer), None)
        if known is not None:
            self._tracks[id(optimizer)] = reference, known
            return known
        if len(book.tracks) >= MOST_OPTIMIZERS:
            self._say_too_many(book)
            return None
        track = Track(book, len(book.tracks) + 1, optimizer)
        book.tracks.append(track)
        self._tracks[id(optimizer)] = reference, track
        self._last = book
        book.model = book.model or description.name_of(models)
        if missing:
            self.attempt(book.run, lambda: book.run.note(SOURCE, missing))
        self.attempt(book.run, lambda: description.describe(book.run, track, optimizer, models))
        self.attempt(book.run, lambda: description.store_summary(book.run, track, models))
        return track

    def _forget(self, key: int) -> None:
        self._tracks.pop(key, None)
        self._skipped.pop(key, None)

    def _open(self, name: str) -> Book:
        run = implicit_run(name=name or None)
        self.cells.watch()
        return self._book_of(run, implicit=True)

    def _book_of(self, run: "Run", *, implicit: bool = False) -> Book:
        with self._lock:
            book = self._books.get(run.id)
            if book is None:
                book = self._books[run.id] = Book(run, implicit=implicit)
                for what in self.missing:
                    self.attempt(run, lambda what=what: run.note(SOURCE, what))  # type: ignore[misc]
            return book

    def _current(self) -> "Run | None":
        """Return the current run, but for one that a forked child has inherited and that we began."""
        run = current_run()
        return None if run is not None and self._inherited and run.id in self._inherited else run

    def _book_now(self) -> Book | None:
        """Return where an evaluation is written now."""
        run = self._current()
        if run is not None:
            return self._book_of(run)
        return self._last if self._last is not None and self._last.continues else None

    def _say_too_many(self, book: Book) -> None:
        message = f"optimizers after the first {MOST_OPTIMIZERS} of this run are not recorded"
        self.attempt(book.run, lambda: book.run.note(SOURCE, message))

    # -- the end -------------------------------------------------------------------------------------

    def hear_end(self, run: "Run") -> None:
        """Write what is left for a run, before it ends."""
        book = self._books.get(run.id)
        if book is not None:
            self._finish(book, _crash() or _cancellation(run))
            self._announce(book)

    def flush(self) -> None:
        """Write what is left, at the end of the program; how runs end is not ours to say."""
        if os.getpid() == self._process:
            for book in list(self._books.values()):
                self._finish(book, _crash())

    def close(self) -> None:
        """Write what is left, and end what we began."""
        atexit.unregister(self.flush)
        self.cells.forget()
        self.attempt(None, self._hear_compiled)
        for book in list(self._books.values()):
            if book.implicit and not book.run.over:
                self.attempt(book.run, book.run.complete)  # says that it ends
            else:
                self._finish(book, None)

    def renew(self) -> None:
        """Begin anew in a forked child: the runs that we began are the parent's."""
        self._inherited |= {book.run.id for book in self._books.values() if book.implicit}
        self._process = os.getpid()
        self._books, self._tracks, self._skipped, self._last = {}, {}, {}, None
        self.numbers, self._lock = Numbers(), threading.RLock()
        self.here.seen = Seen()

    def _finish(self, book: Book, crash: BaseException | None) -> None:
        self.attempt(book.run, self._hear_compiled)
        here = self.here.seen
        if crash is None and book is self._last and here.losses and not here.passes:
            self._were_evaluations([loss for loss in here.losses if not loss.turn])
        self.attempt(book.run, self.numbers.finish)
        self.recorder.drain(tidy=False)
        with self.recorder.held():
            self.attempt(book.run, lambda: book.end(crashed=crash is not None))
            self.attempt(book.run, book.write)
        if lost := self.numbers.lost:
            message = f"{lost} numbers are not recorded: the device was too far behind"
            self.attempt(book.run, lambda: book.run.note(SOURCE, message))

    def _end_cell(self, error: BaseException | None) -> None:
        """End the runs that we began in this cell, and bring those that go on from an earlier one up to date."""
        for book in [book for book in self._books.values() if book.implicit]:
            if book.run.over and not book.paused:
                continue
            again = book.paused
            self._finish(book, error)
            if again:
                self._announce(book)
            if error is not None:
                self.attempt(book.run, lambda book=book: book.run.fail(error))  # type: ignore[misc]
            elif not again:
                self.attempt(book.run, book.run.complete)
            book.paused = True

    def _announce(self, book: Book) -> None:
        steps = sum(track.step for track in book.tracks)
        if self.options.silent or steps == book.told_steps:
            return
        book.told_steps = steps
        sys.stderr.write(f"azml: {_told(book)}; see it with: azml run show {book.run.id}\n")

    # -- trouble -------------------------------------------------------------------------------------

    def attempt(self, run: "Run | None", call: Callable[[], object]) -> None:
        """Make a call whose error is ours to bear."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - nothing of ours reaches the user's training
            self.stumble("writing", error, run)

    def stumble(self, where: str, error: Exception, run: "Run | None" = None) -> None:
        """Tell about an error of ours, once for each kind of error at each place."""
        key = where, type(error)
        if key not in self._stumbled or self.options.on_error == "raise":
            self._stumbled.add(key)
            if run is None and self._last is not None:
                run = self._last.run
            stumble(SOURCE, error, run, on_error=self.options.on_error)


def _renew_all() -> None:
    for session in LISTENING:
        session.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


class _Unknown(Track):
    """What stands for an optimizer that was not seen yet."""

    def __init__(self) -> None:
        self.runs = self.run = None  # type: ignore[assignment]  # it has no run
        self.book = Book(None, implicit=False)  # type: ignore[arg-type]  # it has no run


_UNKNOWN = _Unknown()


def is_follower() -> bool:
    """Tell whether this process is a worker of a group and not its first, or one that loads data."""
    rank = os.environ.get("RANK", "0")
    if rank.isdigit() and int(rank) > 0:
        return True
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and distributed.get_rank() > 0:
        return True
    return torch.utils.data.get_worker_info() is not None


def _crash() -> BaseException | None:
    """Return the exception that ends the block, or the program, now; None where it ends well."""
    error = sys.exc_info()[1]
    if error is None and not threading.main_thread().is_alive():  # the program ends; before, the last one is an old one
        error = getattr(sys, "last_value", None)
    return None if isinstance(error, SystemExit) else error


def _cancellation(run: "Run") -> BaseException | None:
    """Return an exception for a run that is being canceled, as by SIGTERM: it breaks an epoch off, too."""
    return InterruptedError("canceled") if run.get_status() == RunStatus.CANCEL_REQUESTED else None


def _is_whole(gradient: Tensor) -> bool:
    """Tell whether a gradient is all on this process, and dense."""
    return type(gradient).__torch_dispatch__ == Tensor.__torch_dispatch__ and gradient.layout == torch.strided


def _told(book: Book) -> str:
    """Return what was logged, in a few words."""
    steps = " and ".join(f"{track.step} steps of {track.kind}" for track in book.tracks) or "evaluated"
    words = [f"{book.model or 'model'}: {steps}"]
    if book.epochs:
        words.append(f"{book.epochs} epochs" if book.epochs > 1 else "1 epoch")
    names = [name for name in book.latest if name.endswith("loss") or "entropy" in name or "_div" in name]
    shown = [name for name in names if f"train_{name}" not in book.latest][:4]
    words += [f"{name} {book.latest[name]:.4g}" for name in shown]
    return ", ".join(words)


def _count(extra: Any, name: str, default: int) -> int:
    value = extra.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is a number of at least 0, not {value!r}")
    return value
