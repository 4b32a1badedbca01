"""Files of a run: in, out, and along with it at its end."""

import io
import os
import time
from pathlib import Path

import pytest

from azml_integrations.core import Run
from azml_integrations.errors import (
    ArtifactNotFoundError,
    AzmlWarning,
    NameRefusedError,
    OptionError,
    SourceNotFoundError,
    StoreError,
    UserErrorException,
)


def content(run: Run, name: str) -> bytes:
    return run._read(name)


@pytest.fixture
def started(experiment):
    """Begin runs that end with the test."""
    runs = []

    def start(**kwargs):
        runs.append(experiment.start_logging(**kwargs))
        return runs[-1]

    yield start
    for run in runs:
        run.complete()


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (Run.upload_file, "name, path_or_stream, datastore_name=None"),
        (Run.upload_files, "names, paths, return_artifacts=False, timeout_seconds=None, datastore_name=None"),
        (Run.upload_folder, "name, path, datastore_name=None"),
        (Run.get_file_names, ""),
        (Run.download_file, "name, output_file_path=None"),
        (
            Run.download_files,
            (
                "prefix=None, output_directory=None, output_paths=None, batch_size=100, append_prefix=True, "
                "timeout_seconds=None"
            ),
        ),
        (Run.get_all_logs, "destination=None"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Old scripts call by position and by keyword."""
    assert signature(verb).startswith(expected)


# -- in ----------------------------------------------------------------------------------------------


def test_a_file_is_uploaded_from_a_path_or_a_stream(run, tmp_path):
    """pathlib too, which SDK v1 refused."""
    (tmp_path / "a.txt").write_text("file")
    run.upload_file("one.txt", "a.txt")
    run.upload_file("two.txt", tmp_path / "a.txt")
    run.upload_file(name="three.txt", path_or_stream=io.BytesIO(b"stream"))
    run.upload_file("four.txt", io.StringIO("grün"))
    with (tmp_path / "a.txt").open("rb") as stream:
        run.upload_file("./five.txt", stream)
        assert not stream.closed  # it is the caller's
    assert run.get_file_names() == ["five.txt", "four.txt", "one.txt", "three.txt", "two.txt"]
    assert content(run, "three.txt") == b"stream"
    assert content(run, "four.txt") == "grün".encode()
    assert content(run, "five.txt") == b"file"


def test_an_upload_is_a_copy(run, tmp_path):
    """Later changes of the file do not reach the run."""
    (tmp_path / "a.txt").write_text("then")
    run.upload_file("a.txt", "a.txt")
    (tmp_path / "a.txt").write_text("now")
    assert content(run, "a.txt") == b"then"
    assert not (run._folder / "a.txt").is_symlink()
    assert (run._folder / "a.txt").stat().st_nlink == 1


def test_the_last_upload_of_a_name_wins(run):
    """SDK v1's "Resource Conflict" was its most frequent complaint."""
    run.upload_file("a.txt", io.BytesIO(b"one"))
    run.upload_file("a.txt", io.BytesIO(b"two"))
    assert run.get_file_names() == ["a.txt"]
    assert content(run, "a.txt") == b"two"


@pytest.mark.parametrize("source", ["nowhere.txt", 5, None, "a\0b"], ids=repr)
def test_a_missing_source_is_told(run, source):
    """Nothing is stored then."""
    with pytest.raises(UserErrorException) as caught:
        run.upload_file("a.txt", source)
    assert isinstance(caught.value, (SourceNotFoundError, FileNotFoundError))
    assert run.get_file_names() == []


@pytest.mark.parametrize("name", ["../a", "/a", "", "a/../../b", "C:/a", "a\nb", None])
def test_names_that_lead_elsewhere_are_refused(run, tmp_path, name):
    """In and out."""
    (tmp_path / "x").write_text("x")
    for call in (
        lambda: run.upload_file(name, "x"),
        lambda: run.download_file(name),
        lambda: run.upload_files([name], ["x"]),
    ):
        with pytest.raises(NameRefusedError):
            call()
    assert run.get_file_names() == []


def test_an_odd_name_is_kept(run):
    """The file lies elsewhere; nobody sees it."""
    names = ["about/x", "con", "journal/1.jsonl", "ä ö/ü.txt", "a" * 300 + ".txt", "workspace.json"]
    for name in names:
        run.upload_file(name, io.BytesIO(name.encode()))
    assert run.get_file_names() == sorted(names)
    assert [content(run, name) for name in names] == [name.encode() for name in names]
    run.log("still", "alive")
    assert run.get_metrics() == {"still": "alive"}


def test_several_files(run, tmp_path):
    """One list of names, one of paths."""
    for name in "ab":
        (tmp_path / name).write_text(name)
    run.upload_files(["x/a", "x/b"], ["a", tmp_path / "b"])
    run.upload_files(names=[], paths=[])
    assert run.get_file_names() == ["x/a", "x/b"]


@pytest.mark.parametrize(("names", "paths"), [(["a"], []), (["a"], ["x", "x"]), ("a", "x"), (["a"], "x")])
def test_lists_of_unequal_length_are_a_type_error(run, tmp_path, names, paths):
    """As in SDK v1; nothing is uploaded."""
    (tmp_path / "x").write_text("x")
    with pytest.raises(TypeError) as caught:
        run.upload_files(names, paths)
    assert isinstance(caught.value, OptionError)
    assert run.get_file_names() == []


def test_one_missing_file_uploads_none(run, tmp_path):
    """All or nothing."""
    (tmp_path / "x").write_text("x")
    with pytest.raises(SourceNotFoundError):
        run.upload_files(["a", "b"], ["x", "nowhere"])
    assert run.get_file_names() == []


def test_a_folder_with_all_below_it(run, tmp_path):
    """`upload_file` of a folder does the same."""
    (tmp_path / "src/deep").mkdir(parents=True)
    (tmp_path / "src/a.txt").write_text("a")
    (tmp_path / "src/deep/b.txt").write_text("b")
    run.upload_folder("one", "src")
    run.upload_folder(name="two/", path=tmp_path / "src")
    run.upload_file("three", "src")
    expected = [f"{name}/{file}" for name in ("one", "three", "two") for file in ("a.txt", "deep/b.txt")]
    assert run.get_file_names() == expected


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/../..", None], ids=repr)
def test_a_folders_name_stays_inside(run, tmp_path, name):
    """The root itself is ``.`` or the empty name."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.txt").write_text("a")
    with pytest.raises(NameRefusedError):
        run.upload_folder(name, "src")
    run.upload_folder(".", "src")
    assert run.get_file_names() == ["a.txt"]


def test_a_run_that_copies_its_surroundings_does_not_copy_itself(run, tmp_path):
    """The workspace may lie in the project; its runs are none of the project's files."""
    (tmp_path / "train.py").write_text("code")
    run.upload_folder("code", ".")
    assert run.get_file_names() == ["code/train.py"]


@pytest.mark.parametrize("path", ["nowhere", "file", 5], ids=repr)
def test_a_folder_must_be_one(run, tmp_path, path):
    """SDK v1's UserErrorException."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserErrorException, match="a folder that exists"):
        run.upload_folder("x", path)


def test_a_file_that_cannot_be_read_is_a_store_error(run, tmp_path):
    """A loop of links is the disk's no, not a missing file."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises((StoreError, SourceNotFoundError)):
        run.upload_file("a", "loop")


# -- out ---------------------------------------------------------------------------------------------


@pytest.fixture
def filled(run):
    for name in ("outputs/model.pkl", "outputs/deep/a.txt", "outputs2/b.txt", "c.txt"):
        run.upload_file(name, io.BytesIO(name.encode()))
    return run


def test_a_file_comes_to_the_working_directory_by_default(filled, tmp_path):
    """Under its last name."""
    filled.download_file("outputs/model.pkl")
    assert (tmp_path / "model.pkl").read_bytes() == b"outputs/model.pkl"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("copy.pkl", "copy.pkl"),
        ("there", "there/model.pkl"),
        ("new/deep/copy.pkl", "new/deep/copy.pkl"),
        ("new/", "new/model.pkl"),
        (Path("copy.pkl"), "copy.pkl"),
    ],
    ids=repr,
)
def test_where_a_file_goes(filled, tmp_path, target, path):
    """An existing folder keeps the name; parents are made."""
    (tmp_path / "there").mkdir()
    filled.download_file("outputs/model.pkl", output_file_path=target)
    assert (tmp_path / path).read_bytes() == b"outputs/model.pkl"


