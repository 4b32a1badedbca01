"""Registered models: versions that are counted, files that stay, and look-ups in SDK v1's shapes."""

import io
import json
import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azml_integrations import errors
from azml_integrations.core import Dataset, Experiment, Model, Run, Workspace

V1_SIGNATURES = {
    "Model": "workspace, name=None, id=None, tags=None, properties=None, version=None, run_id=None, "
    "model_framework=None, expand=True, **kwargs",
    "register": "workspace, model_path, model_name, tags=None, properties=None, description=None, datasets=None, "
    "model_framework=None, model_framework_version=None, child_paths=None, sample_input_dataset=None, "
    "sample_output_dataset=None, resource_configuration=None, **kwargs",
    "list": "workspace, name=None, tags=None, properties=None, run_id=None, latest=False, dataset_id=None, "
    "expand=True, page_count=255, model_framework=None",
    "get_model_path": "model_name, version=None, _workspace=None",
    "download": "target_dir='.', exist_ok=False, exists_ok=None",
    "register_model": "model_name, model_path=None, tags=None, properties=None, model_framework=None, "
    "model_framework_version=None, description=None, datasets=None, sample_input_dataset=None, "
    "sample_output_dataset=None, resource_configuration=None, **kwargs",
}


@pytest.fixture
def stored(run):
    """Give a run with one model file and a folder of two."""
    run.upload_file("outputs/model.pkl", io.BytesIO(b"weights"))
    run.upload_file("outputs/net/weights.bin", io.BytesIO(b"more weights"))
    run.upload_file("outputs/net/vocabulary/words.txt", io.BytesIO(b"a b c"))
    return run


@pytest.fixture
def file(elsewhere):
    path = elsewhere / "ridge.pkl"
    path.write_bytes(b"a ridge")
    return path


def register(workspace, file, name="ridge", **about):
    return Model.register(workspace, file, name, **about)


@pytest.mark.parametrize("verb", V1_SIGNATURES)
def test_signatures_are_sdk_v1s(verb, signature, run):
    """Old code passes arguments by position."""
    call = {"Model": Model, "register_model": run.register_model}.get(verb) or getattr(Model, verb)
    assert signature(call) == V1_SIGNATURES[verb]


# -- out of a run ------------------------------------------------------------------------------------


def test_a_file_of_a_run_is_registered(stored, workspace):
    """Under a version that counts from 1, with the run that it is of."""
    before = datetime.now(UTC)
    model = stored.register_model("diabetes", "outputs/model.pkl", tags={"area": "diabetes"}, description="a ridge")

    assert (model.name, model.version, model.id) == ("diabetes", 1, "diabetes:1")
    assert isinstance(model.version, int)
    assert Path(model.path).read_bytes() == b"weights"
    assert Path(model.path).name == "model.pkl"
    assert (model.run_id, model.run, model.experiment_name) == (stored.id, stored, "trials")
    assert (model.tags, model.description) == ({"area": "diabetes"}, "a ridge")
    assert before - timedelta(seconds=1) < model.created_time < datetime.now(UTC) + timedelta(seconds=1)
    assert model.url.startswith("aml://asset/")
    assert model.workspace == workspace
    assert stored.register_model("diabetes", "outputs/model.pkl").version == 2
    assert Model(workspace, "diabetes").version == 2
    assert Model(workspace, "diabetes", version=1) == Model(workspace, id="diabetes:1") == model


@pytest.mark.parametrize("path", ["outputs/net", "./outputs/net", "outputs/net/", ".//outputs/net"])
def test_a_folder_of_a_run_is_registered(stored, path):
    """With all below it, under its own last name; a leading ``./`` means nothing."""
    model = stored.register_model("net", path)

    assert model.get_file_names() == ["net/vocabulary/words.txt", "net/weights.bin"]
    assert Path(model.path, "vocabulary", "words.txt").read_bytes() == b"a b c"


@pytest.mark.parametrize("name", ["größe 1.pkl", "con.pkl", "a" * 150 + ".pkl", "trailing.", "journal/model.pkl"])
def test_files_whose_names_are_not_safe_everywhere_keep_them(run, name):
    """In the run they lie under a hash; in the registry as whoever loads them wants them."""
    run.upload_file(name, io.BytesIO(b"x"))
    model = run.register_model("odd", name)
    assert Path(model.path).name == Path(name).name
    assert Path(model.download("copy")).read_bytes() == b"x"


