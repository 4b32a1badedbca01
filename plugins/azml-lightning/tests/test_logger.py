"""What Lightning asks of a logger, and what a run shows of it."""

import contextlib
import copy
import itertools
import os
import pickle
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from azml_integrations import Run, current_run, errors


def test_it_is_a_logger_of_each_package(azml, pl, kind):
    """isinstance, class_path and pickle work by a real subclass with a name of its own; Fabric takes it too."""
    from lightning.fabric.loggers import Logger as FabricLogger

    assert issubclass(azml.AzmlLogger, pl.loggers.logger.Logger)
    assert azml.AzmlLogger.__module__ == f"azml_lightning.{kind}"
    if kind == "lightning":
        assert issubclass(azml.AzmlLogger, FabricLogger)


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_the_short_name_is_that_of_the_package_in_use(package, tmp_path):
    """A program that imports one of the two gets that one's, and the other is not imported."""
    other = {"lightning.pytorch": "pytorch_lightning", "pytorch_lightning": "lightning.pytorch"}[package]
    code = f"import sys, {package}, azml_lightning as a; print(a.AzmlLogger.__module__, {other!r} in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert said.split() == [f"azml_lightning.{package.partition('.')[0]}", "False"]


def test_the_entry_module_imports_no_framework(tmp_path):
    """Discovery of plugins costs milliseconds, not the seconds that torch takes."""
    look = "print([name for name in ('torch', 'lightning', 'pytorch_lightning') if name in sys.modules])"
    code = f"import sys, azml_lightning; azml_lightning.azml_adapters(); {look}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert said.strip() == "[]"


def test_reading_what_it_is_called_begins_no_run(azml, experiment, runs):
    """Callbacks ask for name and version of loggers that are never used."""
    logger = azml.AzmlLogger()

    assert logger.name == "exp"
    assert Path(logger.save_dir).parent.name == logger.version
    assert Path(logger.log_dir) == Path(logger.save_dir, "exp", logger.version)
    logger.finalize("success")
    logger.save()

    assert runs() == []
    assert not Path(logger.save_dir).exists()


def test_a_fit_and_a_test_are_one_completed_run(azml, train, toy, runs):
    """Curves carry step, epoch and time; what the test measures stands in the same run."""
    logger = azml.AzmlLogger()
    model = toy()
    trainer = train(logger, model=model)
    trainer.test(model, toys.rows(), verbose=False)

    (run,) = runs()
    assert run.id == logger.version
    assert run.get_status() == "Completed"
    points = run.metric_points("loss")
    assert [point.step for point in points] == list(range(8))
    assert all(before.at <= after.at for before, after in itertools.pairwise(points))
    epochs = {point.at: point.value for point in run.metric_points("epoch")}
    assert [epochs[point.at] for point in points] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [point.step for point in run.metric_points("val_loss")] == [3, 7]
    assert len(run.metric_points("test_loss")) == 1
    assert "trainer/global_step" not in run.get_metrics()


def test_points_of_one_step_share_an_event(azml, experiment):
    """One line and one write a step, whose epoch a page can take for its x axis."""
    logger = azml.AzmlLogger()
    logger.log_metrics({"loss": 0.5, "epoch": 3}, step=7)

    (loss,), (epoch,) = (logger.experiment.metric_points(name) for name in ("loss", "epoch"))
    assert (loss.step, loss.at) == (epoch.step, epoch.at)
    assert epoch.value == 3


def test_metrics_are_not_changed_and_may_be_tensors(azml, experiment):
    """Loggers share one dictionary; numpy's and torch's scalars are numbers."""
    logger = azml.AzmlLogger(prefix="big")
    given = {"a": torch.tensor(0.5), "b": np.float32(2), "c": float("nan"), "d": torch.tensor(1.5, requires_grad=True)}
    logger.log_metrics(given, step=np.int64(2))

    assert list(given) == ["a", "b", "c", "d"]
    found = logger.experiment.get_metrics()
    assert list(found) == ["big-a", "big-b", "big-c", "big-d"]
    assert (found["big-a"], found["big-b"], found["big-d"]) == (0.5, 2.0, 1.5)
    assert np.isnan(found["big-c"])


def test_a_step_of_the_users_own_is_the_x_axis(azml, train, toy):
    """self.log("step", ...) decides; the optimizer steps taken stand beside it."""

    class ByTens(toy):
        def training_step(self, batch, index):
            self.log("step", float(self.global_step * 10))
            return super().training_step(batch, index)

    logger = azml.AzmlLogger()
    train(logger, model=ByTens(), max_epochs=1)

    points = logger.experiment.metric_points("loss")
    assert [point.step for point in points] == [0, 10, 20, 30]
    assert [point.value for point in logger.experiment.metric_points("trainer/global_step")][:3] == [2, 3, 4]


