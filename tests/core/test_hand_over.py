"""What a submitted script gets of data, and what is known of it afterwards."""

import json
import os
import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from azml_integrations.core import (
    DataPath,
    DataReference,
    Dataset,
    DatasetConsumptionConfig,
    Datastore,
    Environment,
    OutputFileDatasetConfig,
    Run,
    ScriptRunConfig,
    Workspace,
)
from azml_integrations.core.hand_over import Handed, call_off, hand_over, take_back
from azml_integrations.core.runconfig import DataReferenceConfiguration, RunConfiguration
from azml_integrations.errors import (
    DownloadError,
    InputMissingError,
    NameRefusedError,
    NeedsCloudError,
    OptionError,
    RunExistsError,
    UserErrorException,
)


@pytest.fixture
def data(tmp_path):
    """A folder with a csv file and another folder."""
    folder = tmp_path / "data"
    (folder / "more").mkdir(parents=True)
    (folder / "ages.csv").write_text("age\n31\n47\n")
    (folder / "more" / "b.txt").write_text("b")
    return folder


@pytest.fixture
def handed(workspace):
    """Hand arguments over for a run of the workspace."""

    def call(*arguments, run_id: str = "run-1", **fields) -> Handed:
        config = RunConfiguration()
        for name, value in fields.items():
            setattr(config, name, value)
        return hand_over(list(arguments), config, workspace, "trials", run_id)

    return call


def files_below(folder) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


# -- inputs ------------------------------------------------------------------------------------------


def test_plain_arguments_stay_as_they_are(handed):
    """Strings and numbers, and nothing in the environment."""
    assert handed("--alpha", 0.5, 3, "DatasetConsumptionConfig:none", Path("x")) == Handed(
        ["--alpha", "0.5", "3", "DatasetConsumptionConfig:none", "x"]
    )


def test_a_direct_input_is_an_id(handed, workspace, data):
    """It leads to the dataset in the script, also where it was never registered."""
    dataset = Dataset.Tabular.from_delimited_files(data / "ages.csv").take(1)
    given = handed("--data", dataset.as_named_input("training_data"))

    assert given.arguments == ["--data", dataset.id]
    assert given.variables == {
        "training_data": dataset.id,
        "AZUREML_DATASET_ENVIRONMENT_VARS": "training_data:direct",
    }
    assert Dataset.get_by_id(workspace, dataset.id) == Dataset.get_by_id(workspace, given.variables["training_data"])
    assert Dataset.get_by_id(workspace, dataset.id).to_pandas_dataframe()["age"].tolist() == [31]


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_files_are_a_folder(handed, workspace, data, mode):
    """Below the run's inputs; by links or by copies, and the owner's folder is never written to."""
    one = getattr(Dataset.File.from_files(data).as_named_input("files"), f"as_{mode}")()
    given = handed(one)

    (folder,) = given.arguments
    assert Path(folder) == workspace.root / "inputs" / "run-1" / "files"
    assert files_below(folder) == {"ages.csv": "age\n31\n47\n", "more/b.txt": "b"}
    assert Path(folder, "ages.csv").is_symlink() == (mode == "mount")
    assert given.variables == {
        "files": folder,
        "AZUREML_DATAREFERENCE_files": folder,
        "AZUREML_DATASET_ENVIRONMENT_VARS": f"files:{mode}",
    }
    Path(folder, "written.txt").write_text("by the script")
    assert sorted(path.name for path in data.iterdir()) == ["ages.csv", "more"]


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_exactly_one_file_path_is_the_path_of_the_file(handed, data, mode):
    """A folder or a pattern with one file in it stays a folder, as in SDK v1."""
    (data / "more" / "b.txt").unlink()

    def argument(path) -> str:
        dataset = Dataset.File.from_files(path)
        return handed(getattr(dataset, f"as_{mode}")()).arguments[0]

    assert Path(argument(data / "ages.csv")).name == "ages.csv"
    assert Path(argument(data / "ages.csv")).read_text() == "age\n31\n47\n"
    assert files_below(argument(data)) == {"ages.csv": "age\n31\n47\n"}
    assert files_below(argument(f"{data}/*.csv")) == {"ages.csv": "age\n31\n47\n"}
    assert files_below(argument([data / "ages.csv", data / "ages.csv"])) == {"ages.csv": "age\n31\n47\n"}


