"""What is remembered between one call of a study and the next: which run it is recorded in."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from azml_integrations import current_run
from azml_integrations.autologging import as_current, attempt, observed_run, paused, runs_here

from .places import key_of, place_of
from .recorded_study import OBSERVED, RecordedStudy
from .wording import SOURCE

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from azml_integrations import AutologOptions, Run

    from .recorded_trial import RecordedTrial


MOST_REMEMBERED = 32
"""Studies that have ended."""


@dataclass(eq=False)
class Optimization:
    """One call of ``Study.optimize`` that is under way.

    Attributes
    ----------
    silent : bool
        Whether nothing of it is recorded.
    within : Run or None
        The current run where it was called; its threads do not know it.
    recorded : RecordedStudy or None
        Where it is recorded, from its first trial on.
    current : as_current or None
        What made the study's run the current one of the caller's thread.
    trials : WeakSet of RecordedTrial
        Those that it asked for; whoever is under way is kept by its study.
    """

    silent: bool
    within: "Run | None"
    thread: int
    recorded: RecordedStudy | None = None
    current: as_current | None = None
    trials: "WeakSet[RecordedTrial]" = field(default_factory=WeakSet)


class Session:
    """The adapter between two turns of the switch.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Attributes
    ----------
    trials : WeakKeyDictionary of Trial to RecordedTrial
        The trials that are under way, by Optuna's own handles on them.
    """

    def __init__(self, options: "AutologOptions") -> None:
        self.options = options
        self.max_child_runs = _count(options.extra, "max_child_runs", 1000)
        self.trials: WeakKeyDictionary[Any, RecordedTrial] = WeakKeyDictionary()
        self._recorded: dict[tuple[str, str | None], RecordedStudy] = {}
        self._keys: WeakKeyDictionary[Study, str] = WeakKeyDictionary()
        self._optimizations: WeakKeyDictionary[Study, list[Optimization]] = WeakKeyDictionary()
        self._lock = threading.RLock()

    # -- Study.optimize ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def optimizing(self, study: "Study", *, silent: bool) -> Iterator[Optimization]:
        """Mark a study as under way in ``Study.optimize``; at the end its run ends, too."""
        optimization = Optimization(silent, None if silent else _run_around(), threading.get_ident())
        with self._lock:
            self._optimizations.setdefault(study, []).append(optimization)
        error: BaseException | None = None
        try:
            yield optimization
        except BaseException as raised:
            error = raised
            raise
        finally:
            with self._lock:
                self._optimizations[study].remove(optimization)
            run = None if optimization.recorded is None else optimization.recorded.run
            theirs_goes_first = contextlib.suppress(Exception) if error is not None else contextlib.nullcontext()
            with theirs_goes_first, self.attempt(run):  # where a filter makes our warning an error
                self._end_optimization(study, optimization, error)

    def _end_optimization(self, study: "Study", optimization: Optimization, error: BaseException | None) -> None:
        recorded = optimization.recorded
        if recorded is None:
            return
        if optimization.current is not None:
            optimization.current.__exit__(None, None, None)
        with self.attempt(recorded.run):
            self._settle(study, recorded, optimization.trials)
        recorded.leave(error)

    def _settle(self, study: "Study", recorded: RecordedStudy, trials: "WeakSet[RecordedTrial]") -> None:
        """End the runs of trials whose end nobody has told: an error left the objective, or a callback."""
        left = [trial for trial in trials if trial.number in recorded.under_way]
        if left:
            frozen = study.get_trials(deepcopy=False)
            for trial in left:
                recorded.finish(trial, frozen[trial.number])

    # -- trials --------------------------------------------------------------------------------------

    def hear_ask(self, study: "Study", trial: "Trial") -> None:
        """Begin the run of a trial."""
        with self._lock:
            several = self._optimizations.get(study, ())
            optimization = next((one for one in several if one.thread == threading.get_ident()), None)
            optimization = optimization or next(iter(several), None)
        if optimization is not None and optimization.silent:
            return
        with self.attempt(None):
            self._begin(study, trial, optimization)

    def _begin(self, study: "Study", trial: "Trial", optimization: Optimization | None) -> None:
        recorded = self._place(study, _run_around() if optimization is None else optimization.within)
        begun = recorded.begin(trial.number, optimized=optimization is not None)
        self.trials[trial] = begun
        with self.attempt(begun.run):
            for name, value in trial.params.items():  # of distributions that ``ask`` was given
                begun.tell_parameter(name, value)
        if optimization is not None:
            self._join(optimization, recorded, begun)

    def _join(self, optimization: Optimization, recorded: RecordedStudy, trial: "RecordedTrial") -> None:
        """Make the study's run the current one for callbacks, in each thread that optimizes."""
        with self._lock:
            optimization.trials.add(trial)
            if optimization.recorded is None:
                optimization.recorded = recorded
                recorded.enter()
        if not any(run is recorded.run for run in runs_here()):
            current = as_current(recorded.run)
            current.__enter__()
            if threading.get_ident() == optimization.thread:
                optimization.current = current

    def hear_end_of_trial(self, study: "Study", frozen: "FrozenTrial") -> None:
        """End the run of a trial; Optuna calls it as a callback, and it follows ``Study.tell``."""
        with self._lock:
            key = self._keys.get(study)
            found = [one for one in self._recorded.values() if one.key == key and frozen.number in one.under_way]
        for recorded in found:
            trial = recorded.under_way.get(frozen.number)
            if trial is not None and frozen.state.is_finished():
                with self.attempt(trial.run):
                    recorded.finish(trial, frozen)

    # -- studies -------------------------------------------------------------------------------------

    def _place(self, study: "Study", within: "Run | None") -> RecordedStudy:
        """Return where a study is recorded that has a trial by now; another handle on it finds the same run."""
        with self._lock:
            key = self._keys.get(study)
            if key is None:
                key = self._keys[study] = key_of(study)
            for recorded in self._recorded.values():
                if recorded.key == key and within is not None and recorded.holds(within.id):
                    return recorded
            place = key, None if within is None else within.id
            known = self._recorded.get(place)
            if known is None:
                run, own = place_of(study, key, within)
                known = RecordedStudy(study, key, run, self.options, own=own, max_child_runs=self.max_child_runs)
                self._forget_some()
                self._recorded[place] = known
            known.go_on(study)
            OBSERVED.add(study)
            return known

    def _forget_some(self) -> None:
        """Let go of studies that have ended: of a thousand nested ones, only the last few are worth a place."""
        if len(self._recorded) >= MOST_REMEMBERED:
            self._recorded = {place: recorded for place, recorded in self._recorded.items() if not recorded.idle}

    def end(self) -> None:
        """End what is under way, because the switch was turned off."""
        for study in list(self._keys):
            OBSERVED.discard(study)
        for recorded in list(self._recorded.values()):
            with self.attempt(recorded.run):
                recorded.close()
                recorded.end()

    @contextlib.contextmanager
    def attempt(self, run: "Run | None") -> Iterator[None]:
        """Do something beside the user's work: what goes wrong becomes a warning and a note."""
        with attempt(SOURCE, run, on_error=self.options.on_error), paused():
            yield


def _run_around() -> "Run | None":
    """Return the run that a study here belongs to: that of a search which another adapter records, else the current."""
    return observed_run() or current_run()


def _count(extra: Any, name: str, default: int) -> int:
    value = extra.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is a number of at least 0, not {value!r}")
    return value
