"""The controller's loop, on a ground made of nothing but a clock and a list of children."""

import threading
from dataclasses import replace

import pytest

from azml_integrations.sweeps import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    RandomParameterSampling,
    choice,
    uniform,
)
from azml_integrations.sweeps.controller import Controller, End
from azml_integrations.sweeps.definition import Sweep
from azml_integrations.sweeps.trial import Trial

MIN, MAX = PrimaryMetricGoal.MINIMIZE, PrimaryMetricGoal.MAXIMIZE
ALPHAS = [0.1 * n for n in range(1, 21)]


class Sandbox:
    """Children that advance one value a look; `course` tells what a child logs, and how it ends."""

    def __init__(self, course=lambda parameters: ([parameters["--a"]], "Completed"), dies_at=None):
        self.children: dict[int, Trial] = {}
        self.begun, self.stopped, self.lines, self.best = [], {}, [], []
        self.clock, self.want_end, self.most = 0.0, False, 0
        self._course, self._dies_at = course, dies_at

    def trials(self):
        return [self.children[n] for n in sorted(self.children)]

    def elders(self):
        return []

    def begin(self, number, parameters):
        assert number not in self.children, "begun twice"
        if self._dies_at is not None and len(self.begun) == self._dies_at:
            self._dies_at = None
            raise KeyboardInterrupt
        self.begun.append(number)
        self.children[number] = Trial(number, "Running", parameters)
        self.most = max(self.most, sum(not child.over for child in self.children.values()))

    def stop(self, number, why, *, by_policy):
        assert not self.children[number].over
        self.stopped[number] = (why, by_policy)
        self.children[number] = replace(self.children[number], status="Canceled")

    def canceled(self):
        return self.want_end

    def elapsed(self):
        return self.clock

    def improve(self, trial, value):
        self.best.append((trial.number, value))

    def say(self, line):
        self.lines.append(line)

    def pause(self, seconds):
        self.clock += seconds
        for number, child in self.children.items():
            values, end = self._course(child.parameters)
            if not child.over:
                grown = replace(child, values=tuple(values[: len(child.values) + 1]))
                self.children[number] = grown if len(grown.values) < len(values) else replace(grown, status=end)


def sweep(**changes):
    made = Sweep(GridParameterSampling({"--a": choice(ALPHAS)}), "mse", MIN, 20, 4)
    return replace(made, **changes)


def test_a_grid_runs_to_its_end_with_four_at_a_time():
    """Each point once, in order, and never five at once; the log tells each child's way."""
    ground = Sandbox()
    assert Controller(sweep(), "HD_a", ground).run() is End.COMPLETED
    assert ground.begun == list(range(20))
    assert [child.parameters["--a"] for child in ground.trials()] == ALPHAS
    assert ground.most == 4
    assert "child 3 begins: --a 0.4" in ground.lines
    assert "child 3 is Completed: best mse 0.4" in ground.lines
    assert ground.lines[-1] == "ended: 20 Completed"


def test_a_grid_ends_before_max_total_runs():
    """After the last point there is nothing to try."""
    ground = Sandbox()
    assert Controller(sweep(total=100), "HD_a", ground).run() is End.COMPLETED
    assert len(ground.children) == 20


def test_max_total_runs_ends_a_grid():
    """Seven of twenty points."""
    ground = Sandbox()
    Controller(sweep(total=7), "HD_a", ground).run()
    assert ground.begun == list(range(7))


def test_a_bandit_stops_the_bad_ones():
    """Of courses that stay where they begin, all but those near the best so far end at their first interval."""
    ground = Sandbox(lambda parameters: ([parameters["--a"]] * 5, "Completed"))
    made = sweep(policy=BanditPolicy(evaluation_interval=2, slack_factor=0.5))
    assert Controller(made, "HD_a", ground).run() is End.COMPLETED
    # best is 0.1: 0.1 and 0.15 stay
    assert set(ground.stopped) == set(range(1, 20))
    assert all(by_policy for _, by_policy in ground.stopped.values())
    assert len(ground.children) == 20
    assert "child 7 is stopped: its best value at interval 2 is beyond a slack factor 0.5 of the best of all" in (
        ground.lines
    )


def test_a_child_that_takes_its_time_to_end_is_stopped_once():
    """It goes on logging until its launcher has ended it, and the policy has nothing more to say about it."""

    class Slow(Sandbox):
        def stop(self, number, why, *, by_policy):
            assert number not in self.stopped
            self.stopped[number] = (why, by_policy)

    ground = Slow(lambda parameters: ([parameters["--a"]] * 5, "Completed"))
    Controller(sweep(policy=BanditPolicy(slack_factor=0.5)), "HD_a", ground).run()
    assert set(ground.stopped) == set(range(1, 20))


def test_failed_children_count_and_the_sweep_goes_on():
    """Every second child fails."""
    ground = Sandbox(
        lambda parameters: ([parameters["--a"]], "Failed" if ALPHAS.index(parameters["--a"]) % 2 else "Completed")
    )
    assert Controller(sweep(), "HD_a", ground).run() is End.COMPLETED
    assert ground.lines[-1] == "ended: 10 Completed, 10 Failed"


