"""The examples of Lightning run as a user runs them, and leave behind what they say."""

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations.core import Workspace

pytest.importorskip("lightning", reason="without Lightning; the environment `lightning` of tox has it")

HERE = Path(__file__).parent
LEAVING = HERE.parent / "plugins" / "azml-torch" / "tests" / "leaving"
"""Keeps a fault of gloo away from programs that end; see there."""


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", str(LEAVING), prepend=os.pathsep)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    return tmp_path


def python(*words, code=0):
    """Run a program as a user does and return what it printed."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def only_run(experiment):
    """Return the one run of an experiment."""
    (run,) = Workspace.from_config().experiments[experiment].get_runs()
    return run


def size_of_png(run, name):
    """Return width and height of a picture in a run [pixels]; fail if it is no PNG."""
    run.download_file(name, "picture.png")
    head = Path("picture.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", head[16:])


def test_a_network_on_digits_leaves_curves_pictures_and_its_model(world):
    """Loss of each step and epoch, ROC and confusion matrix of the test, and the best checkpoint."""
    printed = python(str(HERE / "lightning_digits.py"))

    run = only_run("lightning_digits")
    assert run.get_status() == "Completed"
    points = run.metric_points("train_loss")
    assert [point.step for point in points] == list(range(190))  # 1,200 rows in batches of 64, 10 epochs
    assert points[-1].value < points[0].value / 5
    assert len(run.metric_points("val_loss")) == 10
    epoch = {point.at: point.value for point in run.metric_points("epoch")}
    assert [epoch[point.at] for point in points] == [step // 19 for step in range(190)]

    found = run.get_metrics()
    assert found["test_accuracy_score"] == pytest.approx(found["test_accuracy"])  # the module's own word for it
    assert found["test_accuracy_score"] > 0.9
    assert f"ROC AUC {found['test_roc_auc_score']:.4f}" in printed
    for picture in "roc_curve", "confusion_matrix":
        assert size_of_png(run, f"outputs/LitDigits/test_{picture}.png") > (400, 300)
    assert size_of_png(run, "curves.png") == (600, 350)
    properties = run.get_properties()
    assert (properties["param.hidden"], properties["param.lr"], properties["param.optimizer"]) == (
        "64",
        "0.003",
        "Adam",
    )

    # the model comes back from its file, and is as good as its score
    import torch

    run.download_file("outputs/checkpoints/best.ckpt", "best.ckpt")
    run.download_file("outputs/checkpoints/best.json", "best.json")
    weights = torch.load("best.ckpt", weights_only=True)["state_dict"]
    assert weights["layers.0.weight"].shape == (64, 64)
    assert json.loads(Path("best.json").read_text())["score"] == pytest.approx(min(found["val_loss"]))


def test_a_training_that_was_stopped_goes_on_in_its_run(world):
    """Failed after the first start, Completed after the second; every step stands there once."""
    python(str(HERE / "lightning_resumed.py"), code=1)
    assert only_run("lightning_resumed").get_status() == "Failed"
    printed = python(str(HERE / "lightning_resumed.py"))

    run = only_run("lightning_resumed")
    assert run.get_status() == "Completed"
    assert [point.step for point in run.metric_points("loss")] == list(range(24))
    assert printed.startswith("Completed: steps 0 to 23, 24 points")


def test_two_processes_are_one_run(world):
    """The classifier is judged by the rows of both."""
    printed = python(str(HERE / "lightning_two_processes.py"))

    run = only_run("lightning_two_processes")
    assert run.get_status() == "Completed"
    assert [point.step for point in run.metric_points("loss")] == list(range(24))  # 128 rows in batches of 16, 3 epochs
    found = run.get_metrics()
    assert sum(found["val_confusion_matrix_table"]["count"]) == 256
    assert f"ROC AUC {found['val_roc_auc_score']:.3f}" in printed


def test_the_guide_to_lightning_runs_as_written(world):
    """Its code is one script, and prints what the page says it prints."""
    page = (HERE.parent / "docs" / "how-to" / "lightning.md").read_text()
    Path("guide.py").write_text("".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)))

    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL))
    assert shown.count("\n") > 10  # the page has not lost its answers
    assert python("guide.py") == shown
