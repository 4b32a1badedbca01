"""A controller's ground in the real world: runs in a workspace, and the queue that they wait in."""

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .. import errors, host
from ..core import submission
from ..core.experiment import Experiment
from ..core.run import Run
from ..records import TERMINAL, ErrorInfo, ErrorNoted, RunRecord, RunStatus
from . import handing_down, scores, space
from .controller import End
from .definition import Sweep, child_id, child_number
from .run import HyperDriveRun, children_of, hyperparameters
from .space import Parameters
from .submission import Template
from .trial import HYPERPARAMETERS, STOPPED, Trial

RECALL = 5.0
"""Between two looks at whether a launcher works on the children [s]."""

IDLE = 10
"""So many times as long as a look at the children takes, a controller leaves the machine to them."""

NEVER_STARTED = "SubmitterDied"
"""Error code of a run whose submitter died before it stood in the queue."""


class Runs:
    """The children of one sweep, as runs.

    Parameters
    ----------
    experiment : Experiment
        Where the sweep belongs.
    sweep_id : str
        Its id.

    See Also
    --------
    azml_integrations.sweeps.controller.Ground : What this is one of.
    """

    def __init__(self, experiment: Experiment, sweep_id: str) -> None:
        self.parent = HyperDriveRun._handle(experiment, sweep_id)  # noqa: SLF001 - a constructor
        self.sweep = Sweep.kept(self.parent._folder)  # noqa: SLF001 - family
        self._experiment, self._id = experiment, sweep_id
        self._view = experiment.workspace.view
        self._template = Template.kept(self.parent._folder)  # noqa: SLF001 - family
        self._queue = experiment.workspace.queue(self.parent._record().target)  # noqa: SLF001 - family
        self._target = submission.launcher(experiment.workspace, self._queue.target)
        self._trials: dict[int, Trial] = {}
        self._counts: dict[int, int] = {}
        self._elders: list[Trial] | None = None
        self._began = self._called = time.monotonic()
        self._took = 0.0
        self._told_to_end = threading.Event()

    def settle_in(self) -> None:
        """Look which children there are; what a killed controller left half made is taken away, to be made anew."""
        for entry in os.scandir(self._view.runs):
            number = child_number(self._id, entry.name)
            if number is not None and not self._cleared(entry.name):
                self._trials[number] = Trial(number)

    def _cleared(self, run_id: str) -> bool:
        """Take a child away that never came to stand in the queue; False for any other."""
        for half in self._queue.folder.glob(f"*-{run_id}.partial"):
            half.unlink(missing_ok=True)
        if not self._half_made(run_id) or self._queue.find(run_id) is not None or not self._half_made(run_id):
            return False
        shutil.rmtree(self._view.folder(run_id))
        self._view.forget(run_id)
        return True

    def _half_made(self, run_id: str) -> bool:
        record = self._view.of(run_id).run(run_id)
        if record is None or (record.error is not None and record.error.code == NEVER_STARTED):
            return True
        return record.started_at is None and (record.status not in TERMINAL or record.verdict is not None)

    # -- children ------------------------------------------------------------------------------------

    def trials(self) -> Sequence[Trial]:
        """Return the children that there are, as they stand now, by number."""
        began = time.monotonic()
        for number, known in self._trials.items():
            if not known.over:
                self._trials[number] = self._looked_at(number, known)
        self._took = time.monotonic() - began
        return [self._trials[number] for number in sorted(self._trials)]

    def _looked_at(self, number: int, known: Trial) -> Trial:
        """Return a child as it stands; its points are read only where there are new ones."""
        run_id = child_id(self._id, number)
        store = self._view.of(run_id)
        record = store.run(run_id)
        if record is None:
            return known
        summary = next((one for one in store.summaries(run_id) if one.name == self.sweep.metric), None)
        values = known.values
        if summary is not None and summary.count != self._counts.get(number):
            values = scores.numbers(store.series(run_id, self.sweep.metric))
            self._counts[number] = summary.count
        return Trial(number, self._status(record), hyperparameters(record), values)

    def _status(self, record: RunRecord) -> str:
        """Return where a child stands; one that waits is not dead because an earlier controller of its sweep is."""
        waits = record.verdict is not None and self._queue.find(record.run_id) is not None
        return str(RunStatus.QUEUED if waits else record.status)

    def elders(self) -> Sequence[Trial]:
        """Return the children of the sweeps that this one learns from."""
        if self._elders is None:
            self._elders = [trial for sweep_id in self.sweep.resume_from for trial in self._children_of(sweep_id)]
        return self._elders

    def _children_of(self, sweep_id: str) -> Iterator[Trial]:
        """Yield the children of another sweep; of those that have ended, the best value."""
        store = self._view.all()
        records = children_of(store, sweep_id)
        best = scores.best(store, records, self.sweep.metric, self.sweep.goal)
        for number, record in enumerate(records):
            value = best[record.run_id]
            if record.status in TERMINAL:
                yield Trial(number, record.status, hyperparameters(record), () if value is None else (value,))

    def begin(self, number: int, parameters: Parameters) -> None:
        """Begin a child; harmless for one that is there."""
        run_id = child_id(self._id, number)
        ticket, definition = self._template.child(run_id, parameters)
        family = submission.Family(
            run_id,
            parent_id=self._id,
            tags={HYPERPARAMETERS: json.dumps(parameters)},
            properties={f"param.{name}": space.spelled(value) for name, value in parameters.items()},
        )
        with contextlib.suppress(errors.RunExistsError):
            told = self._template.properties_of(run_id)
            workspace = self._experiment.workspace
            handing_down.hand_down(workspace, self._template.run_id, run_id, told, self._template.promises)
            submission.enter(self._experiment, ticket, family, definition, told, self._template.secrets())
        self._trials[number] = Trial(number, RunStatus.QUEUED, parameters)

    def stop(self, number: int, why: str, *, by_policy: bool) -> None:
        """Cancel a child; harmless twice."""
        child = Run._handle(self._experiment, child_id(self._id, number))  # noqa: SLF001 - a constructor
        if submission.ask_to_cancel(child):
            child.note("sweep", why)
            if by_policy:
                child.tag(STOPPED, why)
        child._journal.close()  # noqa: SLF001 - nothing more is to be said

    # -- the sweep itself ----------------------------------------------------------------------------

    def hear(self) -> None:
        """Listen for SIGTERM, by which a launcher tells that somebody has canceled the sweep."""
        signal.signal(signal.SIGTERM, lambda *_: self._told_to_end.set())

    def canceled(self) -> bool:
        """Tell whether somebody has canceled the sweep.

        Raises
        ------
        SystemExit
            If this process is to end for another reason: children go on, and a new controller goes on with them.
        """
        asked = self.parent.get_status() == RunStatus.CANCEL_REQUESTED
        if self._told_to_end.is_set() and not asked:
            self.say("the controller was told to end; its children go on, and `azml sweep resume` goes on with them")
            raise SystemExit(128 + signal.SIGTERM)
        return asked

    def elapsed(self) -> float:
        """Return how long this life of the controller has lasted [s]."""
        return time.monotonic() - self._began

    def pause(self, seconds: float) -> None:
        """Let time pass; see now and then that a launcher works on the children."""
        if time.monotonic() - self._called > RECALL:
            self._called = time.monotonic()
            for trial in self._trials.values():
                if not trial.over:
                    submission.see_to(self._target, child_id(self._id, trial.number))
        self._told_to_end.wait(max(seconds, IDLE * self._took))

    def improve(self, trial: Trial, value: float) -> None:
        """Log the best value so far to the sweep's own run, over the numbers of the children; harmless twice."""
        name = f"best_{self.sweep.metric}"
        series = self._view.of(self._id).series(self._id, name)
        if series is None or trial.number not in series.steps:
            self.parent.log(name, value, step=trial.number)

    def say(self, line: str) -> None:
        """Write a line of the sweep's log."""
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)  # noqa: T201 - the launcher keeps it

    def finish(self, end: End) -> int:
        """Write down what came of it and return the exit code that says the same."""
        if end is End.CANCELED:
            return 0  # the launcher knows
        records = children_of(self._view.all(), self._id)
        best = self._best(records)
        if best is None:
            logged = [repr(name) for name in scores.logged(self._view.all(), records)]
            self._note(
                f"no child has logged the primary metric {self.sweep.metric!r}; "
                f"{'they logged ' + errors.few(logged) if logged else 'they logged no number'}"
            )
        else:
            run_id, value = best
            self.say(f"best: {run_id} with {self.sweep.metric} {value!r}")
            told = {"best_child_run_id": run_id, "score": repr(value), "best_metric_status": "Succeeded"}
            with contextlib.suppress(errors.PropertyError):  # an earlier life has told it
                self.parent.add_properties(told)
        if end is End.COMPLETED:
            handing_down.clear(self._experiment.workspace, self._template.run_id)
        if end is End.FAILED:
            self.parent._append(ErrorNoted(_failure(records), time.time()))  # noqa: SLF001 - family
        return int(end is End.FAILED)

    def _best(self, records: Sequence[RunRecord]) -> tuple[str, float] | None:
        values = scores.best(self._view.all(), records, self.sweep.metric, self.sweep.goal)
        first = next(iter(scores.ranked(values, self.sweep.goal)), None)
        value = values[first] if first is not None else None
        return None if first is None or value is None else (first, value)

    def _note(self, line: str) -> None:
        self.say(line)
        self.parent.note("sweep", line)


def alone(folder: Path) -> int:
    """Wait until no other controller works on a sweep, and return the descriptor of a lock that keeps it so."""
    fd = os.open(folder / "about" / "controller.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    host.lock(fd, exclusive=True)
    return fd


def _failure(records: Sequence[RunRecord]) -> ErrorInfo:
    first = records[0]
    why = first.error.message if first.error is not None else "no reason was told"
    return ErrorInfo(f"all {len(records)} children failed; the first, {first.run_id}: {why}", "AllChildrenFailed")