def test_a_missing_file_is_told_with_its_neighbours(filled):
    """SDK v1's UserErrorException, and a FileNotFoundError."""
    with pytest.raises(UserErrorException, match=r"outputs/model\.pkl") as caught:
        filled.download_file("outputs/modell.pkl")
    assert isinstance(caught.value, (ArtifactNotFoundError, FileNotFoundError))
    assert caught.value.name == "outputs/modell.pkl"


def test_a_download_leaves_the_target_whole_or_alone(filled, tmp_path):
    """And nothing beside it."""
    (tmp_path / "copy.pkl").write_text("old")
    before = set(tmp_path.iterdir())
    filled.download_file("outputs/model.pkl", "copy.pkl")
    assert (tmp_path / "copy.pkl").read_bytes() == b"outputs/model.pkl"
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ({}, ["c.txt", "outputs/deep/a.txt", "outputs/model.pkl", "outputs2/b.txt"]),
        ({"prefix": "outputs"}, ["outputs/deep/a.txt", "outputs/model.pkl"]),
        ({"prefix": "outputs/"}, ["outputs/deep/a.txt", "outputs/model.pkl"]),
        ({"prefix": "outputs/deep"}, ["outputs/deep/a.txt"]),
        ({"prefix": "outputs", "append_prefix": False}, ["deep/a.txt", "model.pkl"]),
        ({"prefix": "out"}, []),
        ({"prefix": "c.txt"}, ["c.txt"]),
        ({"prefix": "outputs", "output_paths": ["x.txt", "deep/y.pkl"]}, ["deep/y.pkl", "x.txt"]),
    ],
    ids=repr,
)
def test_files_below_a_prefix(filled, tmp_path, arguments, files):
    """A prefix is a folder, not the beginning of a word."""
    filled.download_files(output_directory="target", **arguments)
    root = tmp_path / "target"
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()) == files


