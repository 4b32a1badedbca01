"""Journals: one line per event, read back from any cursor; what a kill or a full disk does is in tests/faults."""

import gc
import gzip
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations import host, journal
from azml_integrations.errors import StoreError
from azml_integrations.journal import Journal
from azml_integrations.records import (
    ArtifactMetric,
    ArtifactStored,
    ColumnsLogged,
    Cursor,
    ErrorInfo,
    ErrorNoted,
    JournalOpened,
    ListLogged,
    MetricPoint,
    MetricsLogged,
    Noted,
    PropertiesAdded,
    RowLogged,
    RunCreated,
    RunDescribed,
    Special,
    StatusChanged,
    TableLogged,
    TagsRemoved,
    TagsSet,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.floats(0, 4e9)
stored = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from([Special("nan"), Special("inf"), Special("-inf")])
)
steps = st.none() | st.integers(0)
labels = st.dictionaries(texts, texts, max_size=3)
errors_ = st.builds(ErrorInfo, texts, texts, st.none() | texts, st.none() | texts)
events = st.one_of(
    st.builds(RunCreated, texts, texts, st.integers(1, 9), moments, st.none() | texts, parent_id=st.none() | texts),
    st.builds(StatusChanged, texts, moments, st.none() | errors_),
    st.builds(ErrorNoted, errors_, moments),
    st.builds(MetricPoint, texts, stored, moments, steps, texts),
    st.builds(MetricsLogged, st.dictionaries(texts, stored, max_size=3), moments, steps),
    st.integers(1, 3).flatmap(
        lambda n: st.builds(
            ColumnsLogged,
            st.dictionaries(texts, st.lists(stored, min_size=n, max_size=n), max_size=3),
            st.lists(moments, min_size=n, max_size=n),
            st.lists(steps, min_size=n, max_size=n),
        )
    ),
    st.builds(ListLogged, texts, st.lists(stored, max_size=3), moments, texts),
    st.builds(RowLogged, texts, st.dictionaries(texts | st.just("$float"), stored, max_size=3), moments, texts),
    st.builds(TableLogged, texts, st.dictionaries(texts, st.lists(stored, max_size=3), max_size=3), moments, texts),
    st.builds(ArtifactMetric, texts, st.sampled_from(["image", "residuals"]), texts, moments, texts, steps),
    st.builds(ArtifactStored, texts, texts, st.integers(0, 2**40), texts, moments),
    st.builds(TagsSet, st.dictionaries(texts, st.none() | texts, max_size=3), moments),
    st.builds(TagsRemoved, st.lists(texts, max_size=3), moments),
    st.builds(PropertiesAdded, labels, moments),
    st.builds(RunDescribed, moments, st.none() | texts, st.none() | texts),
    st.builds(Noted, texts, texts, moments),
)


def lines(folder: Path, before: Cursor | None = None) -> list[object]:
    """Return what all journals of a folder say, without their headers."""
    batches = [batch for path in journal.files(folder) for batch in journal.read(path, before or Cursor())]
    return [event for batch in batches for event in batch.events if not isinstance(event, JournalOpened)]


# -- writing and reading -----------------------------------------------------------------------------


@given(st.lists(events, max_size=6))
def test_events_come_back_as_they_went_in(tmp_path_factory, written):
    """The journal is the truth, so it keeps types, order and every character."""
    folder = tmp_path_factory.mktemp("run")
    book = Journal(folder)
    for event in written:
        book.append(event)
    book.close()

    back = lines(folder)
    assert back == written
    assert [repr(event) for event in back] == [repr(event) for event in written]  # 1 == 1.0 == True, their reprs differ


def test_the_first_line_tells_who_writes(tmp_path):
    """A reader judges a silent run by it."""
    before = time.time()
    Journal(tmp_path, "owner").append(MetricPoint("m", 1.0, 1.0))

    (path,) = journal.files(tmp_path)
    opened = journal.header(path)
    assert (opened.role, opened.pid) == ("owner", os.getpid())
    assert before <= opened.at <= time.time()
    assert path.name.startswith(f"{os.getpid()}-")
    assert path.read_bytes().count(b"\n") == 2


def test_no_file_before_the_first_event(tmp_path):
    """A handle that only reads leaves nothing behind."""
    book = Journal(tmp_path)
    assert not (tmp_path / "journal").exists()
    book.close()


