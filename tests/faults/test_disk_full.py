"""A full disk: it is said, nothing stored is lost, and when there is room again everything goes on."""

import errno
import warnings

import pytest
from worlds import begin, books, damaged_lines, differences, folder, told, told_afresh, values

from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.errors import IndexWarning, StoreError, StoreWarning


def log_until_full(run: Run, most: int = 1_000_000) -> int:
    """Log 0, 1, 2 ... until the disk refuses; return how many calls returned."""
    for i in range(most):
        try:
            run.log("i", i)
        except StoreError:
            return i
    pytest.fail("the disk never refused")


def test_a_full_disk_is_said_with_path_and_cause(disk, on_disk):
    """The error names the file and the reason; it is also the OSError that it is."""
    run = begin(on_disk)
    disk.fill()
    log_until_full(run)

    with pytest.raises(StoreError, match="No space left on device") as caught:
        run.log("i", 0)

    assert str(folder(run)) in caught.value.message
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(caught.value.inner_exception, OSError)


def test_a_full_disk_loses_nothing_that_was_stored(disk, on_disk):
    """Every call that returned is there, none that raised is, no line is torn, and the same handle goes on."""
    run = begin(on_disk)
    run.log("before", 1.0)
    disk.fill()
    stored = log_until_full(run)
    disk.clear()
    assert damaged_lines(run) == 0
    run.log("i", stored)
    run.log("after", 2.0)

    assert values(run, "i") == list(range(stored + 1))
    assert run.get_metrics()["before"] == 1.0
    assert run.get_metrics()["after"] == 2.0
    run.complete()
    assert run.get_status() == "Completed"
    assert damaged_lines(run) == 0


def test_a_line_longer_than_the_room_is_taken_back_whole(disk, on_disk):
    """The part that still fitted does not stay: a shorter line after it is read."""
    run = begin(on_disk)
    run.log("i", 0)
    disk.fill()
    disk.clear()
    disk.fill_but(20_000)

    with pytest.raises(StoreError):
        run.log_list("long", list(range(50_000)))
    run.log("i", 1)

    assert damaged_lines(run) == 0
    disk.clear()
    assert values(run, "i") == [0, 1]
    assert run.metric_points("long") == []


def test_a_limit_on_file_size_is_a_full_disk(program, workspace, experiment):
    """RLIMIT_FSIZE: the write in the middle is taken back; with the limit lifted the same run goes on."""
    told_by_child = program("""
        import resource
        run = begin(run_id="limited")
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        stored = 0
        try:
            while True:
                run.log("i", stored)
                stored += 1
        except errors.StoreError as error:
            assert "File too large" in error.message and str(run._folder) in error.message, error
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        run.log("i", stored)
        run.complete()
        say(stored)
    """).ended()

    run = Run(experiment, "limited")
    assert values(run, "i") == list(range(int(told_by_child[0]) + 1))
    assert damaged_lines(run) == 0
    assert run.get_status() == "Completed"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_on_error_warn_goes_on_and_counts(disk, on_disk, monkeypatch, how):
    """Training may be worth more than its notes: one warning, a count, and the end tells the number."""
    if how == "environment":
        monkeypatch.setenv("AZML_ON_ERROR", "warn")
    run = begin(on_disk, **({"on_error": "warn"} if how == "argument" else {}))
    run.log("kept", 1.0)
    disk.fill_with(run)

    with pytest.warns(StoreWarning, match="No space left"):
        run.log("lost", 0)
    for i in range(1, 50):  # a second warning would be an error
        run.log("lost", i)
    disk.clear()
    run.log("kept", 2.0)

    with pytest.warns(StoreWarning, match="50 events could not be stored"):
        run.complete()
    assert run.get_status() == "Completed"
    assert run.get_metrics() == {"kept": [1.0, 2.0]}
    assert "50 events" in str(run.get_details()["warnings"])


def test_on_error_warn_survives_an_end_on_the_full_disk(disk, on_disk):
    """Nothing can be written down any more, also not the end: still nobody's training is stopped."""
    run = begin(on_disk, on_error="warn")
    disk.fill_with(run)

    with pytest.warns(StoreWarning, match="No space left"):
        run.log("lost", 0)
    for i in range(1, 7):
        run.log("lost", i)
    with pytest.warns(StoreWarning, match=f"run {run.id}: 7 events could not be stored"):
        run.complete()