def test_a_sweep_of_failures_fails():
    """Nothing came of it."""
    ground = Sandbox(lambda _: ([], "Failed"))
    ground.pause, advance = (lambda seconds: (advance(seconds), fail(ground))), ground.pause
    assert Controller(sweep(total=3), "HD_a", ground).run() is End.FAILED
    assert "child 0 is Failed: mse was not logged" in ground.lines


def fail(ground):
    for number, child in ground.children.items():
        ground.children[number] = replace(child, status="Failed")


def test_max_duration_cancels_what_still_runs():
    """After a minute nothing new begins, and the rest is canceled; the sweep is complete all the same."""
    ground = Sandbox(lambda _: ([1.0] * 10_000, "Completed"))
    assert Controller(sweep(minutes=1), "HD_a", ground).run() is End.COMPLETED
    assert ground.begun == [0, 1, 2, 3]
    assert ground.clock == pytest.approx(60, abs=2)
    assert ground.stopped[2] == ("the sweep has lasted 1 minutes, max_duration_minutes", False)


def test_cancelling_stops_the_children():
    """Those that live; none begins afterwards."""
    ground = Sandbox(lambda _: ([1.0] * 10_000, "Completed"))
    after = ground.pause
    ground.pause = lambda seconds: (after(seconds), setattr(ground, "want_end", ground.clock > 3))
    assert Controller(sweep(), "HD_a", ground).run() is End.CANCELED
    assert set(ground.stopped) == {0, 1, 2, 3}
    assert ground.begun == [0, 1, 2, 3]


@pytest.mark.parametrize("at", [0, 1, 4, 7, 19])
@pytest.mark.parametrize("kind", ["grid", "random", "bayesian"])
def test_a_controller_that_is_killed_is_begun_again(at, kind):
    """Whenever it dies, the next one goes on: every child once, with the parameters that it would have had."""
    if kind == "bayesian":
        pytest.importorskip("optuna", reason="the extra [sweep]")
    sampling = {
        "grid": GridParameterSampling({"--a": choice(ALPHAS)}),
        "random": RandomParameterSampling({"--a": uniform(0, 1)}),
        "bayesian": BayesianParameterSampling({"--a": uniform(0, 1)}),
    }[kind]
    whole, broken = Sandbox(), Sandbox(dies_at=at)
    Controller(sweep(sampling=sampling), "HD_a", whole).run()
    with pytest.raises(KeyboardInterrupt):
        Controller(sweep(sampling=sampling), "HD_a", broken).run()
    assert Controller(sweep(sampling=sampling), "HD_a", broken).run() is End.COMPLETED
    assert broken.begun == list(range(20))
    if kind != "bayesian":  # what those learn from depends on who had ended when
        assert [child.parameters for child in broken.trials()] == [child.parameters for child in whole.trials()]


def test_a_gap_is_filled():
    """A child that never came to be is begun with the parameters of its number."""
    ground = Sandbox()
    ground.children = {n: Trial(n, "Completed", {"--a": ALPHAS[n]}, (1.0,)) for n in range(20) if n != 5}
    Controller(sweep(), "HD_a", ground).run()
    assert ground.begun == [5]
    assert ground.children[5].parameters == {"--a": ALPHAS[5]}


def test_children_of_an_earlier_sweep_are_tried_again_first():
    """Then the sampling begins at its own first."""
    ground = Sandbox()
    Controller(sweep(total=4, again=({"--a": 7.0}, {"--a": 8.0})), "HD_a", ground).run()
    assert [child.parameters["--a"] for child in ground.trials()] == [7.0, 8.0, ALPHAS[0], ALPHAS[1]]


def test_improvements_are_written_down():
    """Of courses that fall and rise: each new best of an ended child, for either goal."""
    for goal, expected in ((MIN, [0]), (MAX, list(range(20)))):
        ground = Sandbox()
        Controller(sweep(goal=goal, concurrent=1), "HD_a", ground).run()
        assert [number for number, _ in ground.best] == expected


def test_real_threads_as_children():
    """Children that really run beside the controller, and a policy that really stops some."""

    class Threads(Sandbox):
        def begin(self, number, parameters):
            super().begin(number, parameters)
            threading.Thread(target=self.train, args=(number,)).start()

        def train(self, number):
            for _ in range(20):
                child = self.children[number]
                if child.over:
                    return
                self.children[number] = replace(child, values=(*child.values, child.parameters["--a"]))
                gate.wait(0.005)
            with lock:
                if not self.children[number].over:
                    self.children[number] = replace(self.children[number], status="Completed")

        def stop(self, number, why, *, by_policy):
            with lock:
                if not self.children[number].over:
                    super().stop(number, why, by_policy=by_policy)

        def pause(self, seconds):
            gate.wait(seconds / 10)

    gate, lock = threading.Event(), threading.Lock()
    ground = Threads()
    made = sweep(policy=BanditPolicy(slack_amount=0.25))
    assert Controller(made, "HD_a", ground).run() is End.COMPLETED
    statuses = [child.status for child in ground.trials()]
    assert statuses[:3] == ["Completed"] * 3  # 0.1, 0.2, 0.3: within 0.25 of the best
    assert "Canceled" in statuses[4:]
    assert ground.most == 4
    assert NoTerminationPolicy() == NoTerminationPolicy()
