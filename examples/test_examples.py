"""Every example runs as a user runs it, and leaves behind what it says."""

import csv
import gzip
import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

HERE = Path(__file__).parent


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


def test_the_readmes_five_lines_leave_a_run(world):
    """alpha, its MSE and its model come back from another process, from the command line and from plain files."""
    python(str(HERE / "ridge_diabetes.py"))

    run = only_run("ridge_diabetes")
    assert run["status"] == "Completed"
    assert run["params"]["alpha"] == "0.03"

    # from the command line: the MSE of Ridge(0.03) on rows 300 and later of diabetes, computed without us
    from sklearn import datasets, linear_model, metrics

    X, y = datasets.load_diabetes(return_X_y=True)
    model = linear_model.Ridge(alpha=0.03).fit(X[:300], y[:300])
    expected = metrics.mean_squared_error(y[300:], model.predict(X[300:]))
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

    from azml_integrations.core import Workspace

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

    from azml_integrations.core import Workspace

    run = next(Workspace.from_config().experiments["train-in-notebook"].get_runs())
    assert run.tags == {"Description": "My first run!"}
    assert "outputs/model.pkl" in run.get_file_names()
    cells = world / "home" / "default" / "runs" / run.id / "about" / "cells.py"
    assert "Ridge(alpha=alpha)" in cells.read_text()
