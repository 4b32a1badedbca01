"""The index is a view: emptied, broken, locked, deleted or of another version, no answer depends on it."""

import os
import random
import shutil
import sqlite3
import time
import warnings

import msgspec
import pytest
from worlds import again, begin, differences, told, told_afresh, values, without_index

from azml_integrations import journal
from azml_integrations.core import Run
from azml_integrations.errors import IndexWarning
from azml_integrations.store import schema
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.store.view import View


@pytest.fixture
def lived_in(experiment):
    """Give a test a workspace with runs of every shape, and no open index."""
    first = begin(experiment, run_id="first", display_name="The first")
    for i in range(10_000):
        first.log("loss", 1 / (i + 1), step=i)
    for value in (1, 2.5, True, None, "text", float("nan"), float("inf"), 2**70):
        first.log("motley", value)
    with pytest.warns(match="follows a"):
        first.log_list("motley", [1, float("-inf"), None])
    first.log_row("row", a=1, b=float("nan"))
    first.log_row("row", a=2, c="x")
    first.log_table("table", {"x": [1, 2], "y": [3.0, None]})
    first.log_metrics({"p": 1, "q": float("nan")}, step=3)
    first.tag("kept", "1")
    first.tag("gone", "2")
    first.remove_tags(["gone"])
    first.add_properties({"p": "1"})
    first.description = "words"
    first.upload_file("outputs/a.txt", __file__)
    child = first.child_run("child", run_id="child")
    child.log("loss", 3.0)
    child.note("test", "beside the point")
    child.fail("for a reason")
    first.complete()
    first.log("late", 1.0)
    begin(experiment, run_id="open").log("loss", 0.5)
    experiment.workspace.view.close()
    return experiment.workspace


def index(workspace):
    return workspace.root / "index.db"


def test_a_rebuilt_index_says_the_same(lived_in, tmp_path):
    """Delete the index and it is made anew from the folders, to the last NaN."""
    before = told(lived_in)
    lived_in.view.close()
    without_index(lived_in)

    assert differences(before, told(again(lived_in))) == []
    assert differences(before, told_afresh(lived_in, tmp_path / "new.db")) == []
    assert differences(before, told_afresh(lived_in, None)) == []


def test_an_index_emptied_to_nothing_is_filled_again(lived_in):
    """SQLite takes an empty file for a new one; so do we, and fold again."""
    before = told_afresh(lived_in, None)
    os.truncate(index(lived_in), 0)

    assert differences(before, told(again(lived_in))) == []
    assert index(lived_in).stat().st_size > 0


def test_an_index_emptied_while_it_is_open(lived_in):
    """The same, behind the back of a process that has read everything: its answers stay right."""
    time.sleep(2.1)  # until the folder's time of change is trusted
    before = told(lived_in)
    assert differences(before, told(lived_in)) == []
    os.truncate(index(lived_in), 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IndexWarning)
        assert differences(before, told(lived_in)) == []
        newcomer = again(lived_in)
        assert {record.run_id for record in newcomer.find_runs()} == before.keys()
        assert len(values(Run.get(newcomer, "first"), "loss")) == 10_000
        assert differences(before, told(lived_in)) == []


def test_an_index_deleted_while_it_is_open(lived_in, program):
    """Whoever holds it goes on, whoever comes makes a new one, and both are right."""
    before = told(lived_in)
    run = Run.get(lived_in, "open")
    index(lived_in).unlink()

    child = program("""
        run = Run.get(workspace, "open")
        run.log("loss", 0.25)
        assert run.get_metrics() == {"loss": [0.5, 0.25]}
        say(len(workspace.find_runs()))
    """)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IndexWarning)
        assert child.ended() == ["3"]
        assert values(run, "loss") == [0.5, 0.25]
        run.tag("k", "v")
        after = told(lived_in)
        assert differences(after, told(again(lived_in))) == []
        assert differences(after, told_afresh(lived_in, None)) == []
    assert before.keys() == after.keys()


