"""The adapter tries its hook points first; where one is not as it knows it, the others work and the user is told."""

import pytest
import torch
import torch.nn.functional as F
from test_losses import as_list, train

import azml_torch
from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_integrations.testing import check_plugin


def test_the_entry_module_keeps_the_contract():
    """Strings only; every hook is known; nothing of the framework is imported."""
    check_plugin(azml_torch)


def test_without_criteria_the_backward_pass_tells_the_loss(experiment, runs, model, batches, monkeypatch, notes):
    """The fallback is stated, in a warning and in the run."""
    autolog(False)
    monkeypatch.setattr(torch.nn.MSELoss, "forward", lambda *_: None)
    with pytest.warns(AutologWarning, match="recorded where a backward pass begins"):
        autolog("torch", silent=True)

    losses = train(model, batches)
    autolog(False)

    (run,) = runs()
    assert as_list(run, "mse_loss") == losses
    assert [note for note in notes(run) if "evaluations are not" in note]


def test_without_backward_criteria_tell_the_loss(experiment, runs, model, batches, monkeypatch):
    """By their names alone."""
    autolog(False)
    original = torch.Tensor.backward

    def another_way(self):
        original(self)

    monkeypatch.setattr(torch.Tensor, "backward", another_way)
    with pytest.warns(AutologWarning, match="by the name of their criterion only"):
        autolog("torch", silent=True)

    losses = train(model, batches)
    autolog(False)

    (run,) = runs()
    assert as_list(run, "mse_loss") == losses


def test_without_steps_nothing_is_recorded_and_everything_is_as_before(experiment, monkeypatch, model, batches):
    """An optimizer that does not call the hook: the adapter gives up, and says so."""
    import torch.optim.optimizer as module

    before = F.mse_loss
    monkeypatch.setattr(module, "register_optimizer_step_post_hook", lambda hook: torch.utils.hooks.RemovableHandle({}))
    with pytest.warns(AutologWarning, match="does not let the steps of its optimizers be seen"):
        autolog("torch", silent=True)

    assert F.mse_loss is before
    train(model, batches)
    assert list(experiment.get_runs()) == []


def test_turning_it_on_twice_sees_each_loss_once(experiment, runs, model, batches):
    """Other options replace the earlier ones."""
    autolog("torch", silent=True, log_grad_norm=1)
    autolog("torch", silent=True, log_grad_norm=1)
    train(model, batches, steps=3)
    autolog(False)

    (run,) = runs()
    assert len(as_list(run, "mse_loss")) == 3
    assert len(as_list(run, "grad_norm")) == 3
