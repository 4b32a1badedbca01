"""Models and checkpoints as files: what goes in comes back, and nothing runs that nobody has vouched for."""

import copy
import json
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from azml_integrations.core import Model
from azml_integrations.errors import (
    AmbiguousModelError,
    ModelChangedError,
    ModelExistsError,
    ModelFactsError,
    ModelNotFoundError,
    NameRefusedError,
    OptionError,
    UntrustedModelError,
    UserErrorException,
)
from azml_torch import load_checkpoint, load_model, save_checkpoint, save_model
from azml_torch.errors import ModelMismatchError, ModelNotStorableError

X = torch.linspace(-1, 1, 6).reshape(2, 3)


class Net(nn.Module):
    """A buffer, a tied layer, and a layer of another width."""

    def __init__(self, hidden=4):
        super().__init__()
        self.first = nn.Linear(3, hidden)
        self.again = self.first
        self.norm = nn.BatchNorm1d(hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.last(self.norm(self.again(x)))


class Pinned(nn.Module):
    """Needs an argument, and keeps something that is no tensor in its state."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def get_extra_state(self):
        return {"seen": 3}

    def set_extra_state(self, state):
        self.seen = state["seen"]


def state(model):
    return {name: value.tolist() for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}


def facts(run, name="Net"):
    return json.loads(run._read(f"outputs/{name}/model.json"))


def outputs(run):
    return [name for name in run.get_file_names() if name.startswith("outputs/")]


def folder_of(run, name="Net"):
    return run._folder / "outputs" / name


@pytest.mark.parametrize("how", ["given", "trusted"])
def test_weights_come_back(run, how):
    """Into an instance of the user's, or into one that is made of the class, where the file is trusted."""
    model = Net()
    assert save_model(run, model) == "Net"
    assert outputs(run) == ["outputs/Net/model.json", "outputs/Net/model.safetensors"]
    other = Net()
    loaded = load_model(run, other) if how == "given" else load_model(run, trust=True)
    assert (loaded is other) == (how == "given")
    assert type(loaded) is Net
    assert state(loaded) == state(model)
    assert loaded.first.weight is loaded.again.weight


def test_the_file_is_anybodys(run):
    """safetensors alone reads it; a tensor under two names is there once."""
    model = Net()
    save_model(run, model)
    tensors = safetensors.torch.load(run._read("outputs/Net/model.safetensors"))
    assert set(tensors) == set(model.state_dict()) - {"again.weight", "again.bias"}
    assert torch.equal(tensors["last.weight"], model.last.weight)


def test_the_json_beside_it_says_what_it_is(run):
    """Class, versions, types and shapes, size and digest."""
    save_model(run, Net())
    told = facts(run)
    assert (told["class"], told["module"], told["format"]) == ("Net", __name__, "safetensors")
    assert told["versions"]["torch"] == version("torch")
    assert told["tensors"]["first.weight"] == ["float32", [4, 3]]
    assert told["tensors"]["norm.num_batches_tracked"] == ["int64", []]
    assert told["shared"] == {"again.weight": "first.weight", "again.bias": "first.bias"}
    assert told["parameters"] == 4 * 3 + 4 + 4 + 4 + 4 + 1
    assert told["size"] == len(run._read("outputs/Net/model.safetensors"))


def test_the_model_is_left_as_it_is(run):
    """Mode, gradients, random numbers, and what it pickles to."""
    model = Net().train()
    model(X).sum().backward()
    before, seed = pickle.dumps(model), torch.get_rng_state().tolist()
    for number, kind in enumerate(("safetensors", "pickle", "export")):
        save_model(run, model, f"m{number}", kind, example_inputs=X)
    load_model(run, name="m0", trust=True)
    assert pickle.dumps(model) == before
    assert torch.get_rng_state().tolist() == seed
    assert model.training


def test_wrappers_are_taken_off(run):
    """A compiled or data-parallel model has the names of the user's own, both ways."""
    model = Net()
    save_model(run, torch.compile(model, backend="eager"))
    assert facts(run)["class"] == "Net"
    other = nn.DataParallel(Net())
    assert load_model(run, other) is other
    assert state(other.module) == state(model)


def test_views_of_one_memory(run):
    """Transposed, overlapping, or slices of one: each is stored as what it shows."""

    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            whole = torch.arange(6.0).reshape(2, 3)
            for name, view in {"whole": whole, "turned": whole.t(), "part": whole[:1], "rest": whole[1:]}.items():
                self.register_buffer(name, view)

    model = Views()
    save_model(run, model)
    other = Views()
    other.whole.zero_()
    assert state(load_model(run, other)) == state(model)


def test_a_tied_file_into_a_model_that_is_not_tied(run):
    """Both get the weights that were one."""
    model, other = Net(), Net()
    other.again = copy.deepcopy(other.first)
    save_model(run, model)
    load_model(run, other)
    assert torch.equal(other.again.weight, model.first.weight)


def test_names_and_folders(run):
    """The class, then a number; a name of the user's stays free of others unless he says otherwise."""
    run.upload_file("outputs/Net/test_roc_curve.png", __file__)  # pictures of the same model are no model
    assert [save_model(run, Net()) for _ in range(3)] == ["Net", "Net_2", "Net_3"]
    assert save_model(run, Net(2), "best") == "best"
    with pytest.raises(ModelExistsError, match="overwrite=True replaces them"):
        save_model(run, Net(), "best")
    better = Net(2)
    save_model(run, better, "best", overwrite=True)
    assert state(load_model(run, Net(2), name="best")) == state(better)
    with pytest.raises(AmbiguousModelError, match="has 4 models: Net, Net_2, Net_3, best; name one"):
        load_model(run, Net())
    with pytest.raises(ModelNotFoundError, match="no model 'worst'"):
        load_model(run, Net(), name="worst")
    for bad in ("", "a/b", "..", None.__class__):
        with pytest.raises(NameRefusedError):
            save_model(run, Net(), bad)


def test_a_run_without_a_model(run):
    """Said, and what it has."""
    with pytest.raises(ModelNotFoundError, match=f"run {run.id} has no model; it has none"):
        load_model(run, Net())


def test_from_a_folder_on_the_disk(run, tmp_path):
    """A run's folder that was copied elsewhere, or the file in it."""
    model = Net()
    save_model(run, model)
    run.download_files("outputs/Net", tmp_path, append_prefix=False)
    for place in (tmp_path, str(tmp_path / "model.safetensors")):
        assert state(load_model(place, Net())) == state(model)
    with pytest.raises(ModelNotFoundError):
        load_model(tmp_path / "nowhere", Net())


def test_weights_of_another_model_change_nothing(run):
    """torch would copy what fits before it complains."""
    save_model(run, Net(4))
    other = Net(5)
    del other.norm
    other.more = nn.Linear(1, 1)
    before = state(other)
    with pytest.raises(ModelMismatchError) as caught:
        load_model(run, other)
    assert caught.value.missing == ["more.weight", "more.bias"]
    assert "norm.weight" in caught.value.unexpected
    assert "first.weight (4, 3) for (5, 3)" in caught.value.unequal
    assert state(other) == before


@pytest.mark.parametrize("kind", ["safetensors", "pickle", "export"])
def test_a_file_that_changed_is_not_loaded(run, kind):
    """By a byte, or by its length; nothing of it is read before."""
    model = Net().eval()
    save_model(run, model, format=kind, example_inputs=X)
    file = folder_of(run) / facts(run)["file"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    more = {"model": Net()} if kind == "safetensors" else {"trust": True}
    for damaged, message in (
        (bytes(content), "the sha256 "),
        (bytes(content) + b"x", "bytes, and had"),
    ):
        file.write_bytes(damaged)
        with pytest.raises(ModelChangedError, match=message):
            load_model(run, **more)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../../secret"}, "the file of a safetensors is not '../../secret'"),
        ({"format": "joblib"}, "the format 'joblib' is unknown"),
        ({"sha256": "00"}, "sha256"),
        ({"size": -1}, "size"),
    ],
)
def test_a_json_that_cannot_be_believed(run, change, message):
    """Of what it says, only what is harmless is used."""
    save_model(run, Net())
    (folder_of(run) / "model.json").write_text(json.dumps(facts(run) | change))
    with pytest.raises(ModelFactsError, match=message):
        load_model(run, Net())


