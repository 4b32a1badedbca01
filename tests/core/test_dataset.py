"""Datasets are made of paths, kept by definition, and found again by name, version and id."""

import json
import multiprocessing
import pickle
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import text

from azml_integrations.core import DataPath, Dataset, Datastore, Model, OutputFileDatasetConfig, Run, Workspace
from azml_integrations.core.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azml_integrations.core.file_dataset import FileDataset
from azml_integrations.core.hand_over import hand_over
from azml_integrations.core.tabular_dataset import TabularDataset
from azml_integrations.errors import (
    AzmlError,
    DatasetExistsError,
    DatasetNotFoundError,
    NameRefusedError,
    NeedsCloudError,
    OptionError,
    SourceNotFoundError,
    UserErrorException,
)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "ages.csv"
    path.write_text("age,y\n31,1.5\n47,2.5\n")
    return path


# -- signatures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (
            Dataset.Tabular.from_delimited_files,
            (
                "path, validate=True, include_path=False, infer_column_types=True, set_column_types=None, "
                "separator=',', header=True, partition_format=None, support_multi_line=False, empty_as_string=False, "
                "encoding='utf8'"
            ),
        ),
        (Dataset.File.from_files, "path, validate=True, partition_format=None, is_file=False"),
        (Dataset.File.upload_directory, "src_dir, target, pattern=None, overwrite=False, show_progress=True"),
        (Dataset.get_by_name, "workspace, name, version='latest'"),
        (Dataset.get_all, "workspace"),
        (FileDataset.register, "workspace, name, description=None, tags=None, create_new_version=False"),
        (FileDataset.download, "target_path=None, overwrite=False, ignore_not_found=False"),
        (FileDataset.mount, "mount_point=None, **kwargs"),
        (FileDataset.as_mount, "path_on_compute=None"),
        (FileDataset.as_download, "path_on_compute=None"),
        (TabularDataset.random_split, "percentage, seed=None"),
        (TabularDataset.take_sample, "probability, seed=None"),
    ],
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Old scripts pass these by position and by name."""
    assert signature(verb) == expected


def test_the_factories_have_both_names():
    """``Dataset.Tabular`` and ``TabularDatasetFactory`` are one thing."""
    assert Dataset.Tabular is TabularDatasetFactory
    assert Dataset.File is FileDatasetFactory


# -- paths -------------------------------------------------------------------------------------------


def test_every_way_to_say_a_path(workspace, csv, tmp_path):
    """A string, a path, a pattern, a list, a datastore with a path, a DataPath: all name the same file."""
    store = workspace.get_default_datastore()
    store.upload_files([csv], target_path="in", show_progress=False)
    ways = [str(csv), csv, "ages.csv", "*.csv", [str(csv)], csv.as_uri(), (store, "in/ages.csv"), [(store, "in/*.csv")]]
    ways += [DataPath(store, "in/ages.csv"), [DataPath(store, "in")], store.path("in/ages.csv"), (store, "/in/")]

    assert [Dataset.File.from_files(way).to_path() for way in ways] == [["/ages.csv"]] * len(ways)


def test_relative_paths_are_meant_from_where_the_dataset_was_made(csv, tmp_path, monkeypatch):
    """A script that changes its directory afterwards reads the same file."""
    dataset = Dataset.File.from_files("ages.csv")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert dataset.to_path() == ["/ages.csv"]


def test_what_is_not_there_is_said_at_once_unless_asked_otherwise(workspace):
    """``validate=False`` is for data that a script writes later."""
    with pytest.raises(SourceNotFoundError, match=r"none\.csv"):
        Dataset.Tabular.from_delimited_files("none.csv")
    with pytest.raises(SourceNotFoundError, match="pattern"):
        Dataset.File.from_files("none/*.png")
    later = Dataset.File.from_files((workspace.get_default_datastore(), "later"), validate=False)
    with pytest.raises(SourceNotFoundError, match="later"):
        later.to_path()


@pytest.mark.parametrize("path", [3, [], [None], "", "https://host.example/folder/", ("a", 1), "https://"])
def test_what_is_no_path_is_refused(path):
    """One clear error, and no half of a dataset."""
    with pytest.raises(OptionError):
        Dataset.File.from_files(path)


@pytest.mark.parametrize("address", ["wasbs://c@account/x", "abfss://fs@account/x", "azureml://x", "adl://x"])
def test_storage_of_a_cloud_needs_the_cloud(address):
    """The error says what to do instead."""
    with pytest.raises(NeedsCloudError, match="copy the files to this machine"):
        Dataset.File.from_files(address)
    with pytest.raises(NeedsCloudError, match="read_sql"):
        Dataset.Tabular.from_sql_query((None, "SELECT 1"))


@pytest.mark.parametrize("path", ["../../runs", "a/../../b", "..", "C:/x"])
def test_nothing_leads_out_of_a_datastore(workspace, path):
    """No name becomes a path unchecked."""
    store = workspace.get_default_datastore()
    for make in (lambda: Dataset.File.from_files((store, path)), lambda: DataPath(store, path)):
        with pytest.raises(NameRefusedError):
            make()


def test_datastores_of_two_workspaces_make_no_dataset(workspace):
    """Their names would mean one or the other."""
    other = Workspace.create("another")
    with pytest.raises(OptionError, match="several workspaces"):
        Dataset.File.from_files([(Datastore(workspace), "a"), (Datastore(other), "a")])


# -- registered --------------------------------------------------------------------------------------


def test_a_registered_dataset_is_found_again(workspace, csv):
    """By name, by version, by id, among all, and through the workspace."""
    made = Dataset.Tabular.from_delimited_files(csv)
    assert (made.name, made.version, made.description, made.tags) == (None, None, None, {})

    registered = made.register(workspace, "ages of people", "from a table", {"year": 2019})

    assert (registered.name, registered.version) == ("ages of people", 1)
    assert (registered.description, registered.tags) == ("from a table", {"year": "2019"})
    found = [Dataset.get_by_name(workspace, "ages of people"), Dataset.get_by_name(workspace, "ages of people", 1)]
    found += [Dataset.get_by_id(workspace, made.id), workspace.datasets["ages of people"]]
    assert {(type(one), one.id) for one in found} == {(TabularDataset, made.id)}
    assert list(workspace.datasets) == ["ages of people"]


def test_registering_keeps_the_definition_and_leaves_the_data(workspace, csv):
    """Nothing is copied: what changes in the file changes in the dataset."""
    Dataset.File.from_files(csv).register(workspace, "ages")
    csv.write_text("age,y\n99,0\n")

    (copy,) = Dataset.get_by_name(workspace, "ages").download("here")
    assert Path(copy).read_text() == "age,y\n99,0\n"
    assert not list(workspace.root.rglob("*.csv"))


def test_another_definition_needs_a_new_version(workspace, csv):
    """SDK v1's rule: the same definition is the same version, another one is an error unless a new one is asked for."""
    whole = Dataset.Tabular.from_delimited_files(csv)
    assert whole.register(workspace, "ages").version == 1
    assert whole.register(workspace, "ages").version == 1

    with pytest.raises(DatasetExistsError, match="create_new_version=True"):
        whole.take(1).register(workspace, "ages")
    assert whole.take(1).register(workspace, "ages", create_new_version=True).version == 2

    assert Dataset.get_by_name(workspace, "ages").id == whole.take(1).id
    assert Dataset.get_by_name(workspace, "ages", version=1).id == whole.id
    assert Dataset.get_by_name(workspace, "ages", version="latest").version == 2


