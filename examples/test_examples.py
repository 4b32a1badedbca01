"""Every example runs as a user runs it, and leaves behind what it says."""

import csv
import gzip
import io
import json
import math
import os
import pickle
import re
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import auc, mean_absolute_error, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import azml_sklearn
from azml_integrations.core import Workspace

HERE = Path(__file__).parent
ALPHAS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    return tmp_path


def python(*words):
    """Run a program as a user does, with warnings shown, and return what it printed."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def azml(*words):
    """Run the command line in a process of its own."""
    return python("-m", "azml_integrations.cli", *words)


def text(path):
    """Return a journal as text; one that a reader has sealed is compressed."""
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


def only_run(experiment):
    """Return the one run of an experiment, as the command line tells it."""
    runs = json.loads(azml("run", "list", "--experiment", experiment, "--output", "json"))
    assert len(runs) == 1
    return json.loads(azml("run", "show", runs[0]["run_id"], "--output", "json"))


def latest(experiment):
    """Return the newest run of an experiment, from this process."""
    return next(Workspace.from_config().experiments[experiment].get_runs())


def size_of_png(run, name):
    """Return width and height of a picture in a run [pixels]; fail if it is no PNG."""
    run.download_file(name, "picture.png")
    head = Path("picture.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", head[16:])


def diabetes():
    """Return the rows that both sweeps split off."""
    return train_test_split(*load_diabetes(return_X_y=True), random_state=0)


def mixed_table():
    """Return the table of the pipeline's example."""
    table, progress = load_diabetes(as_frame=True, scaled=False, return_X_y=True)
    table["sex"] = table["sex"].map({1.0: "one", 2.0: "the other"})
    table["pressure"] = pd.cut(table.pop("bp"), [0, 80, 100, 200], labels=["low", "middle", "high"]).astype(str)
    table.loc[table.index % 17 == 0, "bmi"] = None
    return table, progress


def test_the_readmes_five_lines_leave_a_run(world):
    """alpha, its MSE and its model come back from another process, from the command line and from plain files."""
    python(str(HERE / "ridge_diabetes.py"))

    run = only_run("ridge_diabetes")
    assert run["status"] == "Completed"
    assert run["params"]["alpha"] == "0.03"

    # from the command line: the MSE of Ridge(0.03) on rows 300 and later of diabetes, computed without us
    X, y = load_diabetes(return_X_y=True)
    model = Ridge(alpha=0.03).fit(X[:300], y[:300])
    expected = mean_squared_error(y[300:], model.predict(X[300:]))
    told = list(
        csv.DictReader(io.StringIO(azml("run", "metrics", run["run_id"], "mean_squared_error", "--output", "csv")))
    )
    assert float(told[0]["value"]) == pytest.approx(expected, rel=1e-12)  # the same arithmetic in another process

    # from plain files: the journals are JSON lines, the model is a pickle of Ridge
    folder = world / "home" / "default" / "runs" / run["run_id"]
    journal = "".join(text(path) for path in (folder / "journal").iterdir())
    assert '"param.alpha":"0.03"' in journal
    logged = [json.loads(line) for line in journal.splitlines() if '"name":"mean_squared_error"' in line]
    assert logged[0]["value"] == float(told[0]["value"])
    with (folder / "outputs" / "Ridge" / "model.pkl").open("rb") as file:
        stored = pickle.load(file)
    assert stored.alpha == 0.03
    assert stored.coef_ == pytest.approx(model.coef_, rel=1e-12)

    assert "nothing is wrong" in azml("doctor")


def test_the_tutorial_runs_as_written(world):
    """Its three scripts, each in a process of its own, do what the text between them says."""
    page = (HERE.parent / "docs" / "tutorial" / "first-run.md").read_text()
    train, read_back, load, by_hand, columns = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    Path("ridge_diabetes.py").write_text(train)
    python("ridge_diabetes.py")

    printed = python("-c", read_back + load + "print(model)")
    assert float(printed.splitlines()[0]) == pytest.approx(2808.59, abs=0.01)  # as the README's picture has it
    assert printed.splitlines()[1] == "Ridge(alpha=0.03)"

    printed = python("-c", by_hand + f"print({columns.partition('#')[0]})")
    assert printed.startswith("{'alpha': [0.01, 0.03, 0.1], 'mse': [")
    log = json.loads(azml("run", "show", "alphas-by-hand/1", "--output", "json"))
    assert log["status"] == "Completed"
    assert log["tags"] == {"model": "ridge"}