def test_files_come_by_position_and_to_the_working_directory(filled, tmp_path):
    """``prefix, output_directory, output_paths, batch_size, append_prefix, timeout_seconds``."""
    filled.download_files("outputs", None, None, 10, False, 5)
    assert (tmp_path / "model.pkl").exists()
    with pytest.raises(OptionError, match="expected one for each"):
        filled.download_files("outputs", "target", ["only-one"])


def test_logs_are_collected(run, tmp_path):
    """Everything below the folders where logs lie."""
    for name in ("logs/a.txt", "azureml-logs/70_driver_log.txt", "user_logs/std_log.txt", "outputs/logs/x.txt"):
        run.upload_file(name, io.BytesIO(name.encode()))
    paths = run.get_all_logs()
    root = Path("assets") / run.id
    assert paths == [
        str(root / name) for name in ("azureml-logs/70_driver_log.txt", "logs/a.txt", "user_logs/std_log.txt")
    ]
    assert all(Path(path).is_file() for path in paths)
    assert len(run.get_all_logs(tmp_path / "elsewhere")) == 3
    (tmp_path / "file").write_text("")
    with pytest.raises(UserErrorException, match="is a file"):
        run.get_all_logs(tmp_path / "file")


def test_the_contents_of_logs(run):
    """Bytes that are no text are shown as well as can be."""
    run.upload_file("logs/a.txt", io.BytesIO(b"gr\xc3\xbcn \xff"))
    assert run.get_details_with_logs()["logFiles"] == {"logs/a.txt": "grün \ufffd"}