def test_rows_as_files_are_written_for_the_script(handed, data):
    """``to_csv_files`` is the way to give a script without our library some rows."""
    rows = Dataset.Tabular.from_delimited_files(data / "ages.csv").take(1)
    (path,) = handed(rows.to_csv_files().as_download()).arguments
    assert Path(path).read_text() == "age\n31\n"
    with pytest.raises(UserErrorException, match="to_csv_files"):
        rows.as_named_input("rows").as_mount()


def test_a_path_on_compute_stays_below_the_inputs(handed, workspace, data):
    """What SDK v1 put anywhere on its machine hits nothing of this one."""
    dataset = Dataset.File.from_files(data)
    (folder,) = handed(dataset.as_named_input("files").as_download("/tmp/mine")).arguments
    assert Path(folder) == workspace.root / "inputs" / "run-1" / "files" / "tmp" / "mine"
    with pytest.raises(NameRefusedError):
        dataset.as_mount("../../../runs")


def test_inputs_of_a_run_configuration_count_too(handed, data):
    """``run_config.data`` holds inputs that are no arguments; the same one may be both."""
    one = Dataset.File.from_files(data).as_named_input("one").as_mount()
    given = handed(
        "DatasetConsumptionConfig:two", one, data={"one": deepcopy(one), "two": Dataset.File.from_files(data)}
    )

    assert given.variables["AZUREML_DATASET_ENVIRONMENT_VARS"] == "one:mount,two:direct"
    assert given.arguments == [given.variables["two"], given.variables["one"]]
    with pytest.raises(OptionError, match=r"run_config\.data\['three'\]"):
        handed(data={"three": "a string"})
    with pytest.raises(OptionError, match=r"run_config\.data is"):
        handed(data=["three"])


def test_all_that_is_missing_is_said_before_anything_is_begun(handed, workspace, data):
    """One error names every input, and nothing is left behind."""
    gone = Dataset.File.from_files([data / "ages.csv"])
    rows = Dataset.Tabular.from_delimited_files(data / "ages.csv")
    here = Dataset.File.from_files(data / "more")
    reference = Datastore(workspace).path("nowhere").as_download()
    (data / "ages.csv").unlink()

    with pytest.raises(InputMissingError) as told:
        handed(here.as_mount(), gone.as_named_input("a").as_mount(), rows.as_named_input("b"), reference)
    assert told.value.paths == {
        "a": str(data / "ages.csv"),
        "b": str(data / "ages.csv"),
        reference.data_reference_name: str(Datastore(workspace).locate("nowhere")),
    }
    assert isinstance(told.value, FileNotFoundError)
    assert not (workspace.root / "inputs").exists()


def test_what_fails_midway_leaves_nothing(handed, workspace, data):
    """An address that cannot be read is the usual case."""
    web = Dataset.File.from_files("http://127.0.0.1:9/x.csv").as_named_input("web").as_download()
    with pytest.raises(DownloadError):
        handed(Dataset.File.from_files(data).as_download(), web)
    assert not (workspace.root / "inputs" / "run-1").exists()


def test_a_second_attempt_begins_anew(handed, workspace, data):
    """A submission that was killed left something; then the inputs are taken back, and the data stay."""
    one = Dataset.File.from_files(data).as_named_input("one").as_mount()
    handed(one)
    (data / "ages.csv").rename(data / "renamed.csv")
    (folder,) = handed(one).arguments
    assert set(files_below(folder)) == {"renamed.csv", "more/b.txt"}

    take_back(workspace, "run-1")
    assert not Path(folder).exists()
    assert set(files_below(data)) == {"renamed.csv", "more/b.txt"}


# -- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a b", "1st", "a-b", "ä", "a/b", "AZUREML_RUN_ID", "azml_home", None, "a" * 256])
def test_a_name_is_that_of_a_variable(data, name):
    """It becomes one in the script, and never one of ours."""
    dataset = Dataset.File.from_files(data)
    for make in (lambda: dataset.as_named_input(name), lambda: DatasetConsumptionConfig(name, dataset)):
        with pytest.raises(NameRefusedError):
            make()
    if name:
        with pytest.raises(NameRefusedError):
            OutputFileDatasetConfig(name)


