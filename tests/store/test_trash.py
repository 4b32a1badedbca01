"""Deleting a run's folder."""

import pytest

from azml_integrations.errors import StoreError
from azml_integrations.store import trash


def test_a_discarded_folder_is_gone_and_its_size_is_told(tmp_path):
    """Nothing is left, not even the trash."""
    folder = tmp_path / "runs" / "r1"
    (folder / "outputs").mkdir(parents=True)
    (folder / "outputs" / "model.pkl").write_bytes(b"0" * 1000)
    (folder / "link").symlink_to("/etc")

    assert 1000 <= trash.discard(tmp_path, folder) < 1010
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


def test_an_interrupted_deletion_can_be_finished(tmp_path):
    """What a crash left in the trash is no run, and the same id may be there twice."""
    for number in (1, 2):
        (tmp_path / "trash" / f"r1-{number}" / "journal").mkdir(parents=True)
    (tmp_path / "runs" / "r1").mkdir(parents=True)

    trash.discard(tmp_path, tmp_path / "runs" / "r1")
    left = trash.leftovers(tmp_path)
    assert [path.name for path in left] == ["r1-1", "r1-2"]

    assert [trash.empty(path) for path in left] == [0, 0]
    assert trash.leftovers(tmp_path) == []


def test_two_that_are_deleted_at_once_do_not_meet(tmp_path, monkeypatch):
    """Version 1 of two models has one name; who comes second takes the next."""
    for folder in ("trash/1-1/files", "models/ridge/1"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr("os.path.lexists", lambda _: False)  # it was not there yet when it was asked for

    assert trash.discard(tmp_path, tmp_path / "models" / "ridge" / "1") == 0
    assert [path.name for path in trash.leftovers(tmp_path)] == ["1-1"]


def test_what_cannot_be_deleted_is_told(tmp_path):
    """A folder that is not there is an error with its path."""
    with pytest.raises(StoreError, match=r"cannot delete .*r9"):
        trash.discard(tmp_path, tmp_path / "runs" / "r9")
