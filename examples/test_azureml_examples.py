"""Old scripts, in the spellings of three years: they import azureml alone, and run with no line changed."""

import ast
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("azureml.core", reason="plugins/azml-azureml is not installed")
joblib = pytest.importorskip("joblib")

from azml_integrations import Workspace  # noqa: E402

HERE = Path(__file__).parent
OLD = ("azureml_2018", "azureml_2019", "azureml_2020", "azureml_2020_data", "azureml_2020_hyperdrive")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of an old project, and a home of its own."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(HERE / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.chdir(folder)
        monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("AZML_WORKSPACE", raising=False)
        return folder

    return copy


def python(*arguments: str) -> str:
    """Run a script as a user does, and return what it prints; a warning of ours is an error."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", OLD)
def test_an_old_project_imports_azureml_alone(name):
    """Else it would prove nothing; and `azml check` finds nothing in it that cannot run."""
    for path in (HERE / name).glob("*.py"):
        names = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        assert not [one for one in names if one.startswith("azml")], path
    checked = subprocess.run(
        [sys.executable, "-m", "azml_integrations.cli", "check", "--json", str(HERE / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    counts = json.loads(checked.stdout)["counts"]
    assert (checked.returncode, counts["cloud"], counts["broken"], counts["unknown"]) == (0, 0, 0, 0)
    assert counts["runs"] > 10


def test_2018(project):
    """Workspace and experiment by their old keywords, `Run.start_logging`, `get_submitted_run`, the old widgets."""
    folder = project("azureml_2018")
    printed = python("run.py")

    ws = Workspace.get("old-times", subscription_id="my-subscription", resource_group="my-group")
    submitted, by_hand = ws.experiments["ridge-2018"].get_runs()
    assert by_hand.get_metrics() == {"Fibonacci numbers": [0, 1, 1, 2, 3, 5, 8, 13]}
    assert by_hand.tags == {"Description": "My first run!"}
    assert [submitted.get_status(), by_hand.get_status()] == ["Completed", "Completed"]
    metrics = submitted.get_metrics()
    assert len(metrics["mse"]) == len(metrics["alpha"]) == 10
    best = metrics["alpha"][metrics["mse"].index(min(metrics["mse"]))]
    assert f"When alpha is {best:.2f}, we have min MSE {min(metrics['mse']):.2f}." in printed
    assert f"ridge-2018 {submitted.id}: Completed" in printed
    assert "Streaming user_logs/std_log.txt" in printed
    assert joblib.load(folder / "best_model.pkl").alpha == pytest.approx(best)


def test_2019(project):
    """The cluster that is made if it is missing, an environment, `log_image("ROC", plt)`, arguments in a loop."""
    folder = project("azureml_2019")
    printed = python("run.py")

    assert "Found existing compute target" in printed
    assert "'provisioningState': 'Succeeded'" in printed
    assert "['sklearn-env']" in printed
    ws = Workspace.from_config()
    assert ws.name == "old-times"
    runs = list(ws.experiments["cancer-2019"].get_runs())
    assert [run.tags for run in runs] == [{"reg_rate": "1.0"}, {"reg_rate": "0.01"}]
    for run in runs:
        metrics = run.get_metrics(populate=True)
        assert metrics["AUC"] > 0.98
        assert metrics["ROC"].startswith(f"aml://artifactId/ExperimentRun/dcid.{run.id}/ROC_")
        assert metrics["classes"] == ["malignant", "benign"]
        assert set(metrics["ROC curve"]) == {"false_positive_rate", "true_positive_rate"}
        assert sum(map(sum, metrics["confusion"]["data"]["matrix"])) == 143
        assert run.get_details()["runDefinition"]["arguments"] == ["--regularization", run.tags["reg_rate"]]
        assert run.get_environment().environment_variables["MESSAGE"] == "hello from the notebook"
    assert joblib.load(folder / "downloaded" / "outputs" / "cancer_model.pkl").C == 100.0


def test_2020(project):
    """`submit(src, show_output=True)`, a target by its name, children, `isinstance(run, _OfflineRun)`."""
    folder = project("azureml_2020")
    printed = python("run.py")

    assert "workspace default" in printed
    assert "Streaming user_logs/std_log.txt" in printed
    (run,) = Workspace.from_config().experiments["wine-2020"].get_runs()
    assert run.get_status() == "Completed"
    assert run.get_metrics()["by depth"]["depth"] == [1, 2, 3, 4, 5]
    children = list(run.get_children())
    assert len(children) == 5
    assert all(len(child.get_metrics()["scores"]) == 5 for child in children)
    assert run.tags["best depth"] in {"3", "4", "5"}
    assert (folder / "report.txt").read_text() == "a notebook of 2020 looked at five depths\n"


def test_2020_without_a_submission(project):
    """The same script, run by hand: its run is stored too."""
    project("azureml_2020")
    assert "workspace default" in python("train.py")
    (run,) = Workspace.from_config().experiments["train"].get_runs()
    assert run.id.startswith("OfflineRun")
    assert run.get_metrics()["by depth"]["depth"] == [1, 2, 3, 4, 5]
    assert run.get_file_names() == ["outputs/report.txt"]


def test_2020_with_data_and_a_model(project):
    """The datastore, datasets by name, a named input, a folder of files, the registry of models."""
    pytest.importorskip("pandas")
    folder = project("azureml_2020_data")
    printed = python("run.py")

    ws = Workspace.from_config()
    (run,) = ws.experiments["diabetes-2020"].get_runs()
    metrics = run.get_metrics()
    assert (metrics["rows"], metrics["files"], len(metrics["columns"])) == (442, 1, 11)
    assert "diabetes_model version: 1" in printed
    assert f"R2 : {metrics['r2']}" in printed
    assert joblib.load(folder / "downloaded" / "diabetes_model.pkl").coef_.shape == (10,)
    assert ws.models["diabetes_model"].run_id == run.id
    assert ws.models["diabetes_again"].tags == {"area": "1.5"}
    assert sorted(ws.datasets) == ["diabetes dataset", "diabetes file dataset"]


def test_2020_with_hyperdrive(project):
    """A grid of four, the best of it by its metric, and its arguments as strings."""
    project("azureml_2020_hyperdrive")
    printed = python("run.py")

    (sweep,) = Workspace.from_config().experiments["iris-2020"].get_runs()
    assert (sweep.type, sweep.get_status()) == ("hyperdrive", "Completed")
    best = sweep.get_best_run_by_primary_metric()
    assert best.get_metrics()["Accuracy"] == max(run["Accuracy"] for run in sweep.get_metrics().values())
    assert len(list(sweep.get_children())) == 4
    assert str(best.get_details()["runDefinition"]["arguments"]) in printed


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # nbclient 0.10 and jupyter_client 8 on Python 3.11
def test_every_logging_call_in_a_notebook(tmp_path, monkeypatch):
    """Cell by cell in a kernel, with magics and shell lines; what was logged is what comes back."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    notebook = nbformat.read(HERE / "azureml_logging_calls.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(tmp_path)}}).execute()

    shown = {cell.source.split("\n")[0]: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    assert (
        "logging-api-test"
        in shown['experiment = Experiment(workspace=ws, name="logging-api-test")'][0].data["text/html"]
    )
    assert "Details Page" in shown["run = experiment.start_logging(snapshot_directory=None)"][0].data["text/html"]
    run = next(run for run in Workspace.from_config().experiments["logging-api-test"].get_runs())
    (details,) = shown["RunDetails(run).show()"]
    assert details.data["text/plain"].startswith("logging-api-test #1: ")
    assert run.id in details.data["text/html"]
    metrics = run.get_metrics(populate=True)
    assert len(metrics["Sine"]) == 63
    assert (metrics["accuracy"], metrics["best epoch"], math.isnan(metrics["loss "])) == (0.93, 7, True)
    assert metrics["Fibonacci"][-1] == 89
    assert metrics["classes"] == [0, 1, 2]
    assert len(metrics["Cosine Wave"]["cos"]) == len(metrics["Sine Wave"]["sine"]) == 20
    assert metrics["confusion"]["data"]["matrix"] == [[50, 3], [5, 42]]
    assert metrics["residuals"]["data"]["bin_counts"] == [4, 6]
    assert metrics["predictions"]["data"]["bin_averages"] == [0.2, 0.8]
    assert metrics["accuracy table"]["data"]["class_labels"] == ["no", "yes"]
    for picture in "Hyperbolic Tangent", "diagonal", "ROC":
        assert metrics[picture].startswith("aml://artifactId/ExperimentRun/dcid.")
    assert run.tags == {"deployed": "no", "stage": "draft", "attempt": "2"}
    assert run.properties["author"] == "a notebook"
    assert {"notes.txt", "files/a.txt", "files/b.txt", "folder/copy.txt", "diagonal.png"} <= set(run.get_file_names())
    assert [child.get_status() for child in run.get_children()] == ["Completed"] * 3
    assert (tmp_path / "again" / "notes.txt").read_text() == "one line\n"


def test_azml_check_reads_the_notebook():
    """Its magics are no obstacle, and all of it runs."""
    from azml_integrations.checking import check, counts

    found = counts(check(HERE / "azureml_logging_calls.ipynb"))
    assert (found["cloud"], found["broken"], found["unknown"]) == (0, 0, 0)
    assert found["runs"] > 30