def test_a_name_replaces_no_variable(handed, data, monkeypatch):
    """An input called PATH would leave the script without its commands; one of the run around it is taken over."""
    dataset = Dataset.File.from_files(data)
    with pytest.raises(NameRefusedError, match="environment variable is set already"):
        handed(dataset.as_named_input("PATH"))
    monkeypatch.setenv("training_data", "of the run around this process")
    monkeypatch.setenv("AZUREML_DATASET_ENVIRONMENT_VARS", "training_data:direct")
    assert handed(dataset.as_named_input("training_data")).arguments == [dataset.id]


def test_two_of_one_name_are_told_apart(handed, workspace, data):
    """Else one of them would silently win."""
    dataset = Dataset.File.from_files(data)
    with pytest.raises(UserErrorException, match="two data objects"):
        handed(dataset.as_named_input("x"), dataset.take(1).as_named_input("x"))
    for other in (OutputFileDatasetConfig("x"), DataReference(Datastore(workspace), "x")):
        with pytest.raises(UserErrorException, match="an input, and an output or a data reference"):
            handed(dataset.as_named_input("x"), other)


def test_what_was_set_since_is_checked_again(handed, workspace, data):
    """The attributes of SDK v1's objects may be set; no path and no name gets by."""
    store = workspace.get_default_datastore()
    outside, renamed = (Dataset.File.from_files(data).as_mount() for _ in range(2))
    outside.path_on_compute = "../../../runs"
    renamed.name = "../../x"
    moved, unnamed = OutputFileDatasetConfig("out"), OutputFileDatasetConfig("out")
    moved.destination = (store, "../../x")
    unnamed.name = "a=b"
    reference = store.path("x").as_upload()
    reference.path_on_datastore = "../../x"
    before = set(workspace.root.parent.rglob("*"))
    for one in (outside, renamed, moved, unnamed, reference):
        with pytest.raises(NameRefusedError):
            handed(one)
    made = set(workspace.root.parent.rglob("*")) - before
    assert all(path.is_relative_to(workspace.root / "datasets") for path in made - {workspace.root / "inputs"})


def test_what_is_no_argument_is_refused(handed, workspace, data):
    """Each with its way out."""
    dataset = Dataset.File.from_files(data)
    with pytest.raises(UserErrorException, match="as_named_input"):
        handed(dataset)
    with pytest.raises(OptionError, match="no argument"):
        handed({"a": 1})
    with pytest.raises(NameRefusedError):
        handed(dataset.as_mount(), run_id="../evil")
    with pytest.raises(OptionError, match="expects a dataset"):
        DatasetConsumptionConfig("x", "not a dataset")
    with pytest.raises(OptionError, match="mode"):
        DatasetConsumptionConfig("x", dataset, mode="hdfs")


# -- references --------------------------------------------------------------------------------------


def test_references_to_a_datastore(handed, workspace, data):
    """The arguments of 2018: mounted is the folder itself, downloaded a copy, uploaded a folder to write into."""
    store = workspace.get_default_datastore()
    mounted = store.upload(data, "in", show_progress=False).as_mount()
    copied = store.path("in/ages.csv", "ages").as_download("/data")
    written = store.path("out", "results").as_upload()

    given = handed(mounted, copied, written, data_references={"late": store.path("in").to_config()})

    copy = workspace.root / "inputs" / "run-1" / "ages" / "data" / "ages.csv"
    assert given.arguments == [str(store.root / "in"), str(copy), str(store.root / "out")]
    assert copy.read_text() == "age\n31\n47\n"
    assert not copy.is_symlink()
    assert (store.root / "out").is_dir()
    assert given.variables["AZUREML_DATAREFERENCE_results"] == str(store.root / "out")
    assert given.variables["AZUREML_DATAREFERENCE_late"] == str(store.root / "in")


def test_the_text_of_a_reference_stands_for_its_path(handed, workspace, data):
    """``str(reference)`` in an argument, and the reference in the run configuration."""
    reference = Datastore(workspace).upload(data, "in", show_progress=False)
    given = handed(f"{reference}/ages.csv", data_references={reference.data_reference_name: reference})
    assert given.arguments == [str(Datastore(workspace).locate("in/ages.csv"))]
    with pytest.raises(UserErrorException, match="data_references"):
        handed(str(reference))


