"""Every PyTorch example runs as a user runs it, and leaves behind what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations.core import Workspace

HERE = Path(__file__).parent
LEAVING = HERE.parent / "plugins" / "azml-torch" / "tests" / "leaving"
"""Keeps a fault of gloo away from programs that end; see there."""


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_")) or name == "RANK"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", str(LEAVING), prepend=os.pathsep)
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    return tmp_path


def python(*words):
    """Run a program as a user does, and return what it printed: on standard output, and on standard error."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def only_run(experiment):
    """Return the one run of an experiment."""
    (run,) = Workspace.from_config().experiments[experiment].get_runs()
    return run


def points(run, name):
    """Return steps and values of a metric."""
    found = run.metric_points(name)
    return [point.step for point in found], [point.value for point in found]


def test_a_plain_loop_on_digits(world):
    """Five epochs: a point for each step, a mean for each epoch, one for each pass over the validation data."""
    printed, told = python(HERE / "torch_digits_loop.py")

    run = only_run("torch_digits_loop")
    steps, losses = points(run, "cross_entropy")
    per_epoch = len(steps) // 5
    assert run.get_status() == "Completed"
    assert steps == list(range(1, 5 * per_epoch + 1))
    ends = [per_epoch * epoch for epoch in range(1, 6)]
    assert points(run, "epoch") == (ends, [1, 2, 3, 4, 5])
    assert points(run, "train_cross_entropy")[0] == ends
    assert points(run, "eval_cross_entropy")[0] == ends
    assert points(run, "lr")[0] == [1, *(end + 1 for end in ends[:-1])]
    assert points(run, "eval_cross_entropy")[1][-1] < 0.3 < losses[0]
    assert run.properties["model"] == "Digits"
    assert run.properties["model.parameters"] == "4810"
    assert run.properties["param.momentum"] == "0.9"
    assert run.properties["seed"] == "0"
    assert "outputs/Digits/summary.txt" in run.get_file_names()
    kinds = "roc_curve", "precision_recall_curve", "confusion_matrix", "calibration_curve"
    assert {f"outputs/Digits/validation_{kind}.png" for kind in kinds} <= set(run.get_file_names())
    assert {"curves.png", "outputs/Digits/model.safetensors", "outputs/Digits/model.json"} <= set(run.get_file_names())
    read = float(re.findall(r"epoch 5: ([\d.]+)", printed)[0])
    assert run.get_metrics()["validation_accuracy_score"] == pytest.approx(read, abs=6e-4)
    assert float(re.findall(r"epoch 5: ([\d.]+)", printed)[0]) > 0.9
    assert f"5 epochs, eval_cross_entropy {points(run, 'eval_cross_entropy')[1][-1]:.4g}" in told
    assert f"azml run show {run.id}" in told


def test_two_optimizers(world):
    """The discriminator's losses have the criterion's name, the generator's that of the second optimizer."""
    printed, _ = python(HERE / "torch_gan_two_optimizers.py")

    run = only_run("torch_gan_two_optimizers")
    name = "binary_cross_entropy_with_logits"
    assert points(run, name)[0] == points(run, f"{name}_2")[0] == list(range(1, 301))
    assert points(run, "loss")[1] == pytest.approx([2 * value for value in points(run, name)[1]], rel=1e-5)
    assert (run.properties["model"], run.properties["model_2"]) == ("Discriminator", "Generator")
    assert (run.properties["param.lr"], run.properties["param.lr_2"]) == ("0.002", "0.001")
    assert {"outputs/Discriminator/summary.txt", "outputs/Generator/summary_2.txt"} <= set(run.get_file_names())
    assert "radius of the generated points" in printed


def test_two_processes_make_one_run(world):
    """The second process is silent; the wrapper of the model is not taken for the model."""
    _, told = python(HERE / "torch_two_processes.py")

    run = only_run("torch_two_processes")
    assert run.get_status() == "Completed"
    assert points(run, "epoch") == ([8, 16, 24], [1, 2, 3])
    assert len(points(run, "mse_loss")[1]) == 24
    assert run.properties["model"] == "Sequential"
    assert run.properties["param.optimizer"] == "AdamW"
    assert told.count("azml: ") == 1


def test_two_submitted_ranks_are_one_run_with_a_log_each(world):
    """Each process sees a half of the rows; the first one logs."""
    printed, _ = python(HERE / "submit_torch_ranks.py")

    run = only_run("torch-ranks")
    assert run.get_status() == "Completed"
    steps, losses = points(run, "loss")
    assert steps == [0, 1, 2]
    assert losses[-1] < losses[0] / 10
    for rank in (0, 1):
        run.download_file(f"user_logs/std_log_process_{rank}.txt", "log.txt")
        assert Path("log.txt").read_text() == "".join(
            f"rank {rank} has seen 256 rows in epoch {epoch}\n" for epoch in range(3)
        )
        assert f"\nuser_logs/std_log_process_{rank}.txt\n" in printed
    assert list(run.get_children()) == []


def test_the_command_line_shows_a_torch_run(world):
    """What the closing line says to type."""
    _, told = python(HERE / "torch_gan_two_optimizers.py")

    (run_id,) = re.findall(r"azml run show (\S+)", told)
    shown, _ = python("-m", "azml_integrations.cli", "run", "show", run_id, "--output", "json")
    assert json.loads(shown)["run_id"] == run_id
