"""A training is the same one with and without us, and nothing of ours stays behind."""

import copy
import pickle
import random
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from azml_integrations import autolog
from azml_integrations.autologging import paused


def values(run, name):
    return [point.value for point in run.metric_points(name)]


def train_with_everything():
    """A training that draws numbers everywhere, and what it leaves behind."""
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - the global state is what must not move
    random.seed(3)
    data = TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    losses = []
    for _ in range(3):
        for x, y in DataLoader(data, batch_size=16, shuffle=True):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            losses.append(F.mse_loss(model(data.tensors[0]), data.tensors[1]).item())
    state = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    weights = [parameter.tolist() for parameter in model.parameters()]
    return losses, weights, state, str(optimizer.state_dict()), model, optimizer


def test_a_training_is_the_same_bit_for_bit(only):
    """Losses, weights, the states of three random generators, the optimizer's state."""
    autolog(False)
    plain = train_with_everything()
    autolog("torch", silent=True, log_grad_norm=2)
    logged = train_with_everything()

    assert logged[:4] == plain[:4]
    only()


def test_objects_of_the_user_are_as_without_us(only):
    """Attributes, pickles, copies."""
    autolog(False)
    *_, model, optimizer = train_with_everything()
    plain = sorted(vars(optimizer)), sorted(vars(model)), len(pickle.dumps(model)), len(pickle.dumps(optimizer))
    autolog("torch", silent=True)
    *_, model, optimizer = train_with_everything()

    assert (
        sorted(vars(optimizer)),
        sorted(vars(model)),
        len(pickle.dumps(model)),
        len(pickle.dumps(optimizer)),
    ) == plain
    copy.deepcopy(model)(torch.ones(1, 4))
    assert not optimizer._optimizer_step_post_hooks
    loss = F.mse_loss(model(torch.ones(2, 4)), torch.ones(2, 1))
    assert vars(loss) == {}
    assert loss._backward_hooks is None


def surface():
    """Everything of PyTorch that we touch."""
    from torch.amp.grad_scaler import GradScaler
    from torch.optim import optimizer

    return (
        dict(vars(F)),
        dict(vars(torch.autograd)),
        dict(vars(torch.Tensor)),
        dict(vars(torch.nn.utils)),
        dict(vars(torch.nn.utils.clip_grad)),
        dict(vars(DataLoader)),
        dict(vars(GradScaler)),
        dict(optimizer._global_optimizer_post_hooks),
        dict(optimizer._global_optimizer_pre_hooks),
        dict(torch.nn.modules.module._global_forward_hooks),
        dict(torch.nn.modules.module._global_parameter_registration_hooks),
    )


def test_everything_is_undone(experiment):
    """Each name is the same object again."""
    before = surface()

    autolog("torch", silent=True)
    changed = surface()
    autolog(False)

    assert changed != before
    assert surface() == before


def test_what_was_imported_while_we_listened_goes_on_without_us(only, model, batches):
    """A name that somebody still holds calls the original."""
    held = F.mse_loss
    train = torch.optim.SGD(model.parameters(), lr=0.1)
    held(model(batches[0]), batches[1]).backward()
    train.step()
    run = only()

    held(model(batches[0]), batches[1]).backward()
    train.step()

    assert len(values(run, "mse_loss")) == 1


def test_nothing_is_seen_where_autolog_is_paused(runs, model, batches):
    """Another adapter records this training: Lightning's."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with paused():
        for _ in range(2):
            F.mse_loss(model(batches[0]), batches[1]).backward()
            optimizer.step()

    assert runs() == []


def test_a_compiled_model_has_no_graph_break_and_compiles_once(only, model, batches):
    """``fullgraph=True`` passes, with the loss inside the graph and outside of it."""
    import torch._dynamo

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()

    @torch.compile(backend="eager", fullgraph=True)
    def loss_of(inputs, targets):
        return F.mse_loss(model(inputs), targets) * 2

    compiled = torch.compile(model, backend="eager", fullgraph=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    inside, outside = [], []
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_of(*batches)
        loss.backward()
        optimizer.step()
        inside.append(loss.item())
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.mse_loss(compiled(batches[0]), batches[1])
        loss.backward()
        optimizer.step()
        outside.append(loss.item())

    counters = torch._dynamo.utils.counters
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] == 2
    run = only()
    seen = values(run, "mse_loss")
    assert seen[5:] == outside
    assert seen[:5] in (inside, [loss / 2 for loss in inside])  # the criterion's where the compiler has kept its name
    assert run.properties["model"] == "Sequential"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch 2.13's inductor uses torch.jit.script_method
def test_a_compiled_step_is_seen(only, model, batches):
    """The optimizer's step inside ``torch.compile``."""
    import torch._dynamo

    torch._dynamo.reset()
    optimizer = torch.optim.SGD(model.parameters(), lr=torch.tensor(0.01), foreach=True)

    @torch.compile(backend="eager")
    def step():
        optimizer.step()

    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(model(batches[0]), batches[1])
        loss.backward()
        step()
        losses.append(loss.item())

    assert values(only(), "mse_loss") == losses