def test_the_guide_to_scikit_learn_runs_as_written(world):
    """Its code is one script, and prints what the page says it prints."""
    page = (HERE.parent / "docs" / "how-to" / "scikit-learn.md").read_text()
    Path("guide.py").write_text("".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)))

    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL))
    assert shown.count("\n") > 40  # the page has not lost its answers
    assert python("guide.py") == shown


def test_the_guide_to_models_runs_as_written(world):
    """Its code is one script, and prints what the page says it prints."""
    page = (HERE.parent / "docs" / "how-to" / "models.md").read_text()
    Path("guide.py").write_text("".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)))

    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL))
    assert shown.count("\n") > 12  # the page has not lost its answers
    assert python("guide.py") == shown
    assert "diabetes-ridge,2," in azml("model", "list", "--output", "csv")
    azml("doctor")


def test_the_guide_to_data_runs_as_written(world):
    """Its code is one script on scikit-learn's own data, and prints what the page says it prints."""
    page = (HERE.parent / "docs" / "how-to" / "data.md").read_text()
    Path("guide.py").write_text("".join(re.findall(r"^```python\n(.*?)```", page, flags=re.DOTALL | re.MULTILINE)))

    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL))
    assert shown.count("\n") == 11  # the page has not lost its answers
    assert python("guide.py") == shown
    assert json.loads(azml("dataset", "show", "reports", "--output", "json"))["made_by"] == latest("with-data").id
    said = re.findall(r"^\$ azml (dataset list|dataset show .*|dataset register .*)$", page, flags=re.MULTILINE)
    assert [azml(*shlex.split(line))[:10] for line in said] == ["dataset   ", "dataset   ", "registered"]
    assert Path("copy/dog/1.png").read_bytes() == b"a picture"


def test_a_loop_over_alphas_leaves_a_table_and_a_picture(world):
    """The MSE of each alpha stands beside it, as scikit-learn alone computes it."""
    printed = python(str(HERE / "ridge_alphas_by_loop.py"))

    X, X_test, y, y_test = diabetes()
    expected = {alpha: mean_squared_error(y_test, Ridge(alpha=alpha).fit(X, y).predict(X_test)) for alpha in ALPHAS}
    run = latest("ridge_alphas_by_loop")
    table = run.get_metrics()["fits"]
    assert dict(zip(table["alpha"], table["mean_squared_error"], strict=True)) == pytest.approx(expected, rel=1e-9)
    assert table == run.fits().columns
    assert re.findall(r"mse on test rows +([\d.]+)", printed) == [f"{mse:.1f}" for mse in expected.values()]
    assert size_of_png(run, "outputs/fits/alpha.png") > (500, 300)

    # the first fit stands in the run, each later one in a child
    assert run.get_properties()["param.alpha"] == "0.001"
    assert sorted(float(child.get_properties()["param.alpha"]) for child in run.get_children()) == ALPHAS[1:]


