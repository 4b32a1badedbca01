"""The index in SQLite: it keeps the contract of a store, and its schema is public."""

import contextlib
import sqlite3

import pytest

from azml_integrations.errors import IndexUnavailableError
from azml_integrations.records import (
    Cursor,
    ErrorInfo,
    ErrorNoted,
    MetricPoint,
    RunCreated,
    RunDescribed,
    StatusChanged,
)
from azml_integrations.store import folding, schema
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.testing import RunStoreContract, batch


class TestSqliteStore(RunStoreContract):
    """SQLite in a file keeps every promise of RunStore."""

    @pytest.fixture
    def store(self, tmp_path):
        return SqliteStore(tmp_path / "index.db")


class TestMemoryStore(RunStoreContract):
    """So does SQLite in memory, for a reader that may not write."""

    @pytest.fixture
    def store(self):
        return SqliteStore(None)


CREATED = RunCreated("r", "e", 1, 1.0)


def test_the_schema_is_numbered():
    """An index file tells which migrations it has seen."""
    assert len(schema.migrations()) >= 2


def test_a_file_is_made_whole(tmp_path):
    """Any SQL tool opens it: the tables of the documentation are there."""
    store = SqliteStore(tmp_path / "index.db")
    assert store.run_ids() == set()
    store.close()

    with sqlite3.connect(tmp_path / "index.db") as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = db.execute("PRAGMA user_version").fetchone()[0]
    db.close()
    assert tables >= {"runs", "journals", "tags", "properties", "artifacts", "notes", "metrics", "blocks"}
    assert version == len(schema.migrations())


def test_a_file_from_a_newer_version_is_refused_untouched(tmp_path):
    """What we do not understand we do not write into."""
    path = tmp_path / "index.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    before = path.read_bytes()

    with pytest.raises(IndexUnavailableError, match="schema version 999") as caught:
        SqliteStore(path).run_ids()
    assert (caught.value.path, caught.value.passing) == (str(path), False)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path):
    """The user's notes may have the name of our index."""
    path = tmp_path / "index.db"
    path.write_bytes(b"these are my notes, not your index" * 100)
    with pytest.raises(IndexUnavailableError, match="doctor --repair"):
        SqliteStore(path).run_ids()
    assert path.read_bytes() == b"these are my notes, not your index" * 100


def test_a_busy_file_is_told_as_passing(tmp_path):
    """Who asks at that moment reads from memory, and nobody warns."""
    path = tmp_path / "index.db"
    store = SqliteStore(path)
    store.run_ids()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexUnavailableError) as caught:
        store.apply("r", [batch("j", CREATED)])
    assert caught.value.passing
    other.execute("ROLLBACK")
    other.close()
    assert store.apply("r", [batch("j", CREATED)])
    store.close()


