"""What is trained, and how, stands in the run."""

import copy

import pytest
import torch
from test_losses import train
from torch import nn

from azml_integrations import autolog
from azml_torch import description
from azml_torch.description import name_of, summary


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
        self.body[0].bias.requires_grad_(False)

    def forward(self, x):
        return self.body(x)


def models_of(optimizer):
    return description.models_of(optimizer)[0]


def test_class_parameters_device_and_seed(only, batches):
    """As properties, the hyperparameters under ``param.``."""
    torch.manual_seed(11)
    train(Net(), batches, momentum=0.5, weight_decay=0.1)

    run = only()
    wanted = {
        "framework": f"PyTorch {torch.__version__}",
        "device": "cpu",
        "seed": "11",
        "model": "Net",
        "model.parameters": "19",
        "param.optimizer": "SGD",
        "param.lr": "0.1",
        "param.momentum": "0.5",
        "param.weight_decay": "0.1",
        "param.nesterov": "False",
    }
    assert wanted.items() <= run.properties.items()


def test_the_summary_is_an_artifact(only, batches, tmp_path):
    """One line for each module."""
    train(Net(), batches)

    only().download_file("outputs/Net/summary.txt", str(tmp_path / "summary.txt"))
    lines = [line.split() for line in (tmp_path / "summary.txt").read_text().splitlines()]
    assert lines == [
        ["module", "class", "parameters", "trainable"],
        ["Net", "Net", "19", "16"],
        ["body", "Sequential", "0", "0"],
        ["body.0", "Linear", "15", "12"],
        ["body.1", "Linear", "4", "4"],
    ]


def test_the_outermost_module_with_just_these_parameters_is_the_model():
    """Not what it is made of, nor what it is part of, nor what wraps it."""
    net = Net()
    holder = nn.ModuleList([net, nn.Linear(1, 1)])
    wrapped = nn.DataParallel(net)
    assert models_of(torch.optim.SGD(net.parameters(), lr=0.1)) == [net]
    assert models_of(torch.optim.SGD(wrapped.parameters(), lr=0.1)) == [net]
    assert models_of(torch.optim.SGD(holder.parameters(), lr=0.1)) == [holder]


@pytest.mark.parametrize("wrapper", ["DataParallel", "OptimizedModule", "_FabricModule"])
def test_a_wrapper_is_not_taken_for_the_model(wrapper):
    """Whoever looks for his model looks for its own name."""
    net = Net()
    wrapped = type(wrapper, (nn.Module,), {})()
    wrapped.net = net

    assert models_of(torch.optim.SGD(wrapped.parameters(), lr=0.1)) == [net]


def test_several_modules_are_told_together():
    """An encoder and a head with one optimizer."""
    encoder, head = Net(), nn.Linear(1, 2)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    found = models_of(optimizer)
    assert sorted(type(model).__name__ for model in found) == ["Linear", "Net"]
    assert sorted(name_of(found).split("-")) == ["Linear", "Net"]
    assert summary(found).count("\n") == 6


def test_a_copy_and_a_part_of_a_model_are_found():
    """No hook saw them being made."""
    net = copy.deepcopy(Net())
    assert models_of(torch.optim.SGD(net.parameters(), lr=0.1)) == [net]
    assert models_of(torch.optim.SGD(net.body[1].parameters(), lr=0.1)) == [net.body[1]]


def test_weights_without_a_module_have_an_optimizer_all_the_same(only):
    """A linear model by hand."""
    weight = torch.zeros(4, 1, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.1)
    (torch.ones(8, 4) @ weight - 1).square().mean().backward()
    optimizer.step()

    run = only()
    assert run.properties["model.parameters"] == "4"
    assert "model" not in run.properties
    assert run.get_file_names() == []


def test_a_property_that_the_user_has_set_stays(experiment, runs, model, batches, notes):
    """The others are written, and the run says which one is not."""
    with experiment.start_logging() as run:
        run.add_properties({"param.lr": "mine"})
        train(model, batches)

    assert run.properties["param.lr"] == "mine"
    assert run.properties["param.momentum"] == "0"
    assert [note for note in notes(run) if "param.lr is not recorded" in note]
    autolog(False)


def test_a_hyperparameter_that_is_a_tensor_is_told_by_its_value(only, model, batches):
    """As a capturable optimizer has them."""
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(0.25), capturable=False, foreach=False)
    nn.functional.mse_loss(model(batches[0]), batches[1]).backward()
    optimizer.step()

    assert float(only().properties["param.lr"]) == pytest.approx(0.25)


def test_among_too_many_objects_nobody_looks(only, batches, monkeypatch, notes):
    """The training does not wait for it, and the run says so."""
    monkeypatch.setattr(description, "MOST_OBJECTS", 1000)
    train(Net(), batches)

    run = only()
    assert "model" not in run.properties
    assert run.properties["model.trained_parameters"] == "19"
    assert [note for note in notes(run) if "the model is not described" in note]