def test_a_grid_search_leaves_a_child_for_each_candidate(world):
    """Each has the scores of its splits, their mean, and its rank; the parent has the best of them, and its model."""
    printed = python(str(HERE / "ridge_alphas_by_grid_search.py"))

    X, X_test, y, y_test = diabetes()
    grid = {"alpha": ALPHAS, "positive": [False, True]}
    expected = GridSearchCV(Ridge(), grid, cv=5).fit(X, y)
    results = expected.cv_results_
    run = latest("ridge_alphas_by_grid_search")
    candidates = {
        (float(told["param.alpha"]), told["param.positive"] == "True"): child
        for child in run.get_children()
        for told in [child.get_properties()]
    }
    assert len(candidates) == 18
    for row, parameters in enumerate(results["params"]):
        child = candidates[parameters["alpha"], parameters["positive"]]
        splits = {point.step: point.value for point in child.metric_points("test_score")}  # two workers: in any order
        assert splits == pytest.approx({split: results[f"split{split}_test_score"][row] for split in range(5)})
        found = child.get_metrics()
        assert found["mean_test_score"] == pytest.approx(results["mean_test_score"][row])
        assert found["std_test_score"] == pytest.approx(results["std_test_score"][row])
        assert found["rank_test_score"] == results["rank_test_score"][row]
    assert {child.get_status() for child in run.get_children()} == {"Completed"}

    assert expected.best_params_ == {"alpha": 0.1, "positive": False}
    assert (run.get_properties()["best.alpha"], run.get_properties()["best.positive"]) == ("0.1", "False")
    assert "best alpha 0.1, positive False: R² 0.518" in printed
    assert run.get_metrics()["best_score"] == pytest.approx(expected.best_score_)
    assert run.get_metrics()["cv_results"]["mean_test_score"] == pytest.approx(results["mean_test_score"].tolist())
    assert run.get_metrics()["mean_squared_error"] == pytest.approx(
        mean_squared_error(y_test, expected.predict(X_test))
    )
    assert size_of_png(run, "outputs/GridSearchCV/score_by_alpha.png") > (500, 300)
    assert size_of_png(run, "outputs/GridSearchCV/score_by_positive.png") > (500, 300)

    model = azml_sklearn.load_model(run, trust=True)
    assert repr(model) == "Ridge(alpha=0.1)"
    assert model.predict(X_test) == pytest.approx(expected.predict(X_test))


def test_a_classifier_leaves_its_roc(world):
    """The curve's numbers are in the run as its picture is, and enclose the area that scikit-learn computes."""
    printed = python(str(HERE / "roc_breast_cancer.py"))

    data = load_breast_cancer(as_frame=True)
    kinds = data.target_names[data.target]
    X, X_test, y, y_test = train_test_split(data.data, kinds, stratify=data.target, random_state=0)
    expected = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    malignant = expected.predict_proba(X_test)[:, 1]
    run = latest("roc_breast_cancer")
    found = run.get_metrics()
    assert found["test_roc_auc_score"] == pytest.approx(roc_auc_score(y_test == "malignant", malignant))
    assert found["test_accuracy_score"] == pytest.approx(expected.score(X_test, y_test))
    assert f"ROC AUC {found['test_roc_auc_score']:.4f}" in printed
    rates = found["test_roc_curve_table"]
    assert auc(rates["false_positive_rate"], rates["true_positive_rate"]) == pytest.approx(found["test_roc_auc_score"])
    for picture in "roc_curve", "precision_recall_curve", "confusion_matrix", "calibration_curve":
        assert size_of_png(run, f"outputs/Pipeline/{picture}.png") > (400, 400)  # of the training rows
        assert size_of_png(run, f"outputs/Pipeline/test_{picture}.png") > (400, 400)
    assert "loaded again: True" in printed
    model = azml_sklearn.load_model(run, trust=True)
    assert model.predict_proba(X_test)[:, 1] == pytest.approx(malignant)


def test_a_pipeline_on_a_mixed_table_is_one_run(world):
    """Columns of words and of numbers keep their names and types, and inner steps make no runs of their own."""
    printed = python(str(HERE / "pipeline_on_a_mixed_table.py"))

    run = only_run("pipeline_on_a_mixed_table")
    assert run["children"] == []
    assert run["params"]["boost__n_estimators"] == "100"
    assert run["params"]["prepare__numbers__fill__strategy"] == "mean"

    run = latest("pipeline_on_a_mixed_table")
    run.download_file("outputs/Pipeline/signature.json", "signature.json")
    columns = json.loads(Path("signature.json").read_text())["inputs"]["columns"]
    assert len(columns) == 10
    assert [column["name"] for column in columns if column["dtype"] != "float64"] == ["sex", "pressure"]
    importances = run.get_metrics()["feature_importances_table"]
    assert {"words__sex_one", "words__pressure_high", "numbers__bmi"} <= set(importances["feature"])
    for picture in "residuals", "test_residuals", "feature_importances", "course_of_fit":
        assert size_of_png(run, f"outputs/Pipeline/{picture}.png") > (400, 200)

    # the model that comes back takes the same table, and is as good as the run says
    X, X_test, y, y_test = train_test_split(*mixed_table(), random_state=0)
    model = azml_sklearn.load_model(run, trust=True)
    expected = clone(model).fit(X, y).predict(X_test)
    assert model.predict(X_test) == pytest.approx(expected)
    error = mean_absolute_error(y_test, expected)
    assert run.get_metrics()["test_mean_absolute_error"] == pytest.approx(error)
    assert f"mean absolute error on test rows {error:.1f}" in printed


