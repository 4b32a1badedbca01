"""The nouns: frozen, small, and complete in `__all__`."""

import msgspec
import pytest

from azml_integrations import records
from azml_integrations.records import (
    TERMINAL,
    Adapter,
    AutologOptions,
    MetricPoint,
    Point,
    RunQuery,
    RunRecord,
    RunStatus,
    Series,
    Special,
)


def test_statuses_are_the_words_of_sdk_v1():
    """Users compare plain strings: American spelling, one l in Canceled."""
    assert [str(status) for status in RunStatus] == [
        "NotStarted",
        "Starting",
        "Provisioning",
        "Preparing",
        "Queued",
        "Running",
        "Finalizing",
        "CancelRequested",
        "Completed",
        "Failed",
        "Canceled",
    ]
    assert RunStatus.COMPLETED == "Completed"
    assert f"{RunStatus.RUNNING}" == "Running"


def test_three_statuses_are_final():
    """Finalizing is still on its way, and so is a status that nobody knows."""
    assert {"Completed", "Failed", "Canceled"} == TERMINAL
    ended = {
        status: RunRecord("r", "e", 1, status, 0.0).ended
        for status in ("Running", "Finalizing", "Paused", "Completed", "Failed", "Canceled")
    }
    assert ended == {
        "Running": False,
        "Finalizing": False,
        "Paused": False,
        "Completed": True,
        "Failed": True,
        "Canceled": True,
    }


def test_a_fact_does_not_change():
    """What was logged was logged."""
    point = MetricPoint("loss", 0.5, 1.0)
    with pytest.raises(AttributeError):
        point.value = 0.4


def test_a_line_says_only_what_is_not_the_default():
    """A million lines carry no empty descriptions."""
    assert (
        msgspec.json.encode(MetricPoint("loss", 0.5, 1.0)) == b'{"event":"metric","name":"loss","value":0.5,"at":1.0}'
    )


def test_a_float_that_json_cannot_spell_is_tagged():
    """JSON has no NaN, and null means None."""
    line = msgspec.json.encode(MetricPoint("loss", Special("nan"), 1.0))
    assert line == b'{"event":"metric","name":"loss","value":{"$float":"nan"},"at":1.0}'
    assert msgspec.json.decode(line, type=MetricPoint).value == Special("nan")


def test_a_series_is_a_list_of_points():
    """Columns are how it is kept, points are how it is read."""
    series = Series("scalar", [1.0, 2.0], [10.0, 11.0], [None, 5])
    assert len(series) == 2
    assert series.points() == [Point(1.0, 10.0, None, "scalar"), Point(2.0, 11.0, 5, "scalar")]


def test_a_mixed_series_tells_the_kind_of_each_point():
    """One name, two verbs: nothing is lost."""
    series = Series("scalar", [1.0, [2]], [10.0, 11.0], [None, None], ["scalar", "list"])
    assert [point.kind for point in series.points()] == ["scalar", "list"]


def test_defaults_of_a_query_are_the_newest_runs_without_children():
    """The question that everybody asks needs no arguments."""
    query = RunQuery()
    assert (query.include_children, query.order, query.limit) == (False, None, None)


def test_a_record_has_tags_of_its_own():
    """A mutable default would be shared by all records."""
    one, two = (RunRecord(name, "e", 1, "Running", 0.0) for name in "ab")
    one.tags["x"] = "y"
    assert two.tags == {}


def test_an_adapter_is_made_of_strings():
    """Offering a framework imports nothing."""
    adapter = Adapter(framework="toy", import_name="toy", activate="toy_azml:activate")
    assert (adapter.versions, adapter.distribution, adapter.options) == ("", "", ())
    assert AutologOptions() == AutologOptions(log_models=True, log_images=True, silent=False, on_error="warn", extra={})


def test_every_noun_is_exported():
    """Nothing public is left out of `__all__`, and nothing stands in it twice."""
    structs = {
        name
        for name, value in vars(records).items()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and not name.startswith("_")
    }
    assert sorted(structs - set(records.__all__)) == []
    assert len(set(records.__all__)) == len(records.__all__)
    assert all(hasattr(records, name) for name in records.__all__)


def test_every_noun_documents_its_fields():
    """A noun is read in its docstring, not in the code that fills it."""
    silent = [
        name
        for name in records.__all__
        if isinstance(value := getattr(records, name), type) and value.__module__ == records.__name__
        if not (value.__doc__ or "").strip()
    ]
    assert silent == []
