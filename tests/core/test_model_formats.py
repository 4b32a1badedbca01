"""Models in formats of plugins: stored, found again by the format's name, never loaded as code unasked."""

import hashlib
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import azml_integrations
from azml_integrations import errors, load_model, save_model
from azml_integrations.hookspecs import hookimpl
from azml_integrations.offers import ModelFormat
from azml_integrations.plugins import plugins


class Toy:
    def __init__(self, weight=3):
        self.weight = weight


class FineToy(Toy):
    """One that derives from it."""


def save(model, folder, note=""):
    (folder / "weights").mkdir()
    (folder / "weights" / "first.txt").write_text(str(model.weight))
    (folder / "arch.txt").write_text(type(model).__name__ + note)


def load(folder):
    return folder.joinpath("arch.txt").read_text(), Toy(int((folder / "weights" / "first.txt").read_text()))


@pytest.fixture
def formats(monkeypatch, workspace):
    """Register a plugin with a format that these functions make."""

    def one(name="toy-txt", save=save, load=load, plugin="acme", classes=(f"{__name__}.Toy",), runs_code=False):
        module = ModuleType(f"formats_of_{plugin}_{name}".replace("-", "_"))
        module.save, module.load = save, load
        monkeypatch.setitem(sys.modules, module.__name__, module)
        offered = ModelFormat(
            name=name,
            classes=classes,
            save=f"{module.__name__}:save",
            load=f"{module.__name__}:load",
            runs_code=runs_code,
            packages=("msgspec",),
            how="read the files",
        )

        @hookimpl
        def azml_model_formats():
            return [offered]

        plugins().register(SimpleNamespace(azml_model_formats=azml_model_formats), plugin)

    return one


def test_a_model_comes_back_from_wherever_it_lies(run, formats, tmp_path):
    """A run, the registry, what was downloaded: the format is found by its name in model.json."""
    formats()
    assert save_model(run, FineToy(7), note="!") == "FineToy"
    model = run.register_model("toy", "outputs/FineToy")
    run.download_files("outputs", str(tmp_path))

    for source in (run, model, tmp_path / "outputs", model.download(str(tmp_path / "served"))):
        arch, toy = load_model(source)
        assert (arch, toy.weight) == ("FineToy!", 7)


def test_what_is_to_be_known_stands_beside_it(run, formats):
    """Written last, with digests of every file."""
    formats()
    save_model(run, Toy(7), "best")

    told = json.loads(run._read("outputs/best/model.json"))

    assert told["class"] == "Toy"
    assert (told["format"], told["load"], told["file"]) == ("toy-txt", "read the files", "arch.txt")
    assert told["sha256"] == hashlib.sha256(b"Toy").hexdigest()
    assert told["more"] == [{"file": "weights/first.txt", "size": 1, "sha256": hashlib.sha256(b"7").hexdigest()}]
    assert {"python", "msgspec"} == set(told["versions"])
    at = {record.name: record.at for record in run._store().artifacts(run.id)}
    assert at["outputs/best/model.json"] == max(at.values())


def test_names_are_never_taken_from_another_model(run, formats):
    """A free name by default, an error for one that is given."""
    formats()
    assert [save_model(run, Toy()), save_model(run, Toy())] == ["Toy", "Toy_2"]
    with pytest.raises(errors.ModelExistsError):
        save_model(run, Toy(), "Toy_2")
    with pytest.raises(errors.AmbiguousModelError):
        load_model(run)
    assert load_model(run, "Toy_2")[1].weight == 3


def test_code_is_never_loaded_unasked(run, formats):
    """The plugin says whether its format is code; what stands in model.json changes nothing."""
    formats("toy-pickle", runs_code=True, load=lambda _: pytest.fail("loaded"))
    save_model(run, Toy())
    with pytest.raises(errors.UntrustedModelError, match=r"toy-pickle.*trust=True"):
        load_model(run)
    with pytest.raises(errors.OptionError, match="trust is True or False"):
        load_model(run, trust="yes")


def test_code_is_loaded_for_who_asks(run, formats):
    formats("toy-pickle", runs_code=True)
    save_model(run, Toy(5))
    assert load_model(run, trust=True)[1].weight == 5