def test_nothing_runs_without_trust(run):
    """No class is imported, no pickle opened, no program loaded; the message says what to do."""
    save_model(run, Net())
    with pytest.raises(UntrustedModelError, match="takes an instance for them, and trust=True imports the class"):
        load_model(run)
    save_model(run, Net(), "whole", "pickle")
    with pytest.raises(UntrustedModelError, match="is a pickle, and loading it runs whatever"):
        load_model(run, name="whole")
    save_model(run, Net().eval(), "program", "export", example_inputs=X)
    with pytest.raises(UntrustedModelError, match="is a program"):
        load_model(run, name="program")
    for odd in (1, "yes", ["Net"]):
        with pytest.raises(OptionError, match="trust is True or False"):
            load_model(run, Net(), name="Net", trust=odd)


def test_a_class_that_cannot_be_made(run):
    """Needs arguments, stands in a function, is gone, or is no module."""

    class Local(nn.Module):
        pass

    model = nn.Linear(2, 2)
    save_model(run, model)
    with pytest.raises(UserErrorException, match=r"torch.nn.modules.linear.Linear of run .* made without arguments"):
        load_model(run, trust=True)
    save_model(run, Local(), "local")
    with pytest.raises(UserErrorException, match=r"Local.* is not found here.*make one and pass it"):
        load_model(run, name="local", trust=True)
    (folder_of(run, "Linear") / "model.json").write_text(
        json.dumps(facts(run, "Linear") | {"module": "subprocess", "class": "Popen"})
    )
    with pytest.raises(UserErrorException, match=r"subprocess.Popen of run .* is no torch.nn.Module"):
        load_model(run, name="Linear", trust=True)


