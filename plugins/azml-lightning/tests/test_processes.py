"""One training, one run: several processes, a command line, a signal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toys

LEAVING = Path(__file__).parents[2] / "azml-torch" / "tests" / "leaving"
"""Keeps a fault of gloo away from programs that end; see there."""

PACKAGES = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}

HEAD = """
import logging, os, sys, warnings
import {package} as pl
import toys
from azml_lightning.{kind} import AzmlLogger, LogClassification
logging.getLogger("{package}").setLevel(logging.ERROR)
warnings.simplefilter("ignore")
quiet = dict(enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1, accelerator="cpu")
Toy = toys.TOYS["{kind}"]
"""


@pytest.fixture
def script(kind, experiment, tmp_path):
    """Start a program that has a toy, Lightning and our logger."""

    def start(body, *words, **settings):
        (tmp_path / "train.py").write_text(HEAD.format(package=PACKAGES[kind], kind=kind) + body)
        path = os.pathsep.join([str(LEAVING), str(Path(toys.__file__).parent), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "train.py", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "", **settings},
        )

    return start


def said_by(process, code=0):
    """Wait for a program and return what it printed."""
    out, err = process.communicate(timeout=250)
    assert process.returncode == code, err[-3000:]
    return out


SPAWNED = """
if __name__ == "__main__":
    logger = AzmlLogger()
    callbacks = [LogClassification()]
    trainer = pl.Trainer(
        logger=logger, max_epochs=1, strategy="ddp_spawn", devices=2, callbacks=callbacks, **quiet
    )
    trainer.fit(Toy(), toys.rows(), toys.rows())
    print(logger.version, logger.experiment.get_status())
    logger.experiment.log("after", 1.0)
"""


def test_two_spawned_processes_are_one_run(script, runs):
    """The id is fixed before the logger is pickled; rank 0 writes, what it draws is of all rows, the parent goes on."""
    run_id, status = said_by(script(SPAWNED)).split()

    (run,) = runs()
    assert (run.id, status, run.get_status()) == (run_id, "Completed", "Completed")
    assert [point.step for point in run.metric_points("loss")] == [0, 1]  # 32 rows of 8 in two processes
    assert run.get_metrics()["after"] == 1.0
    assert sum(run.get_metrics()["val_confusion_matrix_table"]["count"]) == 32
    assert "outputs/checkpoints/best.ckpt" in run.get_file_names()


def test_a_spawned_process_records_once(script, runs):
    """It imports the script anew, and autolog() in it; the steps are the trainer's all the same."""
    pytest.importorskip("azml_torch")
    body = "import azml_integrations\nazml_integrations.autolog(silent=True)\n" + SPAWNED
    said_by(script(body, AZML_PLUGINS="lightning,torch"))

    (run,) = runs()
    assert {"loss", "val_loss"} <= set(run.get_metrics())
    assert not {"cross_entropy", "eval_cross_entropy", "steps_per_second"} & set(run.get_metrics())


SCRIPTED = """
logger = AzmlLogger()
trainer = pl.Trainer(logger=logger, max_epochs=1, strategy="ddp", devices=2, **quiet)
trainer.fit(Toy(), toys.rows(), toys.rows())
logger.experiment.log("by_hand", trainer.global_rank)
"""


def test_two_processes_of_one_script_are_one_run(script, runs):
    """Each runs the script and builds its logger; only rank 0 writes, also what is called by hand."""
    said_by(script(SCRIPTED))

    (run,) = runs()
    assert run.get_status() == "Completed"
    assert [point.step for point in run.metric_points("loss")] == [0, 1]
    assert run.get_metrics()["by_hand"] == 0


