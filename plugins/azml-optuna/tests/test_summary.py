"""What a study amounts to, at its end."""

import csv
import subprocess
import sys

import optuna
import pytest

from azml_integrations import autolog
from azml_optuna import charts
from azml_optuna.summary import as_csv


def objective(trial):
    x = trial.suggest_float("x", 0.01, 10, log=True)
    trial.suggest_int("n", 1, 3)
    word = trial.suggest_categorical("k", ["a", "b", None])
    if trial.number > 10:
        trial.suggest_float("only late", 0, 1)
    for step in range(3):
        trial.report(x / (step + 1), step)
    trial.set_user_attr("round", trial.number // 5)
    if trial.number % 7 == 6:
        raise optuna.TrialPruned
    return (x - 1) ** 2 + (word == "a")


def study_of(trials, **kwargs):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), **kwargs)
    study.optimize(objective, n_trials=trials)
    return study


def charted(study, importances="unknown"):
    return charts.Charted.of(study.trials, study.directions, ["objective"], importances)


def test_charts_and_tables_stand_in_the_run(experiment):
    """Each picture once, also when the study goes on: then it shows more."""
    autolog("optuna", silent=True, on_error="raise")
    study = study_of(20)
    (run,) = experiment.get_runs()
    pictures = [f"outputs/study/{name}.png" for name in charts.CHARTS if name != "pareto_front"]
    assert sorted(name for name in run.get_file_names() if name.endswith(".png")) == sorted(pictures)
    run.download_file(pictures[0], "before.png")
    table = run.get_metrics()["param_importances_table"]
    assert set(table["parameter"]) == {"x", "n", "k"}
    assert sum(table["importance"]) == pytest.approx(1.0)

    autolog("optuna", silent=True, on_error="raise")
    study.optimize(objective, n_trials=40)
    assert sorted(name for name in run.get_file_names() if name.endswith(".png")) == sorted(pictures)
    assert isinstance(run.get_metrics()["optimization_history"], str)


def test_the_csv_is_the_data_frame_of_optuna(experiment):
    """Without pandas; attributes, durations and states included."""
    pytest.importorskip("pandas")
    study = study_of(12)
    rows = list(csv.DictReader(as_csv(study.trials, ["objective"]).splitlines()))
    frame = study.trials_dataframe()

    assert sorted(rows[0]) == sorted(frame.columns)
    for row, (_, wanted) in zip(rows, frame.iterrows(), strict=True):
        assert row["state"] == wanted["state"]
        assert row["params_x"] == repr(float(wanted["params_x"]))
        assert row["user_attrs_round"] == str(wanted["user_attrs_round"])
        assert float(row["duration"]) == pytest.approx(wanted["duration"].total_seconds(), abs=1e-6)


def test_the_history_keeps_the_best_so_far():
    """A line that never goes up, where less is better."""
    page = charts.optimization_history(charted(study_of(20)))
    dots, best = page.rows[0][0].marks
    assert len(dots.x) == 18
    assert all(later <= earlier for earlier, later in zip(best.y, best.y[1:], strict=False))
    assert page.remark == "18 completed, 2 pruned"


def test_a_slice_for_each_parameter():
    """On a logarithmic axis where the distribution is; words beside each other."""
    page = charts.slices(charted(study_of(20)))
    panels = {panel.across.label: panel for row in page.rows for panel in row}
    assert list(panels) == ["x", "n", "k", "only late"]
    assert panels["x"].across.log_from == 0.0
    assert sorted(panels["k"].across.names) == ["None", "a", "b"]


def test_a_front_is_what_nothing_is_better_than():
    """Of five points, two cannot be improved without loss; of two that are equal one is shown as well as the other."""
    import numpy as np

    costs = np.array([[1.0, 5.0], [2.0, 2.0], [3.0, 3.0], [1.0, 6.0], [5.0, 2.0], [2.0, 2.0]])
    assert charts._front(costs).tolist() == [True, True, False, False, False, True]


def test_two_objectives_have_a_front(experiment):
    autolog("optuna", silent=True, on_error="raise")
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)), n_trials=12)

    (run,) = experiment.get_runs()
    assert "outputs/study/pareto_front.png" in run.get_file_names()
    assert run.tags["best_trials"] == ", ".join(str(trial.number) for trial in study.best_trials)


def test_little_is_told_of_little(experiment, notes):
    """One trial has no course and no importances, and the run says why; infinite values are left out."""
    autolog("optuna", silent=True, on_error="raise")
    optuna.create_study().optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    optuna.create_study().optimize(lambda trial: float("inf"), n_trials=3)

    second, first = experiment.get_runs()
    assert not [name for name in first.get_file_names() if name.endswith(".png")]
    assert "optimization_history (there are no values of two trials)" in notes(first)[0]
    assert second.status == "Completed"
    assert second.tags["best_trial"] == "0"


def test_a_loop_of_short_calls_is_not_slowed_by_pictures(experiment, tmp_path):
    """They are drawn once, and once more, with all trials, when the program ends."""
    script = tmp_path / "loop.py"
    script.write_text(
        "import azml_integrations, optuna\n"
        "from azml_optuna import charts, summary\n"
        "from azml_integrations.pictures import png\n"
        "drawn = []\n"
        "summary.png = lambda page: drawn.append(page) or png(page)\n"
        "azml_integrations.autolog('optuna')\n"
        "study = optuna.create_study(study_name='loop')\n"
        "for _ in range(12):\n"
        "    study.optimize(lambda trial: trial.suggest_float('x', 0, 1), n_trials=1)\n"
        "import atexit\n"
        "print(len(drawn))\n"
        "atexit._run_exitfuncs()\n"
        "print(drawn[-3].title, drawn[-3].remark)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    before, last = done.stdout.splitlines()
    assert int(before) <= 6
    assert last == "Optimization history 12 completed"
    (run,) = experiment.get_runs()
    assert run.status == "Completed"
    assert "azml: study loop" in done.stderr
