"""Long metrics by the points that show them."""

import math
import sqlite3

import pytest

from azml_integrations.records import Batch, Cursor, ListLogged, MetricPoint, RunCreated
from azml_integrations.store import outlines
from azml_integrations.store.sqlite import SqliteStore

CREATED = RunCreated("r", "long", 1, 1.0)
LENGTH = 45 * 4096 + 1000


def value(n):
    """A slow wave with one peak, one valley, and one value that is no number."""
    return {70_001: 9.0, 100_003: -9.0, 120_004: math.nan}.get(n, math.sin(n / 20_000))


def fold(store, points, journal="j", before=None, created=True):
    events = [*([CREATED] if created else []), *points]
    before = before or Cursor()
    after = Cursor(before.offset + len(events), before.line + len(events), 1.0 + len(events))
    assert store.apply("r", [Batch(journal, before, after, events)])
    return after


def points(numbers, step=lambda n: n):
    return [MetricPoint("m", value(n), 1000.0 + n / 10, step=step(n)) for n in numbers]


@pytest.fixture(scope="module")
def store():
    store = SqliteStore(None)
    fold(store, points(range(LENGTH), lambda n: 2 * n))
    return store


def test_peaks_ends_and_what_is_no_number_are_among_few_points(store):
    """A chart of 185,000 points reads some thousands, and misses nothing that can be seen."""
    found = store.outline("r", "m")
    by_step = dict(zip(found.series.steps, found.series.values, strict=True))

    assert (found.count, found.first_at) == (LENGTH, 1000.0)
    assert 2000 < len(found.series) < 4000
    assert (by_step[140_002], by_step[200_006], math.isnan(by_step[240_008])) == (9.0, -9.0, True)
    assert (found.series.steps[0], found.series.steps[-1]) == (0, 2 * (LENGTH - 1))
    assert list(found.series.steps) == sorted(found.series.steps)
    assert all(by_step[step] == value(step // 2) for step in by_step if step != 240_008)
    assert found.series.times[-1] == 1000.0 + (LENGTH - 1) / 10


@pytest.mark.parametrize(
    ("along", "between", "count"),
    [
        ("step", (10_000, 20_000), 5001),  # a part that is short is read in full
        ("step", (10_001, None), LENGTH - 5001),  # the block at the end is cut exactly
        ("time", (1000.0, 1000.0 + 15_000), 150_001),
        ("step", (400_000, None), 0),
        ("step", (None, 0), 1),
    ],
)
def test_a_part_is_counted_to_the_point(store, along, between, count):
    found = store.outline("r", "m", along, between)
    assert found.count == count
    inside = found.series.steps if along == "step" else found.series.times
    low, high = (-math.inf if between[0] is None else between[0]), (math.inf if between[1] is None else between[1])
    assert all(low <= x <= high for x in inside)
    assert len(found.series) == count if count <= outlines.DENSE else 2000 < len(found.series) < 5000


def test_points_without_steps_are_counted_through():
    """One point without a step, and the order is the axis, as in a short metric."""
    store = SqliteStore(None)
    fold(store, points(range(LENGTH), lambda n: None if n == 150_000 else 7))
    found = store.outline("r", "m", "step", (150_000, LENGTH))
    assert list(found.series.steps) == list(range(150_000, LENGTH))


def test_a_resumed_run_goes_on_and_ranks_between_each_other_do_not():
    """Journals of one after the other join; points of two at once are merged elsewhere."""
    store = SqliteStore(None)
    fold(store, points(range(6000)), "b")
    fold(store, points(range(6000, 12_000)), "a", created=False)
    assert list(store.outline("r", "m").series.steps) == list(range(12_000))

    fold(store, points(range(3000, 3010)), "c", created=False)
    assert store.outline("r", "m") is None


def test_what_is_more_than_numbers_has_no_outline():
    store = SqliteStore(None)
    assert store.outline("r", "m") is None
    words = [MetricPoint("words", "a", 1.0)] * 5000
    fold(store, [*words, ListLogged("list", [1.0] * 5000, 1.0), *points(range(5000))])
    assert (store.outline("r", "words"), store.outline("r", "list")) == (None, None)
    assert store.outline("r", "m").count == 5000


def test_an_index_of_an_older_version_is_read_all_the_same():
    """A block without an outline is read itself."""
    store, again = SqliteStore(None), SqliteStore(None)
    for one in (store, again):
        fold(one, points(range(140_000)))
    again._db.execute("DELETE FROM outlines")
    told = [repr(one.outline("r", "m").series.points()) for one in (store, again)]  # NaN is not equal to itself
    assert told[0] == told[1]


def test_an_outline_goes_with_its_run():
    fold(other := SqliteStore(None), points(range(5000)))
    assert other._db.execute("SELECT count(*) FROM outlines").fetchone() == (1,)
    other.forget("r")
    assert other._db.execute("SELECT count(*) FROM outlines").fetchone() == (0,)


def test_whole_numbers_and_infinities_have_outlines():
    """The lowest and the highest are among the finite; an infinity stands beside them."""
    store = SqliteStore(None)
    fold(store, [MetricPoint("m", math.inf if n == 10 else n % 50, 1.0 + n, step=n) for n in range(4096)])
    (row,) = store._db.execute("SELECT min, max FROM blocks").fetchall()
    assert row == (0.0, math.inf)
    assert outlines.places([math.inf] * 130) == [0, 128, 129]
    assert outlines.places([1e308] * 3 + [2.0]) == [0, 3]
    assert outlines.places([math.nan, 3, 1, 2, math.inf]) == [0, 1, 2, 4]


def test_any_sql_tool_reads_an_outline(tmp_path):
    path = tmp_path / "index.db"
    store = SqliteStore(path)
    fold(store, points(range(4096)))
    store.close()
    with sqlite3.connect(path) as db:
        kept = db.execute("SELECT size, first_at, last_at, first_step, last_step FROM outlines").fetchone()
    db.close()
    assert kept[0] < 70
    assert kept[1:] == (1000.0, 1409.5, 0.0, 4095.0)
