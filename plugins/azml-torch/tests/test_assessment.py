"""One explicit call: the full account of a model on data of the user's choice."""

import random
import warnings
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from azml_integrations import log_classification, log_regression
from azml_integrations.errors import NameRefusedError, UserErrorException
from azml_torch import evaluate

X = torch.linspace(-1, 1, 60).reshape(20, 3).sin()
Y = torch.arange(20) % 3


class Net(nn.Module):
    """Two layers, of which the first is in evaluation mode for ever, as a frozen backbone is."""

    def __init__(self, outputs=3):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8)).eval()
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, outputs)

    def forward(self, x):
        return self.head(self.drop(self.frozen(x).relu()))


def answers(model, x=X):
    """Return what a model says in evaluation mode."""
    modes = [module.training for module in model.modules()]
    model.eval()
    with torch.no_grad():
        said = model(x)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return said


def test_a_classifier_is_told_by_one_line(run):
    """ROC, confusion matrix and the others, metrics, and the tables: what the core makes of the same answers."""
    model = Net()
    values = evaluate(run, model, DataLoader(TensorDataset(X, Y), batch_size=7))
    assert values == pytest.approx(log_classification(run, Y, answers(model), prefix="test", name="again"))
    pictures = ["calibration_curve", "confusion_matrix", "precision_recall_curve", "roc_curve"]
    assert [name for name in run.get_file_names() if "/Net/" in name] == [
        f"outputs/Net/test_{kind}.png" for kind in pictures
    ]


def test_tensors_are_cut_into_batches(run):
    """A data set in memory needs no loader; a batch is no larger than asked for."""
    model, seen = Net(), []
    model.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    values = evaluate(run, model, (X, Y), batch_size=8)
    assert seen == [8, 8, 4]
    assert values == pytest.approx(evaluate(run, model, DataLoader(TensorDataset(X, Y), batch_size=20)))


def test_every_module_is_left_in_the_mode_it_was_in(run):
    """Also when a batch raises: a frozen part stays frozen, the others go on training."""
    model = Net().train()
    model.frozen.eval()
    before = {name: module.training for name, module in model.named_modules()}
    assert set(before.values()) == {True, False}
    evaluate(run, model, (X, Y))
    with pytest.raises(RuntimeError):
        evaluate(run, model, (X[:, :2], Y))
    assert {name: module.training for name, module in model.named_modules()} == before
    assert torch.is_grad_enabled()


