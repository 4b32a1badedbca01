"""The verbs of a run about its snapshot, and the snapshot that a run begins with."""

import time
import zipfile
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.errors import (
    OptionError,
    SnapshotException,
    SnapshotNotFoundError,
    SnapshotTooLargeError,
    SourceNotFoundError,
    StoreError,
)


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


@pytest.mark.parametrize(
    ("verb", "spelt"),
    [
        (Run.take_snapshot, "file_or_folder_path"),
        (Run.get_snapshot_id, ""),
        (Run.restore_snapshot, "snapshot_id=None, path=None"),
    ],
)
def test_the_verbs_are_spelt_as_in_sdk_v1(signature, verb, spelt):
    """Names, order and defaults."""
    assert signature(verb) == spelt


def test_a_snapshot_is_taken_once(run, source):
    """Its id is a property, so every process knows it; a second one is refused, of the same content too."""
    taken = run.take_snapshot(source)
    assert run.get_snapshot_id() == run.properties["ContentSnapshotId"] == taken
    for folder in (source, str(source / "train.py")):
        with pytest.raises(SnapshotException, match=f"has the snapshot {taken} already"):
            run.take_snapshot(folder)
    assert Run(run.experiment, run.id).get_snapshot_id() == taken


def test_of_two_processes_one_is_told(run, source, monkeypatch):
    """The property that was set first stays."""
    other = Run(run.experiment, run.id)
    monkeypatch.setattr(other, "_expect_no_snapshot", lambda: None)
    first = run.take_snapshot(source)
    monkeypatch.undo()
    properties = type(other).properties
    asked = iter([{}])
    monkeypatch.setattr(type(other), "properties", property(lambda self: next(asked, None) or properties.fget(self)))
    (source / "train.py").write_text("print(2)\n")
    with pytest.raises(SnapshotException, match=first):
        other.take_snapshot(source)


def test_a_run_without_a_snapshot_says_so(run):
    """In place of a KeyError."""
    for verb in (run.get_snapshot_id, run.restore_snapshot):
        with pytest.raises(SnapshotException, match=r"has no snapshot; take_snapshot"):
            verb()


def test_a_snapshot_comes_back_as_a_zip(run, source, tmp_path):
    """In the working directory, or in a folder that is made for it; that of another run by its id."""
    taken = run.take_snapshot(source)
    assert run.restore_snapshot() == str(tmp_path / f"{taken}.zip")
    path = run.restore_snapshot(path="new/folder")
    assert Path(path).resolve() == tmp_path / "new/folder" / f"{taken}.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["train.py"]

    with run.experiment.start_logging(outputs=False, snapshot_directory=None) as other:
        assert other.restore_snapshot(taken, tmp_path / "new") == str(tmp_path / "new" / f"{taken}.zip")


def test_an_id_that_is_none_makes_no_folder(run, tmp_path):
    """It is checked first."""
    for wrong in ("../../x", "0" * 36):
        with pytest.raises(SnapshotNotFoundError):
            run.restore_snapshot(wrong, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_no_path_is_one_clear_error(run, tmp_path):
    """A number, and a folder that is not there."""
    with pytest.raises(OptionError, match="got an int"):
        run.take_snapshot(3)
    with pytest.raises(SourceNotFoundError):
        run.take_snapshot(tmp_path / "missing")
    assert "ContentSnapshotId" not in run.properties


# -- the snapshot that a run begins with -------------------------------------------------------------


def begin(experiment: Experiment, *arguments: object, **options: object) -> Run:
    run = experiment.start_logging(*arguments, **options)
    run.complete()
    return run


def test_a_run_begins_with_a_snapshot_of_the_working_directory(experiment, tmp_path):
    """As in SDK v1; runs of one program share it, though each has outputs of its own."""
    (tmp_path / "train.py").write_text("print(1)\n")
    first = begin(experiment)
    (tmp_path / "outputs" / "model.pkl").write_bytes(b"0")
    second = begin(experiment)
    assert first.get_snapshot_id() == second.get_snapshot_id()
    held = experiment.workspace.snapshots.get(first.get_snapshot_id())
    assert "train.py" in [file.path for file in held.files]
    assert not [file.path for file in held.files if file.path.startswith("outputs")]


def test_a_folder_that_was_asked_for_is_kept(experiment, source):
    """Also where it is not the working directory."""
    run = begin(experiment, snapshot_directory=str(source))
    held = experiment.workspace.snapshots.get(run.get_snapshot_id())
    assert [file.path for file in held.files] == ["train.py"]


@pytest.mark.parametrize("directory", [".", "missing"])
def test_a_folder_that_was_asked_for_and_cannot_be_kept_begins_no_run(experiment, tmp_path, monkeypatch, directory):
    """The error names the way out that SDK v1's users know."""
    monkeypatch.setenv("AZML_SNAPSHOT_MAX_MB", "0.001")
    (tmp_path / "data").write_bytes(b"0" * 2000)
    wanted = SnapshotTooLargeError if directory == "." else SourceNotFoundError
    with pytest.raises(wanted, match="snapshot_directory=None"):
        experiment.start_logging(snapshot_directory=directory)
    assert list(experiment.get_runs()) == []


@pytest.mark.parametrize("reason", ["large", "many"])
def test_a_notebook_in_a_home_folder_goes_on(experiment, tmp_path, monkeypatch, reason):
    """Where nobody asked for a snapshot, a folder that holds everything is not read, and a note says so."""
    if reason == "large":
        with (tmp_path / "video.mp4").open("wb") as file:
            file.truncate(10**12)
    else:
        (tmp_path / "photos").mkdir()
        for number in range(2_001):
            (tmp_path / "photos" / str(number)).touch()
    began = time.perf_counter()
    run = begin(experiment, outputs=False)
    assert time.perf_counter() - began < 5  # minutes for a terabyte
    assert "ContentSnapshotId" not in run.properties
    assert run.properties["azml.snapshot_directory"] == str(tmp_path)
    (note,) = [warning["message"] for warning in run.get_details()["warnings"]]
    assert note.startswith("no snapshot was taken: ")
    assert "snapshot_directory" in note


def test_a_disk_that_refuses_is_a_note_where_the_user_said_warn(experiment, source):
    """``on_error="warn"``: a training goes on."""
    (experiment.workspace.root / "snapshots").write_text("a file in the way")
    run = begin(experiment, snapshot_directory=str(source), on_error="warn")
    assert "no snapshot was taken" in run.get_details()["warnings"][0]["message"]
    with pytest.raises(StoreError):
        experiment.start_logging(snapshot_directory=str(source))


def test_no_snapshot_means_none(experiment, tmp_path):
    """And nothing of the store is made."""
    run = begin(experiment, outputs=False, snapshot_directory=None)
    assert "ContentSnapshotId" not in run.properties
    assert not (Workspace.get("test").root / "snapshots").exists()


def test_a_run_that_cannot_be_read_keeps_every_snapshot(experiment, source):
    """What it refers to is not known, so nothing counts as unused."""
    run = begin(experiment, snapshot_directory=str(source))
    assert experiment.workspace._snapshots_in_use() == {run.get_snapshot_id()}
    (experiment.workspace.root / "runs" / "lost" / "outputs").mkdir(parents=True)
    with pytest.raises(StoreError, match="lost"):
        experiment.workspace._snapshots_in_use()