def test_the_configuration_of_2018(handed, workspace, data):
    """A run configuration names the datastore, and an argument spells the variable."""
    store = workspace.get_default_datastore()
    store.upload(src_dir=str(data), target_path="./data/", overwrite=True, show_progress=False)
    reference = DataReferenceConfiguration(store.name, "download", "data", "/tmp/azureml_runs", overwrite=True)

    given = handed("--data-folder", str(store.as_download()), data_references={store.name: reference})

    folder = workspace.root / "inputs" / "run-1" / store.name / "tmp" / "azureml_runs"
    assert given.arguments == ["--data-folder", str(folder)]
    assert set(files_below(folder)) == {"ages.csv", "more/b.txt"}
    with pytest.raises(NameRefusedError):
        handed(data_references={"a b": reference})
    reference.path_on_datastore = "../../runs"
    with pytest.raises(NameRefusedError):
        handed(data_references={store.name: reference})


def test_a_reference_is_checked(workspace):
    """Its name becomes part of a variable's, its path one in the datastore."""
    store = Datastore(workspace)
    assert DataReference(store).data_reference_name == "workspaceblobstore"
    assert store.as_download("/x").mode == "download"
    assert store.as_mount().path("a").path("b").path_on_datastore == "a/b"
    for wrong in (
        lambda: DataReference(store, "a b"),
        lambda: store.path("../x"),
        lambda: store.path("x").as_download("../../y"),
    ):
        with pytest.raises(NameRefusedError):
            wrong()
    with pytest.raises(OptionError, match="mode"):
        DataReference(store, mode="hdfs")
    with pytest.raises(OptionError, match="Datastore"):
        DataReference("workspaceblobstore")


def test_a_path_of_a_datastore_is_an_argument(handed, workspace, data):
    """A script that goes on from a checkpoint gets it as ``--resume-from``."""
    Datastore(workspace).upload(data, "in", show_progress=False)
    given = handed("--resume-from", DataPath(Datastore(workspace), "in/ages.csv"))
    assert Path(given.arguments[1]).read_text() == "age\n31\n47\n"
    with pytest.raises(InputMissingError):
        handed(DataPath(Datastore(workspace), "none"))


def test_a_link_in_a_datastore_leads_no_run_out_of_it(handed, workspace, tmp_path):
    """Somebody else's folder is not written to."""
    store = workspace.get_default_datastore()
    store.root.mkdir(parents=True)
    (store.root / "link").symlink_to(tmp_path)
    for one in (OutputFileDatasetConfig("o", (store, "link/out")), store.path("link/out").as_upload()):
        with pytest.raises(NameRefusedError, match="symbolic link"):
            handed(one)
    assert not (tmp_path / "out").exists()


# -- outputs -----------------------------------------------------------------------------------------


def test_an_output_is_a_folder_of_the_datastore(handed, workspace):
    """Of each run another one, unless the destination says otherwise."""
    store = workspace.get_default_datastore()
    fixed = OutputFileDatasetConfig("fixed", destination=(store, "results/{output-name}"))
    given = handed("--out", OutputFileDatasetConfig("model"), fixed, output_data={"fixed": fixed})

    assert given.arguments == ["--out", str(store.root / "dataset/run-1/model"), str(store.root / "results/fixed")]
    assert all(Path(path).is_dir() for path in given.arguments[1:])
    assert given.variables["AZUREML_DATASET_FILE_OUTPUTS"] == "model,fixed"
    assert given.variables["model"] == given.arguments[1]
    assert handed(OutputFileDatasetConfig("model"), run_id="run-2").arguments[0].endswith("dataset/run-2/model")


def test_an_upload_replaces_nothing_unless_asked(handed, workspace):
    """Results of another run are somebody's work."""
    store = workspace.get_default_datastore()
    output = OutputFileDatasetConfig("out", destination=(store, "results")).as_upload()
    (folder,) = handed(output).arguments
    Path(folder, "a.txt").write_text("a")
    with pytest.raises(UserErrorException, match="overwrite=True"):
        handed(output, run_id="run-2")
    assert handed(output.as_upload(overwrite=True), run_id="run-2").arguments == [folder]
    assert handed(output.as_mount(), run_id="run-3").arguments == [folder]