def test_an_unknown_dataset_names_those_that_are_there(workspace, csv):
    """The culprit, and the way out."""
    Dataset.File.from_files(csv).register(workspace, "ages")
    with pytest.raises(DatasetNotFoundError, match="there are: ages") as told:
        Dataset.get_by_name(workspace, "wages")
    assert isinstance(told.value, (UserErrorException, KeyError))
    with pytest.raises(DatasetNotFoundError, match="ages version 1"):
        Dataset.get_by_name(workspace, "ages", 2)
    with pytest.raises(OptionError, match="latest"):
        Dataset.get_by_name(workspace, "ages", "newest")
    for unknown in ("00000000-0000-0000-0000-000000000000", "../../workspace", "no id", ""):
        with pytest.raises(DatasetNotFoundError):
            Dataset.get_by_id(workspace, unknown)


@pytest.mark.parametrize("name", ["", " ages", "a\nb", "a\0b", 3, "x" * 256, "\ud800"])
def test_a_name_is_checked(workspace, csv, name):
    """Blanks within a name are SDK v1's custom, all else that hurts is refused."""
    with pytest.raises(NameRefusedError):
        Dataset.File.from_files(csv).register(workspace, name)


@pytest.mark.parametrize(
    "name", ["../../../evil", "/etc/passwd", ".saved", "con", "größe", "a/b", "x" * 255, "..", "."]
)
def test_whatever_the_name_it_stays_in_its_folder(workspace, csv, name):
    """Names that are no folder's are kept under a hash, and come back as they are."""
    before = set(workspace.root.parent.rglob("*"))
    Dataset.File.from_files(csv).register(workspace, name)

    assert Dataset.get_by_name(workspace, name).name == name
    made = set(workspace.root.parent.rglob("*")) - before
    assert all(path.is_relative_to(workspace.root / "datasets") for path in made)