def test_each_writer_has_a_file_of_its_own(tmp_path):
    """Two handles never share a file, so they need no lock."""
    one, two = Journal(tmp_path), Journal(tmp_path)
    one.append(MetricPoint("m", 1.0, 1.0))
    two.append(MetricPoint("m", 2.0, 2.0))
    assert len(journal.files(tmp_path)) == 2
    assert sorted(event.value for event in lines(tmp_path)) == [1.0, 2.0]


def test_when_append_returns_the_line_is_in_the_file(tmp_path):
    """Nothing is buffered in the process: this is what survives a kill."""
    book = Journal(tmp_path)
    for count in range(1, 4):
        book.append(MetricPoint("m", float(count), 1.0))
        assert [event.value for event in lines(tmp_path)] == [float(n) for n in range(1, count + 1)]


def test_threads_may_share_a_journal(tmp_path):
    """Every line is whole, and none is lost."""
    book = Journal(tmp_path)

    def write(thread):
        for n in range(200):
            book.append(MetricPoint(f"t{thread}", n, 1.0))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    back = lines(tmp_path)
    assert len(back) == 800
    for thread in range(4):
        assert [event.value for event in back if event.name == f"t{thread}"] == list(range(200))


def test_after_closing_the_next_event_opens_a_new_journal_as_guest(tmp_path):
    """Completion is no lock: points may follow it, from nobody's owner."""
    book = Journal(tmp_path, "owner")
    book.append(MetricPoint("m", 1.0, 1.0))
    book.close()
    book.append(MetricPoint("m", 2.0, 2.0))

    assert len(journal.files(tmp_path)) == 2
    assert sorted(journal.header(path).role for path in journal.files(tmp_path)) == ["guest", "owner"]


def test_a_guest_that_closed_its_journal_goes_on_in_it(tmp_path):
    """A candidate's splits and its mean are one file; the handle says that it joined, so that the index looks again."""
    book = Journal(tmp_path)
    for value in (1.0, 2.0, 3.0):
        assert book.append(MetricPoint("m", value, value))
        book.close()
    assert len(journal.files(tmp_path)) == 1
    assert [event.value for event in lines(tmp_path)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("meanwhile", [journal.seal, Path.unlink])
def test_a_journal_that_was_sealed_or_cleared_away_meanwhile_is_followed_by_another(tmp_path, meanwhile):
    """What is written after that is not written into a file that nobody reads."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    book.close()
    meanwhile(*journal.files(tmp_path))
    book.append(MetricPoint("m", 2.0, 2.0))
    book.close()
    assert 2.0 in [event.value for event in lines(tmp_path)]
    assert {path.suffix for path in journal.files(tmp_path)} >= {".jsonl"}


def test_a_journal_that_is_just_being_sealed_is_left_alone(tmp_path):
    """Whoever seals it holds its lock."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    book.close()
    (path,) = journal.files(tmp_path)
    before = path.read_bytes()
    with path.open("rb") as sealing:
        assert host.try_lock(sealing.fileno(), exclusive=True)
        book.append(MetricPoint("m", 2.0, 2.0))
    assert path.read_bytes() == before
    assert len(journal.files(tmp_path)) == 2


def test_a_forked_child_does_not_go_on_in_its_parents_journal(tmp_path):
    """A file has one writer."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    book.close()
    child = os.fork()
    if child == 0:
        book.append(MetricPoint("m", 2.0, 2.0))
        os._exit(0)
    os.waitpid(child, 0)
    assert len(journal.files(tmp_path)) == 2


def test_a_lone_surrogate_stores_nothing(tmp_path):
    """Half a line would tear the journal."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    with pytest.raises(UnicodeEncodeError):
        book.append(MetricPoint("\ud800", 2.0, 2.0))
    book.append(MetricPoint("m", 3.0, 3.0))
    assert [event.value for event in lines(tmp_path)] == [1.0, 3.0]


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    """The path is in the error, and the journal works again once the way is free."""
    (tmp_path / "run").write_text("a file in the way")
    book = Journal(tmp_path / "run")
    with pytest.raises(StoreError) as caught:
        book.append(MetricPoint("m", 1.0, 1.0))
    assert caught.value.path.startswith(str(tmp_path / "run"))

    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    book.append(MetricPoint("m", 2.0, 2.0))
    assert [event.value for event in lines(tmp_path / "run")] == [2.0]


def test_a_guest_adds_only_to_what_is_there(tmp_path):
    """A run that was deleted meanwhile does not come back as a folder that says nothing of itself."""
    with pytest.raises(StoreError, match="No such file"):
        Journal(tmp_path / "deleted").append(MetricPoint("m", 1.0, 1.0))
    assert not (tmp_path / "deleted").exists()


# -- cursors -----------------------------------------------------------------------------------------


def test_reading_goes_on_from_a_cursor(tmp_path):
    """A fold reads each line once, however often it comes."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 10.0))
    (path,) = journal.files(tmp_path)
    (first,) = journal.read(path, Cursor())
    assert (first.after.line, first.after.clock, first.after.damaged) == (2, first.events[0].at, 0)
    assert first.after.offset == path.stat().st_size

    assert list(journal.read(path, first.after)) == []
    book.append(MetricPoint("m", 2.0, 11.0))
    (second,) = journal.read(path, first.after)
    assert [event.value for event in second.events] == [2.0]
    assert second.before == first.after
    assert second.after.line == 3


def test_a_torn_last_line_is_left_for_later(tmp_path):
    """The writer may be in the middle of it."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    (path,) = journal.files(tmp_path)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"event":"metric","name":"m"')

    (batch,) = journal.read(path, Cursor())
    assert batch.after.offset == whole
    with path.open("ab") as file:
        file.write(b',"value":2.0,"at":2.0}\n')
    (batch,) = journal.read(path, batch.after)
    assert [event.value for event in batch.events] == [2.0]


def test_torn_columns_are_lost_alone(tmp_path):
    """What a crash cut off takes nothing with it but its own line."""
    book = Journal(tmp_path)
    whole = ColumnsLogged({"m": [1.0, Special("nan")]}, [1.0, 2.0], [1, 2])
    book.append(whole, ColumnsLogged({"m": [3.0, 4.0]}, [3.0, 4.0], [3, 4]))
    (path,) = journal.files(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])

    assert lines(tmp_path) == [whole]