def test_the_path_is_the_models_name_where_none_is_given(run):
    """As in SDK v1."""
    run.upload_file("ridge.pkl", io.BytesIO(b"x"))
    assert Path(run.register_model("ridge.pkl").path).read_bytes() == b"x"


@pytest.mark.parametrize("path", ["outputs/modl.pkl", "outputs/mod", "/etc/passwd", "../outputs", ".", "out\0puts", 5])
def test_what_the_run_has_not_is_told_with_what_it_has(stored, path):
    """No beginning of a name counts, and nothing outside is reached."""
    with pytest.raises(errors.ModelPathNotFoundException, match=r"it has outputs/model\.pkl, outputs/net/") as told:
        stored.register_model("diabetes", path)
    assert isinstance(told.value, errors.WebserviceException)
    assert isinstance(told.value, FileNotFoundError)
    assert Model.list(stored.experiment.workspace) == []


def test_what_lies_in_outputs_need_not_wait_for_the_end(experiment):
    """``joblib.dump(model, "outputs/model.pkl")`` and `register_model` right after it, in an interactive run too."""
    with experiment.start_logging(snapshot_directory=None) as run:
        Path("outputs/model.pkl").write_bytes(b"first")
        first = run.register_model("ridge", "outputs/model.pkl")
        Path("outputs/model.pkl").write_bytes(b"the second")
        second = run.register_model("ridge", "outputs/model.pkl")
    assert (Path(first.path).read_bytes(), Path(second.path).read_bytes()) == (b"first", b"the second")


def test_only_what_is_registered_is_collected_early(experiment):
    """The rest may be half written."""
    with experiment.start_logging(snapshot_directory=None) as run:
        for name in ("net/a.bin", "net/b.bin", "network.bin"):
            Path("outputs", name).parent.mkdir(exist_ok=True)
            Path("outputs", name).write_bytes(b"x")
        assert run.register_model("net", "./outputs/net/").get_file_names() == ["net/a.bin", "net/b.bin"]
        assert [name for name in run.get_file_names() if name.startswith("outputs")] == [
            "outputs/net/a.bin",
            "outputs/net/b.bin",
        ]
        assert len(run.register_model("all", "outputs").get_file_names()) == 3


def test_a_worker_that_stores_nothing_registers_nothing(azml_home, monkeypatch):
    """Four GPUs are not four versions; the lines that print the model's name go on."""
    monkeypatch.setenv("RANK", "1")
    run = Run.get_context()
    model = run.register_model("net", "outputs/net.pt", tags={"a": 1})
    assert (model.name, model.id, model.version) == ("net", "net:0", 0)
    assert Model.list(model.workspace) == []


def test_a_model_stays_when_its_run_changes(stored, workspace):
    """A later file of that name, and the end of the run's folder, change nothing about it."""
    model = stored.register_model("diabetes", "outputs/model.pkl")
    stored.upload_file("outputs/model.pkl", io.BytesIO(b"others"))
    assert Path(model.path).read_bytes() == b"weights"

    stored.complete()
    import shutil

    shutil.rmtree(stored._folder)
    workspace.view.forget(stored.id)
    assert model.run is None
    assert Path(model.download("copy")).read_bytes() == b"weights"


def test_a_file_of_a_run_lies_on_the_disk_once(stored):
    """It is linked; what was written in place, and so may grow, is copied."""
    model = stored.register_model("diabetes", "outputs/model.pkl")
    assert Path(model.path).samefile(stored._folder / "outputs" / "model.pkl")
    assert not os.access(model.path, os.W_OK) or os.geteuid() == 0
    assert Path(model.path).stat().st_mode & 0o222 == 0

    with stored:
        log = stored.register_model("log", "logs/user_log.txt")
        assert not Path(log.path).samefile(stored._folder / "logs" / "user_log.txt")


def test_a_file_that_the_run_did_not_store_is_not_registered(stored, workspace):
    """Its digest tells."""
    path = stored._folder / "outputs" / "model.pkl"
    path.write_bytes(b"exchang")
    with pytest.raises(errors.ModelChangedError, match="is not the file that was stored"):
        stored.register_model("diabetes", "outputs/model.pkl")
    assert Model.list(workspace) == []