# -- along with the run ------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Run.complete, Run.fail, Run.cancel])
def test_outputs_are_copied_at_the_end(started, tmp_path, end):
    """Whichever end."""
    run = started()
    (tmp_path / "outputs/deep").mkdir()
    (tmp_path / "outputs/model.pkl").write_text("model")
    (tmp_path / "outputs/deep/a.txt").write_text("a")
    assert run.get_file_names() == []
    end(run)
    assert run.get_file_names() == ["outputs/deep/a.txt", "outputs/model.pkl"]


def test_outputs_of_another_folder_are_called_outputs_too(started, tmp_path):
    """``outputs="results"`` says where they are collected from."""
    run = started(outputs="results")
    (tmp_path / "results/a.txt").write_text("a")
    run.complete()
    assert run.get_file_names() == ["outputs/a.txt"]


def test_without_outputs_nothing_is_copied(started, tmp_path):
    """``outputs=False``"""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/a.txt").write_text("a")
    run = started(outputs=False)
    run.complete()
    assert run.get_file_names() == []


def test_outputs_are_found_after_a_change_of_directory(started, tmp_path, monkeypatch):
    """The folder was meant where it was made."""
    run = started()
    (tmp_path / "outputs/a.txt").write_text("a")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run.complete()
    assert run.get_file_names() == ["outputs/a.txt"]


def test_two_runs_may_share_the_folder(started, tmp_path):
    """Old files leak into later runs, as in SDK v1; but copies do not change."""
    one = started()
    (tmp_path / "outputs/model.pkl").write_text("first")
    one.complete()
    two = started()
    (tmp_path / "outputs/model.pkl").write_text("second")
    (tmp_path / "outputs/more.txt").write_text("more")
    two.complete()
    assert (one.get_file_names(), content(one, "outputs/model.pkl")) == (["outputs/model.pkl"], b"first")
    assert two.get_file_names() == ["outputs/model.pkl", "outputs/more.txt"]
    assert content(two, "outputs/model.pkl") == b"second"
    assert (one._folder / "outputs/model.pkl").stat().st_ino != (tmp_path / "outputs/model.pkl").stat().st_ino


def test_an_explicit_upload_is_not_overwritten_by_an_older_file(started, tmp_path):
    """Written in ./outputs, then uploaded in another version under the same name: the upload was the last word."""
    for n in range(20):
        run = started()
        (tmp_path / "outputs/m.txt").write_text("older")
        run.upload_file("outputs/m.txt", io.BytesIO(b"uploaded"))
        run.complete()
        assert content(run, "outputs/m.txt") == b"uploaded", n


def test_a_file_written_after_its_upload_is_collected(started, tmp_path):
    """The last word is the file's then, however soon after: file clocks are coarse."""
    for n in range(20):
        run = started()
        (tmp_path / "outputs/m.txt").write_text("first")
        run.upload_file("outputs/m.txt", "outputs/m.txt")
        (tmp_path / "outputs/m.txt").write_text("rewritten")
        run.complete()
        assert content(run, "outputs/m.txt") == b"rewritten", n