def test_state_that_is_no_tensor(run):
    """Safetensors says what it cannot hold; a pickle can."""
    with pytest.raises(ModelNotStorableError, match='_extra_state of type dict, which is no tensor; format="pickle"'):
        save_model(run, Pinned(3))
    save_model(run, Pinned(3), format="pickle")
    assert load_model(run, trust=True).weight.tolist() == [1, 1, 1]
    with pytest.raises(ModelNotStorableError, match="has no values yet"):
        save_model(run, nn.LazyLinear(3))
    with pytest.raises(ModelNotStorableError, match="has no values yet"):
        save_model(run, nn.Linear(2, 2, device="meta"))


def test_a_pickle_is_the_whole_model(run):
    """Only on request, and only for those who trust it; what cannot be pickled is told."""
    model = Net()
    assert save_model(run, model, format="pickle") == "Net"
    assert state(load_model(run, trust=True)) == state(model)
    with pytest.raises(UserErrorException, match="holds a whole model, and load_model got one, too"):
        load_model(run, Net(), trust=True)
    model.forward = lambda x: x
    with pytest.raises(ModelNotStorableError, match='format="safetensors" stores the weights alone'):
        save_model(run, model, format="pickle")


def test_an_exported_program_needs_no_class(run):
    """It is that of evaluation mode, and runs where the class is unknown."""
    model = Net()
    with pytest.raises(OptionError, match="needs example_inputs"):
        save_model(run, model, format="export")
    save_model(run, model, format="export", example_inputs=X)
    expected = model.eval()(X)
    torch.testing.assert_close(load_model(run, trust=True)(X), expected)
    with pytest.raises(ModelNotStorableError, match="export"):
        save_model(run, model, "bad", "export", example_inputs=torch.ones(1, 7))