# -- from this machine -------------------------------------------------------------------------------


def test_a_local_file_is_copied(workspace, file, capsys):
    """And announced as in SDK v1; what happens to the original later is its own affair."""
    model = register(workspace, file)
    assert capsys.readouterr().out == "Registering model ridge\n"
    file.write_bytes(b"something else")
    assert Path(model.path).read_bytes() == b"a ridge"
    assert (model.run_id, model.run, model.experiment_name) == (None, None, None)


def test_a_local_folder_is_copied(workspace, elsewhere):
    """The working directory too, without the workspace that lies in it."""
    (elsewhere / "net" / "deep").mkdir(parents=True)
    (elsewhere / "net" / "a.bin").write_bytes(b"a")
    (elsewhere / "net" / "deep" / "größe 1.bin").write_bytes(b"b")
    assert register(workspace, "net").get_file_names() == ["net/a.bin", "net/deep/größe 1.bin"]

    os.chdir("net")
    model = register(workspace, ".")
    assert Path(model.path).name == "net"
    assert Path(model.path, "deep", "größe 1.bin").read_bytes() == b"b"


def test_parts_of_a_folder_may_be_chosen(workspace, elsewhere):
    """Files and folders, relative to it."""
    for name in ("a.bin", "b.bin", "deep/c.bin"):
        (elsewhere / "net" / name).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / "net" / name).write_bytes(b"x")
    assert register(workspace, "net", child_paths=["a.bin", "./deep/"]).get_file_names() == [
        "net/a.bin",
        "net/deep/c.bin",
    ]
    with pytest.raises(errors.ModelPathNotFoundException, match=r"it has a\.bin, b\.bin"):
        register(workspace, "net", child_paths=["c.bin"])
    with pytest.raises(errors.OptionError, match="is a file"):
        register(workspace, "net/a.bin", child_paths=["a.bin"])


@pytest.mark.parametrize("path", ["nowhere.pkl", "empty"])
def test_what_is_not_there_is_not_registered(workspace, elsewhere, path):
    """Neither a file that is missing nor a folder without files."""
    (elsewhere / "empty").mkdir()
    with pytest.raises(errors.ModelPathNotFoundException, match="has no file or folder"):
        register(workspace, path)
    with pytest.raises(errors.OptionError, match="expected the path"):
        register(workspace, None)
    assert Model.list(workspace) == []


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "../a", "a" * 256, "ä", None, 5])
def test_names_that_cannot_be_one(workspace, file, stored, name):
    """SDK v1's rule, and SDK v1's kind of error."""
    for call in (
        lambda: register(workspace, file, name),
        lambda: stored.register_model(name, "outputs/model.pkl"),
        lambda: Model.get_model_path(name),
    ):
        with pytest.raises(errors.WebserviceException, match="first a letter or digit"):
            call()


@pytest.mark.parametrize("name", ["a", "1", "a.b-c_d", "a" * 255, "model.", "con", "numbers"])
def test_names_that_can_be_one(workspace, file, name):
    """Also where a platform reserves them."""
    assert register(workspace, file, name).version == 1
    assert list(workspace.models) == [name]
    assert Path(Model(workspace, name).path).read_bytes() == b"a ridge"


# -- what is said of a model -------------------------------------------------------------------------


def test_numbers_become_texts(workspace, file):
    """DP-100's scripts tag a model with its accuracy."""
    model = register(workspace, file, tags={"AUC": 0.87, "rows": 442}, properties={"alpha": 0.03, "ok": True})
    assert model.tags == {"AUC": "0.87", "rows": "442"}
    assert model.properties == {"alpha": "0.03", "ok": "True"}
    with pytest.raises(errors.OptionError, match="expected a dict of tag"):
        register(workspace, file, tags=["a"])


class Data:
    """A data set, as far as a model looks at it."""

    def __init__(self, name, id):
        self.name, self.id, self.version = name, id, 3


class Needs:
    cpu, memory_in_gb, gpu = 2, 0.5, None