def test_two_optimizers_by_hand_count_twice(azml, train, kind):
    """Under manual optimization a batch is two optimizer steps: both axes are there, and both optimizers."""
    logger = azml.AzmlLogger()
    train(logger, model=toys.GANS[kind](), max_epochs=1)

    run = logger.experiment
    assert [point.step for point in run.metric_points("loss_2")] == [0, 1, 2, 3]
    assert [point.value for point in run.metric_points("trainer/global_step")] == [2, 4, 6, 8]
    properties = run.get_properties()
    assert (properties["param.optimizer_0"], properties["param.optimizer_1"]) == ("SGD", "Adam")


# -- which run -----------------------------------------------------------------------------------------


def test_a_run_of_the_users_is_used_and_left_open(azml, train, experiment):
    """``with start_logging()`` around a training: one run, that goes on after it."""
    with experiment.start_logging(outputs=False) as run:
        logger = azml.AzmlLogger()
        train(logger, max_epochs=1)
        assert logger.version == run.id
        assert run.get_status() == "Running"
        run.log("after", 1.0)

    assert run.get_status() == "Completed"
    assert len(run.metric_points("loss")) == 4
    assert len(list(experiment.get_runs())) == 1


def test_a_run_can_be_handed_over(azml, train, experiment):
    """run= is the user's to end, whatever is current."""
    run = experiment.start_logging(outputs=False)
    with experiment.start_logging(outputs=False):
        train(azml.AzmlLogger(run=run), max_epochs=1)

    assert len(run.metric_points("loss")) == 4
    assert run.get_status() == "Running"
    run.complete()


def test_two_loggers_of_one_trainer_are_two_runs(azml, train, runs):
    """A logger does not join a run that another one has just begun."""
    both = [azml.AzmlLogger(prefix="a"), azml.AzmlLogger("other", tags={"who": "b"})]
    train(both, max_epochs=1)

    assert both[0].version != both[1].version
    assert [len(run.metric_points("a-loss")) for run in runs()] == [4]
    assert len(both[1].experiment.metric_points("loss")) == 4
    assert both[1].experiment.tags == {"who": "b"}


def test_a_loop_of_trainings_is_a_run_each(azml, train, runs):
    """Nothing of the first training clings to the second."""
    for _ in range(2):
        train(azml.AzmlLogger(), max_epochs=1)

    assert [run.get_status() for run in runs()] == ["Completed", "Completed"]
    assert current_run() is None


@pytest.mark.parametrize(
    "arguments", [{"log_model": "last"}, {"run_id": "a", "resume": "b"}], ids=["log_model", "two ways to resume"]
)
def test_arguments_that_contradict_are_refused(azml, experiment, arguments):
    """At once, in words, not after the first epoch."""
    with pytest.raises(errors.OptionError):
        azml.AzmlLogger(**arguments)


def test_run_and_run_id_are_refused(azml, experiment):
    """A run that is handed over has its id."""
    run = experiment.start_logging(outputs=False)
    with pytest.raises(errors.OptionError, match="run_id"):
        azml.AzmlLogger(run=run, run_id="x")
    run.complete()


# -- endings -------------------------------------------------------------------------------------------


def test_an_exception_fails_the_run_with_its_traceback(azml, train, toy, runs):
    """The user's exception leaves as it came; the run says why it failed."""

    class Broken(toy):
        def training_step(self, batch, index):
            raise ZeroDivisionError("bad batch")

    with pytest.raises(ZeroDivisionError):
        train(azml.AzmlLogger(), model=Broken())

    (run,) = runs()
    assert run.get_status() == "Failed"
    error = run._record().error
    assert error.type == "ZeroDivisionError"
    assert "bad batch" in error.trace


def test_control_c_cancels_the_run(azml, train, toy, runs, monkeypatch):
    """Lightning turns the interrupt into an exit; the run is Canceled, not Failed."""
    import signal

    class Interrupted(toy):
        def training_step(self, batch, index):
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit):
            train(azml.AzmlLogger(), model=Interrupted())
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored
    assert [run.get_status() for run in runs()] == ["Canceled"]


def test_a_second_fit_sets_the_run_running_again(azml, train, toy, experiment):
    """A page that is open during it does not say Completed, and a crash in it is not overlooked."""
    seen = []

    class Watched(toy):
        def on_train_start(self):
            seen.append(experiment.workspace.get_run(self.logger.version).get_status())

    model, logger = Watched(), azml.AzmlLogger()
    trainer = train(logger, model=model, max_epochs=1)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(model, toys.rows(), toys.rows())

    assert seen == ["Running", "Running"]
    assert logger.experiment.get_status() == "Completed"
    assert [point.step for point in logger.experiment.metric_points("loss")] == list(range(8))


