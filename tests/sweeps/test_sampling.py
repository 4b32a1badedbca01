"""Hyperparameters of child n: the same whenever they are asked for."""

import subprocess
import sys
from statistics import median

import pytest

from azml_integrations.errors import HyperDriveConfigException
from azml_integrations.sweeps import (
    BayesianParameterSampling,
    GridParameterSampling,
    PrimaryMetricGoal,
    RandomParameterSampling,
    choice,
    loguniform,
    normal,
    quniform,
    sampling,
    uniform,
)
from azml_integrations.sweeps.trial import Trial

MIN, MAX = PrimaryMetricGoal.MINIMIZE, PrimaryMetricGoal.MAXIMIZE


def test_random_children_do_not_depend_on_what_was_drawn_before():
    """Child 7 is child 7, whether a controller has drawn the others or was begun anew; another sweep is another one."""
    draw = RandomParameterSampling({"--lr": loguniform(-6, -1), "--units": choice(16, 32)}).draw
    several = [draw(n, "HD_a", MIN) for n in range(8)]
    assert draw(7, "HD_a", MAX, [Trial(3)]) == several[7]
    assert draw(7, "HD_b", MIN) != several[7]
    assert len({values["--lr"] for values in several}) == 8


def test_random_children_are_the_same_in_another_process():
    """No hash seed of the interpreter has a part in it."""
    program = (
        "from azml_integrations.sweeps import *\n"
        "s = RandomParameterSampling({'--a': uniform(0, 1), '--b': choice('x', 'y', 'z')})\n"
        "print([s.draw(n, 'HD_a', PrimaryMetricGoal.MINIMIZE) for n in range(5)])"
    )
    told = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(told) == 1


def test_a_grid_is_walked_once():
    """The last hyperparameter changes first; after the last point there is nothing."""
    grid = GridParameterSampling({"--a": choice(1, 2), "--b": choice("x", "y", "z")})
    points = [grid.draw(n, "HD_a", MIN) for n in range(7)]
    assert points == [
        {"--a": 1, "--b": "x"},
        {"--a": 1, "--b": "y"},
        {"--a": 1, "--b": "z"},
        {"--a": 2, "--b": "x"},
        {"--a": 2, "--b": "y"},
        {"--a": 2, "--b": "z"},
        None,
    ]
    assert grid.size() == 6


def test_samplings_take_what_they_can_sample():
    """A grid takes choices only; Bayesian sampling knows three expressions; random ones take all."""
    with pytest.raises(HyperDriveConfigException, match=r"GridParameterSampling cannot sample '--lr' from uniform\(\)"):
        GridParameterSampling({"--lr": uniform(0, 1)})
    with pytest.raises(HyperDriveConfigException, match=r"from normal\(\); it takes choice, uniform, quniform"):
        BayesianParameterSampling({"--lr": normal(0, 1)})
    BayesianParameterSampling({"--a": choice(1), "--b": uniform(0, 1), "--c": quniform(0, 4, 2)})
    RandomParameterSampling({"--lr": normal(0, 1)}, properties={"note": 1})


@pytest.mark.parametrize("kind", [RandomParameterSampling, GridParameterSampling, BayesianParameterSampling])
def test_a_sampling_comes_back_from_its_definition(kind):
    """A controller in another process draws from the same space."""
    made = kind({"--a": choice(1, 2)}, properties={"note": "x"})
    back = sampling.from_definition(made.as_definition())
    assert type(back) is kind
    assert back.parameter_space == {"--a": ["choice", [[1, 2]]]}
    assert back.as_definition() == made.as_definition()


# -- Bayesian ----------------------------------------------------------------------------------------


def bayesian():
    pytest.importorskip("optuna", reason="the extra [sweep]")
    return BayesianParameterSampling({"--x": uniform(-10, 10), "k": choice("a", [1, 2]), "q": quniform(0, 1, 0.5)})


def test_bayesian_sampling_finds_a_minimum_and_a_maximum():
    """Of 60 children of a parabola the last lie near its end: uniform draws would lie 5 away, as many nearer as not."""
    for goal, sign in ((MIN, 1), (MAX, -1)):
        sampler, trials = bayesian(), []
        for n in range(60):
            drawn = sampler.draw(n, "HD_a", goal, trials)
            trials.append(Trial(n, "Completed", drawn, (sign * (drawn["--x"] - 3) ** 2,)))
        away = [abs(trial.parameters["--x"] - 3) for trial in trials]
        assert median(away[-20:]) < 3.5
        assert {str(trial.parameters["k"]) for trial in trials} == {"a", "[1, 2]"}
        assert {trial.parameters["q"] for trial in trials} == {0.0, 0.5, 1.0}


def test_bayesian_sampling_is_rebuilt_from_the_children():
    """What a controller that begins anew draws is what the dead one would have drawn."""
    told = [Trial(n, "Completed", {"--x": float(n), "k": "a", "q": 0.5}, (9.0, float(n))) for n in range(15)]
    told += [Trial(15, "Running", {"--x": 2.0, "k": [1, 2], "q": 1.0}), Trial(16, "Failed", told[0].parameters)]
    assert bayesian().draw(17, "HD_a", MIN, told) == bayesian().draw(17, "HD_a", MIN, told[::-1])


def test_children_of_other_spaces_are_no_part_of_it():
    """A sweep that learns from an earlier one with other bounds leaves out what lies beyond its own."""
    pytest.importorskip("optuna", reason="the extra [sweep]")
    sampler = BayesianParameterSampling({"--x": uniform(0, 1), "--k": choice("a", "b")})
    strangers = [
        Trial(0, "Completed", {"--x": 5.0, "--k": "a"}, (0.0,)),
        Trial(1, "Completed", {"--x": 0.5, "--k": "z"}, (0.0,)),
        Trial(2, "Completed", {"--y": 0.5}, (0.0,)),
        Trial(3, "Completed", {"--x": "much", "--k": "a"}, (0.0,)),
    ]
    drawn = sampler.draw(4, "HD_a", MIN, strangers)
    assert drawn == sampler.draw(4, "HD_a", MIN, [])


def test_without_optuna_the_way_out_is_named(monkeypatch):
    """At submission, not in a controller that nobody looks at."""
    monkeypatch.setattr(sampling, "find_spec", lambda name: None)
    with pytest.raises(HyperDriveConfigException, match=r"pip install 'azml-integrations\[sweep\]'"):
        BayesianParameterSampling({"--a": choice(1, 2)}).check_installed()
    RandomParameterSampling({"--a": choice(1, 2)}).check_installed()