def test_other_formats_and_things(run):
    """Named, with what there is."""
    with pytest.raises(OptionError, match="format is one of 'safetensors', 'pickle', 'export', not 'onnx'"):
        save_model(run, Net(), format="onnx")
    with pytest.raises(UserErrorException, match=r"expected a torch.nn.Module"):
        save_model(run, {"weights": torch.ones(1)})
    with pytest.raises(UserErrorException, match="got Net as run; expected a Run, then the model"):
        save_model(Net(), run)
    with pytest.raises(UserErrorException, match="got a NoneType to load from; expected a Run, a Model, or the path"):
        load_model(None, Net())


def test_the_script_itself_defines_the_class(run, tmp_path):
    """``__main__`` of one process is found in the next run of the same script."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom torch import nn\nimport azml_torch\nfrom azml_integrations import Experiment, Workspace\n"
        "class Own(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 1)\n"
        "experiment = Experiment(Workspace.from_config(), 'exp')\n"
        "if sys.argv[1:]:\n"
        "    print(type(azml_torch.load_model(next(iter(experiment.get_runs())), trust=True)).__name__)\n"
        "else:\n"
        "    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:\n"
        "        azml_torch.save_model(run, Own())\n"
    )
    run.complete()
    for more in ([], ["again"]):
        done = subprocess.run([sys.executable, script, *more], capture_output=True, text=True, check=True)
    assert done.stdout == "Own\n"


# -- checkpoints -------------------------------------------------------------------------------------


def trained(model, optimizer, scheduler=None, steps=3):
    for number in range(steps):
        optimizer.zero_grad()
        (model(X + number) ** 2).sum().backward()
        optimizer.step()
        if scheduler:
            scheduler.step()


def parts():
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2)


def test_a_training_goes_on_where_it_stood(run):
    """Six steps, or three, a checkpoint, and three in another process: the same to the last bit."""
    torch.manual_seed(0)
    model, optimizer, scheduler = parts()
    trained(model, optimizer, scheduler)
    save_checkpoint(run, model, optimizer, 3, scheduler=scheduler)
    trained(model, optimizer, scheduler)
    other, again, later = parts()
    assert load_checkpoint(run, other, again, scheduler=later) == 3
    trained(other, again, later)
    assert state(other) == state(model)
    assert later.get_last_lr() == scheduler.get_last_lr()


def test_the_last_checkpoint_of_a_name_stays(run):
    """Under other names there are others; a model is no checkpoint."""
    model, optimizer, _ = parts()
    for epoch in range(3):
        save_checkpoint(run, model, optimizer, epoch)
    save_model(run, model)
    assert load_checkpoint(run, model) == 2
    assert json.loads(run._read("outputs/checkpoint/checkpoint.json"))["epoch"] == 2
    save_checkpoint(run, model, name="best")
    with pytest.raises(AmbiguousModelError):
        load_checkpoint(run, model)


class Odd:
    """Has an object in its state, which every pickle holds."""

    def state_dict(self):
        return {"object": Odd()}

    def load_state_dict(self, state):
        pass


def test_what_could_not_be_loaded_safely_is_not_stored(run):
    """An object in a state would need a pickle to be trusted, later, when it is too late."""

    with pytest.raises(ModelNotStorableError, match="expected states of tensors, numbers, strings"):
        save_checkpoint(run, Net(), odd=Odd())
    assert outputs(run) == []


def test_a_checkpoint_of_something_else_changes_nothing(run):
    """Neither the model nor the optimizer."""
    model, optimizer, scheduler = parts()
    save_checkpoint(run, model, optimizer)
    before = state(model)
    with pytest.raises(ModelMismatchError):
        load_checkpoint(run, Net(7), optimizer)
    with pytest.raises(UserErrorException, match="no state of scheduler; it has model, optimizer"):
        load_checkpoint(run, model, optimizer, scheduler=scheduler)
    with pytest.raises(UserErrorException, match=r"the state of optimizer in run .* is that of another"):
        load_checkpoint(run, model, torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0))
    with pytest.raises(UserErrorException, match="3 as scaler; expected something with a state_dict"):
        load_checkpoint(run, model, scaler=3)
    assert state(model) == before


def test_a_pickle_in_the_place_of_a_checkpoint_does_not_run(run, tmp_path):
    """Also with a digest that fits: who can write the one can write the other."""

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "run"), "w"))

    model, optimizer, _ = parts()
    save_checkpoint(run, model, optimizer)
    file = folder_of(run, "checkpoint") / "checkpoint.pt"
    torch.save({"epoch": 0, "states": {"model": Evil()}}, file)
    import hashlib

    told = json.loads(run._read("outputs/checkpoint/checkpoint.json"))
    told |= {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (file.parent / "checkpoint.json").write_text(json.dumps(told))
    with pytest.raises(ModelFactsError):
        load_checkpoint(run, model)
    assert not (tmp_path / "run").exists()


# -- registered models -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["outputs/Net", "outputs/Net/model.safetensors", "outputs"])
def test_a_registered_model_comes_back(run, path):
    """Whether its folder was registered, its file, or the folder above it; with the same checks."""
    model = Net()
    save_model(run, model)
    registered = run.register_model("net", path, tags={"hidden": 4})
    loaded = load_model(Model(run.experiment.workspace, "net"), Net())
    assert state(loaded) == state(model)
    with pytest.raises(UntrustedModelError, match=r"model\.safetensors of model net:1 holds weights"):
        load_model(registered)
    with pytest.raises(ModelMismatchError, match="of model net:1 do not fit"):
        load_model(registered, Net(hidden=5))


@pytest.mark.parametrize("path", ["outputs/Net", "outputs"])
def test_a_downloaded_model_comes_back(run, tmp_path, path):
    """From the folder, or from the file in it."""
    model = Net()
    save_model(run, model)
    folder = run.register_model("net", path).download(tmp_path / "here")
    assert state(load_model(folder, Net())) == state(model)
    assert state(load_model(next((tmp_path / "here").rglob("*.safetensors")), Net())) == state(model)


def test_a_registered_file_that_was_exchanged_is_refused(run):
    """The registry knows its digest, and that of what stands beside it."""
    save_model(run, Net())
    save_model(run, Net(), "other")
    registered = run.register_model("net", "outputs/Net")
    other = run.register_model("net", "outputs/other")
    for name in ("model.safetensors", "model.json"):  # together they fit each other
        Path(registered.path, name).unlink()
        Path(registered.path, name).write_bytes(Path(other.path, name).read_bytes())
    with pytest.raises(ModelChangedError, match=r"Net/model\.json of model net:1 is not the file"):
        load_model(registered, Net())


def test_a_checkpoint_may_be_registered(run):
    """To go on from there in another run."""
    model, optimizer, _ = parts()
    save_checkpoint(run, model, optimizer, 3)
    registered = run.register_model("halfway", "outputs/checkpoint")
    fresh, other, _ = parts()
    assert load_checkpoint(registered, fresh, other) == 3
    assert state(fresh) == state(model)


def test_a_file_that_nothing_is_known_of_is_not_guessed(run, tmp_path):
    """The answer says what is missing."""
    torch.save(Net().state_dict(), tmp_path / "net.pt")
    registered = Model.register(run.experiment.workspace, tmp_path / "net.pt", "net")
    for source in (registered, tmp_path / "net.pt"):
        with pytest.raises(ModelNotFoundError, match=r"no \.json beside net\.pt says what it is"):
            load_model(source, Net())
    save_model(run, Net())
    (folder_of(run) / "other.pt").write_bytes(b"x")
    with pytest.raises(ModelNotFoundError, match=r"no \.json beside other\.pt"):
        load_model(folder_of(run) / "other.pt", Net())
    with pytest.raises(ModelNotFoundError, match=r"has no model '\.\./Net'"):
        load_model(folder_of(run), Net(), name="../Net")