@pytest.mark.parametrize("verb", ["validate", "test", "predict"])
def test_each_verb_alone_is_a_completed_run(azml, trainer_for, toy, runs, verb):
    """A trainer that only validates leaves no run open."""
    trainer = trainer_for(azml.AzmlLogger())
    silence = {} if verb == "predict" else {"verbose": False}
    getattr(trainer, verb)(toy(), toys.rows(), **silence)

    assert [run.get_status() for run in runs()] == ["Completed"]


def test_a_test_that_raises_after_a_good_fit_fails_the_run(azml, train, toy, runs):
    """The last status wins."""

    class Untestable(toy):
        def test_step(self, batch, index):
            raise ValueError("no")

    model = Untestable()
    trainer = train(azml.AzmlLogger(), model=model, max_epochs=1)
    with pytest.raises(ValueError, match="no"):
        trainer.test(model, toys.rows(), verbose=False)
    assert [run.get_status() for run in runs()] == ["Failed"]


def test_a_rehearsal_leaves_no_run(azml, train, runs):
    """fast_dev_run swaps the loggers for dummies."""
    train(azml.AzmlLogger(), fast_dev_run=True)
    assert runs() == []


@pytest.mark.parametrize("search", ["lr_find", "scale_batch_size"])
def test_the_tuner_gives_the_logger_back(azml, pl, toy, trainer_for, experiment, runs, search):
    """What a search for a learning rate or a batch size computes is not logged; the training after it is."""

    class Data(pl.LightningDataModule):
        batch_size = 2

        def train_dataloader(self):
            return toys.rows(64, self.batch_size)

        val_dataloader = train_dataloader

    logger = azml.AzmlLogger()
    trainer = trainer_for(logger, max_epochs=1)
    tune = getattr(pl.tuner.Tuner(trainer), search)
    settings = {"num_training": 20} if search == "lr_find" else {"max_trials": 1}
    model = toy()
    tune(model, datamodule=Data(), **settings)

    assert trainer.logger is logger
    trainer.fit(model, datamodule=Data())
    (run,) = runs()
    assert len(run.metric_points("val_loss")) == 1  # of the training alone
    assert run.get_status() == "Completed"


# -- hyperparameters and the model -----------------------------------------------------------------------


@dataclass
class Net:
    width: int = 8
    act: type = torch.nn.ReLU


@pytest.mark.parametrize(
    "given",
    [
        {"lr": 0.1, "net": {"width": 8, "act": torch.nn.ReLU}},
        Namespace(lr=0.1, net=Namespace(width=8, act=torch.nn.ReLU)),
        {"lr": 0.1, "net": Net()},
        {"lr": 0.1, "net": Net(), "_instantiator": "lightning.pytorch.cli.instantiate_module"},
    ],
    ids=["dicts", "namespaces", "a dataclass", "of LightningCLI"],
)
def test_nested_hyperparameters_get_dotted_names(azml, experiment, given):
    """However they are nested, param.net.width is what a table of runs shows."""
    logger = azml.AzmlLogger()
    logger.log_hyperparams(given)

    found = {name: value for name, value in logger.experiment.get_properties().items() if name.startswith("param.")}
    assert found == {"param.lr": "0.1", "param.net.width": "8", "param.net.act": "torch.nn.modules.activation.ReLU"}


def test_a_changed_hyperparameter_keeps_the_first_and_tells(azml, experiment, notes):
    """Lightning logs them at each fit and test; the second value is an event that the run shows, once."""
    logger = azml.AzmlLogger()
    logger.log_hyperparams({"lr": 0.1})
    for _ in range(2):
        logger.log_hyperparams({"lr": 0.2, "more": "x"}, {"hp_metric": -1.0})

    run = logger.experiment
    assert run.get_properties()["param.lr"] == "0.1"
    assert run.get_properties()["param.more"] == "x"
    assert notes(run) == ["param.lr was 0.1 and is 0.2 now; the first value stands"]
    assert run.get_metrics()["hp_metric"] == [-1.0, -1.0]


@pytest.mark.parametrize(
    "odd",
    [None, {}, {"a": None}, {1: 2}, {"a": []}, {"a": "x" * 10_000}, {"a": "\ud800\0"}, {"m": torch.nn.ReLU()}, "words"],
    ids=[
        "None",
        "empty",
        "none in it",
        "a number for a name",
        "a list",
        "long",
        "not storable",
        "a module",
        "no mapping",
    ],
)
def test_no_hyperparameters_raise(azml, experiment, odd):
    """Whatever a module was built with."""
    logger = azml.AzmlLogger()
    logger.log_hyperparams(odd)
    assert all(len(value) <= 4096 for value in logger.experiment.get_properties().values())