@given(text())
def test_a_name_is_refused_or_comes_back(name):
    """Whatever the name: it leads to one folder below the datasets, or nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace._at(Path(folder, "there", "workspace"))
        try:
            Dataset.File.from_files("x", validate=False).register(workspace, name)
        except NameRefusedError:
            assert not (workspace.root / "datasets").exists()
        else:
            assert list(workspace.datasets) == [name]
            assert len(list((workspace.root / "datasets").iterdir())) == 2
        assert [path.name for path in Path(folder, "there").iterdir()] == ["workspace"]


def test_tags_and_description_change_the_definition_does_not(workspace, csv):
    """They are added to, taken away and replaced, seen through every handle."""
    mine = Dataset.File.from_files(csv).register(workspace, "ages", tags={"a": "1"})
    theirs = Dataset.get_by_name(workspace, "ages")

    mine.add_tags({"b": 2}).remove_tags(["a", "unknown"])
    assert theirs.tags == {"b": "2"}
    mine.update(description="new", tags={"c": "3"})
    assert (theirs.description, theirs.tags, theirs.version) == ("new", {"c": "3"}, 1)
    with pytest.raises(UserErrorException, match="not registered"):
        Dataset.File.from_files(csv).add_tags({"a": "b"})


def test_unregistered_is_forgotten_but_for_runs_that_used_it(workspace, csv):
    """A name can be had again; an id that a run wrote down still leads to its data."""
    dataset = Dataset.File.from_files(csv).register(workspace, "ages")
    dataset.take(1).register(workspace, "ages", create_new_version=True)
    dataset.unregister_all_versions()

    assert workspace.datasets == {}
    assert dataset.name is None
    assert Dataset.get_by_id(workspace, dataset.id).to_path() == ["/ages.csv"]
    assert dataset.take(1).register(workspace, "ages").version == 1


def test_a_datastore_of_another_workspace_is_not_mistaken_for_ours(workspace, csv):
    """Both have a datastore of that name: the path is kept as it is on the disk."""
    store = Workspace.create("another").get_default_datastore()
    store.upload_files([csv], show_progress=False)
    Dataset.File.from_files((store, "ages.csv")).register(workspace, "theirs")

    (copy,) = Dataset.get_by_name(workspace, "theirs").download("here")
    assert Path(copy).read_text() == csv.read_text()


def test_one_that_is_damaged_hides_no_other(workspace, csv, capsys):
    """It is said on stderr which one cannot be read."""
    Dataset.File.from_files(csv).register(workspace, "good")
    Dataset.File.from_files(csv).register(workspace, "bad")
    (workspace.root / "datasets" / "bad" / "1" / "dataset.json").write_text('{"name": ')

    assert list(workspace.datasets) == ["good"]
    assert "bad is no readable dataset" in capsys.readouterr().err
    with pytest.raises(OSError, match=r"dataset\.json"):
        Dataset.get_by_name(workspace, "bad")


# -- many at once ------------------------------------------------------------------------------------


def _register(root: Path, csv: Path, count: int) -> list[int]:
    workspace = Workspace.from_config() if root is None else Workspace._at(root)
    dataset = Dataset.File.from_files(csv)
    return [dataset.take(1).register(workspace, "many", create_new_version=True).version for _ in range(count)]


def test_of_many_writers_each_gets_a_version_of_its_own(workspace, csv):
    """Versions are claimed by exclusive creation: none is given twice, none is left out."""
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        answers = [pool.apply_async(_register, (workspace.root, csv, 8)) for _ in range(3)]
        given = [version for answer in answers for version in answer.get(60)]
    with ThreadPoolExecutor(4) as pool:
        given += [version for one in pool.map(lambda _: _register(workspace.root, csv, 4), range(4)) for version in one]

    assert sorted(given) == list(range(1, 41))


def test_of_many_that_register_the_same_all_get_the_same_version(workspace, csv):
    """Workers of one job that all say ``register(ws, "ages")`` do not fail one another."""
    dataset, begin = Dataset.File.from_files(csv), threading.Barrier(8)

    def register(_: int) -> int:
        begin.wait()
        return dataset.register(workspace, "ages").version

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(register, range(8))) == [1] * 8


# -- as a value --------------------------------------------------------------------------------------


def test_the_id_is_made_of_the_definition(csv):
    """Two processes that define the same dataset mean the same one."""
    script = f"from azml_integrations.core import Dataset; print(Dataset.Tabular.from_delimited_files({str(csv)!r}).id)"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    dataset = Dataset.Tabular.from_delimited_files(csv)

    assert other.stdout.strip() == dataset.id
    assert dataset == Dataset.Tabular.from_delimited_files(csv)
    assert dataset != Dataset.Tabular.from_delimited_files(csv, separator=";")
    assert len({dataset, dataset.take(1), dataset.skip(1)}) == 3


def test_it_travels(workspace, csv):
    """Copied by a submission, pickled to a worker: the same dataset."""
    dataset = Dataset.File.from_files(csv).register(workspace, "ages")
    for other in (deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        assert (other.id, other.name, other.version, other.to_path()) == (dataset.id, "ages", 1, ["/ages.csv"])


def test_nothing_of_it_needs_pandas(workspace, csv):
    """Making, registering, finding and downloading work where pandas is not installed, and without its 300 ms."""
    script = f"""