def test_everything_that_is_said_is_kept(workspace, file):
    """Data sets, samples and resources as data."""
    model = register(
        workspace,
        file,
        datasets=[("training", Data("diabetes", "d1")), ("validation", Data("held out", "d2"))],
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="1.9.1",
        sample_input_dataset=Data("rows", "d3"),
        sample_output_dataset=Data("answers", "d4"),
        resource_configuration=Needs(),
    )
    assert model.datasets == {
        "training": [{"name": "diabetes", "id": "d1", "version": "3"}],
        "validation": [{"name": "held out", "id": "d2", "version": "3"}],
    }
    assert (model.model_framework, model.model_framework_version) == ("ScikitLearn", "1.9.1")
    assert (model.sample_input_dataset["name"], model.sample_output_dataset["name"]) == ("rows", "answers")
    assert model.resource_configuration == {"cpu": 2.0, "memory_in_gb": 0.5, "gpu": None}
    assert Model.list(workspace, dataset_id="d2") == [model]
    assert Model.list(workspace, dataset_id="d3") == []


def test_a_data_set_of_the_workspace_is_known_by_its_name_and_id(workspace, file):
    """Registered or not; lists of models ask for the id."""
    Path("a.csv").write_text("x,y\n1,2\n")
    data = Dataset.Tabular.from_delimited_files("a.csv").register(workspace, "rows")
    model = register(workspace, file, datasets=[("training", data)], sample_input_dataset=data)
    assert model.datasets == {"training": [{"name": "rows", "id": data.id, "version": "1"}]}
    assert model.sample_input_dataset["name"] == "rows"
    assert Model.list(workspace, dataset_id=data.id) == [model]


def test_tags_change_and_properties_only_grow(workspace, file):
    """Every handle sees it at once; what was registered is not written to."""
    model, other = register(workspace, file, tags={"stage": "draft", "area": "x"}), Model(workspace, "ridge")
    model.add_tags({"stage": "prod", "auc": 0.9})
    model.remove_tags(["area", "unknown"])
    model.add_properties({"alpha": 0.03})
    model.add_properties({"alpha": "0.03"})
    assert other.tags == {"stage": "prod", "auc": "0.9"}
    assert other.properties == {"alpha": "0.03"}
    with pytest.raises(errors.PropertyError, match="properties are set once"):
        model.update_tags_properties(add_tags={"not": "this"}, add_properties={"alpha": 1})
    assert other.tags == {"stage": "prod", "auc": "0.9"}

    model.update(tags={"only": "this"}, description="better", resource_configuration={"cpu": 1})
    model.update(sample_input_dataset="rows")
    assert other.tags == {"only": "this"}
    assert (other.description, other.resource_configuration) == ("better", {"cpu": 1.0})
    assert other.sample_input_dataset == {"name": "rows"}
    model.update(description="")
    model.update()
    assert (other.description, other.tags) == ("", {"only": "this"})


def test_a_model_travels(workspace, file):
    """As a dict that JSON takes, and by pickle, both times as an address."""
    model = register(workspace, file, tags={"a": 1}, datasets=[Data("d", "1")])
    payload = json.loads(json.dumps(model.serialize()))
    assert (payload["id"], payload["version"], payload["tags"]) == ("ridge:1", 1, {"a": "1"})
    assert datetime.fromisoformat(payload["createdTime"]) == model.created_time
    assert Model.deserialize(workspace, payload) == pickle.loads(pickle.dumps(model)) == model
    assert len({model, Model(workspace, "ridge")}) == 1
    for wrong in ({}, {"id": 5}, {**payload, "workspace": "another"}, {"id": "ridge:2"}, {"id": "ridge"}):
        with pytest.raises(errors.WebserviceException):
            Model.deserialize(workspace, wrong)


def test_a_model_shows_itself(workspace, file):
    """One line as in SDK v1, and a table in notebooks in which user's text is only text."""
    model = register(workspace, file, tags={"<b>": "&"}, model_framework="ScikitLearn", model_framework_version="1.9")
    assert repr(model) == (
        "Model(workspace=Workspace.create(name='test', subscription_id='local', resource_group='local'), name=ridge, "
        "id=ridge:1, version=1, tags={'<b>': '&'}, properties={})"
    )
    page = model._repr_html_()
    assert "&lt;b&gt;=&amp;" in page
    assert "<b>" not in page
    assert "ScikitLearn 1.9" in page


# -- looking up --------------------------------------------------------------------------------------


