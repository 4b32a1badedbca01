"""A loop over `study.ask` and `study.tell` has no end that anybody tells."""

import subprocess
import sys

import optuna
import pytest

from azml_integrations import Run, autolog, current_run

SPACE = {"x": optuna.distributions.FloatDistribution(0, 1), "n": optuna.distributions.IntDistribution(3, 3)}


def test_a_loop_is_one_run_with_its_trials(runs, trials):
    """What is logged between ask and tell belongs to the trial; parameters are there from the first moment."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for number in range(3):
        trial = study.ask(SPACE)
        child = trials(runs()[0])[number]
        assert (child.status, child.properties["param.n"]) == ("Running", "3")
        Run.get_context().log("mine", number)
        study.tell(trial, trial.params["x"])
        assert current_run() is None

    (run,) = runs()
    assert [child.status for child in trials(run)] == ["Completed"] * 3
    assert [child.get_metrics()["mine"] for child in trials(run)] == [0, 1, 2]
    autolog(False)
    assert run.get_status() == "Completed"
    assert run.tags["best_trial"] == str(study.best_trial.number)


def test_of_several_open_trials_none_is_the_current_one(runs, trials):
    """Nobody can know whose turn it is, so nothing is put into the wrong one."""
    study = optuna.create_study()
    several = [study.ask(SPACE) for _ in range(3)]
    assert current_run() is None
    for trial in several:
        study.tell(trial.number, 1.0)

    assert [child.status for child in trials(runs()[0])] == ["Completed"] * 3


def test_tell_knows_all_three_ends(runs, trials):
    """A pruned trial, a failed one, and a value that is refused."""
    study = optuna.create_study()
    pruned, failed, refused = study.ask(), study.ask(), study.ask()
    pruned.report(1.0, 4)
    study.tell(pruned, state=optuna.trial.TrialState.PRUNED)
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    with pytest.raises(ValueError, match="number of the values"):
        study.tell(refused, [1.0, 2.0], state=optuna.trial.TrialState.COMPLETE)
    assert trials(runs()[0])[2].status == "Running"
    study.tell(refused, 2.0)
    study.tell(refused, 3.0, skip_if_finished=True)

    assert [child.status for child in trials(runs()[0])] == ["Canceled", "Failed", "Completed"]
    assert trials(runs()[0])[0].properties["pruned_step"] == "4"
    assert trials(runs()[0])[2].get_metrics()["objective"] == 2.0


def test_the_end_of_the_program_ends_the_study(experiment, trials, tmp_path):
    """A trial that was asked for and never told is Canceled; the study is summed up."""
    script = tmp_path / "loop.py"
    script.write_text(
        "import azml_integrations, optuna\n"
        "azml_integrations.autolog('optuna')\n"
        "study = optuna.create_study()\n"
        "for value in (2.0, 1.0, 4.0, 3.0):\n"
        "    trial = study.ask()\n"
        "    trial.suggest_float('x', 0, 1)\n"
        "    study.tell(trial, value)\n"
        "study.ask()\n"
    )
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    assert "Warning" not in done.stderr

    (run,) = experiment.get_runs()
    assert run.status == "Completed"
    assert [child.status for child in trials(run)] == [*["Completed"] * 4, "Canceled"]
    assert run.tags["best_trial"] == "1"
    assert "param_importances_table" in run.get_metrics()
    assert "outputs/study/trials.csv" in run.get_file_names()