def test_folds_of_each_learning_rate_are_children(world):
    """Three times five lines of 25 epochs; at the end the middle rate has the lowest mean."""
    printed = python(str(HERE / "digits_by_fold.py"))
    assert printed == "15 folds are children of run 1: `azml studio` draws their mean by rate\n"
    (run,) = Workspace.from_config().experiments["digits_by_fold"].get_runs()
    last = {}
    for child in run.get_children():
        losses = child.get_metrics()["test_log_loss"]
        assert len(losses) == 25
        last.setdefault(child.properties["param.learning_rate"], []).append(losses[-1])
    assert [len(folds) for folds in last.values()] == [5, 5, 5]
    assert min(last, key=lambda rate: sum(last[rate])) == "0.01"


def test_a_sweep_by_hand_finds_its_best_alpha(world):
    """Ten runs, each with its alpha, its mse and its own model."""
    printed = python(str(HERE / "ridge_by_hand.py"))

    runs = json.loads(azml("run", "list", "--experiment", "ridge-by-hand", "--output", "json"))
    assert [run["number"] for run in runs] == list(range(10, 0, -1))
    assert {run["status"] for run in runs} == {"Completed"}
    best = json.loads(azml("run", "list", "--sort", "metric:mse", "--ascending", "--limit", "1", "--output", "json"))
    assert f"(run {best[0]['number']})" in printed
    assert type(joblib.load("best_model.pkl")).__name__ == "Ridge"


def test_every_logging_call_keeps_its_charts_data(world):
    """A list and a repeated scalar are one-variable lines, rows and a table two-variable ones."""
    python(str(HERE / "logging_calls.py"))

    run = next(Workspace.from_config().experiments["logging-calls"].get_runs())
    metrics = run.get_metrics()
    assert metrics["Fibonacci"] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    assert metrics["Sigmoid"] == [1 / (1 + math.exp(-x)) for x in range(-10, 11)]
    assert metrics["Cosine Wave"] == {
        "angle": [step / 2 for step in range(-10, 11)],
        "cos": [math.cos(step / 2) for step in range(-10, 11)],
    }
    assert metrics["Sine Wave"]["sine"] == [math.sin(step / 2) for step in range(-10, 11)]
    assert metrics["ROC"].startswith(f"aml://artifactId/ExperimentRun/dcid.{run.id}/ROC_")
    matrix = run.get_metrics("confusion", populate=True)["confusion"]["data"]["matrix"]
    assert sum(map(sum, matrix)) == 169  # the rows of breast cancer from 400 on


def test_a_killed_process_loses_nothing(world):
    """What was acknowledged is there, and the run does not say Running for ever."""
    printed = python(str(HERE / "crash_and_recover.py"))

    assert "status: Failed" in printed


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # nbclient 0.10 and jupyter_client 8 on Python 3.11
def test_the_notebook_runs_and_shows_its_run(world):
    """The cells of a first notebook run as written, and a bare run is a table with its links."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(HERE / "ridge_in_a_notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(Path.cwd())}}).execute()

    shown = {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    table = shown["run"][0].data["text/html"]
    assert "train-in-notebook" in table
    assert "Completed" in table
    assert "Link to Documentation" in table
    metrics = shown["run.get_metrics()"][0].data["text/plain"]
    assert "'alpha': 0.03" in metrics

    run = next(Workspace.from_config().experiments["train-in-notebook"].get_runs())
    assert run.tags == {"Description": "My first run!"}
    assert "outputs/model.pkl" in run.get_file_names()
    cells = world / "home" / "default" / "runs" / run.id / "about" / "cells.py"
    assert "Ridge(alpha=alpha)" in cells.read_text()