import sys
sys.modules["pandas"] = None
from azml_integrations.core import Dataset, Workspace
from azml_integrations.errors import PackageMissingError
workspace = Workspace._at(__import__("pathlib").Path({str(workspace.root)!r}))
rows = Dataset.Tabular.from_delimited_files({str(csv)!r}).register(workspace, "rows")
Dataset.File.from_files({str(csv)!r}).download("there")
try:
    rows.take(1).to_pandas_dataframe()
except PackageMissingError as error:
    print(error.message, isinstance(error, ImportError), "numpy" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith(
        "reading a TabularDataset as a data frame needs pandas, which is not installed; `pip install"
    )
    assert said.strip().endswith("True False")


def test_files_on_disk_are_as_documented(workspace, csv):
    """``docs/reference/files-on-disk.md`` names them."""
    dataset = Dataset.File.from_files(csv).register(workspace, "ages", tags={"a": "b"})
    stored = json.loads((workspace.root / "datasets" / "ages" / "1" / "dataset.json").read_text())

    assert stored["definition"] == {"type": "File", "sources": [{"kind": "local", "path": str(csv)}]}
    assert (stored["name"], stored["version"], stored["tags"]) == ("ages", 1, {"a": "b"})
    assert (
        json.loads((workspace.root / "datasets" / ".saved" / f"{dataset.id}.json").read_text()) == stored["definition"]
    )


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "datastore", "datastore": "workspaceblobstore", "path": "../../../../etc"},
        {"kind": "datastore", "datastore": "../../x", "path": "passwd"},
        {"kind": "web", "url": "file:///etc/passwd"},
        {"kind": "web", "url": "http://host/../../x"},
        {"kind": "somewhere", "path": "x"},
    ],
)
def test_a_definition_from_elsewhere_opens_no_door(workspace, csv, source):
    """A workspace that was copied in may say anything."""
    Dataset.File.from_files(csv).register(workspace, "theirs")
    path = workspace.root / "datasets" / "theirs" / "1" / "dataset.json"
    stored = json.loads(path.read_text())
    stored["definition"]["sources"] = [source]
    path.write_text(json.dumps(stored))

    with pytest.raises(AzmlError):
        Dataset.get_by_name(workspace, "theirs").download("here")
    assert not Path("here").exists()