def test_outputs_are_checked(workspace):
    """Names, destinations, and what is not done here."""
    store = Datastore(workspace)
    with pytest.raises(OptionError, match="leave source out"):
        OutputFileDatasetConfig("x", source="./outputs")
    with pytest.raises(OptionError, match="destination"):
        OutputFileDatasetConfig("x", destination="here")
    with pytest.raises(NameRefusedError):
        OutputFileDatasetConfig("x", destination=(store, "../x"))
    with pytest.raises(NameRefusedError):
        OutputFileDatasetConfig("x").as_upload(source_globs="../*")
    with pytest.raises(NameRefusedError):
        OutputFileDatasetConfig("x").register_on_complete("")


@pytest.fixture
def submitted(workspace, experiment, handed):
    """Begin a run with an output that writes one file; its promise is kept when it is Completed."""

    def begin(output, run_id: str) -> Run:
        run = Run._create(experiment, run_id=run_id)
        given = handed(output, run_id=run_id)
        run.add_properties(given.properties)
        Path(given.arguments[0], "model.txt").write_text(run_id)
        Path(given.arguments[0], "debug.log").write_text("noise")
        return run

    return begin


def test_an_output_is_registered_once_its_run_is_completed(workspace, submitted):
    """By whoever looks next: nothing waits for the run."""
    output = OutputFileDatasetConfig("model").as_upload(source_globs="*.txt")
    output.register_on_complete("models", "made by a script", {"a": 1})
    run = submitted(output, "good")
    assert workspace.datasets == {}

    run.complete()

    found = Dataset.get_by_name(workspace, "models")
    assert (found.version, found.description, found.tags) == (1, "made by a script", {"a": "1"})
    assert found.to_path() == ["/model.txt"]
    submitted(output, "better").complete()
    assert workspace.datasets["models"].version == 2
    assert workspace.datasets["models"].version == 2
    assert Path(workspace.datasets["models"].download("there")[0]).read_text() == "better"


def test_of_a_run_that_failed_nothing_is_registered(workspace, submitted):
    """Neither then nor later."""
    output = OutputFileDatasetConfig("model").register_on_complete("models")
    submitted(output, "bad").fail("no")
    submitted(output, "stopped").cancel()
    assert workspace.datasets == {}
    assert list((workspace.root / "datasets" / ".pending").iterdir()) == []


def test_a_promise_is_kept_once_however_often_it_is_met(workspace, submitted):
    """A process that was killed between registering and forgetting the promise registers nothing twice."""
    run = submitted(OutputFileDatasetConfig("model").register_on_complete("models"), "good")
    (promise,) = (workspace.root / "datasets" / ".pending").rglob("*.json")
    content = promise.read_text()
    run.complete()
    assert workspace.datasets["models"].version == 1
    promise.write_text(content)
    assert workspace.datasets["models"].version == 1
    assert not promise.exists()


def test_a_submission_that_is_called_off_promises_nothing(workspace, handed, data):
    """Of a run of another id nothing is forgotten."""
    output = OutputFileDatasetConfig("model").register_on_complete("models")
    for run_id in ("run", "run.1", "x" * 255):
        handed(output, Dataset.File.from_files(data).as_mount(), run_id=run_id)
    call_off(workspace, "run")
    assert len(list((workspace.root / "datasets" / ".pending").iterdir())) == 2
    assert sorted(path.name[:9] for path in (workspace.root / "inputs").iterdir()) == ["run.1", "x" * 9]


def test_a_promise_of_a_run_that_never_began_is_dropped_after_a_day(workspace, handed):
    """Until then the run may still be on its way."""
    handed(OutputFileDatasetConfig("model").register_on_complete("models"), run_id="never")
    (promise,) = (workspace.root / "datasets" / ".pending").rglob("*.json")
    assert workspace.datasets == {}
    assert promise.exists()
    os.utime(promise, (0, 0))
    assert workspace.datasets == {}
    assert not promise.exists()


def test_an_output_is_the_input_of_a_later_script(handed, workspace):
    """Where its place does not depend on the run."""
    output = OutputFileDatasetConfig("prepared", destination=(workspace.get_default_datastore(), "prepared"))
    (folder,) = handed(output).arguments
    Path(folder, "rows.csv").write_text("n\n1\n")

    (mounted,) = handed(output.as_input("rows"), run_id="run-2").arguments
    assert files_below(mounted) == {"rows.csv": "n\n1\n"}
    with pytest.raises(UserErrorException, match="register_on_complete"):
        handed(OutputFileDatasetConfig("other").as_input(), run_id="run-2")