def test_the_harmless_format_comes_before_the_one_that_runs_code(run, formats):
    """Of several formats for a class; a name chooses."""
    formats("toy-txt")
    formats("toy-pickle", runs_code=True, plugin="other")  # asked first: the last registered
    name = save_model(run, Toy())
    assert json.loads(run._read(f"outputs/{name}/model.json"))["format"] == "toy-txt"
    name = save_model(run, Toy(), format="toy-pickle")
    assert json.loads(run._read(f"outputs/{name}/model.json"))["format"] == "toy-pickle"


def test_who_cannot_keep_a_model_says_who_can_keep_what(run, formats):
    with pytest.raises(errors.OptionError, match="no plugin here has a format for a Toy; there are: none"):
        save_model(run, Toy())
    formats(classes=("other.Model",))
    with pytest.raises(errors.OptionError, match=r"for a Toy; there are: 'toy-txt' \(plugin 'acme'\)"):
        save_model(run, Toy())
    with pytest.raises(errors.OptionError, match="no plugin here has a format 'ubj'"):
        save_model(run, Toy(), format="ubj")
    with pytest.raises(errors.OptionError, match="expected a Run, then the model"):
        save_model(Toy(), run)
    assert run.get_file_names() == []


def test_a_format_that_nobody_reads_says_so(run, formats):
    """And what its model.json says about loading it."""
    formats()
    save_model(run, Toy())
    plugins().unregister("acme")
    with pytest.raises(errors.ModelFormatUnknownError, match=r"'toy-txt', which no plugin here reads.*read the files"):
        load_model(run)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda folder: None, "it wrote 0 files"),
        (lambda folder: (folder / "model.json").write_text("{}"), "it wrote model.json"),
        (lambda folder: (folder / "link").symlink_to("/etc/passwd"), "'link', which is no plain file"),
        (lambda folder: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_writes_badly_stores_nothing(run, formats, write, said):
    """One error, with its name."""
    formats(save=lambda model, folder: write(folder))
    with pytest.raises(errors.OfferError, match=f"model format 'toy-txt' of plugin 'acme' failed: .*{said}"):
        save_model(run, Toy())
    assert run.get_file_names() == []
    assert "toy-txt" in next(fact.reason for fact in plugins().facts() if fact.name == "acme")


def test_a_plugin_that_reads_badly_is_named(run, formats):
    formats(load=lambda folder: folder.joinpath("gone").read_text())
    save_model(run, Toy())
    with pytest.raises(errors.OfferError, match=r"plugin 'acme' failed: FileNotFoundError.*made with python"):
        load_model(run)


@pytest.mark.parametrize("file", ["arch.txt", "weights/first.txt"])
def test_a_changed_file_is_not_loaded(run, formats, tmp_path, file):
    """Every file is compared, before the plugin sees one."""
    formats(load=lambda _: pytest.fail("loaded"))
    save_model(run, Toy())
    run.download_files("outputs", str(tmp_path))
    Path(tmp_path, "outputs", "Toy", file).write_text("X" * len("Toy" if file == "arch.txt" else "3"))
    with pytest.raises(errors.ModelChangedError):
        load_model(tmp_path / "outputs")


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "arch.txt", "model.json", "a//b", ""])
def test_a_name_that_leads_elsewhere_is_not_believed(run, formats, tmp_path, file):
    """Of what model.json says, only what is harmless is believed."""
    formats(load=lambda _: pytest.fail("loaded"))
    save_model(run, Toy())
    run.download_files("outputs", str(tmp_path))
    path = Path(tmp_path, "outputs", "Toy", "model.json")
    told = json.loads(path.read_text())
    told["more"][0]["file"] = file
    path.write_text(json.dumps(told))
    with pytest.raises(errors.ModelFactsError, match="no file of a toy-txt is"):
        load_model(tmp_path / "outputs")


def test_two_formats_of_one_name_are_one(formats):
    """The second plugin is named."""
    from azml_integrations.core.model_formats import formats as known

    formats(plugin="first")
    formats(plugin="second")
    with pytest.warns(errors.PluginWarning, match="plugin 'first': model format 'toy-txt': it is left out"):
        assert known()["toy-txt"][0] == "second"
    assert azml_integrations.load_model is load_model
