"""The three adapters in one process: each training is recorded once, by the one that knows most about it."""

import importlib

import pytest
import torch
import toys
from torch import nn
from torch.nn.functional import mse_loss

from azml_integrations import autolog, current_run

pytest.importorskip("azml_torch")
pytest.importorskip("azml_sklearn")


@pytest.fixture
def everything(pl, experiment, monkeypatch):
    """Switch autolog on for all that is installed; what it changes is as before after the test."""
    from azml_integrations.plugins import plugins

    monkeypatch.delenv("AZML_PLUGINS", raising=False)
    plugins.cache_clear()
    autolog(silent=True, on_error="raise", log_images=False)
    yield
    autolog(False)
    plugins.cache_clear()


@pytest.fixture
def fit(pl):
    """Fit a module with a trainer that says nothing about loggers."""

    def run(model, **settings):
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1}
        trainer = pl.Trainer(**{"max_epochs": 1, "accelerator": "cpu", **quiet, **settings})
        trainer.fit(model, toys.rows(), toys.rows())
        return trainer

    return run


def plain_loop(steps=3):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1)).backward()
        optimizer.step()


def points(run, name):
    return [point.step for point in run.metric_points(name)]


def test_a_trainer_is_recorded_once(everything, fit, toy, runs):
    """By azml-lightning: neither criterion nor optimizer is told a second time."""
    fit(toy())

    (run,) = runs()
    assert points(run, "loss") == [0, 1, 2, 3]
    assert set(run.get_metrics()) == {"loss", "val_loss", "epoch"}
    assert run.get_status() == "Completed"
    assert not run._record().notes


def test_a_logger_of_ours_is_enough_for_silence(everything, azml, pl, experiment, toy, runs):
    """Also without autolog of Lightning, as in a process that a strategy spawns: there no trainer's fit is called."""
    autolog(False)
    autolog("torch", silent=True, on_error="raise")
    trainer = pl.Trainer(
        max_epochs=1, logger=azml.AzmlLogger(), accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1
    )
    trainer.fit(toy(), toys.rows(), toys.rows())
    plain_loop()
    autolog(False)

    run, loop = runs()
    assert set(run.get_metrics()) == {"loss", "val_loss", "epoch"}
    assert points(loop, "mse_loss") == [1, 2, 3]


def test_a_plain_loop_after_a_trainer_is_recorded(everything, fit, toy, runs):
    """By azml-torch, in a run of its own; so is one between two trainers, and each trainer by azml-lightning."""
    fit(toy())
    plain_loop()
    current_run().complete()
    fit(toy())

    first, loop, second = runs()
    assert points(loop, "mse_loss") == [1, 2, 3]
    assert "mse_loss" not in first.get_metrics() | second.get_metrics()
    assert points(first, "loss") == points(second, "loss") == [0, 1, 2, 3]
    assert {run.get_status() for run in runs()} == {"Completed"}


def test_a_trainer_between_two_loops_leaves_them_alone(everything, fit, toy, runs):
    """The run of a loop is open until the program ends, so the trainer is a child of it; no step is told twice."""
    plain_loop()
    fit(toy())
    plain_loop(2)
    autolog(False)

    (run,) = runs()
    assert (points(run, "mse_loss"), points(run, "mse_loss_2")) == ([1, 2, 3], [1, 2])
    (trained,) = run.get_children()
    assert points(trained, "loss") == [0, 1, 2, 3]
    assert (run.get_status(), trained.get_status()) == ("Completed", "Completed")


def test_all_of_them_in_one_run_of_the_users(everything, fit, toy, experiment):
    """Each writes its own names, none is in another's way; a trainer in a run with fits makes a child, as ever."""
    from sklearn.linear_model import Ridge

    with experiment.start_logging(outputs=False) as run:
        plain_loop()
        Ridge().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5])
        fit(toy())

    (trained,) = [child for child in run.get_children() if "loss" in child.get_metrics()]
    assert points(run, "mse_loss") == [1, 2, 3]
    assert "training_r2_score" in run.get_metrics()
    assert points(trained, "loss") == [0, 1, 2, 3]
    properties = run.get_properties()
    assert properties["framework"].startswith("PyTorch")
    assert properties["framework.sklearn"].startswith("scikit-learn")
    assert (properties["param.momentum"], properties["param.alpha"]) == ("0", "1.0")
    assert [note.message for note in run._record().notes] == []


def test_a_fit_of_scikit_learn_inside_a_hook_is_recorded(everything, fit, toy, runs):
    """In the run of the training, which it does not end."""
    from sklearn.linear_model import Ridge

    class Probing(toy):
        def on_validation_epoch_end(self):
            if not self.trainer.sanity_checking:
                assert current_run().get_status() == "Running"
                Ridge().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5])

    fit(Probing())
    (run,) = runs()
    assert run.get_metrics()["training_r2_score"] == pytest.approx(0.877, abs=1e-3)
    assert run.get_properties()["param.alpha"] == "1.0"
    assert points(run, "loss") == [0, 1, 2, 3]
    assert run.get_status() == "Completed"
    assert not run._record().notes


def test_off_undoes_all(everything, pl, fit, toy, runs):
    """No training is seen any more, and no function is ours."""
    from sklearn.linear_model import Ridge

    fit(toy())
    autolog(False)
    fit(toy())
    plain_loop()
    Ridge().fit([[0.0], [1.0]], [0.0, 1.0])

    assert len(runs()) == 1
    for function in (torch.nn.functional.mse_loss, torch.autograd.backward, Ridge.fit, pl.Trainer.fit):
        assert not function.__globals__["__name__"].startswith("azml")
    assert not vars(importlib.import_module("torch.optim.optimizer"))["_global_optimizer_post_hooks"]
