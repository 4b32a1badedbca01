"""What a sweep does next: a loop over a small protocol, which keeps nothing that the children do not tell.

The controller may be killed at any moment and begun again: it looks which children there are and goes on. A child is
told by its number; its hyperparameters follow from the number, and for Bayesian sampling from what others have reached.
"""

import json
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from itertools import islice
from typing import Protocol

from ..records import RunStatus
from . import space
from .definition import Sweep
from .policy import condemned
from .space import Parameters
from .trial import Trial

SHORTEST, LONGEST = 0.05, 1.0
"""Pauses between two looks at the children [s]: short after something has happened."""


class Ground(Protocol):
    """What a controller stands on."""

    def trials(self) -> Sequence[Trial]:
        """Return the children that there are, as they stand now, by number."""

    def elders(self) -> Sequence[Trial]:
        """Return the children of the sweeps that this one learns from."""

    def begin(self, number: int, parameters: Parameters) -> None:
        """Begin a child; harmless for one that is there."""

    def stop(self, number: int, why: str, *, by_policy: bool) -> None:
        """Cancel a child; harmless twice."""

    def canceled(self) -> bool:
        """Tell whether somebody has canceled the sweep."""

    def elapsed(self) -> float:
        """Return how long this life of the controller has lasted [s]."""

    def pause(self, seconds: float) -> None:
        """Let time pass; end early when somebody wants the sweep to end."""

    def improve(self, trial: Trial, value: float) -> None:
        """Write down that a child has ended with the best value so far; harmless twice."""

    def say(self, line: str) -> None:
        """Write a line of the sweep's log."""


class End(Enum):
    """How a sweep ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class Controller:
    """Drives one sweep.

    Parameters
    ----------
    sweep : Sweep
        What to do.
    seed : str
        The sweep's id.
    ground : Ground
        What to do it with.
    """

    def __init__(self, sweep: Sweep, seed: str, ground: Ground) -> None:
        self._sweep, self._seed, self._ground = sweep, seed, ground
        self._looked_at: dict[int, int] = {}
        self._stopped: set[int] = set()
        self._told: set[int] = set()
        self._trials: Sequence[Trial] = ()
        self._best = float("inf")
        self._exhausted = False
        self._last: list[tuple[int, str, int]] = []

    def run(self) -> End:
        """Drive the sweep to its end."""
        self._introduce()
        pause = SHORTEST
        while (end := self._step()) is None:
            self._ground.pause(pause)
            pause = SHORTEST if self._changed() else min(1.5 * pause, LONGEST)
        return end

    def _step(self) -> End | None:
        """Do what can be done now; return how the sweep ends when it does."""
        trials = self._trials = self._ground.trials()
        self._report(trials)
        live = [trial for trial in trials if not trial.over]
        if self._ground.canceled():
            self._stop(live, "the sweep was canceled")
            self._ground.say("canceled")
            return End.CANCELED
        if self._ground.elapsed() > 60 * self._sweep.minutes:
            self._stop(live, f"the sweep has lasted {self._sweep.minutes:g} minutes, max_duration_minutes")
            self._exhausted = True
        self._judge(trials, live)
        begun = self._fill(trials, len(live))
        return None if live or begun else self._end(trials)

    # -- children ------------------------------------------------------------------------------------

    def _fill(self, trials: Sequence[Trial], live: int) -> int:
        """Begin as many children as may run beside those that live, the lowest free numbers first; return how many."""
        taken = {trial.number for trial in trials}
        free = (number for number in range(self._sweep.total) if number not in taken)
        known = [*self._ground.elders(), *trials]
        begun = 0
        for number in islice(free, 0 if self._exhausted else max(0, self._sweep.concurrent - live)):
            parameters = self._chosen(number, known)
            if parameters is None:
                self._exhausted = True
                self._ground.say(f"every point of the search space has its child: {number}")
                break
            self._ground.begin(number, parameters)
            self._ground.say(f"child {number} begins: {' '.join(space.arguments(parameters))}")
            known.append(Trial(number, RunStatus.QUEUED, parameters))
            begun += 1
        return begun

    def _chosen(self, number: int, known: Sequence[Trial]) -> Parameters | None:
        again = self._sweep.again
        if number < len(again):
            return dict(again[number])
        return self._sweep.sampling.draw(number - len(again), self._seed, self._sweep.goal, known)

    def _judge(self, trials: Sequence[Trial], live: Sequence[Trial]) -> None:
        """Stop the children that the policy stops."""
        values = {trial.number: trial.values for trial in trials}
        running = {trial.number: self._looked_at.get(trial.number, 0) for trial in live}
        running = {number: last for number, last in running.items() if number not in self._stopped}
        for number, why in condemned(self._sweep.policy, values, running, self._sweep.goal).items():
            self._stopped.add(number)
            self._ground.say(f"child {number} is stopped: {why}")
            self._ground.stop(number, why, by_policy=True)
        self._looked_at |= {number: self._sweep.policy.due(len(values[number])) for number in running}

    def _stop(self, live: Sequence[Trial], why: str) -> None:
        for trial in live:
            if trial.number not in self._stopped:
                self._stopped.add(trial.number)
                self._ground.stop(trial.number, why, by_policy=False)

    # -- telling -------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        told = self._sweep.as_definition()
        there = len(self._ground.trials())
        for name in ("generator_config", "policy_config", "primary_metric_config"):
            self._ground.say(f"{name}: {json.dumps(told[name])}")
        self._ground.say(f"{self._sweep.total} children at most, {self._sweep.concurrent} at one time")
        if there:
            self._ground.say(f"goes on after {there} children that there are")

    def _report(self, trials: Sequence[Trial]) -> None:
        """Tell of the children that have ended since the last look."""
        for trial in trials:
            if trial.over and trial.number not in self._told:
                self._told.add(trial.number)
                self._tell(trial, self._sweep.goal.best(trial.values))

    def _tell(self, trial: Trial, value: float | None) -> None:
        metric = self._sweep.metric
        reached = f"{metric} was not logged" if value is None else f"best {metric} {value:.6g}"
        self._ground.say(f"child {trial.number} is {trial.status}: {reached}")
        if value is not None and self._sweep.goal.loss(value) < self._best:
            self._best = self._sweep.goal.loss(value)
            self._ground.improve(trial, value)

    def _changed(self) -> bool:
        """Tell whether anything has happened since the last look."""
        now = [(trial.number, str(trial.status), len(trial.values)) for trial in self._trials]
        changed, self._last = now != self._last, now
        return changed

    def _end(self, trials: Sequence[Trial]) -> End:
        counts = Counter(str(trial.status) for trial in trials)
        self._ground.say(f"ended: {', '.join(f'{n} {status}' for status, n in sorted(counts.items()))}")
        return End.FAILED if set(counts) == {str(RunStatus.FAILED)} else End.COMPLETED