@pytest.fixture
def several(workspace, file, stored):
    """Give three versions of one model and one of another, in this order."""
    register(workspace, file, "ridge", tags={"stage": "prod", "area": "a"}, properties={"alpha": 1})
    register(workspace, file, "ridge", tags={"stage": "draft"}, model_framework="ScikitLearn")
    stored.register_model("net", "outputs/net", tags={"stage": "prod"})
    register(workspace, file, "ridge", properties={"alpha": 2})
    return workspace


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["ridge:3", "net:1", "ridge:2", "ridge:1"]),
        ({"name": "ridge"}, ["ridge:3", "ridge:2", "ridge:1"]),
        ({"latest": True}, ["ridge:3", "net:1"]),
        ({"tags": ["stage"]}, ["net:1", "ridge:2", "ridge:1"]),
        ({"tags": [["stage", "prod"]]}, ["net:1", "ridge:1"]),
        ({"tags": ["area", ["stage", "prod"]]}, ["ridge:1"]),
        ({"tags": [("stage", "prod")], "name": "ridge", "latest": True}, ["ridge:1"]),
        ({"tags": {"stage": "draft"}}, ["ridge:2"]),
        ({"tags": "area"}, ["ridge:1"]),
        ({"properties": [["alpha", 2]]}, ["ridge:3"]),
        ({"model_framework": "ScikitLearn"}, ["ridge:2"]),
        ({"name": "nothing"}, []),
    ],
    ids=str,
)
def test_lists_are_filtered(several, asked, ids):
    """The last registered first."""
    assert [model.id for model in Model.list(several, **asked)] == ids