@pytest.mark.parametrize(
    "bad",
    [
        *(b"not json", b'{"event":"unheard of","at":1.0}', b'{"event":"metric","name":5}', b"\xff\xfe", b"[]"),
        b'{"event":"columns","values":{"a":[1.0]},"times":[1.0,2.0],"steps":[1,2]}',
        b'{"event":"columns","values":{},"times":[],"steps":[]}',
    ],
    ids=repr,
)
def test_a_line_that_does_not_decode_hides_no_other(tmp_path, bad):
    """Skipped, counted, and all around it still counts."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    (path,) = journal.files(tmp_path)
    with path.open("ab") as file:
        file.write(bad + b"\n")
    book.append(MetricPoint("m", 2.0, 2.0))

    (batch,) = journal.read(path, Cursor())
    assert [event.value for event in batch.events[1:]] == [1.0, 2.0]
    assert (batch.after.damaged, batch.after.line) == (1, 4)
    assert batch.after.offset == path.stat().st_size


def test_a_journal_longer_than_a_chunk_is_read_in_batches(tmp_path, monkeypatch):
    """Ten million points must not be in memory at once; each line is still read whole."""
    monkeypatch.setattr(journal, "CHUNK", 100)
    book = Journal(tmp_path)
    for n in range(20):
        book.append(MetricPoint("m" * 150 if n == 7 else "m", n, float(n)))
    (path,) = journal.files(tmp_path)

    batches = list(journal.read(path, Cursor()))
    assert len(batches) > 5
    assert [event.value for batch in batches for event in batch.events[batch is batches[0] :]] == list(range(20))
    assert [batch.before for batch in batches[1:]] == [batch.after for batch in batches[:-1]]


def test_time_never_runs_back_within_a_file(tmp_path):
    """The clock was set back an hour; the order of the lines did not change."""
    book = Journal(tmp_path)
    far = time.time() + 1e6
    for at in (far, far - 3600, far + 1):
        book.append(MetricPoint("m", at, at))
    (path,) = journal.files(tmp_path)
    (batch,) = journal.read(path, Cursor())
    assert list(journal.clock(batch))[1:] == [far, far, far + 1]
    assert batch.after.clock == far + 1

    book.append(MetricPoint("m", 0.0, 5.0))
    (later,) = journal.read(path, batch.after)
    assert list(journal.clock(later)) == [far + 1]


# -- sealing and locks -------------------------------------------------------------------------------


def test_a_sealed_journal_reads_the_same(tmp_path):
    """Compressed, under the same name and with the same cursors."""
    book = Journal(tmp_path)
    for n in range(50):
        book.append(MetricPoint("m", n, float(n)))
    book.close()
    (path,) = journal.files(tmp_path)
    plain, key, size = path.read_bytes(), journal.key(path), journal.size(path)
    before = list(journal.read(path, Cursor()))

    assert journal.seal(path)

    (sealed,) = journal.files(tmp_path)
    assert sealed.name == path.name + ".gz"
    assert (journal.key(sealed), journal.size(sealed)) == (key, size)
    assert gzip.decompress(sealed.read_bytes()) == plain
    assert list(journal.read(sealed, Cursor())) == before
    assert list(journal.read(sealed, before[-1].after)) == []
    assert journal.header(sealed) == before[0].events[0]
    assert list((tmp_path / "journal").iterdir()) == [sealed]


def test_a_journal_in_use_is_not_sealed(tmp_path):
    """Its writer would go on in a file that has no name any more."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    (path,) = journal.files(tmp_path)
    assert journal.in_use(path)
    assert not journal.seal(path)

    book.close()
    assert not journal.in_use(path)
    assert journal.seal(path)