# -- afterwards --------------------------------------------------------------------------------------


def test_the_run_tells_which_data_it_used_and_made(workspace, experiment, handed, data):
    """In its properties, which travel with its folder, and in its details."""
    dataset = Dataset.File.from_files(data).register(workspace, "ages")
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    output = OutputFileDatasetConfig("out").register_on_complete("results")
    given = handed(dataset.as_named_input("files").as_mount(), output, run_id=run.id)
    run.add_properties(given.properties)
    run.complete()

    details = run.get_details()
    (used,), (made,) = details["inputDatasets"], details["outputDatasets"]
    assert used == {
        "dataset": {"id": dataset.id, "name": "ages", "version": 1},
        "consumptionDetails": {"type": "RunInput", "inputName": "files", "mechanism": "Mount"},
    }
    assert made["outputDetails"] == {"outputName": "out", "path": given.variables["out"]}
    assert made["identifier"] == {"savedId": Dataset.get_by_name(workspace, "results").id, "registeredName": "results"}
    assert json.loads(run.properties["azml.input_datasets"])[0]["id"] == dataset.id


def test_properties_that_nobody_can_read_are_no_data(experiment):
    """A run's folder from elsewhere may say anything."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    run.add_properties({"azml.input_datasets": "{", "azml.output_datasets": '["x", 3]'})
    run.complete()
    assert (run.get_details()["inputDatasets"], run.get_details()["outputDatasets"]) == ([], [])


def test_definitions_are_plain(workspace, data):
    """What a submission stores of its data can be JSON."""
    dataset = Dataset.File.from_files(data)
    objects = [
        dataset.as_mount(),
        dataset.as_named_input("x"),
        Datastore(workspace).path("x"),
        OutputFileDatasetConfig("o"),
    ]
    objects += [OutputFileDatasetConfig("p", Datastore(workspace)).register_on_complete("n").as_input()]
    for one in objects:
        assert json.loads(json.dumps(one.as_definition())) == one.as_definition()
        assert repr(pickle.loads(pickle.dumps(one))) == repr(deepcopy(one)) == repr(one)


SCRIPT = """
import os, sys
from azml_integrations.core import Run

run = Run.get_context()
rows, files = run.input_datasets["rows"], run.input_datasets["files"]
assert rows.to_pandas_dataframe()["age"].tolist() == [31], rows
assert sorted(os.listdir(files)) == ["ages.csv", "more"], files
assert rows.id == os.environ["rows"] == sys.argv[1]
assert files == os.environ["files"] == os.environ["AZUREML_DATAREFERENCE_files"] == sys.argv[2]
assert run.output_datasets == {"out": sys.argv[3]} == {"out": os.environ["out"]}
try:
    run.input_datasets["unknown"]
except KeyError:
    print("done")
"""


def test_a_script_finds_its_data(workspace, experiment, handed, data):
    """By argument, by variable, and by name in ``run.input_datasets``, which is a plain dict."""
    run = Run._create(experiment, run_id="submitted-1")
    given = handed(
        Dataset.Tabular.from_delimited_files(data / "ages.csv").take(1).as_named_input("rows"),
        Dataset.File.from_files(data).as_named_input("files").as_mount(),
        OutputFileDatasetConfig("out"),
        run_id=run.id,
    )
    around = {
        "AZUREML_RUN_ID": run.id,
        "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
        "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
        "AZUREML_ARM_PROJECT_NAME": experiment.name,
        "AZUREML_RUN_TOKEN": "no token",
        "AZUREML_SERVICE_ENDPOINT": "http://127.0.0.1",
        "AZML_WORKSPACE": str(workspace.root),
    }
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, *given.arguments],
        env=os.environ | around | given.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    run.complete()
    assert told.stdout.strip() == "done", told.stderr


# -- submitted for real ------------------------------------------------------------------------------

TRAIN = """
import os, sys
from pathlib import Path
from azml_integrations.core import Run

