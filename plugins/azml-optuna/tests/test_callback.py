"""The explicit form, for those without the switch."""

import optuna
import pytest

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_optuna import AzmlCallback


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.report(x, 1)
    trial.set_user_attr("who", "me")
    if trial.number == 1:
        raise optuna.TrialPruned
    return x


def test_a_callback_records_each_trial_as_it_ends(experiment, trials):
    """All that autolog writes, but not before the trial is over."""
    study = optuna.create_study(study_name="by hand")
    with AzmlCallback(log_images=False) as record:
        study.optimize(objective, n_trials=3, callbacks=[record])

    (run,) = experiment.get_runs()
    assert (run.name, run.status, run.properties["study"]) == ("by hand", "Completed", "by hand")
    assert [child.status for child in trials(run)] == ["Completed", "Canceled", "Completed"]
    first = trials(run)[0]
    assert first.get_metrics()["objective"] == float(first.properties["param.x"]) == study.trials[0].value
    assert first.tags == {"who": "me"}
    assert first.metric_points("intermediate_value")[0].step == 1
    assert run.tags["best_trial"] == str(study.best_trial.number)


def test_a_callback_writes_into_the_run_it_was_given(experiment, trials):
    """That run stays open, and is summed up when it ends."""
    study = optuna.create_study()
    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        study.optimize(objective, n_trials=2, callbacks=[AzmlCallback(run, log_images=False)])
        assert run.get_status() == "Running"

    (found,) = experiment.get_runs()
    assert len(trials(found)) == 2
    assert found.tags["best_trial"] == "0"


def test_with_autolog_a_callback_says_only_where(runs, experiment, trials):
    """Nothing is recorded twice; the run of the callback is the one."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    record = AzmlCallback(run)
    with experiment.start_logging(outputs=False, snapshot_directory=None) as other:
        optuna.create_study().optimize(objective, n_trials=2, callbacks=[record])
    run.complete()

    assert len(trials(run)) == 2
    assert trials(run)[0].status == "Completed"
    assert trials(other) == []


def test_a_callback_that_stumbles_leaves_the_study_alone(experiment):
    """A callback may stop a study by raising; ours never does."""
    autolog(False)
    study = optuna.create_study()
    with pytest.warns(AutologWarning, match="optuna"):
        study.optimize(lambda trial: 1.0, n_trials=2, callbacks=[AzmlCallback("no run")])
    assert len(study.trials) == 2