def test_while_both_are_there_the_journal_is_read_once(tmp_path):
    """A kill between the rename and the unlink leaves two files of one content."""
    book = Journal(tmp_path)
    book.append(MetricPoint("m", 1.0, 1.0))
    book.close()
    (path,) = journal.files(tmp_path)
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))

    assert len(journal.files(tmp_path)) == 1
    assert [event.value for event in lines(tmp_path)] == [1.0]


def test_only_an_owner_tells_that_the_run_lives(tmp_path):
    """A guest's journal keeps `seal` away, and says nothing about life."""
    owner, guest = Journal(tmp_path, "owner"), Journal(tmp_path, "guest")
    owner.append(MetricPoint("m", 1.0, 1.0))
    guest.append(MetricPoint("m", 1.0, 1.0))
    by_role = {journal.header(path).role: path for path in journal.files(tmp_path)}

    assert journal.locked(by_role["owner"])
    assert not journal.locked(by_role["guest"])
    owner.close()
    assert not journal.locked(by_role["owner"])
    guest.close()


def test_other_files_in_the_folder_are_no_journals(tmp_path):
    """A half-written compressed file or a note of the user's is left alone."""
    folder = tmp_path / "journal"
    folder.mkdir()
    for name in ("README.txt", ".1-ab.jsonl.7.partial", "x.json"):
        (folder / name).write_text("{}")
    assert journal.files(tmp_path) == []
    assert journal.files(tmp_path / "nowhere") == []


def test_a_header_that_is_not_there_yet_is_none(tmp_path):
    """Its writer may just have created the file."""
    path = tmp_path / "journal" / "1-ab.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"")
    assert journal.header(path) is None
    path.write_bytes(b'{"event":"metric","name":"m","value":1,"at":1.0}\n')
    assert journal.header(path) is None
    assert journal.header(tmp_path / "nowhere") is None


@pytest.mark.parametrize(("asked", "flushes"), [("full", 2), (None, 0)])
def test_every_event_is_flushed_to_the_disk_when_asked(tmp_path, monkeypatch, asked, flushes):
    """A kill loses nothing either way; a power loss loses nothing only with AZML_DURABILITY=full."""
    if asked:
        monkeypatch.setenv("AZML_DURABILITY", asked)
    flushed = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    book = Journal(tmp_path)
    for step in range(2):
        book.append(MetricPoint("loss", 0.5, time.time(), step))
    book.close()

    assert len(flushed) == flushes


def test_a_journal_that_outlives_the_modules_ends_in_silence(tmp_path, monkeypatch):
    """When the interpreter goes down they become None before it; the user's last lines are not a traceback of ours."""
    troubles = []
    monkeypatch.setattr(sys, "unraisablehook", troubles.append)
    book = Journal(tmp_path)
    book.append(MetricPoint("loss", 0.5, time.time(), 0))
    monkeypatch.setattr(journal, "contextlib", None)
    del book
    gc.collect()
    assert troubles == []