rows = Run.get_context().input_datasets["rows"].to_pandas_dataframe()
assert Path(sys.argv[2], "ages.csv").read_text().startswith("age"), sys.argv
Path(sys.argv[3], "model.txt").write_text(str(rows["age"].sum()))
"""


@pytest.fixture
def config(tmp_path, data):
    """A script that reads rows and files, and writes a model."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "train.py").write_text(TRAIN)
    environment = Environment("user-managed")
    environment.python.user_managed_dependencies = True
    arguments = [
        Dataset.Tabular.from_delimited_files(data / "ages.csv").as_named_input("rows"),
        Dataset.File.from_files(data).as_named_input("files").as_download(),
        OutputFileDatasetConfig("model").register_on_complete("models"),
    ]
    return ScriptRunConfig(str(tmp_path / "project"), "train.py", arguments, environment=environment)


def test_a_submitted_script_gets_its_data_and_leaves_a_dataset(experiment, workspace, queue, config):
    """From rows on the disk to a registered model folder, with everything told and nothing left over."""
    run = experiment.submit(config)
    details = run.wait_for_completion()

    (path,) = Dataset.get_by_name(workspace, "models").download("there")
    assert Path(path).read_text() == "78"
    assert [one["consumptionDetails"]["inputName"] for one in details["inputDatasets"]] == ["rows", "files"]
    assert details["runDefinition"]["arguments"] == [
        "DatasetConsumptionConfig:rows",
        "DatasetConsumptionConfig:files",
        "DatasetOutputConfig:model",
    ]
    assert not (workspace.root / "inputs" / run.id).exists()
    assert run.input_datasets["rows"].to_pandas_dataframe()["age"].tolist() == [31, 47]
    assert run.input_datasets["files"].to_path() == ["/ages.csv", "/more/b.txt"]
    assert run.output_datasets["model"].to_path() == ["/model.txt"]


def test_a_run_without_data_has_none(run, azml_home):
    """Also one that nobody submitted: a script that is started by hand gets a KeyError, as for a wrong name."""
    assert (run.input_datasets, run.output_datasets) == ({}, {})
    with pytest.raises(KeyError):
        Run.get_context().input_datasets["rows"]


def test_missing_data_are_said_before_there_is_a_run(experiment, workspace, config, data):
    """Nothing waits in the queue, and nothing is promised."""
    (data / "ages.csv").unlink()
    with pytest.raises(InputMissingError, match="rows"):
        experiment.submit(config)
    assert list(experiment.get_runs()) == []
    assert not list((workspace.root / "datasets").rglob("*.json"))


def test_a_taken_id_leaves_the_data_of_its_run_alone(experiment, workspace, queue, config, handed, data):
    """Whoever asks for the id of a run that is there gets an error, and that run keeps its inputs."""
    run = Run._create(experiment, run_id="taken")
    (folder,) = handed(Dataset.File.from_files(data).as_mount(), run_id="taken").arguments
    for again in (lambda: experiment.submit(config, run_id="taken"), lambda: handed(*config.arguments, run_id="taken")):
        with pytest.raises(RunExistsError):
            again()
    assert "ages.csv" in files_below(folder)
    run.complete()
    assert workspace.datasets == {}


# -- datastores --------------------------------------------------------------------------------------


def test_a_workspace_may_have_several_datastores(workspace, data):
    """Folders beside each other; one of them is the default."""
    images = Datastore.register_local(workspace, "images")
    assert list(workspace.datastores) == ["images", "workspaceblobstore"]
    assert Datastore.get(workspace, "images") == images
    workspace.set_default_datastore("images")
    assert workspace.get_default_datastore() == Workspace.get(workspace.name).get_default_datastore() == images
    images.upload(data, show_progress=False)
    assert Dataset.File.from_files((images, "*.csv")).to_path() == ["/ages.csv"]
    images.root.rename(images.root.with_name("gone"))
    assert workspace.get_default_datastore().name == "workspaceblobstore"
    for name in ("../x", "con", "a b", "x" * 200):
        with pytest.raises(NameRefusedError):
            Datastore.register_local(workspace, name)


def test_datastores_of_a_cloud_need_the_cloud(workspace):
    """The error names what to do instead."""
    with pytest.raises(NeedsCloudError, match=r"Datastore\.register_azure_blob_container .*register_local"):
        Datastore.register_azure_blob_container(workspace=workspace, datastore_name="x", container_name="y")
    with pytest.raises(NeedsCloudError):
        Datastore.register_azure_data_lake_gen2(workspace, "x")