@pytest.mark.parametrize("garbage", [b"garbage" * 1000, random.Random(1).randbytes(100_000), b"SQLite format 3\0" * 9])
def test_garbage_for_an_index_is_left_as_it_is_and_done_without(lived_in, garbage):
    """One warning, right answers, working verbs; the file is the doctor's."""
    before = told_afresh(lived_in, None)
    index(lived_in).write_bytes(garbage)

    reader = again(lived_in)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert differences(before, told(reader)) == []
        run = Run.get(reader, "open")
        run.tag("k", "v")
        assert run.tags == {"k": "v"}

    assert [warning.category for warning in caught] == [IndexWarning]
    assert "doctor --repair" in str(caught[0].message)
    assert str(index(lived_in)) in str(caught[0].message)
    assert index(lived_in).read_bytes() == garbage


def test_a_page_of_the_index_turned_to_garbage(lived_in):
    """The damage may lie where only one question finds it: that one is answered from the folders.

    SQLite keeps no checksums, so numbers that were hit inside a block come as other numbers; nothing else does.
    """
    before = told(lived_in)
    lived_in.view.close()
    whole = index(lived_in).read_bytes()
    for page in range(1, len(whole) // 4096, 2):
        broken = bytearray(whole)
        broken[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
        index(lived_in).write_bytes(broken)
        reader = again(lived_in)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IndexWarning)
            answers = told(reader)
        reader.view.close()
        wrong = {question for _, question, *_ in differences(before, answers)}
        assert wrong <= {"points", "metrics"}, f"page {page}"


def test_an_index_of_a_newer_version_is_refused_untouched(lived_in):
    """A newer azml_integrations made it: it is not ours to touch, and nothing stops."""
    with sqlite3.connect(index(lived_in)) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    content = index(lived_in).read_bytes()

    reader = again(lived_in)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert differences(told_afresh(lived_in, None), told(reader)) == []
        Run.get(reader, "open").tag("k", "v")
        assert Run.get(reader, "open").tags == {"k": "v"}

    assert [warning.category for warning in caught] == [IndexWarning]
    assert "schema version 99" in str(caught[0].message)
    assert "upgrade azml_integrations" in str(caught[0].message)
    assert index(lived_in).read_bytes() == content


@pytest.mark.parametrize("knows", ["nothing", "all runs"])
def test_an_index_of_an_older_version_is_brought_up(lived_in, knows):
    """Version 1 had no points: after the migration they are there, whatever it had folded."""
    before = told(lived_in)
    lived_in.view.close()
    if knows == "nothing":
        without_index(lived_in)
    with sqlite3.connect(index(lived_in)) as db:
        if knows == "nothing":
            db.executescript(schema.migrations()[0])
        else:
            db.executescript("DROP TABLE metrics; DROP TABLE blocks; DROP TABLE outlines")
        db.execute("PRAGMA user_version = 1")
    db.close()

    assert differences(before, told(again(lived_in))) == []
    with sqlite3.connect(index(lived_in)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(schema.migrations())
    db.close()


LOCK = """
import sqlite3
db = sqlite3.connect(workspace.root / "index.db", isolation_level=None)
db.execute("PRAGMA locking_mode = {mode}")
db.execute("BEGIN IMMEDIATE")
db.execute("DELETE FROM notes WHERE 0")
say("locked")
time.sleep(60)
"""


@pytest.mark.parametrize(("mode", "opened"), [("NORMAL", "before"), ("NORMAL", "after"), ("EXCLUSIVE", "after")])
def test_a_locked_index_stops_no_verb_and_no_reader(lived_in, program, mode, opened):
    """Somebody's SQL tool holds the index: no call fails, none waits much longer than one fold's patience."""
    expected = {run.id: run.get_metrics() for run in lived_in.experiments["trials"].get_runs()}
    run = begin(lived_in.experiments["trials"], run_id="fresh")
    if opened == "after":
        lived_in.view.close()
    holder = program(LOCK.format(mode=mode))
    assert holder.heard() == "locked"

    slowest = 0.0
    verbs = [
        lambda: run.log("i", 1),
        lambda: run.tag("k", "v"),
        lambda: run.log_metrics({"a": 1, "b": 2}),
        lambda: run.upload_file("a.txt", __file__),
        lambda: run.add_properties({"x": "y"}),
        lambda: run.remove_tags(["k"]),
    ]
    for verb in verbs * 3:
        began = time.perf_counter()
        verb()
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 0.35, f"a verb waited {slowest:.3f} s"  # one fold's 0.1 s, and a slow machine
    assert run.get_metrics() == {"i": [1, 1, 1], "a": [1, 1, 1], "b": [2, 2, 2]}
    assert run.tags == {}
    began = time.perf_counter()
    run.complete()
    assert time.perf_counter() - began < 1.0
    assert run.get_status() == "Completed"
    answers = {run.id: run.get_metrics() for run in lived_in.experiments["trials"].get_runs()}
    assert answers.pop("fresh")
    assert repr(answers) == repr(expected)
    holder.killed()

    assert differences(told(lived_in), told_afresh(lived_in, None)) == []


def test_readers_at_once_never_miss_what_was_logged_before_they_asked(program, experiment):
    """Many readers fold the same run at once: each sees at least what was acknowledged before its question."""
    run = begin(experiment, run_id="watched")
    readers = [
        program("""
            run = Run.get(workspace, "watched")
            say("ready")
            least = 0
            until = time.monotonic() + 2
            while time.monotonic() < until:
                run.metric_points("i")
        """)
        for _ in range(3)
    ]
    for reader in readers:
        assert reader.heard() == "ready"

    i = 0
    while any(reader.poll() is None for reader in readers):
        run.log("i", i)
        i += 1
        assert len(values(run, "i")) == i
    for reader in readers:
        reader.ended()
    assert i > 50


class Overtaken(SqliteStore):
    """A store whose first caller is overtaken by another who read before the last lines came."""

    overtaken = False

    def apply(self, run_id, batches):
        if not self.overtaken:
            self.overtaken = True
            (batch,) = batches
            early = next(journal.read(self.early, batch.before))
            assert super().apply(run_id, [msgspec.structs.replace(early, journal=batch.journal)])
        return super().apply(run_id, batches)


def test_a_fold_that_was_overtaken_goes_on(experiment, run, tmp_path):
    """Somebody folded the same file a moment earlier and saw less of it: what I logged is in my answer."""
    run.log("i", 0)
    store = Overtaken(tmp_path / "new.db")
    store.early = tmp_path / "early.jsonl"
    shutil.copy(run._folder / "journal" / next(os.walk(run._folder / "journal"))[2][0], store.early)
    run.log("i", 1)

    series = View(experiment.workspace.root / "runs", store).of(run.id).series(run.id, "i")

    assert store.overtaken
    assert list(series.values) == [0, 1]


def test_a_dead_runs_verdict_does_not_flicker(program, experiment):
    """Readers probe locks at once and may meet each other's probe: whom they saw dead stays dead."""
    program("""
        for victim in range(60):
            if os.fork() == 0:
                begin(run_id=f"dead{victim}").log("i", victim)
                os._exit(0)
            os.wait()
    """).ended()
    without_index(experiment.workspace)
    moment = time.time() + 0.6
    readers = [
        program(
            """
            while time.time() < float(sys.argv[1]):
                pass
            until = time.monotonic() + 1
            dead, looks = set(), 0
            while time.monotonic() < until:
                found = {record.run_id: record.status for record in workspace.find_runs()}
                looks += 1
                revived = {run_id for run_id in dead if found[run_id] != "Failed"}
                assert not revived, revived
                dead = {run_id for run_id, status in found.items() if status == "Failed"}
            assert len(dead) == 60, (looks, {k: v for k, v in found.items() if v != "Failed"})
        """,
            moment,
        )
        for _ in range(4)
    ]
    for reader in readers:
        reader.ended()
