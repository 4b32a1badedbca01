"""The examples that submit scripts run as a user runs them, and go on when whoever submitted them is killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from azml_integrations.core import Workspace
from azml_integrations.launch import channel

HERE = Path(__file__).parent
ALPHAS = np.arange(0.0, 1.0, 0.05).round(2)
TERMINAL = {"Completed", "Failed", "Canceled"}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs; whatever still runs there afterwards is ended."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AZML_SLOTS", "4")
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    yield tmp_path
    queue = Workspace().queue("local")
    until = time.monotonic() + 10
    while (pid := channel.launcher(queue)) and time.monotonic() < until:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.02)


def python(*words):
    """Run a program as a user does, and return what it printed."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def azml(*words):
    """Run the command line in a process of its own."""
    return python("-m", "azml_integrations.cli", *words)


def eventually(true, seconds=120):
    """Wait until something is true, and return it."""
    until = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)
    return found


def runs(experiment="alpha-sweep", **filters):
    """Return the runs of an experiment; none as long as it is not there."""
    workspace = Workspace.from_config()
    return list(workspace.experiments[experiment].get_runs(**filters)) if experiment in workspace.experiments else []


def killed_when(true, program):
    """Start a program, kill it with all that is in its process group as soon as something is true."""
    process = subprocess.Popen([sys.executable, program], stdout=subprocess.DEVNULL, start_new_session=True)
    eventually(true)
    assert process.poll() is None  # it is in the middle
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_classic_sweep(world):
    """Twenty alphas in one submitted run, its output followed, the best one found and its model loaded."""
    printed = python(HERE / "submit_alpha_sweep.py")

    X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), test_size=0.2, random_state=0)
    expected = [mean_squared_error(y_test, Ridge(alpha=alpha).fit(X, y).predict(X_test)) for alpha in ALPHAS]
    (run,) = runs()
    assert run.get_status() == "Completed"
    assert run.get_metrics() == {"alpha": ALPHAS.tolist(), "mse": pytest.approx(expected)}
    models = [name for name in run.get_file_names() if name.startswith("outputs/")]
    assert sorted(models) == [f"outputs/ridge_{alpha:.2f}.pkl" for alpha in ALPHAS]
    best = ALPHAS[np.argmin(expected)]
    assert f"best alpha {best:.2f} with mse {min(expected):.2f} (run 1)" in printed
    assert joblib.load("best_model.pkl").alpha == best

    assert printed.startswith(f"RunId: {run.id}\n")
    assert "\nStreaming user_logs/std_log.txt\n" in printed
    assert re.findall(r"alpha is ([\d.]+)", printed) == [f"{alpha:.2f}" for alpha in ALPHAS]
    assert "\nExecution Summary\n" in printed
    assert {"train.py", "mylib.py"} <= set(zipfile.ZipFile(run.restore_snapshot()).namelist())
    azml("doctor")


def test_the_classic_sweep_survives_its_submitter(world):
    """Killed while the script runs, it changes nothing but that nobody follows the output."""
    killed_when(lambda: any(run.get_status() == "Running" for run in runs()), HERE / "submit_alpha_sweep.py")

    (run,) = runs()
    eventually(lambda: run.get_status() in TERMINAL)
    assert run.get_status() == "Completed"
    assert run.get_metrics()["alpha"] == ALPHAS.tolist()  # each of them once
    assert len([name for name in run.get_file_names() if name.startswith("outputs/")]) == 20
    eventually(Workspace.from_config().queue("local").empty)
    azml("doctor")


def test_the_same_sweep_with_a_child_for_each_alpha(world):
    """Four at a time; those that cannot come near the best any more are stopped."""
    printed = python(HERE / "sweep_alphas.py")

    (sweep,) = runs()
    check_children(sweep)
    best = sweep.get_best_run_by_primary_metric()
    assert best.get_properties()["param.--alpha"] == "0.45"
    assert "best alpha 0.45 with mse 3308.91" in printed
    assert "'Canceled': " in printed
    assert joblib.load("best_model.pkl").alpha == 0.45