def test_training_goes_on_as_if_nothing_had_happened(run):
    """Random numbers of torch, numpy, Python and the loader; statistics, gradients and hooks of the model."""
    model = Net().train()
    model(X).sum().backward()
    generator = torch.Generator().manual_seed(3)
    noisy = DataLoader(Noisy(), batch_size=5, shuffle=True, generator=generator)

    def state():
        return {
            "torch": torch.get_rng_state().tolist(),
            "loader": generator.get_state().tolist(),
            "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002 - what data sets draw from
            "python": random.getstate(),
            "model": {name: value.tolist() for name, value in model.state_dict().items()},
            "gradients": [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
            "attributes": sorted(vars(model)),
        }

    before = state()
    evaluate(run, model, noisy)
    assert state() == before


class Noisy(torch.utils.data.Dataset):
    """Draws from everything there is."""

    def __len__(self):
        return 20

    def __getitem__(self, place):
        noise = torch.randn(3) + float(np.random.standard_normal()) + random.random()  # noqa: NPY002 - as users do
        return X[place] + noise * 0.01, Y[place]


def test_what_a_module_keeps_from_its_first_call_can_be_trained_with(run):
    """A table of positions made on demand: in inference mode the next training step would fail."""

    class Positions(Net):
        table = None

        def forward(self, x):
            if self.table is None:
                self.table = torch.ones(3)
            return super().forward(x * self.table)

    model = Positions()
    evaluate(run, model, (X, Y))
    model.frozen[0].weight.requires_grad_()
    (model(X.clone().requires_grad_()) ** 2).sum().backward()
    assert model.head.weight.grad is not None


def test_within_autocast_gradients_reach_the_weights_afterwards(run):
    """Autocast keeps casts of weights, also those made without gradients."""
    model = Net()
    with torch.autocast("cpu", torch.bfloat16):
        evaluate(run, model, (X, Y))
        loss = model(X).float().square().sum()
    loss.backward()
    assert model.head.weight.grad is not None


def test_two_classes_by_one_logit(run):
    """As BCEWithLogitsLoss has it: floats as targets, one column."""
    model, truth = Net(1), (Y > 0).float().unsqueeze(1)
    values = evaluate(run, model, (X, truth))
    assert values == pytest.approx(log_classification(run, truth, answers(model), prefix="test", name="again"))


def test_a_regressor_is_told_by_one_line(run):
    """Floats that are not all 0 or 1; and whole numbers that one column cannot classify."""
    model = Net(1)
    values = evaluate(run, model, (X, X.sum(1, keepdim=True)))
    assert values == pytest.approx(log_regression(run, X.sum(1), answers(model)[:, 0], prefix="test", name="again"))
    assert "count_r2_score" in evaluate(run, model, (X, Y), prefix="count")
    several = evaluate(run, Net(2), (X, X[:, :2]), prefix="two")
    assert several.keys() == {
        f"two_{name}" for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2_score")
    }


def test_whoever_knows_better_names_the_task(run):
    """A regression whose targets are all 0 or 1."""
    values = evaluate(run, Net(1), (X, (Y > 0).float()), task="regression")
    assert "test_mean_squared_error" in values


def test_names_of_classes_are_in_the_pictures(run):
    """In the order of the columns."""
    evaluate(run, Net(), (X, Y), classes=["cat", "dog", "owl"])
    assert set(run.get_metrics()["test_roc_curve_table"]["class"]) == {"cat", "dog", "owl"}


Sample = namedtuple("Sample", "x y")  # noqa: PYI024 - as users write it


@pytest.mark.parametrize(
    ("batch", "answer"),
    [
        ([X, Y], None),
        (Sample(X, Y), None),
        ({"x": X, "label": Y}, lambda model, batch: (batch["label"], model(batch["x"]))),
    ],
    ids=["list", "namedtuple", "dict"],
)
def test_batches_of_many_forms(run, batch, answer):
    """What a loader's collate makes; for a dict the user says what is what."""
    assert evaluate(run, Net(), [batch], answer=answer) == evaluate(run, Net(), (X, Y))


def test_outputs_with_logits(run):
    """As transformers have them."""

    class Speaking(Net):
        def forward(self, x):
            return SimpleNamespace(loss=None, logits=super().forward(x))

    assert evaluate(run, Speaking(), (X, Y), name="Net") == evaluate(run, Net(), (X, Y))


def scripted(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch 2.13 asks to leave it behind
        return torch.jit.trace(model.eval(), X)


@pytest.mark.parametrize("kind", ["compiled", "scripted", "function", "parallel"])
def test_models_of_many_kinds(run, kind):
    """The name is the user's class; a function is as good as a module."""
    model = Net()
    expected = evaluate(run, model, (X, Y), prefix="plain")
    told = {
        "compiled": lambda: torch.compile(model, backend="eager"),
        "scripted": lambda: scripted(model),
        "function": lambda: lambda x: answers(model, x),
        "parallel": lambda: nn.DataParallel(model),
    }[kind]()
    values = evaluate(run, told, (X, Y))
    assert list(values.values()) == pytest.approx(list(expected.values()))
    folder = "model" if kind == "function" else "Net"
    assert f"outputs/{folder}/test_roc_curve.png" in run.get_file_names()


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (X, {}, "got Tensor as data; expected a DataLoader or a tuple"),
        (3, {}, "got int as data"),
        ((X, Y[:5]), {}, r"X of shape \(20, 3\) and y of shape \(5,\)"),
        ([], {}, "without a batch"),
        ([X], {}, "a batch of Tensor; expected"),
        ([{"x": X}], {}, "a batch of dict; expected .* pass answer="),
        ([(X, "y")], {}, "a batch of tuple of Tensor, str"),
        ((X, Y), {"task": "ranking"}, "task='ranking'"),
        ((X, Y), {"answer": lambda model, batch: model(batch[0])}, "got Tensor from answer; expected two tensors"),
        ((X, Y + 1), {}, "got 3 in y_true, which is none of the 3 classes 0, 1, 2"),
        ((X, X), {"task": "classification"}, r"y_true of shape \(20, 3\) and y_score of shape \(20, 3\)"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(run, data, more, message):
    """What came, what was wanted, the way out."""
    with pytest.raises(UserErrorException, match=message):
        evaluate(run, Net(), data, **more)
    assert run.get_metrics() == {}


def test_what_is_no_model_or_no_name(run):
    """Arguments in another order are told, not stumbled over."""
    with pytest.raises(UserErrorException, match="expected a Run first"):
        evaluate(Net(), run, (X, Y))
    with pytest.raises(UserErrorException, match="as model; expected a module"):
        evaluate(run, (X, Y), Net())
    with pytest.raises(NameRefusedError):
        evaluate(run, Net(), (X, Y), prefix="a/b")