def test_a_look_up_takes_the_newest_that_fits(several, run):
    """By any of what a search knows."""
    assert Model(several, "ridge").id == "ridge:3"
    assert Model(several, "ridge", tags=[["stage", "prod"]]).id == "ridge:1"
    assert Model(several, tags=["stage"]).id == "net:1"
    assert Model(several, run_id=run.id).id == "net:1"
    assert Model(several, "ridge", version="2").id == "ridge:2"
    assert Model(several, model_framework="ScikitLearn", version=2).id == "ridge:2"
    assert {name: model.version for name, model in several.models.items()} == {"net": 1, "ridge": 3}
    assert [model.id for model in Model.list(several, run_id=run.id)] == ["net:1"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": "rigde"}, "has no model rigde; it has net, ridge"),
        ({"name": "ridge", "version": 9}, "has no model ridge:9; it has ridge:3, ridge:2, ridge:1"),
        ({"id": "ridge:9"}, "has no model ridge:9"),
        ({"name": "ridge", "tags": ["no"]}, "has no model ridge with tags"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(several, asked, told):
    """SDK v1's kind of error, a KeyError too."""
    with pytest.raises(errors.WebserviceException, match=told) as error:
        Model(several, **asked)
    assert isinstance(error.value, errors.ModelNotFoundException)
    assert isinstance(error.value, KeyError)


@pytest.mark.parametrize(
    "asked", [{}, {"name": "ridge", "version": 0}, {"name": "ridge", "version": "x"}, {"id": "ridge"}, {"id": "a b:1"}]
)
def test_look_ups_that_cannot_be(several, asked):
    """Nothing is guessed."""
    with pytest.raises(errors.WebserviceException):
        Model(several, **asked)


def test_slips_in_a_call_are_told(workspace, run):
    """With what was expected."""
    with pytest.raises(errors.OptionError, match="expects a Workspace first"):
        Model("ridge", "ridge")
    with pytest.raises(errors.OptionError, match="does not know nmae"):
        Model(workspace, nmae="ridge")
    with pytest.raises(errors.OptionError, match="does not know path"):
        run.register_model("a", path="b")
    with pytest.raises(errors.OptionError, match="expected a list of keys and pairs"):
        Model.list(workspace, tags=[["a", "b", "c"]])
    with pytest.raises(errors.OptionError, match="expected numbers"):
        Model.register(workspace, __file__, "a", resource_configuration={"cpu": "many"})


# -- downloading -------------------------------------------------------------------------------------


def test_a_download_is_a_copy(stored, tmp_path):
    """A file or a folder, below a folder that is made; its path comes back."""
    one, two = stored.register_model("one", "outputs/model.pkl"), stored.register_model("two", "outputs/net")
    assert one.download() == "model.pkl"
    assert Path("model.pkl").read_bytes() == b"weights"
    Path("model.pkl").write_bytes(b"mine now")
    assert Path(one.path).read_bytes() == b"weights"
    assert two.download(tmp_path / "a" / "b") == str(tmp_path / "a" / "b" / "net")
    assert (tmp_path / "a" / "b" / "net" / "vocabulary" / "words.txt").read_bytes() == b"a b c"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["net"]


def test_a_download_replaces_only_when_told(stored):
    """Under both names that SDK v1 had for it; else nothing is touched."""
    model = stored.register_model("net", "outputs/net")
    Path("net").mkdir()
    Path("net/weights.bin").write_bytes(b"mine")
    with pytest.raises(errors.WebserviceException, match="exist_ok=True") as told:
        model.download()
    assert isinstance(told.value, FileExistsError)
    with pytest.raises(errors.WebserviceException):
        model.download(exist_ok=True, exists_ok=False)
    assert [path.name for path in Path("net").iterdir()] == ["weights.bin"]
    assert Path("net/weights.bin").read_bytes() == b"mine"

    model.download(exists_ok=True)
    assert Path("net/weights.bin").read_bytes() == b"more weights"
    model.download(exist_ok=True)


def test_a_file_that_was_exchanged_is_not_downloaded(stored):
    """Nor are the others of its model."""
    model = stored.register_model("net", "outputs/net")
    path = Path(model.path, "weights.bin")
    path.chmod(0o644)
    path.write_bytes(b"some weights")
    with pytest.raises(errors.ModelChangedError, match=r"weights\.bin of model net:1 is not the file"):
        model.download("copy")
    assert list(Path("copy").iterdir()) == []
    with pytest.raises(errors.ModelChangedError):
        model.read_file("net/weights.bin")


@pytest.mark.parametrize("name", ["../../../../escaped", "/escaped", "a/../../escaped", "C:/escaped"])
def test_a_model_from_elsewhere_reaches_nothing(stored, workspace, name):
    """Its model.json may say anything."""
    model = stored.register_model("net", "outputs/net")
    description = workspace.root / "models" / "net" / "1" / "model.json"
    told = json.loads(description.read_text())
    told["path"] = told["files"][0]["name"] = name
    description.write_text(json.dumps(told))
    model = Model(workspace, "net")
    for call in (lambda: model.path, lambda: model.download("copy"), lambda: model.read_file(name)):
        with pytest.raises(errors.NameRefusedError):
            call()
    assert not Path("copy").exists()


def test_a_file_is_read_as_it_was_registered(stored):
    """By the name that it has in the model."""
    model = stored.register_model("net", "outputs/net")
    assert model.read_file("net/weights.bin") == b"more weights"
    assert model.get_sas_urls()["net/weights.bin"] == Path(model.path, "weights.bin").as_uri()
    with pytest.raises(errors.ModelNotFoundError, match=r"it has net/vocabulary/words\.txt"):
        model.read_file("net/other")
    with pytest.raises(errors.ModelChangedError, match="12 bytes"):
        model.read_file("net/weights.bin", most_bytes=5)


# -- where a model lies ------------------------------------------------------------------------------


def lay(path, content="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_the_path_of_a_model_is_searched_as_in_sdk_v1(workspace, file, elsewhere, monkeypatch):
    """Where a service laid it, in the working directory, in the registry."""
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    with pytest.raises(errors.ModelNotFoundException, match="has no model ridge"):
        Model.get_model_path("ridge")
    register(workspace, file)
    assert Model.get_model_path("ridge") == Model(workspace, "ridge").path

    lay(elsewhere / "ridge")
    assert Model.get_model_path("ridge") == "ridge"
    assert Model.get_model_path("ridge", version=1) == Model(workspace, "ridge").path
    assert Model.get_model_path("ridge", _workspace=workspace) == Model(workspace, "ridge").path

    lay(elsewhere / "azureml-models" / "ridge" / "2" / "model.pkl")
    lay(elsewhere / "azureml-models" / "ridge" / "10" / "a.bin")
    lay(elsewhere / "azureml-models" / "ridge" / "10" / "b.bin")
    assert Model.get_model_path("ridge") == "azureml-models/ridge/10"
    assert Model.get_model_path("ridge", version="2") == "azureml-models/ridge/2/model.pkl"
    assert Model.get_model_path("ridge", version=2, _workspace=workspace) == "azureml-models/ridge/2/model.pkl"

    served = elsewhere / "var" / "azureml-models"
    lay(served / "ridge" / "7" / "model.pkl")
    for given in (served / "ridge" / "7", served, served.parent / "other"):
        monkeypatch.setenv("AZUREML_MODEL_DIR", str(given))
        assert Model.get_model_path("ridge") == str(served / "ridge" / "7" / "model.pkl")


def test_the_registry_of_the_current_run_is_asked(workspace, file, experiment):
    """Where no workspace is named."""
    register(workspace, file)
    with experiment.start_logging(outputs=False, snapshot_directory=None):
        assert Model.get_model_path("ridge") == Model(workspace, "ridge").path


# -- deleting ----------------------------------------------------------------------------------------


def test_a_deleted_version_is_gone_and_its_number_with_it(workspace, file):
    """Whoever kept the id never gets another model under it."""
    register(workspace, file)
    model = register(workspace, file)
    model.delete()
    assert [one.id for one in Model.list(workspace)] == ["ridge:1"]
    for call in (model.delete, lambda: model.tags, model.download):
        with pytest.raises(errors.RegisteredModelNotFoundError, match="has no model ridge:2"):
            call()
    assert register(workspace, file).version == 3
    assert not (workspace.root / "trash").exists()


# -- what needs the cloud ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["deploy", "package", "profile"])
def test_what_needs_the_cloud_says_so(workspace, verb):
    """In an error that old clauses catch, with what to do instead."""
    with pytest.raises(errors.WebserviceException, match=f"Model.{verb} needs the cloud") as told:
        getattr(Model, verb)(workspace, "service", [], inference_config=None)
    assert isinstance(told.value, NotImplementedError)
    assert isinstance(told.value, errors.NeedsCloudError)


# -- many at once ------------------------------------------------------------------------------------

MEMBER = """
import sys, time
from pathlib import Path
from azml_integrations.core import Model, Workspace
workspace = Workspace.get("test")
file = Path(sys.argv[1], "model.pkl")
file.parent.mkdir()
file.write_text(sys.argv[1])
while time.time() < float(sys.argv[2]):
    pass
for _ in range(10):
    model = Model.register(workspace, file, "crowd")
    model.add_tags({"by": sys.argv[1]})
    print("registered", model.version)
"""


def test_many_processes_register_at_once(workspace, tmp_path):
    """No version is given twice, none is lost, and each holds what its process gave."""
    import time

    moment = time.time() + 1.5
    members = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", MEMBER, str(tmp_path / f"member{number}"), str(moment)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    told = [member.communicate(timeout=60)[0] for member in members]
    versions = sorted(
        int(line.split()[1]) for out in told for line in out.splitlines() if line.startswith("registered")
    )
    assert versions == list(range(1, 61))
    for model in Model.list(workspace, "crowd"):
        assert Path(model.path).read_text() == model.tags["by"]
    assert [path.name for path in (workspace.root / "models" / "crowd").iterdir() if path.name.startswith(".")] == []


def test_a_registry_that_was_copied_without_its_numbers_goes_on(workspace, file):
    """A version that is there is never replaced."""
    import shutil

    first = register(workspace, file)
    register(workspace, file)
    shutil.rmtree(workspace.root / "models" / "ridge" / "numbers")
    file.write_bytes(b"another")
    assert register(workspace, file).version == 3
    assert Path(first.path).read_bytes() == b"a ridge"


def test_another_workspace_has_its_own(workspace, file):
    """Names are counted within a workspace."""
    register(workspace, file)
    other = Workspace.create("other")
    assert Model.list(other) == []
    assert register(other, file).version == 1
    assert Model(other, "ridge") != Model(workspace, "ridge")


def test_a_disk_that_refuses_leaves_no_version(workspace, file, monkeypatch):
    """Nor what was prepared."""
    from azml_integrations.store import files

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "copy_hashing", full)
    with pytest.raises(errors.StoreError, match="No space left"):
        register(workspace, file)
    monkeypatch.undo()
    assert Model.list(workspace) == []
    assert register(workspace, file).version == 1
    assert Experiment(workspace, "trials") is not None
