"""Models stored beside their facts: what an adapter writes comes back from wherever it lies, or not at all."""

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from azml_integrations import errors
from azml_integrations.core import Model
from azml_integrations.core.stored_model import (
    ModelFacts,
    StoredModel,
    checked_name,
    find,
    free_name,
    free_place,
    versions,
    write,
)

CONTENT = b"the weights of a toy"
FILES = {"toy": "model.toy"}


class ToyFacts(ModelFacts, frozen=True, kw_only=True):
    """Those of a framework that is none."""

    layers: int = 0


def facts(**more):
    told = {
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "versions": versions(["msgspec", "nothing"]),
    }
    return ToyFacts(
        **{"class_": "Toy", "module": "toys", "file": "model.toy", "format": "toy", "layers": 3} | told | more
    )


@pytest.fixture
def stored(run):
    write(run, "outputs/Toy", facts(), io.BytesIO(CONTENT))
    return run


def test_the_facts_are_written_last(stored):
    """A model without them was not stored to the end."""
    artifacts = {record.name: record.at for record in stored._store().artifacts(stored.id)}
    assert artifacts["outputs/Toy/model.toy"] <= artifacts["outputs/Toy/model.json"]
    told = json.loads(stored._read("outputs/Toy/model.json"))
    assert told | {"class": "Toy", "layers": 3, "file": "model.toy"} == told
    assert told["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["versions"]["msgspec"]
    assert told["versions"]["nothing"] is None


def sources(run, tmp_path):
    """Return every place that a model is found in, with the words for it."""
    folder = run.register_model("folder", "outputs/Toy")
    run.download_files("outputs", str(tmp_path))
    return {
        f"run {run.id}": run,
        "model folder:1": folder,
        "model file:1": run.register_model("file", "outputs/Toy/model.toy"),
        "model above:1": run.register_model("above", "outputs"),
        str(tmp_path / "outputs" / "Toy"): tmp_path / "outputs" / "Toy",
        f"{tmp_path}/outputs/./Toy": str(tmp_path / "outputs" / "Toy" / "model.toy"),
        "download": folder.download(tmp_path / "download"),
        "registry": folder.path,
    }


def test_a_model_comes_back_from_everywhere(stored, tmp_path):
    """With its facts, and the very bytes."""
    for where, source in sources(stored, tmp_path).items():
        found = find(source)
        assert isinstance(found, StoredModel)
        assert found.facts(ToyFacts, FILES) == facts()
        assert found.content(facts()) == CONTENT
        if where.startswith(("run", "model")):
            assert found.where == where


def test_nothing_but_what_was_stored_comes_back(stored, tmp_path):
    """From none of the places."""
    for where, source in sources(stored, tmp_path).items():
        found = find(source)
        for wrong in (facts(size=5), facts(sha256="0" * 64)):
            with pytest.raises(errors.ModelChangedError, match="nothing of it was used"):
                found.content(wrong)
        for files, why in (({}, "format 'toy' is unknown"), ({"toy": "other"}, "file of a toy is not")):
            with pytest.raises(errors.ModelFactsError, match=why):
                found.facts(ToyFacts, files)
        with pytest.raises(errors.ModelFactsError, match="larger than 10 bytes"):
            found.facts(ToyFacts, FILES, most_bytes=10)
        assert where


@pytest.mark.parametrize("name", ["other", "", "../Toy", "Toy/.", "/", "Toy/model.json"])
def test_names_that_are_not_there_reach_nothing(stored, tmp_path, name):
    """The answer says what there is."""
    write(stored, "outputs/Second", facts(), io.BytesIO(CONTENT))
    stored.download_files("outputs", str(tmp_path))
    for source in (stored, stored.register_model("two", "outputs"), tmp_path / "outputs"):
        with pytest.raises(errors.ModelNotFoundError, match=r"it has (Second, Toy|Toy, Second)") as told:
            find(source, name)
        assert told.value.name == name
        with pytest.raises(errors.AmbiguousModelError, match="has 2 models"):
            find(source)
        assert find(source, "Toy").facts(ToyFacts, FILES).layers == 3


def test_places_without_a_model(run, workspace, tmp_path):
    """Each answer fits the place."""
    run.upload_file("outputs/alone.toy", io.BytesIO(CONTENT))
    alone = run.register_model("alone", "outputs/alone.toy")
    (tmp_path / "alone.toy").write_bytes(CONTENT)
    with pytest.raises(errors.ModelNotFoundError, match="the notes of the run may say why"):
        find(run)
    for source in (alone, tmp_path / "alone.toy"):
        with pytest.raises(errors.ModelNotFoundError, match=r"no \.json beside alone\.toy says what it is"):
            find(source)
    for source in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(errors.ModelNotFoundError, match=r"a folder with a model has a model\.json"):
            find(source)
    for source in (None, 5, workspace):
        with pytest.raises(errors.OptionError, match="expected a Run, a Model, or the path"):
            find(source)


def test_what_stands_beside_a_single_file_is_asked_for(stored):
    """Only if it tells of that very file; and `download` gives the file alone, as in SDK v1."""
    model = stored.register_model("toy", "outputs/Toy/model.toy")
    assert model.get_file_names() == ["model.toy"]
    assert [path.name for path in Path(model.download("served")).parent.iterdir()] == ["model.toy"]
    with pytest.raises(errors.ModelNotFoundError, match=r"no \.json beside model\.toy"):
        find(model, "Toy")

    stored.upload_file("outputs/Toy/model.toy", io.BytesIO(b"another"))
    with pytest.raises(errors.ModelNotFoundError, match=r"no \.json beside model\.toy"):
        find(stored.register_model("toy", "outputs/Toy/model.toy"))


@pytest.mark.parametrize("change", ["model.toy", "model.json"])
def test_the_registry_knows_both_files(stored, change):
    """The .json is believed no more than the file."""
    model = stored.register_model("toy", "outputs/Toy")
    path = Path(model.path, change)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content.replace(b"toy", b"yot"))
    found = find(Model(model.workspace, "toy"))
    with pytest.raises(errors.ModelChangedError, match=f"Toy/{change} of model toy:1"):
        found.content(found.facts(ToyFacts, FILES))


def test_a_file_that_is_gone_is_told(stored, tmp_path):
    """By an error of ours, not by the disk's alone."""
    (stored._folder / "outputs" / "Toy" / "model.toy").unlink()
    with pytest.raises(errors.StoreError, match=r"cannot read outputs/Toy/model\.toy of run"):
        find(stored).content(facts())


def test_names_of_folders():
    """Plain, and free."""
    assert checked_name("Ridge 2") == "Ridge 2"
    for name in ("", ".", "..", " ", "a/b", "a\\b", None, 5):
        with pytest.raises(errors.NameRefusedError, match="plain name of a folder"):
            checked_name(name)
    assert free_name("Ridge", set()) == "Ridge"
    assert free_name("Ridge", {"Ridge", "Ridge_2", "Net"}) == "Ridge_3"


def test_a_model_has_a_folder_for_itself(experiment):
    """A class may be stored twice; a name that the user chose is never another model's, nor a path."""
    run = experiment.start_logging(snapshot_directory=None)
    run.upload_file("outputs/Ridge/notes.txt", io.BytesIO(b"mine"))

    assert free_place(run, "Ridge") == "Ridge_2"
    assert free_place(run, "Ridge", "best") == "best"
    with pytest.raises(errors.ModelExistsError, match="choose another name"):
        free_place(run, "Net", "Ridge")
    with pytest.raises(errors.NameRefusedError):
        free_place(run, "Net", "../best")
    run.complete()
