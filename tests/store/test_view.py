"""The view of the runs below a folder: whatever becomes of the index, the folders answer."""

import shutil
import sqlite3
import warnings
from pathlib import Path

import pytest

from azml_integrations import host, journal
from azml_integrations.errors import IndexWarning
from azml_integrations.journal import Journal
from azml_integrations.records import (
    ColumnsLogged,
    JournalOpened,
    ListLogged,
    MetricPoint,
    PropertiesAdded,
    RunCreated,
    RunQuery,
    Special,
    StatusChanged,
    TagsSet,
)
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.store.view import DEAD, View

RUNNING, COMPLETED = StatusChanged("Running", 2.0), StatusChanged("Completed", 9.0)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def view(tmp_path, runs):
    view = View(runs, SqliteStore(tmp_path / "index.db"))
    yield view
    view.close()


def begin(runs: Path, run_id: str, *events: object, role: str = "owner") -> Journal:
    """Write a run's journal and keep it open, as its process would."""
    (runs / run_id).mkdir(parents=True, exist_ok=True)
    book = Journal(runs / run_id, role)
    for event in (RunCreated(run_id, "e", 1, 1.0), RUNNING, *events):
        book.append(event)
    return book


def values(store, run_id: str, name: str) -> list[object]:
    series = store.series(run_id, name)
    return [] if series is None else list(series.values)


def test_a_reader_sees_every_line_that_was_acknowledged(view, runs):
    """Each answer is as fresh as the journals: there is nothing to flush."""
    book = begin(runs, "r")
    for n in range(3):
        book.append(MetricPoint("m", n, 3.0 + n))
        assert values(view.of("r"), "r", "m") == list(range(n + 1))


def test_a_run_that_was_copied_in_is_found(view, runs):
    """Copy the folder and you have copied the run."""
    begin(runs, "one", COMPLETED).close()
    assert [record.run_id for record in view.all().find(RunQuery())] == ["one"]
    shutil.copytree(runs / "one", runs / "two")
    assert sorted(view.all().run_ids()) == ["one", "two"]


def test_a_run_whose_folder_was_deleted_is_gone(view, runs):
    """The folder is the run; the index is only a view of it."""
    begin(runs, "one", COMPLETED).close()
    begin(runs, "two", COMPLETED).close()
    assert sorted(view.all().run_ids()) == ["one", "two"]
    shutil.rmtree(runs / "one")
    assert [record.run_id for record in view.all().find(RunQuery())] == ["two"]


def test_the_index_can_be_rebuilt_from_the_folders(view, runs, tmp_path):
    """Delete it, and the next reader answers the same."""
    book = begin(
        runs,
        "r",
        MetricPoint("m", 0.5, 3.0, step=1),
        ColumnsLogged({"m": [0.25, Special("inf")], "n": [1, Special("-inf")]}, [3.5, 3.75], [2, None]),
        ListLogged("l", [1, None, "a"], 4.0),
        TagsSet({"a": "b"}, 5.0),
        PropertiesAdded({"param.alpha": "0.03"}, 6.0),
        COMPLETED,
    )
    book.close()

    def everything(of: View):
        store = of.all()
        series = [store.series("r", name).points() for name in ("m", "l")]
        return store.run("r"), store.summaries("r"), series, store.artifacts("r")

    before = everything(view)
    view.close()
    for leftover in tmp_path.glob("index.db*"):
        leftover.unlink()
    fresh = View(runs, SqliteStore(tmp_path / "index.db"))
    in_memory = View(runs, None)
    assert everything(fresh) == before
    assert everything(in_memory) == before
    fresh.close()


def test_a_damaged_index_is_told_once_a_question_and_walked_around(runs, tmp_path):
    """The answer comes from the folders, and the damaged file stays as it is."""
    begin(runs, "r", MetricPoint("m", 1.0, 3.0), COMPLETED).close()
    (tmp_path / "index.db").write_bytes(b"no database at all " * 100)
    view = View(runs, SqliteStore(tmp_path / "index.db"))
    with pytest.warns(IndexWarning, match="runs are read from their folders"):
        store = view.all()
    assert values(store, "r", "m") == [1.0]
    assert (tmp_path / "index.db").read_bytes().startswith(b"no database")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view.fold("r")  # a run's own verbs never fail for the index
    view.close()


def test_a_busy_index_is_walked_around_in_silence(view, runs, tmp_path):
    """Another process is folding: this answer comes from memory."""
    begin(runs, "r", MetricPoint("m", 1.0, 3.0), COMPLETED).close()
    view.all()
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    guest = Journal(runs / "r")
    guest.append(MetricPoint("m", 2.0, 10.0))
    assert values(view.of("r"), "r", "m") == [1.0, 2.0]
    other.execute("ROLLBACK")
    other.close()
    guest.close()
    assert values(view.of("r"), "r", "m") == [1.0, 2.0]


def test_a_living_owner_is_believed(view, runs):
    """A quiet run is not a dead one: its lock speaks for it."""
    book = begin(runs, "r")
    assert view.of("r").run("r").status == "Running"
    book.close()