def test_an_image_logged_from_outputs_is_stored_once(started, tmp_path):
    """No second copy at the end."""
    run = started()
    (tmp_path / "outputs/roc.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run.log_image("ROC", "outputs/roc.png")
    run.complete()
    assert run.get_file_names() == ["outputs/roc.png"]


def test_files_that_come_into_logs_are_collected(experiment, tmp_path):
    """Of a context-managed run; what lay there before is another run's."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/old.txt").write_text("old")
    os.utime(tmp_path / "logs/old.txt", (time.time() - 60,) * 2)
    with experiment.start_logging() as run:
        (tmp_path / "logs/new.txt").write_text("new")
    assert run.get_file_names() == ["logs/new.txt", "logs/user_log.txt"]


def test_an_outputs_folder_that_vanished_is_no_error(started, tmp_path):
    """Somebody cleaned up."""
    run = started()
    (tmp_path / "outputs").rmdir()
    run.complete()
    assert run.status == "Completed"


def test_a_link_in_outputs_is_copied_as_its_content(started, tmp_path):
    """``outputs/latest.pkl -> model.pkl``; a dangling one is nothing, and a linked folder is not walked."""
    run = started()
    (tmp_path / "outputs/model.pkl").write_text("model")
    (tmp_path / "outputs/latest.pkl").symlink_to("model.pkl")
    (tmp_path / "outputs/dangling").symlink_to("nowhere")
    (tmp_path / "outputs/around").symlink_to(tmp_path)
    run.complete()
    assert run.get_file_names() == ["outputs/latest.pkl", "outputs/model.pkl"]
    assert content(run, "outputs/latest.pkl") == b"model"


def test_an_odd_file_name_in_outputs_does_not_stop_the_run(started, tmp_path):
    """What cannot be stored is noted; the others are, and the run ends."""
    run = started()
    (tmp_path / "outputs/new\nline.txt").write_text("odd")
    (tmp_path / "outputs/fine.txt").write_text("fine")
    os.close(os.open(os.fsencode(tmp_path / "outputs") + b"/\xff.txt", os.O_CREAT))
    with pytest.warns(AzmlWarning, match="is not copied into the run") as caught:
        run.complete()
    assert len(caught) == 2
    assert run.status == "Completed"
    assert run.get_file_names() == ["outputs/fine.txt"]
    assert len(run.get_details()["warnings"]) == 2


def test_a_file_in_outputs_that_cannot_be_read_does_not_hide_the_others(started, tmp_path, monkeypatch):
    """Another user's file, a lock: the rest of the outputs is worth keeping."""
    run = started()
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / "outputs" / name).write_text(name)
    real = Path.open

    def refusing(self, *args, **kwargs):
        if self.name == "b.txt":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.warns(AzmlWarning, match="Permission denied"):
        run.complete()
    assert (run.status, run.get_file_names()) == ("Completed", ["outputs/a.txt", "outputs/c.txt"])
    assert "b.txt" in run.get_details()["warnings"][0]["message"]


# -- links -------------------------------------------------------------------------------------------


def test_a_large_file_is_linked_not_copied(run, tmp_path):
    """Both names are one file; when the original is deleted or replaced, the run keeps what it took."""
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"weights")
    run.link_file("outputs/model.ckpt", path)
    stored = run._folder / "outputs/model.ckpt"
    assert stored.samefile(path)
    run.link_file("outputs/model.ckpt", path)  # twice does no harm
    assert not list(stored.parent.glob("*.partial"))

    path.unlink()
    path.write_bytes(b"newer")
    run.download_file("outputs/model.ckpt", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"weights"
    run.link_file("outputs/model.ckpt", path)
    assert stored.read_bytes() == b"newer"
    assert run.get_file_names() == ["outputs/model.ckpt"]


def test_a_symbolic_link_is_followed(run, tmp_path):
    """Its file is taken, not the pointer, which may break."""
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "pointer").symlink_to(tmp_path / "real")
    run.link_file("outputs/x", tmp_path / "pointer")
    assert not (run._folder / "outputs/x").is_symlink()
    assert (run._folder / "outputs/x").samefile(tmp_path / "real")


def test_where_there_are_no_links_it_is_copied(run, tmp_path, monkeypatch):
    """Another disk: the same content, with its digest."""

    def refuse(*_):
        raise OSError(18, "cross-device link")

    monkeypatch.setattr("os.link", refuse)
    (tmp_path / "a").write_bytes(b"abc")
    run.link_file("outputs/a", tmp_path / "a")
    (record,) = run._store().artifacts(run.id)
    assert (record.size, record.sha256[:8]) == (3, "ba7816bf")
    assert not (run._folder / "outputs/a").samefile(tmp_path / "a")


def test_what_is_not_there_is_not_linked(run, tmp_path):
    """As with upload_file."""
    with pytest.raises(SourceNotFoundError):
        run.link_file("outputs/a", tmp_path / "nothing")
    with pytest.raises(NameRefusedError):
        run.link_file("../a", __file__)


def test_a_file_in_the_place_of_a_folder_is_told_so(run, tmp_path):
    """It is there, so nobody is told that it is not."""
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(SourceNotFoundError, match=r"a\.txt' is a file; expected a folder that exists"):
        run.upload_folder("folder", tmp_path / "a.txt")