@pytest.mark.skipif(shutil.which("cc") is None, reason="inductor needs a C compiler")
@pytest.mark.slow
def test_inductor_compiles_as_without_us(only, model, batches):
    """The real compiler, once."""
    import torch._dynamo

    torch._dynamo.reset()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    @torch.compile(fullgraph=True)
    def loss_of(inputs, targets):
        return F.mse_loss(model(inputs), targets)

    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = loss_of(*batches)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    run = only()
    assert values(run, "loss") + values(run, "mse_loss") == losses


def test_a_scripted_function_compiles_and_runs(only, batches):
    """``torch.jit.script`` takes the original, of functions and of modules."""
    from scripted import Scripted, mse_times_two

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit is deprecated as a whole
        scripted = torch.jit.script(mse_times_two)
        module = torch.jit.script(Scripted())
        clipped = torch.jit.script(nn.CrossEntropyLoss())

    assert scripted(*batches) == mse_times_two(*batches)
    assert module(*batches) == Scripted()(*batches)
    assert clipped(torch.zeros(2, 3), torch.tensor([0, 1])).item() == pytest.approx(1.0986, abs=1e-4)


def test_a_traced_function_warns_of_nothing_of_ours(only, batches):
    """``torch.jit.trace`` would bake a number in where somebody reads one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(F.cross_entropy, (torch.zeros(2, 3), torch.tensor([0, 1])))

    assert traced(torch.zeros(2, 3), torch.tensor([0, 1])).item() == pytest.approx(1.0986, abs=1e-4)


def test_functional_transforms_work_and_are_left_out(only, model, batches):
    """Under ``vmap`` and ``grad`` there is no number to tell."""
    inputs, targets = batches
    weight = torch.ones(4, 1)

    gradient = torch.func.grad(lambda w: F.mse_loss(inputs @ w, targets))(weight)
    each = torch.func.vmap(lambda x, y: F.mse_loss(x @ weight, y))(inputs, targets)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = F.mse_loss(model(inputs), targets)
    loss.backward()
    optimizer.step()

    assert gradient.shape == (4, 1)
    assert each.shape == (32,)
    run = only()
    assert values(run, "mse_loss") == [loss.item()]
    assert values(run, "eval_mse_loss") == []


def test_a_symbolic_trace_sees_the_public_function(only):
    """torch.fx records which function was called; a subclass of Tensor is told which one."""

    class Net(nn.Module):
        def forward(self, a, b):
            return F.mse_loss(a, b)

    graph = torch.fx.symbolic_trace(Net())
    autolog(False)
    (node,) = [node for node in graph.graph.nodes if node.op == "call_function"]
    assert node.target is F.mse_loss


def test_a_subclass_of_tensor_gets_the_function_it_knows(only):
    """A table of handlers made before autolog() still finds its entry."""
    autolog(False)
    handled = {F.mse_loss: "mine"}

    class Special(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if function in handled:
                return handled[function]
            return super().__torch_function__(function, types, args, kwargs or {})

    autolog("torch", silent=True)
    assert F.mse_loss(torch.ones(2).as_subclass(Special), torch.ones(2)) == "mine"


def test_a_plain_subclass_of_tensor_is_recorded(only, model, batches):
    """As those of medical imaging and of torchvision."""

    class Image(torch.Tensor):
        pass

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = F.mse_loss(model(batches[0].as_subclass(Image)), batches[1])
    loss.backward()
    optimizer.step()

    assert type(loss) is Image
    assert values(only(), "mse_loss") == [loss.item()]


def test_a_default_device_changes_nothing(only, model, batches):
    """``torch.set_default_device`` puts a mode around every function."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.device("cpu"):
        loss = F.mse_loss(model(batches[0]), batches[1])
        loss.backward()
        optimizer.step()

    assert values(only(), "mse_loss") == [loss.item()]


def test_fake_tensors_have_no_number(only):
    """Shapes without data, as ``torch.export`` uses them."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        assert F.mse_loss(torch.ones(3), torch.ones(3)).shape == ()
    assert F.mse_loss(torch.ones(3, device="meta"), torch.ones(3, device="meta")).shape == ()


def test_criteria_keep_their_signature_and_name(only):
    """Help and completion show the original."""
    import inspect

    assert F.mse_loss.__name__ == "mse_loss"
    assert list(inspect.signature(F.mse_loss).parameters)[:2] == ["input", "target"]
    assert pickle.loads(pickle.dumps(F.mse_loss)) is F.mse_loss


def test_autolog_imports_no_torch(experiment):
    """Nor does importing torch load its compiler, or make a run."""
    program = """
import sys, azml_integrations
azml_integrations.autolog("torch")
assert "torch" not in sys.modules, "torch"
import torch
assert "torch._dynamo" not in sys.modules, "dynamo"
assert "numpy.testing" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(experiment.get_runs()) == []


def test_an_error_of_ours_is_one_warning_and_training_goes_on(experiment, model, batches, monkeypatch, notes):
    """The user's model is worth more than our notes about it."""
    from azml_integrations.errors import AutologWarning
    from azml_torch.session import Session

    autolog("torch", silent=True)
    monkeypatch.setattr(Session, "_see_rates", lambda *_: 1 / 0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model[0].weight.clone()

    def train():
        for _ in range(3):
            F.mse_loss(model(batches[0]), batches[1]).backward()
            optimizer.step()

    with pytest.warns(AutologWarning, match="ZeroDivisionError") as caught:
        train()

    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert not torch.equal(before, model[0].weight)
