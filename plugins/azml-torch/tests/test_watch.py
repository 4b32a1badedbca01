"""Gradients and parameters of a model that is trained: what is logged, and that nobody notices."""

import copy
import gc
import io
import itertools
import math
import pickle
import time

import pytest
import torch
from torch import nn
from torch.optim import optimizer as optim_module
from torch.utils._python_dispatch import TorchDispatchMode

from azml_integrations.errors import AutologWarning, UserErrorException
from azml_torch import watch
from azml_torch.measuring import measured


@pytest.fixture(autouse=True)
def nothing_left():
    """Every test ends what it begins, and so does a model that dies."""
    yield
    if optim_module._global_optimizer_post_hooks:
        gc.collect()
    assert not optim_module._global_optimizer_post_hooks


def net(*sizes):
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(sizes)))


def train(model, steps=1, optimizer=None, x=None):
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, model[0].in_features) if x is None else x).square().mean().backward()
        optimizer.step()
    return optimizer


def steps_of(run, name):
    return [point.step for point in run.metric_points(name)]


def test_norms_and_histograms_of_each_parameter(run):
    """The numbers are those of torch itself, at the first step and then every so often."""
    model = net(3, 4, 1)
    with watch(model, run, every=2):
        train(model, 5)
    logged = run.get_metrics()
    assert steps_of(run, "gradient_norm") == steps_of(run, "parameter_norm/0.weight") == [1, 2, 4]
    assert set(logged) == {
        *(
            "gradient_norm",
            "gradient_norm/0.weight",
            "gradient_norm/1.weight",
            "gradients/0.weight",
            "gradients/1.weight",
        ),
        *("parameter_norm", "parameter_norm/0.weight", "parameter_norm/1.weight"),
        *("parameters/0.weight", "parameters/1.weight"),
    }
    again = net(3, 4, 1)
    optimizer = train(again)
    assert logged["gradient_norm/0.weight"][0] == pytest.approx(again[0].weight.grad.norm().item())
    assert logged["gradient_norm"][0] == pytest.approx(
        torch.nn.utils.get_total_norm([p.grad for p in again.parameters()]).item()
    )
    assert logged["parameter_norm/1.weight"][0] == pytest.approx(again[1].weight.norm().item())
    train(again, 1, optimizer)
    assert logged["gradient_norm/1.weight"][1] == pytest.approx(again[1].weight.grad.norm().item())


def test_a_histogram_counts_every_value_once(run):
    """Bins of equal width from the least to the greatest; a table that pandas can read."""
    model = net(50, 40)
    with watch(model, run, "parameters", bins=8):
        train(model)
    table = run.get_metrics()["parameters/0.weight"]
    counts, edges = torch.histogram(model[0].weight.detach(), bins=8)
    assert table["count"] == counts.int().tolist()
    assert table["step"] == [1] * 8
    assert [*table["from"], table["to"][-1]] == pytest.approx(edges.tolist(), rel=1e-4)


def test_values_that_are_all_alike_are_one_bin(run):
    """Zeros at the beginning, as of a bias."""
    model = net(3, 2)
    nn.init.zeros_(model[0].weight)
    with watch(model, run, "parameters"):
        train(model)
    assert run.get_metrics()["parameters/0.weight"] == {"step": 1, "from": 0.0, "to": 0.0, "count": 6}