def test_a_run_whose_owner_is_gone_is_failed_by_verdict(view, runs):
    """Nobody holds the lock any more; the run itself never said so."""
    begin(runs, "r", MetricPoint("m", 1.0, 50.0)).close()
    record = view.of("r").run("r")
    assert (record.status, record.verdict) == ("Failed", DEAD)
    assert record.error.message == DEAD
    assert record.ended_at >= 50.0


def test_a_verdict_falls_when_the_run_speaks_again(view, runs):
    """A repair or a late line has the last word."""
    begin(runs, "r").close()
    assert view.of("r").run("r").status == "Failed"
    late = Journal(runs / "r")
    late.append(StatusChanged("Completed", 1e10))
    record = view.of("r").run("r")
    assert (record.status, record.verdict, record.error) == ("Completed", None, None)
    late.close()


@pytest.mark.parametrize(
    ("place", "boot", "status"), [("elsewhere", "b", "Running"), (None, "before the reboot", "Failed")]
)
def test_locks_are_judged_only_where_they_mean_something(view, runs, place, boot, status):
    """Another machine's owner is out of sight; an earlier boot's is surely dead."""
    folder = runs / "r" / "journal"
    folder.mkdir(parents=True)
    opened = JournalOpened("owner", 1, place or host.name(), boot, 1.0)
    lines = [journal._encode(event) for event in (opened, RunCreated("r", "e", 1, 1.0), RUNNING)]
    (folder / "1-00.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert view.of("r").run("r").status == status


def test_a_run_with_guests_only_is_not_judged(view, runs):
    """Guests come and go; that says nothing about the run."""
    begin(runs, "r", role="guest").close()
    assert view.of("r").run("r").status == "Running"


def test_journals_of_ended_runs_are_sealed(view, runs):
    """A hundredth of the size, and the same answers."""
    begin(runs, "done", MetricPoint("m", 1.0, 3.0), COMPLETED).close()
    alive = begin(runs, "alive")
    list(view.seal_all())
    assert [path.suffix for path in journal.files(runs / "done")] == [".gz"]
    assert [path.suffix for path in journal.files(runs / "alive")] == [".jsonl"]
    assert values(view.of("done"), "done", "m") == [1.0]
    assert list(view.seal_all()) == []
    alive.close()


def test_points_after_sealing_are_seen(view, runs):
    """Completion is no lock: a test score may follow tomorrow."""
    begin(runs, "r", COMPLETED).close()
    list(view.seal_all())
    view.all()
    late = Journal(runs / "r")
    late.append(MetricPoint("m", 1.0, 99.0))
    assert values(view.of("r"), "r", "m") == [1.0]
    late.close()


def test_a_journal_that_shrank_is_folded_afresh(view, runs):
    """A power loss took the last lines back; the index must not remember them."""
    book = begin(runs, "r", MetricPoint("m", 1.0, 3.0))
    (path,) = journal.files(runs / "r")
    whole = path.stat().st_size
    book.append(MetricPoint("m", 2.0, 4.0))
    assert values(view.of("r"), "r", "m") == [1.0, 2.0]
    with path.open("rb+") as file:
        file.truncate(whole)
    assert values(view.of("r"), "r", "m") == [1.0]
    book.close()


def test_one_damaged_line_hides_no_other(view, runs):
    """It is counted in the record, where `azml doctor` finds it."""
    book = begin(runs, "r")
    (path,) = journal.files(runs / "r")
    with path.open("ab") as file:
        file.write(b"garbage\n")
    book.append(MetricPoint("m", 1.0, 3.0))
    store = view.of("r")
    assert (values(store, "r", "m"), store.run("r").damaged) == ([1.0], 1)
    book.close()


def test_folding_twice_changes_nothing(view, runs):
    """Two readers at once are the normal case."""
    begin(runs, "r", MetricPoint("m", 1.0, 3.0), COMPLETED).close()
    other = View(runs, SqliteStore(runs.parent / "index.db"))
    for _ in range(2):
        assert values(view.all(), "r", "m") == [1.0]
        assert values(other.all(), "r", "m") == [1.0]
    other.close()


def test_no_folder_no_runs(tmp_path):
    """A workspace that was just made, or is just being deleted."""
    assert View(tmp_path / "nowhere", None).all().find(RunQuery()) == []
    assert View(tmp_path / "nowhere", None).of("r").run("r") is None


def test_a_run_that_could_not_be_folded_in_time_is_not_judged(experiment, monkeypatch):
    """An owner that ends a long run leaves the rest to the readers, who must not take it for dead meanwhile."""
    from azml_integrations.store import view as module

    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    for step in range(30_000):  # more than two chunks of 1 MiB
        run.log("loss", 0.1234567890123, step=step)
    run.complete()

    (record,) = experiment.workspace.find_runs()
    assert (record.status, record.verdict) == ("Completed", None)
    assert len(experiment.workspace.view.all().series(run.id, "loss")) == 30_000