def test_on_error_raise_still_is_the_default_at_the_end(disk, on_disk):
    """complete() on a full disk says so, and can be asked again."""
    run = begin(on_disk)
    disk.fill_with(run)

    with pytest.raises(StoreError):
        run.complete()
    disk.clear()
    run.complete()

    assert run.get_status() == "Completed"


def test_a_run_that_cannot_begin_says_so_once(disk, on_disk):
    """Without room for a journal there is no run: one error, and nothing half made is shown."""
    begin(on_disk).complete()
    disk.fill()

    with pytest.raises(StoreError, match="No space left"):
        begin(on_disk)
    disk.clear()

    assert [run.number for run in on_disk.get_runs()] == [1]
    run = begin(on_disk)
    run.complete()
    assert run.get_status() == "Completed"


def test_a_full_disk_under_the_index_stops_no_verb(disk, azml_home, tmp_path, monkeypatch):
    """The index is a view: with its disk full, every verb of a run works, and reading is right."""
    monkeypatch.setenv("AZML_HOME", str(disk.root / "home"))
    workspace = Workspace.create("test")
    (tmp_path / "roomy").mkdir()
    (workspace.root / "runs").rmdir()
    (workspace.root / "runs").symlink_to(tmp_path / "roomy")
    experiment = Experiment(workspace, "trials")
    run = begin(experiment)
    disk.fill()
    for i in range(2000):
        run.log(f"metric {i}", i)
    for i in range(20):
        run.tag(f"tag {i}", "x" * 1000)

    with pytest.warns(IndexWarning, match=r"index\.db"):
        assert len(run.get_metrics()) == 2000
    assert len(run.tags) == 20
    disk.clear()
    run.complete()

    assert differences(told(workspace), told_afresh(workspace, None)) == []


def test_index_and_journals_on_one_full_disk(disk, on_disk):
    """log raises for the journal's sake; reading, which needs no room, goes on."""
    run = begin(on_disk)
    for i in range(500):
        run.log("i", i)
    disk.fill_with(run)

    with pytest.raises(StoreError):
        run.tag("k", "v")
    with pytest.raises(StoreError):
        run.log("i", 500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IndexWarning)  # whether the index still has room in its last block is luck
        assert values(run, "i") == list(range(500))
    disk.clear()

    assert differences(told(on_disk.workspace), told_afresh(on_disk.workspace, None)) == []


def test_a_failed_upload_leaves_the_old_file(disk, on_disk, tmp_path):
    """A new version that does not fit takes nothing from the one that is there, and leaves no scraps."""
    run = begin(on_disk)
    old, new = tmp_path / "old.bin", tmp_path / "new.bin"
    old.write_bytes(b"old" * 1000)
    new.write_bytes(b"new" * 100_000)
    run.upload_file("outputs/model.bin", old)
    disk.fill()
    disk.clear()
    disk.fill_but(100_000)

    with pytest.raises(StoreError, match=r"model\.bin"):
        run.upload_file("outputs/model.bin", new)
    disk.clear()

    run.download_file("outputs/model.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == old.read_bytes()
    assert [path.name for path in (folder(run) / "outputs").iterdir()] == ["model.bin"]


def test_an_ended_run_is_sealed_later_when_there_is_no_room_now(disk, on_disk):
    """Compressing needs room: without it the journal stays as it is, and nothing half compressed is left."""
    run = begin(on_disk)
    for i in range(3000):
        run.log(f"metric {i % 7}", 1 / (i + 1))
    run.complete()
    disk.fill()

    list(on_disk.workspace.view.seal_all())
    assert [path.suffix for path in books(run)] == [".jsonl"]
    assert [path.name for path in (folder(run) / "journal").iterdir()] == [books(run)[0].name]
    disk.clear()
    before = told(on_disk.workspace)
    list(on_disk.workspace.view.seal_all())
    assert [path.suffix for path in books(run)] == [".gz"]
    assert differences(before, told_afresh(on_disk.workspace, None)) == []