def test_gradients_are_those_that_the_optimizer_used(run):
    """Of several backward passes their sum; after unscaling, after clipping, also by a fused optimizer."""
    model, x = net(2, 1), torch.ones(1, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, run, "gradients", every=1):
        for _ in range(3):
            model(x).sum().backward()
        optimizer.step()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        fused = torch.optim.Adam(model.parameters(), lr=0.0, fused=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        scaler.scale(model(x).sum()).backward()
        scaler.step(fused)
    logged = run.get_metrics()
    assert logged["gradient_norm/0.weight"] == pytest.approx([math.sqrt(18), 1.0, math.sqrt(2)])
    assert logged["gradient_norm"] == pytest.approx([math.sqrt(18), 1.0])
    assert logged["gradient_norm_2"] == pytest.approx(math.sqrt(2))


def test_a_step_that_amp_leaves_out_is_none(run):
    """An overflow is GradScaler's business."""
    model = net(2, 1)
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")
    with watch(model, run):
        scaler.scale(model(torch.ones(1, 2)).sum() * math.inf).backward()
        scaler.step(optimizer)
    assert run.get_metrics() == {}


def test_values_that_are_not_finite_are_told(run):
    """The norm says that something is wrong, the count where, and the histogram shows the rest."""
    model = net(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, run, "gradients", bins=2):
        model[0].weight.grad = torch.tensor([[1.0, math.nan, -math.inf, 3.0]])
        optimizer.step()
    logged = run.get_metrics()
    assert math.isnan(logged["gradient_norm/0.weight"])
    assert logged["gradient_nonfinite/0.weight"] == 2
    assert logged["gradients/0.weight"] == {"step": [1, 1], "from": [1.0, 2.0], "to": [2.0, 3.0], "count": [1, 1]}


def test_nothing_finite_is_no_histogram(run):
    """A model that has blown up entirely."""
    model = net(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, run, "gradients"):
        model[0].weight.grad = torch.full((1, 2), math.inf)
        optimizer.step()
    logged = run.get_metrics()
    assert "gradients/0.weight" not in logged
    assert (logged["gradient_norm"], logged["gradient_nonfinite/0.weight"]) == (math.inf, 2)


def test_parameters_of_every_kind(run):
    """Frozen, without a gradient, shared, sparse, complex, of few bits, empty, lazy."""

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(10, 3, sparse=True)
            self.unseen = nn.Embedding(4, 3, sparse=True)
            self.tied = self.words
            self.wave = nn.Parameter(torch.tensor([3 + 4j]))
            self.few = nn.Parameter(torch.tensor([2.0, 2.0], dtype=torch.bfloat16))
            self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
            self.unused = nn.Parameter(torch.ones(2))
            self.empty = nn.Parameter(torch.ones(0))
            self.later = nn.LazyLinear(2)

    model = Odd()
    optimizer = torch.optim.SGD([p for p in model.parameters() if not nn.parameter.is_lazy(p)], lr=0.0)
    with watch(model, run):
        (model.words(torch.tensor([1, 1, 2])).sum() + model.wave.abs().sum() + model.few.sum()).backward()
        model.unseen(torch.zeros(0, dtype=torch.long)).sum().backward()
        optimizer.step()
    logged = run.get_metrics()
    gradients = {name.partition("/")[2]: norm for name, norm in logged.items() if name.startswith("gradient_norm/")}
    assert gradients == {
        "words.weight": pytest.approx(math.sqrt(3 * 4 + 3)),  # row 1 was looked up twice
        "wave": pytest.approx(1.0),
        "few": pytest.approx(math.sqrt(2)),
    }
    assert logged["parameter_norm/wave"] == pytest.approx(5.0)
    assert {name for name in logged if name.startswith("parameter_norm/")} == {
        f"parameter_norm/{name}" for name in ("words.weight", "unseen.weight", "wave", "few", "unused")
    }


def test_a_large_tensor_is_thinned_for_its_histogram_only(run, monkeypatch):
    """The norm is that of all."""
    monkeypatch.setattr("azml_torch.measuring.MOST_VALUES", 100)
    model = net(50, 6)
    with watch(model, run, "parameters"):
        train(model)
    logged = run.get_metrics()
    assert sum(logged["parameters/0.weight"]["count"]) == 100
    assert logged["parameter_norm/0.weight"] == pytest.approx(model[0].weight.norm().item())


class Asked(TorchDispatchMode):
    """Hears of every operation."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.heard.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_a_device_is_waited_for_once(run):
    """Nothing whose shape or whose Python value hangs on numbers is asked for before all of them come back together."""
    model = net(*[3] * 8)
    train(model)
    tensors = [each for p in model.parameters() for each in (p, p.grad, p.bfloat16(), p + 1j)]
    with Asked() as asked:
        measured(tensors, 16)
    assert not {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "histc", "bincount"} & set(asked.heard)
    assert asked.heard.count("stack") + asked.heard.count("cat") == 2 * len(tensors) + 1
    assert asked.heard[-2:] == ["detach", "stack"] or asked.heard[-1] == "stack"


def test_between_the_samples_nothing_is_asked_of_any_tensor(run):
    """Two hundred and ninety-nine steps of three hundred."""
    model = net(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, run, every=300) as watching:
        optimizer.step()
        with Asked() as asked:
            for _ in range(298):
                watching._on_step(optimizer, (), {})
    assert asked.heard == []


def test_training_is_the_same_to_the_last_bit(run):
    """No random number is drawn, no gradient made, no flag changed."""

    def trained(watched):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        watching = watch(model, run, every=1) if watched else None
        train(model, 5, torch.optim.Adam(model.parameters()), torch.randn(3, 4))
        if watching:
            watching.remove()
        return [*(p.tolist() for p in model.parameters()), torch.rand(1).item()]

    assert trained(watched=True) == trained(watched=False)


def test_the_model_can_be_pickled_copied_and_saved_while_it_is_watched(run):
    """Nothing of ours is on it: not an attribute, not a hook."""
    model = net(3, 2)
    plain = pickle.dumps(model)
    with watch(model, run):
        assert pickle.dumps(model) == plain
        train(copy.deepcopy(model))
        torch.save(model, io.BytesIO())
        assert all(not p._backward_hooks and not p._post_accumulate_grad_hooks for p in model.parameters())
    assert run.get_metrics() == {}  # the copy is another model


def test_a_compiled_model_has_no_graph_break(run):
    """Its parameters are called as in the user's own module; a step that is compiled itself is not seen."""
    model = net(3, 2)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(compiled, run, every=1):
        compiled(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        torch.compile(optimizer.step, backend="eager")()
    assert steps_of(run, "gradient_norm/0.weight") == [1]


def test_steps_of_other_models_do_not_count(run):
    """A critic beside it, another optimizer of its own: each is counted by itself."""
    model, critic = net(3, 2, 1), net(3, 1)
    first, second = (torch.optim.SGD(layer.parameters(), lr=0.1) for layer in model)
    other = torch.optim.SGD(critic.parameters(), lr=0.1)
    with watch(model, run, "gradients", every=2):
        for _ in range(4):
            train(critic, 1, other)
            model(torch.ones(1, 3)).sum().backward()
            first.step()
            second.step()
    logged = run.get_metrics()
    assert steps_of(run, "gradient_norm/0.weight") == steps_of(run, "gradient_norm/1.weight") == [1, 2, 4]
    assert logged["gradient_norm"] == logged["gradient_norm/0.weight"]
    assert logged["gradient_norm_2"] == logged["gradient_norm/1.weight"]


def test_an_optimizer_that_gets_the_model_later(run):
    """A group is added when the backbone is thawed."""
    model, other = net(3, 1), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([other], lr=0.1)
    with watch(model, run, every=1):
        train(model, 2, optimizer)
        optimizer.add_param_group({"params": list(model.parameters())})
        train(model, 2, optimizer)
    assert steps_of(run, "gradient_norm") == [1, 2]


def test_two_models_in_one_run(run):
    """By a name of the user's, or else by a number."""
    generator, critic, third = net(2, 2), net(2, 1), net(2, 1)
    with (
        watch(generator, run, "gradients", name="generator"),
        watch(critic, run, "gradients"),
        watch(third, run, "gradients"),
    ):
        for model in (generator, critic, third):
            train(model)
    assert {name for name in run.get_metrics() if name.startswith("gradients")} == {
        "gradients/generator.0.weight",
        "gradients/0.weight",
        "gradients_2/0.weight",
    }


def test_watching_again_replaces_the_first(run):
    """A cell of a notebook that is run twice does not log twice."""
    model = net(3, 1)
    first = watch(model, run)
    second = watch(model, run, every=1)
    train(model, 2)
    assert steps_of(run, "gradient_norm") == [1, 2]
    first.remove()
    second.remove()
    second.remove()
    train(model)
    assert steps_of(run, "gradient_norm") == [1, 2]


def test_without_a_run_it_is_the_current_one(experiment):
    """Of each sample anew; one that was named is left alone once it is over."""
    model = net(3, 1)
    with watch(model, every=1):
        with experiment.start_logging(outputs=None, snapshot_directory=None) as first:
            optimizer = train(model)
        with experiment.start_logging(outputs=None, snapshot_directory=None) as second:
            train(model, 1, optimizer)
    assert (steps_of(first, "gradient_norm"), steps_of(second, "gradient_norm")) == ([1], [2])
    with experiment.start_logging(outputs=None, snapshot_directory=None) as over:
        watch(model, over, every=1)
        train(model)
    train(model)
    assert steps_of(over, "gradient_norm") == [1]


def test_a_model_that_is_gone_is_not_watched(run):
    """The hook does not keep it alive."""
    model = net(3, 1)
    watch(model, run)
    assert optim_module._global_optimizer_post_hooks
    del model
    gc.collect()
    assert not optim_module._global_optimizer_post_hooks


def test_by_hand_where_there_is_no_optimizer(run):
    """Gradients that somebody applies himself."""
    model = net(3, 1)
    model(torch.ones(1, 3)).sum().backward()
    with watch(model, run) as watching:
        watching.sample(step=7)
    assert steps_of(run, "gradient_norm") == [7]


def test_trouble_of_ours_is_not_the_trainings(run, monkeypatch, notes):
    """One warning, a note, and the watch is over; the step was made."""
    model = net(3, 1)
    before = model[0].weight.tolist()
    monkeypatch.setattr("azml_torch.watching.measured", lambda *_: 1 / 0)
    watch(model, run, every=1)
    with pytest.warns(AutologWarning, match="torch watch: ZeroDivisionError.*training goes on"):
        train(model, 3)
    assert model[0].weight.tolist() != before
    assert notes(run) == ["ZeroDivisionError: division by zero"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"log": "losses"}, "log='losses'; expected 'gradients', 'parameters' or both"),
        ({"log": ()}, r"log=\(\)"),
        ({"every": 0}, "every=0; expected a whole number from 1 on"),
        ({"bins": 2.5}, "bins=2.5"),
        ({"run": "abc"}, "'abc' as run"),
        ({"model": nn.Parameter(torch.ones(1))}, "expected a torch.nn.Module"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(run, more, message):
    """And nothing is left of it."""
    with pytest.raises(UserErrorException, match=message):
        watch(**{"model": net(1, 1), "run": run} | more)


def test_a_step_that_is_not_sampled_costs_next_to_nothing(run):
    """Microseconds, of a step that takes hundreds."""
    model = net(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, run, every=10**9) as watching:
        optimizer.step()
        times = []
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(200):
                watching._on_step(optimizer, (), {})
            times.append((time.perf_counter() - began) / 200)
    assert min(times) < 20e-6  # [s] measured 2 µs
