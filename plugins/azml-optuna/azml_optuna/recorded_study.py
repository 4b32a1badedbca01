"""One study in its run, with a child run for each trial."""

import atexit
import contextlib
import functools
import importlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from azml_integrations.autologging import attempt, log_parameters, paused

from .places import ENDED, begin_again, child_of
from .recorded_trial import RecordedTrial
from .summary import sum_up
from .wording import SOURCE, as_text, attribute_text, facts_of, objectives

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from azml_integrations import AutologOptions, Run

LOOK_AGAIN = 5.0
"""Between two looks at whether the process that owns the study's run has ended it [s]."""
SHARE = 0.25
"""Pictures of a study that goes on and on take at most this share of the time that it takes itself."""
PAUSE = 1.0
"""Between two lines about one study [s]."""

OBSERVED: "WeakSet[Study]" = WeakSet()
"""What autolog records, so that a callback does not do it once more."""

_PENDING: "set[RecordedStudy]" = set()
"""What has trials under way or is not summed up yet: it is when its run ends, or the program."""


class RecordedStudy:
    """A study and the run that it is recorded in.

    Parameters
    ----------
    study : Study
        Which.
    key : str
        What it is called in every process.
    run : Run
        Where it is recorded.
    own : bool
        Whether the run is the study's own, and ends with it.
    options : AutologOptions
        What the user asked for.
    max_child_runs : int
        How many trials get a run of their own.
    """

    def __init__(
        self, study: "Study", key: str, run: "Run", options: "AutologOptions", *, own: bool, max_child_runs: int
    ) -> None:
        self.key, self.run, self.own, self.options = key, run, own, options
        self.max_child_runs = max_child_runs
        self.under_way: dict[int, RecordedTrial] = {}
        self.objectives = objectives(study)
        self._maximize = study.directions[0].name == "MAXIMIZE"
        self._study: Study | None = study  # let go of when it has been summed up
        self._best = self._best_before(study)
        self._news = self._beyond = 0
        self._users = 0
        self._began = time.perf_counter()
        self._optimizing = self._drawing = 0.0
        self._undrawn = self._ends_itself = False
        self._looked = time.monotonic()
        self._announced = -PAUSE
        self._lock = threading.Lock()
        _close_at_exit()
        log_parameters(run, SOURCE, facts_of(study) | {"study.key": key}, prefix="")

    def _best_before(self, study: "Study") -> float | None:
        """Return the best value that the study had before it was recorded here."""
        done = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
        values = [trial.values[0] for trial in done if len(trial.values) == 1]
        return (max if self._maximize else min)(values, default=None)

    # -- the run -------------------------------------------------------------------------------------

    def go_on(self, study: "Study") -> None:
        """Make sure that the run is Running: the study may have ended before, here or in another process."""
        self._study = study
        if self.own and (self.run.over or self._ended_elsewhere()):
            self.run = begin_again(self.run)

    def _ended_elsewhere(self) -> bool:
        if self.run.owned or time.monotonic() - self._looked < LOOK_AGAIN:
            return False
        self._looked = time.monotonic()
        return self.run.get_status() in ENDED

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or waits: a study that goes on finds its run again without this object."""
        return not (self._users or self.under_way or self._news or self._undrawn)

    def holds(self, run_id: str) -> bool:
        """Tell whether a run is that of the study, or of a trial that is under way."""
        trials = list(self.under_way.values())
        return run_id == self.run.id or any(trial.run is not None and trial.run.id == run_id for trial in trials)

    def enter(self) -> None:
        """Begin to optimize, beside others perhaps."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._began = time.perf_counter()

    def leave(self, error: BaseException | None) -> None:
        """Sum up and end the run, unless others still optimize."""
        with self._lock:
            self._users -= 1
            self._optimizing += 0 if self._users else time.perf_counter() - self._began
            last = self._users == 0
        if last:
            self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """Write down what the study amounts to; end its run if it is the study's own.

        Parameters
        ----------
        error : BaseException, default=None
            What left ``Study.optimize``. After an interrupt the study is Canceled, after an error Failed.
        """
        self.sum_up(patient=False)
        if not self.own or self.run.over or not self.run.owned:
            return
        self._ends_itself = True
        try:
            self._end_run(error)
        finally:
            self._ends_itself = False

    def _end_run(self, error: BaseException | None) -> None:
        if error is None:
            self.run.complete()
        elif isinstance(error, KeyboardInterrupt):
            self.run.cancel()
        else:
            self.run.fail(error)

    def hear_end(self) -> None:
        """Sum up before the run ends, unless that has just been done: in a user's run, or with the program."""
        if not self._ends_itself:
            self.sum_up(patient=True)

    def sum_up(self, *, patient: bool) -> None:
        """Write down what there is to say about all trials, if any is new.

        Parameters
        ----------
        patient : bool
            Whether there is time for pictures, whatever the study has taken.
        """
        study, self._study = self._study, None
        if study is None or not (self._news or self._undrawn):
            return
        draws = self.options.log_images and (patient or self._drawing <= SHARE * self._optimizing)
        self._undrawn = self.options.log_images and not draws
        if self._undrawn:
            self._study = study  # there will be time at the end of the run, or of the program
        elif not self.under_way:
            _PENDING.discard(self)
        news, self._news = self._news, 0
        began = time.perf_counter()
        with paused():
            self._attempt(lambda: self._tell_attributes(study))
            sum_up(study, self.run, self.objectives, self.run_ids, self._attempt, draws=draws)
        self._drawing += time.perf_counter() - began if draws else 0.0
        if news:
            self._attempt(lambda: self._announce(study))
        if self._beyond:
            self.run.note(
                SOURCE,
                f"{self._beyond:,} trials have no run of their own, the table has all; "
                f'autolog("optuna", max_child_runs=...) sets another cap than {self.max_child_runs:,}',
            )
            self._beyond = 0

    def close(self) -> None:
        """End the runs of trials that nobody comes back to, and sum up, with what there was no time for."""
        study = self._study
        frozen = study.get_trials(deepcopy=False) if study is not None and self.under_way else []
        for trial in list(self.under_way.values()):
            if trial.number < len(frozen) and frozen[trial.number].state.is_finished():
                self.finish(trial, frozen[trial.number])  # told in another process
            elif self.under_way.pop(trial.number, None) is not None:
                trial.break_off()
        self.sum_up(patient=True)
        _PENDING.discard(self)

    def let_go(self) -> None:
        """Forget, in a forked child, what is its parent's to end."""
        self.under_way.clear()
        self._news, self._undrawn = 0, False

    def run_ids(self, number: int) -> str:
        """Return the id of a trial's run, where it has one."""
        return f"{self.run.id}_{number}" if number < self.max_child_runs else ""

    def _announce(self, study: "Study") -> None:
        """Say in one line what came out, and where it is; a loop of short calls says it once a second at most."""
        if self.options.silent or time.monotonic() - self._announced < PAUSE:
            return
        self._announced = time.monotonic()
        name = "study" if study.study_name.startswith("no-name-") else f"study {study.study_name}"
        told = f"{len(study.get_trials(deepcopy=False)):,} trials"
        if len(self.objectives) == 1 and study.best_trials:
            told += f", best {self.objectives[0]} {study.best_value:.6g} of trial {study.best_trial.number}"
        sys.stderr.write(f"azml: {name}: {told}; see it with: azml run show {self.run.id}\n")

    def _tell_attributes(self, study: "Study") -> None:
        if attributes := study.user_attrs:
            self.run.set_tags({str(name): attribute_text(value) for name, value in attributes.items()})

    def _attempt(self, act: Any) -> None:
        """Do one of several things: when it fails, the others are still done."""
        with attempt(SOURCE, self.run, on_error=self.options.on_error):
            act()

    # -- its trials ----------------------------------------------------------------------------------

    def begin(self, number: int, *, optimized: bool = False) -> RecordedTrial:
        """Begin the run of a trial."""
        room = number < self.max_child_runs
        run = child_of(self.run, number) if room else None
        _PENDING.add(self)
        trial = self.under_way[number] = RecordedTrial(number, run, self.run, optimized=optimized)
        if not optimized:
            self._share_context(trial)
        self._beyond += not room
        if run is not None:
            run.add_properties({"trial": str(number)})
        return trial

    def _share_context(self, trial: RecordedTrial) -> None:
        """Make a trial that was asked for the current run, unless others are open: nobody knows whose turn it is."""
        others = [other for other in list(self.under_way.values()) if other is not trial and not other.optimized]
        for other in others:
            other.step_back()
        if not others:
            trial.become_current()

    def finish(self, trial: RecordedTrial, frozen: "FrozenTrial") -> None:
        """End the run of a trial, and tell the study's run."""
        if self.under_way.pop(trial.number, None) is None:
            return
        if not trial.optimized:
            trial.step_back()
        self._news += 1
        trial.end(frozen, self.objectives)
        self._tell_table(trial, frozen)
        if frozen.state.name == "COMPLETE":
            self._tell_values(frozen)

    def _tell_values(self, frozen: "FrozenTrial") -> None:
        values = dict(zip(self.objectives, frozen.values, strict=True))
        if len(values) == 1:
            (value,) = values.values()
            if self._best is None or (value > self._best if self._maximize else value < self._best):
                self._best = value
                values["best_value"] = value
        self.run.log_metrics(values, step=frozen.number)

    def _tell_table(self, trial: RecordedTrial, frozen: "FrozenTrial") -> None:
        names = ["value"] if len(self.objectives) == 1 else [f"values_{name}" for name in self.objectives]
        row: dict[str, Any] = {"number": frozen.number}
        row |= dict(zip(names, frozen.values or [None] * len(names), strict=False))  # a pruned trial has one at most
        row |= {f"params_{name}": _cell(value) for name, value in frozen.params.items()}
        row["duration"] = None if frozen.duration is None else frozen.duration.total_seconds()
        row["state"] = frozen.state.name
        row["run"] = "" if trial.run is None else trial.run.id
        self.run.log_row("trials", **row)


def _cell(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else as_text(value)


def hear_end(run: "Run") -> None:
    """Sum up the studies that stand in a run which is about to end."""
    for recorded in list(_PENDING):
        if recorded.run.id == run.id:
            recorded.hear_end()


@functools.cache
def _close_at_exit() -> None:
    """Have all that waits ended with the program: asked for when a run has begun, so that it comes before that ends."""
    with contextlib.suppress(ImportError):  # a platform without semaphores
        importlib.import_module("concurrent.futures.process")  # needed by the importances, and refused at the end
    atexit.register(_close_all)
    os.register_at_fork(after_in_child=_let_go)


def _close_all() -> None:
    for recorded in list(_PENDING):
        with attempt(SOURCE, recorded.run), paused():
            recorded.close()


def _let_go() -> None:
    for recorded in _PENDING:
        recorded.let_go()
    _PENDING.clear()