def test_the_same_sweep_survives_its_submitter(world):
    """Killed in the middle, it is seen to its end by the launcher alone."""
    killed_when(lambda: len(runs(include_children=True)) > 6, HERE / "sweep_alphas.py")

    (sweep,) = runs()
    eventually(lambda: sweep.get_status() in TERMINAL)
    check_children(sweep)
    eventually(Workspace.from_config().queue("local").empty)
    azml("doctor")


def check_children(sweep):
    """Each alpha has one child, which has ended well or early; never more than four have run at one time."""
    assert sweep.get_status() == "Completed"
    children = list(sweep.get_children())
    assert sorted(float(child.get_properties()["param.--alpha"]) for child in children) == ALPHAS.tolist()
    ended = {float(child.get_properties()["param.--alpha"]): child.get_status() for child in children}
    assert set(ended.values()) == {"Completed", "Canceled"}
    assert {ended[alpha] for alpha in (0.3, 0.4, 0.45, 0.5, 0.6)} == {"Completed"}  # within 1 % of the best
    for child in children:
        points = child.metric_points("mse")
        assert [point.step for point in points] == list(range(len(points)))  # nothing ran twice
        assert ended[float(child.get_properties()["param.--alpha"])] == "Canceled" or len(points) == 20
    spans = [(told["startTimeUtc"], told["endTimeUtc"]) for child in children for told in [child.get_details()]]
    assert max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans) <= 4


def test_the_guide_to_submitting_runs_as_written(world):
    """Its code is one script beside the one that it submits, and prints what the page says it prints."""
    page = (HERE.parent / "docs" / "how-to" / "submit.md").read_text()
    library, train, *guide = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    Path("source").mkdir()
    Path("source", "mylib.py").write_text(library)
    Path("source", "train.py").write_text(train)
    Path("guide.py").write_text("".join(guide))

    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL))
    assert shown.count("\n") > 6  # the page has not lost its answers
    assert python("guide.py") == shown

    shell = "".join(re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL))
    Path("train.py").write_text("import sys; print(sys.argv[1:])")
    assert "azml submit train.py -- --rows 200\n" in shell
    assert "azml submit train.py --stream -- --rows 200\n" in shell
    assert "['--rows', '200']" in azml("submit", "train.py", "--stream", "--", "--rows", "200")
    assert "azml compute update local --slots 4\n" in shell
    azml("compute", "update", "local", "--slots", "4")
    assert "azml run stream @latest\n" in shell
    assert "['--rows', '200']" in azml("run", "stream", "@latest")


def test_somebody_is_told_when_it_ends(world, monkeypatch):
    """By the plugin in the launcher, and by a command that waits."""
    folder = HERE / "tell_me_when_it_ends"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    site = world / "site"  # what pip would make of it, without pip
    (site / "tell_me-1.0.dist-info").mkdir(parents=True)
    entries = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["azml_integrations"].items())
    (site / "tell_me-1.0.dist-info" / "entry_points.txt").write_text(f"[azml_integrations]\n{entries}")
    (site / "tell_me-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: tell-me\nVersion: 1.0\n")
    (site / "tell_me_when_it_ends.py").symlink_to(folder / "tell_me_when_it_ends.py")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    told = world / "told"
    monkeypatch.setenv("TELL_ME_WITH", f"sh -c 'echo \"$0\" >> {told}'")

    Path("train.py").write_text("print('trained')\n")
    run_id = azml("submit", "train.py").strip()
    azml("run", "wait", run_id, "--then", sys.executable, "-c", "open('after', 'w').write('{status} {id}')")
    assert Path("after").read_text() == f"Completed {run_id}"
    eventually(lambda: told.exists() and told.read_text() == "run 1 of train has ended: Completed\n", 20)
