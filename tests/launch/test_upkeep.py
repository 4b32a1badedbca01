"""What the doctor says about snapshots; only what no run needs is cleared away."""

import os
import time

import pytest

from azml_integrations.launch.snapshot import Snapshots
from azml_integrations.launch.upkeep import UNUSED, Upkeep
from azml_integrations.store.doctor import mended


@pytest.fixture
def snapshots(tmp_path) -> Snapshots:
    return Snapshots(tmp_path / "workspace" / "snapshots")


def take(snapshots: Snapshots, *contents: str):
    """Take a snapshot of a folder with these files."""
    folder = snapshots.root.parent.with_name("source")
    for number, content in enumerate(contents):
        (folder / str(number)).parent.mkdir(exist_ok=True)
        (folder / str(number)).write_text(content)
    return snapshots.take(folder)


def grow_old(snapshots: Snapshots) -> None:
    long_ago = time.time() - 2 * UNUSED
    for path in snapshots.root.rglob("*"):
        os.utime(path, (long_ago, long_ago))


def told(snapshots: Snapshots, *named: str, contents: bool = True) -> list[str]:
    return [finding.topic for finding in Upkeep(snapshots, lambda: named, contents=contents).findings()]


def test_a_sound_store_is_silent(snapshots):
    """Also one that is not there; a snapshot that a run is about to begin with is young."""
    assert told(snapshots) == []
    taken = take(snapshots, "a", "b")
    assert told(snapshots) == []
    grow_old(snapshots)
    assert told(snapshots, taken.id) == []


def test_what_no_run_refers_to_is_cleared_away(snapshots, tmp_path):
    """With its files, but for those that another snapshot has."""
    needed = take(snapshots, "shared", "old")
    unused = take(snapshots, "shared", "new")
    grow_old(snapshots)
    (finding,) = Upkeep(snapshots, lambda: [needed.id]).findings()
    assert (finding.level, finding.topic) == ("note", "unused snapshots")
    assert finding.message.startswith("1 snapshots belong to no run, 1 files (0.0 MB)")

    assert mended(finding) == (True, "deleted 1 snapshots and 1 files, 3 bytes")
    snapshots.restore(needed.id, tmp_path / "copy")
    assert not list(snapshots.root.glob(f"{unused.id}*"))
    assert told(snapshots, needed.id) == []


def test_a_run_that_begins_meanwhile_keeps_its_snapshot(snapshots, tmp_path):
    """The remedy looks again; and whoever takes an old snapshot anew makes it young."""
    first, second = take(snapshots, "a"), take(snapshots, "b")
    grow_old(snapshots)
    named: list[str] = []
    (finding,) = Upkeep(snapshots, lambda: named).findings()
    named.append(first.id)
    assert take(snapshots, "b").id == second.id
    assert mended(finding) == (True, "deleted 0 snapshots and 0 files, 0 bytes")
    for taken in (first, second):
        snapshots.restore(taken.id, tmp_path / taken.id)


def test_nothing_is_cleared_away_while_a_snapshot_is_taken(snapshots):
    """Its files have no snapshot yet that names them."""
    take(snapshots, "a")
    grow_old(snapshots)
    (finding,) = Upkeep(snapshots, list).findings()
    with snapshots._shared():
        worked, said = mended(finding)
    assert not worked
    assert "a snapshot is being taken" in said
    assert mended(finding)[0]


def test_a_damaged_file_is_found_and_stored_anew(snapshots):
    """By its sum; by its length it could not be told."""
    taken = take(snapshots, "a")
    place = snapshots.root / "objects" / taken.files[0].sha256[:2] / taken.files[0].sha256[2:]
    place.chmod(0o600)
    place.write_text("b")
    assert told(snapshots, taken.id, contents=False) == []
    (finding,) = Upkeep(snapshots, lambda: [taken.id]).findings()
    assert finding.topic == "snapshot damaged"
    assert mended(finding) == (True, "removed it")
    assert told(snapshots, taken.id) == ["snapshot incomplete"]
    assert take(snapshots, "a") == taken
    assert told(snapshots, taken.id) == []


def test_a_damaged_snapshot_stops_the_clearing(snapshots):
    """Nobody knows which files it needs."""
    taken = take(snapshots, "a")
    take(snapshots, "b")
    (snapshots.root / f"{taken.id}.json").write_text("{")
    grow_old(snapshots)
    assert told(snapshots, taken.id) == ["snapshot damaged"]


def test_what_a_killed_process_left_is_removed(snapshots):
    """After a day: before, somebody may be writing it."""
    take(snapshots, "a")
    left = snapshots.root / ".object.1.abc.partial"
    left.write_text("x")
    assert told(snapshots) == []
    os.utime(left, (0, 0))
    (finding,) = Upkeep(snapshots, list).findings()
    assert mended(finding) == (True, "removed it")
    assert not left.exists()