def test_a_model_names_the_data_that_it_was_trained_on(workspace, csv):
    """``datasets=`` of a model takes registered datasets and others, and models are found by them."""
    trained, other = Dataset.Tabular.from_delimited_files(csv).register(workspace, "ages"), Dataset.File.from_files(csv)
    model = Model.register(workspace, str(csv), "m", datasets=[("training", trained), ("scoring", other)])

    assert Model(workspace, "m").datasets["training"] == [{"name": "ages", "id": trained.id, "version": "1"}]
    assert [one.id for one in Model.list(workspace, dataset_id=other.id)] == [model.id]
    assert Dataset.get_by_id(workspace, other.id).to_path() == ["/ages.csv"]


@pytest.mark.parametrize("attempt", range(6))
def test_a_promise_is_kept_once_by_however_many_that_look(workspace, experiment, attempt):
    """A page, a notebook and a script may all look in the moment in which the run ends."""
    run = Run._create(experiment)
    hand_over([OutputFileDatasetConfig("o").register_on_complete("made")], None, workspace, "trials", run.id)
    run.complete()
    begin = threading.Barrier(8)

    def look(_: int) -> int:
        begin.wait()
        return Dataset.get_by_name(workspace, "made").version

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(8))) == [1] * 8


def test_a_promise_from_elsewhere_opens_no_door(workspace, capsys):
    """Nor hides what is registered."""
    folder = workspace.root / "datasets" / ".pending"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(
        '{"run_id": "../../x", "output": "o", "name": "n", "definition": {"type": "File", "sources": []}}'
    )
    (folder / "y.json").write_text("{")
    assert workspace.datasets == {}
    assert capsys.readouterr().err.count("cannot be settled") == 2


def test_a_dataset_found_by_its_id_knows_its_name(workspace, tmp_path):
    """A script in direct mode has the id only; of several registrations the last one speaks."""
    (tmp_path / "rows.csv").write_text("a\n1\n")
    made = Dataset.Tabular.from_delimited_files(str(tmp_path / "rows.csv"))
    made.register(workspace, "rows", tags={"of": "first"})
    found = Dataset.get_by_id(workspace, made.id)
    assert (found.name, found.version, found.tags) == ("rows", 1, {"of": "first"})
    made.register(workspace, "again")
    assert Dataset.get_by_id(workspace, made.id).name == "again"
    Dataset.get_by_name(workspace, "again").unregister_all_versions()
    assert Dataset.get_by_id(workspace, made.id).name == "rows"
