"""The files of a run: their own names where every platform takes them, and never outside."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from azml_integrations.errors import NameRefusedError, SourceNotFoundError, StoreError
from azml_integrations.records import ArtifactRecord
from azml_integrations.store import files


def record(event) -> ArtifactRecord:
    return ArtifactRecord(event.name, event.path, event.size, event.sha256, event.at)


def test_a_file_lies_under_its_own_name(tmp_path):
    """People open these folders; the digest tells whether somebody changed it."""
    event = files.place(tmp_path, "outputs/model.pkl", io.BytesIO(b"model"))
    assert (event.name, event.path, event.size) == ("outputs/model.pkl", "outputs/model.pkl", 5)
    assert event.sha256 == hashlib.sha256(b"model").hexdigest()
    assert (tmp_path / "outputs/model.pkl").read_bytes() == b"model"
    assert files.locate(tmp_path, record(event)) == tmp_path / "outputs/model.pkl"


def test_a_name_that_is_unsafe_somewhere_is_escaped(tmp_path):
    """The event carries the path, so the name finds the file all the same."""
    event = files.place(tmp_path, "journal/1.jsonl", io.BytesIO(b"x"))
    assert event.path.startswith("escaped/")
    assert files.locate(tmp_path, record(event)).read_bytes() == b"x"
    assert not (tmp_path / "journal").exists()


def test_the_last_upload_replaces_at_once(tmp_path):
    """A reader sees the old content or the new one, nothing between, and no leftovers."""
    files.place(tmp_path, "a.txt", io.BytesIO(b"old"))
    files.place(tmp_path, "a.txt", io.BytesIO(b"new"))
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_broken_stream_leaves_the_old_content(tmp_path):
    """The user's own error leaves as it is, and what lay there is untouched."""

    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ZeroDivisionError("theirs")

    files.place(tmp_path, "a.txt", io.BytesIO(b"old"))
    with pytest.raises(ZeroDivisionError, match="theirs"):
        files.place(tmp_path, "a.txt", Broken())
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_large_stream_is_copied_in_pieces(tmp_path):
    """A model larger than memory must fit through."""

    class Counted(io.BytesIO):
        most = 0

        def read(self, size=-1):
            type(self).most = max(self.most, size)
            assert size > 0
            return super().read(size)

    event = files.place(tmp_path, "big", Counted(b"x" * (3 * files.CHUNK + 1)))
    assert event.size == 3 * files.CHUNK + 1
    assert Counted.most == files.CHUNK


def test_a_file_in_the_way_of_a_folder_is_walked_around(tmp_path):
    """``a`` and ``a/b`` are both names; on a disk only one of them can be."""
    first = files.place(tmp_path, "a", io.BytesIO(b"1"))
    second = files.place(tmp_path, "a/b", io.BytesIO(b"2"))
    third = files.place(tmp_path, "c/d", io.BytesIO(b"3"))
    fourth = files.place(tmp_path, "c", io.BytesIO(b"4"))
    assert [files.locate(tmp_path, record(event)).read_bytes() for event in (first, second, third, fourth)] == [
        b"1",
        b"2",
        b"3",
        b"4",
    ]


def test_twins_of_spelling_are_both_kept_where_the_disk_takes_them_for_one(tmp_path, monkeypatch):
    """``Model.pkl`` and ``model.pkl`` are one file on macOS: the second is escaped."""
    files.place(tmp_path, "Model.pkl", io.BytesIO(b"1"))
    exists = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: exists(path) or Path(path).name == "model.pkl")
    event = files.place(tmp_path, "model.pkl", io.BytesIO(b"2"))
    assert event.path.startswith("escaped/")
    assert (tmp_path / "Model.pkl").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["link/x.txt", "x.txt"])
def test_no_link_is_followed_out_of_the_run(tmp_path, name):
    """Neither on the way in nor on the way out."""
    run, secret = tmp_path / "run", tmp_path / "secret"
    run.mkdir()
    secret.mkdir()
    (secret / "x.txt").write_text("secret")
    (run / "link").symlink_to(secret)
    (run / "x.txt").symlink_to(secret / "x.txt")

    with pytest.raises(NameRefusedError, match="symbolic link"):
        files.locate(run, ArtifactRecord(name, name, 1, "", 1.0))
    with pytest.raises((NameRefusedError, StoreError)):
        files.place(run, name, io.BytesIO(b"mine"))
    assert (secret / "x.txt").read_text() == "secret"


def test_a_tree_is_its_regular_files(tmp_path):
    """Sorted, below all folders, through links to files but not to folders."""
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "b/c/2.txt").write_text("2")
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "to-file").symlink_to(tmp_path / "a.txt")
    (tmp_path / "to-folder").symlink_to(tmp_path / "b")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert [name for name, _ in files.tree(tmp_path)] == ["a.txt", "to-file", "b/c/2.txt"]
    assert [name for name, _ in files.tree(tmp_path, without=tmp_path / "b")] == ["a.txt", "to-file"]


def test_sources_are_paths_and_streams(tmp_path):
    """Text is stored as UTF-8; a stream is read from where it stands."""
    (tmp_path / "a.txt").write_bytes(b"file")
    stream = io.BytesIO(b"stream")
    stream.seek(2)
    with files.opened(str(tmp_path / "a.txt")) as one, files.opened(tmp_path / "a.txt") as two:
        assert (one.read(), two.read()) == (b"file", b"file")
    assert files.opened(stream).read() == b"ream"
    assert files.opened(io.StringIO("grün")).read() == "grün".encode()


@pytest.mark.parametrize("source", ["nowhere.txt", "a\0b", 5, None, b"x", ["a"]], ids=repr)
def test_a_source_that_is_not_there_is_told(source):
    """With what came and what was wanted, and as Python's own FileNotFoundError too."""
    with pytest.raises(FileNotFoundError) as caught:
        files.opened(source)
    assert isinstance(caught.value, SourceNotFoundError)


def test_a_text_of_many_runs_lies_on_the_disk_once(tmp_path):
    """Linked, while it is the same; a folder that was moved away costs nothing but a copy."""
    shared = files.Shared()
    texts = {"a": "numpy==2\n", "b": "numpy==2\n", "c": "numpy==3\n", "d": "numpy==3\n"}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        if name == "d":
            (tmp_path / "c").rename(tmp_path / "trash")
        shared.put(tmp_path / name / "packages.txt", text)
    assert {name: (tmp_path / name / "packages.txt").read_text() for name in "abd"} == {n: texts[n] for n in "abd"}
    links = [(tmp_path / name / "packages.txt").stat().st_nlink for name in ("a", "b", "trash", "d")]
    assert links == [2, 2, 1, 1]


def test_to_write_a_shared_text_anew_leaves_the_others(tmp_path):
    """The cells of a notebook grow in one run, not in those before it."""
    shared = files.Shared()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shared.put(tmp_path / name / "cells.py", "one")
    shared.put(tmp_path / "b" / "cells.py", "one\ntwo")
    assert [(tmp_path / name / "cells.py").read_text() for name in "ab"] == ["one", "one\ntwo"]
