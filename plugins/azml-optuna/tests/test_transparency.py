"""Optuna does what it would have done: the same trials, the same random state, the same objects."""

import pickle
import subprocess
import sys

import optuna
import pytest

import azml_optuna
from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_integrations.testing import check_plugin

METHODS = [
    *((optuna.Study, name) for name in ("optimize", "ask", "tell")),
    *((optuna.Trial, name) for name in ("suggest_float", "suggest_int", "suggest_categorical", "report")),
    (optuna.Trial, "set_user_attr"),
]


def objective(trial):
    x = trial.suggest_float("x", 0.01, 3, log=True)
    n = trial.suggest_int("n", 1, 9)
    for step in range(3):
        trial.report(x * step + n, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x + n + (trial.suggest_categorical("k", ["a", "b"]) == "a")


def optimized(**kwargs):
    """Return a study after 25 trials, 15 of them of a sampler that looks at those before."""
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=3), pruner=optuna.pruners.MedianPruner(n_startup_trials=2)
    )
    study.optimize(objective, n_trials=25, **kwargs)
    return study


def facts(study):
    state = study.sampler._rng.rng.get_state()[1].tolist() if hasattr(study.sampler._rng, "rng") else None
    told = [(trial.params, trial.values, trial.state, trial.intermediate_values) for trial in study.trials]
    return told, state, study.user_attrs, [trial.user_attrs for trial in study.trials]


def test_the_entry_module_keeps_the_laws():
    check_plugin(azml_optuna)


def test_a_study_is_the_same_with_and_without(runs):
    """Seeds are sacred: every trial, and the sampler's random state after them, summary with charts included."""
    autolog(False)
    without = facts(optimized())
    autolog("optuna", silent=True, on_error="raise")
    assert facts(optimized()) == without
    (run,) = runs()
    assert run.status == "Completed"
    assert "param_importances" in run.get_metrics()


def test_nothing_is_left_on_a_study(runs):
    """A study that was recorded pickles as one that was not."""
    autolog(False)
    without = optimized()
    autolog("optuna", silent=True, log_images=False, on_error="raise")
    study = optimized()
    assert vars(study).keys() == vars(without).keys()
    assert len(pickle.loads(pickle.dumps(study)).trials) == 25
    assert study._storage.get_study_system_attrs(study._study_id) == {}


def test_the_switch_gives_optuna_back(experiment):
    """To the object."""
    before = [getattr(owner, name) for owner, name in METHODS]
    autolog("optuna")
    after = [getattr(owner, name) for owner, name in METHODS]
    assert all(one is not other for one, other in zip(before, after, strict=True))
    assert [one.__wrapped__ for one in after] == before
    autolog(False)
    assert [getattr(owner, name) for owner, name in METHODS] == before


def test_what_is_called_wrongly_raises_as_before(runs):
    """The user's mistake is Optuna's to tell."""
    study = optuna.create_study()
    with pytest.raises(TypeError, match="func"):
        study.optimize()
    with pytest.raises(TypeError, match="not iterable"):
        study.optimize(objective, n_trials=1, callbacks=5)
    with pytest.raises(ValueError, match="low"):
        study.ask().suggest_float("x", 2, 1)


def test_callbacks_are_asked_for_as_before(runs):
    """A list that grows while the study goes on, and a generator that is used up."""
    seen, growing = [], []

    def callback(study, frozen):
        seen.append(frozen.number)
        growing.append(lambda study, frozen: seen.append(-frozen.number))

    growing.append(callback)
    optuna.create_study().optimize(lambda trial: 1.0, n_trials=2, callbacks=growing)
    assert seen == [0, 0, 1, -1, -1]

    seen.clear()
    once = (callback for _ in range(1))
    optuna.create_study().optimize(lambda trial: 1.0, n_trials=2, callbacks=once)
    assert seen == [0]


def test_a_full_disk_does_not_stop_a_study(runs, monkeypatch):
    """What cannot be recorded is told once, and the study goes on to its end."""
    from azml_optuna import recorded_trial

    def refuse(self, name, value):
        raise OSError("no space left")

    monkeypatch.setattr(recorded_trial.RecordedTrial, "tell_parameter", refuse)
    study = optuna.create_study()
    with pytest.warns(AutologWarning, match="no space left"):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    assert len(study.trials) == 3
    assert runs()[0].status == "Completed"


def test_paused_studies_are_not_recorded(runs):
    """Also where their trials are asked for in other threads."""
    from azml_integrations.autologging import paused

    with paused("optuna"):
        optuna.create_study().optimize(lambda trial: 1.0, n_trials=4, n_jobs=2)
    assert runs() == []


def test_the_switch_may_be_turned_off_in_the_middle(runs, trials):
    """What was under way is ended, what follows is not recorded, and the study does not notice."""

    def objective(trial):
        if trial.number == 1:
            autolog(False)
        trial.suggest_float("x", 0, 1)
        return 1.0

    study = optuna.create_study()
    study.optimize(objective, n_trials=3)

    (run,) = runs()
    assert len(study.trials) == 3
    assert run.status == "Completed"
    assert [child.status for child in trials(run)] == ["Completed", "Canceled"]


def test_our_own_sweeps_are_not_recorded(runs):
    """Bayesian sampling asks Optuna; its trials are the children of a sweep already."""
    from azml_integrations.sweeps import BayesianParameterSampling, PrimaryMetricGoal, uniform

    sampling = BayesianParameterSampling({"alpha": uniform(0.0, 1.0)})
    drawn = sampling.draw(0, "seed", PrimaryMetricGoal.MINIMIZE)
    assert 0 <= drawn["alpha"] <= 1
    assert runs() == []


def test_installing_imports_nothing():
    """The entry module is read by every program that asks for plugins."""
    program = (
        "import sys, azml_integrations; azml_integrations.autolog('optuna'); "
        "print(sorted({'optuna', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"


def test_options_are_checked(experiment):
    with pytest.warns(AutologWarning, match="max_child_runs is a number of at least 0, not -1"):
        autolog("optuna", max_child_runs=-1)


def test_the_users_error_goes_before_our_warnings(runs, monkeypatch):
    """Where a filter makes warnings errors, theirs is still the one that leaves."""
    from azml_optuna.recorded_study import RecordedStudy

    def refuse(self, *, patient):
        raise OSError("no space left")

    def broken(trial):
        raise KeyError("mine")

    monkeypatch.setattr(RecordedStudy, "sum_up", refuse)
    study = optuna.create_study()
    with pytest.raises(KeyError, match="mine"):
        study.optimize(broken, n_trials=1)
    monkeypatch.undo()