INTERRUPTED = """
class Slow(Toy):
    def training_step(self, batch, index):
        import time
        print("training", flush=True)
        time.sleep(0.2)
        return super().training_step(batch, index)

trainer = pl.Trainer(logger=AzmlLogger(), max_epochs=500, **quiet)
trainer.fit(Slow(), toys.rows())
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, "Canceled"), (signal.SIGKILL, "Failed")])
def test_a_signal_ends_the_run(script, runs, number, status):
    """Ctrl-C cancels it; a killed process is found dead; what was logged before is there."""
    process = script(INTERRUPTED.replace("toys.rows())", "toys.rows(), toys.rows())"))
    for _ in range(4):
        assert process.stdout.readline() == "training\n"
    process.send_signal(number)
    process.communicate(timeout=60)

    deadline = time.monotonic() + 20
    while (found := runs()[0].get_status()) == "Running" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == status
    assert len(runs()[0].metric_points("loss")) >= 2


CONFIG = """
trainer:
  max_epochs: 1
  accelerator: cpu
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  logger:
    class_path: azml_lightning.{kind}.AzmlLogger
    init_args:
      experiment: from-yaml
      prefix: cli
      log_model: all
      tags: {{who: yaml}}
  callbacks:
    - class_path: azml_lightning.{kind}.LogClassification
      init_args: {{classes: [left, right]}}
    - class_path: azml_lightning.{kind}.Watch
      init_args: {{every: 2}}
model:
  lr: 0.25
"""

COMMAND_LINE = """
from {package}.cli import LightningCLI

class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return toys.rows()
    val_dataloader = test_dataloader = train_dataloader

LightningCLI(Toy, Data, auto_configure_optimizers=False)
"""


def test_a_yaml_names_the_logger(script, kind, experiment, tmp_path):
    """Twice makes two runs, each with its config.yaml; a third goes on with the first, and keeps both files."""
    pytest.importorskip("jsonargparse")
    (tmp_path / "config.yaml").write_text(CONFIG.format(kind=kind))
    body = COMMAND_LINE.replace("{package}", PACKAGES[kind])
    for _ in range(2):
        said_by(script(body, "fit", "--config", "config.yaml"))

    runs = list(experiment.workspace.experiments["from-yaml"].get_runs())[::-1]
    assert [run.get_status() for run in runs] == ["Completed", "Completed"]
    for run in runs:
        assert run.tags == {"who": "yaml"}
        assert run.get_properties()["param.lr"] == "0.25"
        assert len(run.metric_points("cli-loss")) == 4
        assert "outputs/config.yaml" in run.get_file_names()
        assert "val_accuracy_score" in run.get_metrics()
        assert "gradients" in run.get_metrics()

    resuming = ("--trainer.logger.init_args.run_id", runs[0].id, "--trainer.max_epochs", "2", "--ckpt_path", "last")
    said_by(script(body, "fit", "--config", "config.yaml", *resuming[:4]))
    assert len(runs[0].metric_points("cli-loss")) == 12
    assert {"outputs/config.yaml", "outputs/config_1.yaml"} <= set(runs[0].get_file_names())
    runs[0].download_file("outputs/config_1.yaml", "first.yaml")
    assert runs[0].id not in Path("first.yaml").read_text()
    runs[0].download_file("outputs/config.yaml", "second.yaml")
    assert runs[0].id in Path("second.yaml").read_text()


WITH_AUTOLOG = """
import azml_integrations
azml_integrations.autolog("{kind}")
from {package}.cli import LightningCLI

class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return toys.rows()
    val_dataloader = test_dataloader = train_dataloader

LightningCLI(Toy, Data, auto_configure_optimizers=False, trainer_defaults=dict(quiet, max_epochs=1))
"""


def test_a_command_line_records_itself(script, kind, runs, monkeypatch):
    """With autolog on, LightningCLI still finds the arguments of Trainer."""
    pytest.importorskip("jsonargparse")
    monkeypatch.setenv("AZML_PLUGINS", "lightning")
    body = WITH_AUTOLOG.replace("{package}", PACKAGES[kind]).replace("{kind}", kind)
    said_by(script(body, "fit", "--model.lr", "0.5"))
    (run,) = runs()
    assert run.get_properties()["param.lr"] == "0.5"
    assert len(run.metric_points("loss")) == 4


def test_ranks_of_a_cluster_write_nothing(script, runs):
    """RANK says who one is, before any training."""
    body = "logger = AzmlLogger()\nlogger.log_metrics({'x': 1.0}, 0)\nprint(type(logger.experiment).__name__)"
    assert said_by(script(body, RANK="1", LOCAL_RANK="1", WORLD_SIZE="2")).strip() == "Silence"
    assert runs() == []
