"""From a batch of events to columns of points."""

import pytest

from azml_integrations.records import (
    ArtifactMetric,
    ColumnsLogged,
    Cursor,
    ListLogged,
    MetricPoint,
    MetricsLogged,
    RowLogged,
    RunCreated,
    Special,
    TableLogged,
    TagsSet,
)
from azml_integrations.store.spans import Extent, Span, extent, gather
from azml_integrations.testing import batch


def test_points_of_one_kind_are_one_span():
    """A thousand losses are three columns, not a thousand rows."""
    metrics, others = gather(batch("j", MetricPoint("m", 1.0, 1.0, step=0), MetricPoint("m", 2.0, 2.0, step=5)))
    assert metrics["m"].spans == [Span("scalar", [1.0, 2.0], [1.0, 2.0], [0, 5])]
    assert others == []


def test_another_kind_begins_another_span():
    """Mixed names keep their order."""
    events = [MetricPoint("m", 1.0, 1.0), ListLogged("m", [2], 2.0), MetricPoint("m", 3.0, 3.0)]
    metrics, _ = gather(batch("j", *events))
    assert [(span.kind, span.values) for span in metrics["m"].spans] == [
        ("scalar", [1.0]),
        ("list", [[2]]),
        ("scalar", [3.0]),
    ]


def test_every_verb_has_its_span():
    """Rows, tables, pictures and several at once."""
    metrics, _ = gather(
        batch(
            "j",
            MetricsLogged({"a": 1.0, "b": 2}, 1.0, step=3),
            RowLogged("r", {"x": 1}, 2.0),
            TableLogged("t", {"x": [1, 2]}, 3.0),
            ArtifactMetric("i", "image", "i.png", 4.0, step=7),
            ArtifactMetric("c", "confusion_matrix", "c", 5.0),
        )
    )
    assert {name: metric.spans[0] for name, metric in metrics.items()} == {
        "a": Span("scalar", [1.0], [1.0], [3]),
        "b": Span("scalar", [2], [1.0], [3]),
        "r": Span("row", [{"x": 1}], [2.0], [None]),
        "t": Span("table", [{"x": [1, 2]}], [3.0], [None]),
        "i": Span("image", ["i.png"], [4.0], [7]),
        "c": Span("confusion_matrix", ["c"], [5.0], [None]),
    }


def test_columns_are_points_among_others():
    """They join the span that is there, and later points join theirs."""
    columns = ColumnsLogged({"m": [2.0, Special("nan")], "n": [5, "x"]}, [2.0, 3.0], [7, None])
    metrics, _ = gather(batch("j", MetricPoint("m", 1.0, 1.0, step=6), columns, MetricPoint("m", 4.0, 4.0)))
    assert metrics["m"].spans == [
        Span("scalar", [1.0, 2.0, Special("nan"), 4.0], [1.0, 2.0, 3.0, 4.0], [6, 7, None, None])
    ]
    assert metrics["n"].spans == [Span("scalar", [5, "x"], [2.0, 3.0], [7, None])]


def test_columns_never_run_back_in_time():
    """Neither behind the line before, nor within themselves, nor behind an earlier batch."""
    columns = ColumnsLogged({"m": [1.0, 2.0, 3.0]}, [4.0, 7.0, 6.0], [1, 2, 3])
    metrics, _ = gather(batch("j", TagsSet({}, 5.0), columns, MetricPoint("m", 4.0, 1.0)))
    assert metrics["m"].spans[0].times == [5.0, 7.0, 7.0, 7.0]

    metrics, _ = gather(batch("j", columns, before=Cursor(offset=1, line=1, clock=6.5)))
    assert metrics["m"].spans[0].times == [6.5, 7.0, 7.0]


def test_other_events_keep_their_moment_and_line():
    """The clock ran back; the moment did not."""
    created, tags = RunCreated("r", "e", 1, 5.0), TagsSet({"a": "b"}, 4.0)
    _, others = gather(batch("j", created, MetricPoint("m", 1.0, 6.0), tags))
    assert others == [(created, 5.0, 0), (tags, 6.0, 2)]


def test_the_last_description_stands():
    """An empty one does not take the earlier away."""
    events = [MetricPoint("m", 1.0, 1.0, description="loss"), MetricPoint("m", 2.0, 2.0)]
    metrics, _ = gather(batch("j", *events))
    assert metrics["m"].description == "loss"


@pytest.mark.parametrize(
    ("kind", "values", "found"),
    [
        ("scalar", [3.0, 1.0, 2.0], Extent(1.0, 3.0, 2.0)),
        ("scalar", [3, True, 2], Extent(1.0, 3.0, 2.0)),
        ("scalar", [1.0, Special("nan")], Extent(1.0, 1.0, None)),
        ("scalar", [Special("nan"), 2.0], Extent(2.0, 2.0, 2.0)),
        ("scalar", [Special("-inf"), 2.0], Extent(float("-inf"), 2.0, 2.0)),
        ("scalar", ["a", None], Extent(None, None, None)),
        ("scalar", [1.0, "a"], Extent(1.0, 1.0, 1.0)),
        ("scalar", [10**400], Extent(None, None, None)),
        ("list", [[3, 1], [2]], Extent(1.0, 3.0, 2.0)),
        ("list", [[]], Extent(None, None, None)),
        ("row", [{"x": 1}], Extent(None, None, None)),
        ("image", ["a.png"], Extent(None, None, None)),
    ],
)
def test_extents_are_of_numbers(kind, values, found):
    """Least, greatest and last: what a table of runs shows, and sorts by."""
    assert extent(kind, values) == found


def test_extents_of_parts_are_the_extent_of_the_whole():
    """A fold sees a metric in pieces."""
    assert Extent(1.0, 3.0, 2.0).with_later(Extent(0.5, 1.0, 0.5)) == Extent(0.5, 3.0, 0.5)
    assert Extent(None, None, None).with_later(Extent(1.0, 1.0, 1.0)) == Extent(1.0, 1.0, 1.0)
    assert Extent(1.0, 1.0, 1.0).with_later(Extent(None, None, None)) == Extent(1.0, 1.0, 1.0)