def test_a_failing_batch_leaves_nothing(tmp_path, monkeypatch):
    """Cursor and facts stand in one transaction: a fold that breaks off in the middle is not half a fold."""
    store = SqliteStore(tmp_path / "index.db")

    def interrupted(*_):
        raise KeyboardInterrupt

    lines = batch("j", CREATED, MetricPoint("m", 1.0, 1.0))
    with monkeypatch.context() as patch:
        patch.setattr(folding.Fold, "metric", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.apply("r", [lines])
    assert store.run("r") is None
    assert store.cursors("r") == {}
    assert store.apply("r", [lines])
    store.close()


def test_a_disk_that_is_full_among_others_leaves_no_half_fold(tmp_path, monkeypatch):
    """What was folded together may be gone with it, and comes again; half of a run would be counted twice then."""
    store = SqliteStore(tmp_path / "index.db")
    lines = batch("j", MetricPoint("m", 1.0, 1.0), MetricPoint("n", 1.0, 1.0))

    def full(fold, name, metric, real=folding.Fold.metric):
        if (fold.run_id, name) == ("b", "n"):
            raise sqlite3.OperationalError("database or disk is full")
        real(fold, name, metric)

    def fold_together():
        with store.together():
            for run in "abc":
                with contextlib.suppress(IndexUnavailableError):
                    store.apply(run, [lines])

    with monkeypatch.context() as patch:
        patch.setattr(folding.Fold, "metric", full)
        with pytest.raises(IndexUnavailableError):
            fold_together()
    for run in "abc":
        if store.cursors(run) == {}:
            assert store.summaries(run) == []
            assert store.apply(run, [lines])
        assert [one.count for one in store.summaries(run)] == [1, 1]
    store.close()


def test_a_run_without_its_first_line_is_not_listed():
    """A guest may be folded before the owner: the run appears with the line that creates it."""
    store = SqliteStore(None)
    store.apply("r", [batch("guest", MetricPoint("m", 1.0, 1.0))])
    assert store.run("r") is None
    assert store.run_ids() == {"r"}
    store.apply("r", [batch("owner", CREATED)])
    assert store.run("r").experiment == "e"
    assert list(store.series("r", "m").values) == [1.0]


def test_an_error_that_was_noted_stays_with_the_status():
    """A submitted script tells why; the runner tells that it failed."""
    store = SqliteStore(None)
    noted = ErrorNoted(ErrorInfo("boom", type="ValueError"), 2.0)
    store.apply("r", [batch("j", CREATED, noted, StatusChanged("Failed", 3.0))])
    assert store.run("r").error == ErrorInfo("boom", type="ValueError")


@pytest.mark.parametrize("end", ["Completed", "Failed", "Canceled"])
@pytest.mark.parametrize("said", [None, ErrorInfo("ended so")])
def test_an_error_that_was_noted_counts_the_same_whenever_it_is_read(end, said):
    """The script has a journal of its own, which may be read after the launcher's."""
    noted, ended = batch("k", ErrorNoted(ErrorInfo("boom"), 2.0)), batch("l", StatusChanged(end, 3.0, said))
    errors = []
    for first, second in (noted, ended), (ended, noted):
        store = SqliteStore(None)
        for one in (batch("j", CREATED), first, second):
            store.apply("r", [one])
        errors.append(store.run("r").error)
    assert errors[0] == errors[1]


def test_a_description_does_not_take_the_name_away():
    """Each half of `RunDescribed` is set alone."""
    store = SqliteStore(None)
    first, second = RunDescribed(2.0, display_name="ridge"), RunDescribed(3.0, description="first try")
    store.apply("r", [batch("j", CREATED, first, second)])
    record = store.run("r")
    assert (record.display_name, record.description) == ("ridge", "first try")


def test_full_blocks_are_not_written_again():
    """A metric of a million points is extended at its end only."""
    store, before = SqliteStore(None), Cursor()
    for start in range(0, 10_000, 500):
        points = [MetricPoint("m", float(n), 1.0 + n, step=n) for n in range(start, start + 500)]
        lines = batch("j", *([CREATED] if start == 0 else []), *points, before=before)
        store.apply("r", [lines])
        before = lines.after

    rows = store._db.execute("SELECT seq, count, min, max FROM blocks ORDER BY seq").fetchall()
    assert rows == [(0, 4096, 0.0, 4095.0), (1, 4096, 4096.0, 8191.0), (2, 1808, 8192.0, 9999.0)]
    series = store.series("r", "m")
    assert list(series.steps) == list(range(10_000))
    assert list(series.values) == [float(n) for n in range(10_000)]


def test_points_of_two_journals_are_merged_by_time():
    """Two ranks wrote; time tells the order, and the name of the file where the moments are equal."""
    store = SqliteStore(None)
    store.apply("r", [batch("b", CREATED, MetricPoint("m", "b1", 1.0), MetricPoint("m", "b2", 3.0))])
    store.apply("r", [batch("a", MetricPoint("m", "a1", 1.0), MetricPoint("m", "a2", 2.0))])
    assert list(store.series("r", "m").values) == ["a1", "b1", "a2", "b2"]
    (summary,) = store.summaries("r")
    assert (summary.count, summary.last_value) == (4, "b2")


def test_names_are_values_and_never_sql():
    """A metric may be called like an attack."""
    store, name = SqliteStore(None), "'); DROP TABLE runs; --"
    store.apply("r", [batch("j", CREATED, MetricPoint(name, 1.0, 1.0))])
    assert list(store.series("r", name).values) == [1.0]
    assert store.run_ids() == {"r"}


def test_a_guest_may_be_folded_before_the_owner():
    """A rebuilt index reads journals by name: what a guest said about the run is not lost."""
    store = SqliteStore(None)
    store.apply("r", [batch("guest", RunDescribed(2.0, display_name="ridge"), StatusChanged("Canceled", 9.0))])
    store.apply("r", [batch("owner", CREATED, StatusChanged("Running", 1.5))])
    record = store.run("r")
    assert (record.status, record.started_at, record.ended_at, record.display_name) == ("Canceled", 1.5, 9.0, "ridge")