def test_a_training_tells_model_and_optimizer(azml, train, toy):
    """Class, sizes and settings are properties, the layers a text; the model is not called for it."""

    class Touchy(toy):
        example_input_array = "not even a tensor"

    logger = azml.AzmlLogger()
    train(logger, model=Touchy(lr=0.25, net={"depth": 1}), max_epochs=1)

    run = logger.experiment
    properties = run.get_properties()
    assert properties["param.lr"] == properties["param.optimizer.lr"] == "0.25"
    assert properties["param.net.depth"] == "1"
    assert properties["param.optimizer"] == "SGD"
    assert (properties["model.parameters"], properties["model.trained_parameters"]) == ("6", "6")
    run.download_file("outputs/model_summary.txt", "summary.txt")
    assert "Linear(in_features=2, out_features=2" in Path("summary.txt").read_text()


# -- other ranks, travel -----------------------------------------------------------------------------------


def test_other_ranks_write_nothing(azml, experiment, runs, monkeypatch):
    """Rank 1 gets something that takes every call."""
    from lightning_utilities.core.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = azml.AzmlLogger()
    logger.experiment.log("x", 1)
    assert logger.experiment[0].log_image("x") is None
    logger.log_metrics({"x": 1.0}, 0)
    logger.log_hyperparams({"a": 1})
    logger.log_graph(torch.nn.Linear(1, 1))
    logger.log_image("x", torch.zeros(2, 2))
    logger.log_table("x")
    logger.log_classification([0], [0.5])
    logger.finalize("success")
    assert runs() == []


@pytest.mark.parametrize(
    "travel", [lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_copy_writes_to_the_same_run(azml, experiment, runs, travel, begun):
    """The id is fixed before it travels, so that one job is one run; nothing live travels."""
    logger = azml.AzmlLogger(prefix="p", tags={"a": "b"})
    if begun:
        logger.log_metrics({"x": 1.0}, 0)
    other = travel(logger)
    assert other.version == logger.version
    assert other.__dict__["_experiment"] is None

    other.log_metrics({"x": 2.0}, 1)
    logger.log_metrics({"x": 3.0}, 2)
    (run,) = runs()
    assert [point.value for point in run.metric_points("p-x")] == [1.0, 2.0, 3.0][not begun :]
    logger.finalize("success")
    other.finalize("success")
    assert run.get_status() == "Completed"


def test_a_trainer_can_be_pickled_after_training(azml, train):
    """As ddp_spawn does before it: no handle, no weak reference and no lock is in the way."""
    trainer = train([azml.AzmlLogger(), azml.AzmlLogger()], max_epochs=1)
    again = pickle.loads(pickle.dumps(trainer))
    assert [logger.version for logger in again.loggers] == [logger.version for logger in trainer.loggers]
    assert not any(type(callback).__name__ == "CompanionCallback" for callback in trainer.callbacks)


def test_fabric_takes_it(experiment):
    """Fabric calls log_metrics alone; the user finalizes."""
    from lightning.fabric import Fabric

    from azml_lightning.lightning import AzmlLogger

    fabric = Fabric(accelerator="cpu", devices=1, loggers=[AzmlLogger()])
    fabric.log("loss", torch.tensor(0.5), step=3)
    fabric.log_dict({"a": 1, "b": 2.0})
    fabric.logger.finalize("success")

    run = fabric.logger.experiment
    assert isinstance(run, Run)
    assert [(point.step, point.value) for point in run.metric_points("loss")] == [(3, 0.5)]
    assert run.get_metrics()["b"] == 2.0
    assert run.get_status() == "Completed"


def test_monitors_of_rates_and_devices_log_to_it(azml, pl, train):
    """They call log_metrics of every logger."""
    rates = pl.callbacks.LearningRateMonitor("step")
    callbacks = [rates]
    with contextlib.suppress(ModuleNotFoundError):  # psutil
        callbacks.append(pl.callbacks.DeviceStatsMonitor(cpu_stats=False))
    logger = azml.AzmlLogger()
    train(logger, callbacks=callbacks, max_epochs=1)
    assert logger.experiment.get_metrics()["lr-SGD"] == [pytest.approx(0.1)] * 4


def test_a_full_disk_costs_points_not_the_training(azml, train, monkeypatch):
    """The run that the logger begins warns where a run of the user's raises."""
    from azml_integrations.journal import Journal

    logger = azml.AzmlLogger()
    run = logger.experiment
    append = Journal.append

    def refuse(self, event):
        if type(event).__name__ == "MetricsLogged":
            raise errors.StoreError("disk", OSError(28, "no space"))
        return append(self, event)

    monkeypatch.setattr(Journal, "append", refuse)
    with pytest.warns(errors.StoreWarning):
        train(logger, max_epochs=1)
    monkeypatch.undo()
    assert run.get_metrics() == {}
    assert os.environ.get("AZML_ON_ERROR") is None
