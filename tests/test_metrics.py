"""Shapes of metrics: what the verbs take, what `get_metrics` gives, and that one undoes the other."""

import enum
import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations import metrics
from azml_integrations.errors import MetricError, NameRefusedError, UserErrorException
from azml_integrations.records import RunCreated, Series, Special
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.testing import batch

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts


class Zero:
    """A 0-d tensor of some framework: it must be detached before its item may be taken."""

    shape = ()

    def __init__(self, value, *, attached=True):
        self.value, self.attached = value, attached

    def detach(self):
        return Zero(self.value, attached=False)

    def item(self):
        if self.attached:
            raise RuntimeError("detach me first")
        return self.value


def named(value: object) -> str:
    """Name a parameter alike in every process: without addresses."""
    return repr(value).split(" at 0x")[0]


def quiet(name, message):
    raise AssertionError(f"a warning about {name}: {message}")


# -- scalars in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0.5, 0.5),
        (1, 1),
        (True, True),
        ("text", "text"),
        ("", ""),
        (None, None),
        (10**30, 10**30),
        (float("nan"), Special("nan")),
        (float("inf"), Special("inf")),
        (float("-inf"), Special("-inf")),
        (np.float16(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int8(3), 3),
        (np.int16(3), 3),
        (np.int32(3), 3),
        (np.uint8(3), 3),
        (np.uint16(3), 3),
        (np.uint32(3), 3),
        (np.int64(3), 3),  # SDK v1 made "np.int64(3)" of it
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array(0.5), 0.5),
        (np.array(7), 7),
        (np.float64("nan"), Special("nan")),
        (Zero(0.25), 0.25),
        (Zero(4), 4),
        (Zero(float("inf")), Special("inf")),
        (enum.IntEnum("Level", {"HIGH": 3}).HIGH, 3),
        (enum.StrEnum("Split", {"TEST": "test"}).TEST, "test"),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 2), 0.5),
    ],
    ids=named,
)
def test_a_scalar_is_stored_as_its_plain_self(value, stored):
    """Frameworks hand over scalars of their own; a journal holds Python's."""
    event = metrics.scalar("m", value, "", None, quiet)
    assert event.value == stored
    assert type(event.value) is type(stored)
    assert (event.name, event.step, event.description) == ("m", None, "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, "{'a': 1}"),
        ((1, 2), "(1, 2)"),
        (Path("x"), "PosixPath('x')"),
        (1 + 2j, "(1+2j)"),
        (b"x", "b'x'"),
        (np.array([1, 2]), "array([1, 2])"),
        (np.array([1]), "array([1])"),
        ({1}, "{1}"),
    ],
    ids=named,
)
def test_what_v1_turned_silently_into_its_repr_is_told(value, text):
    """The string is kept for old scripts; the warning says that it is one."""
    told = []
    event = metrics.scalar("m", value, "", None, lambda name, message: told.append((name, message)))
    assert event.value == text
    assert [name for name, _ in told] == ["m"]
    assert "stored as the string of its repr" in told[0][1]


@pytest.mark.parametrize(
    "value", [[1], [], range(3), (n for n in "ab"), iter([1])], ids=lambda value: type(value).__name__
)
def test_sequences_belong_to_log_list(value):
    """SDK v1 raised here too, and told the way out."""
    with pytest.raises(MetricError, match="for sequences use log_list") as caught:
        metrics.scalar("m", value, "", None, quiet)
    assert (caught.value.name, caught.value.value) == ("m", value)


@pytest.mark.parametrize("name", [5, None, ["m"], "a\0", "x" * 4097])
@pytest.mark.parametrize("value", [0.5, 1, {"a": 1}, [1]])
def test_a_bad_name_is_refused_whatever_the_value(name, value):
    """The name is looked at first: nothing is warned of, nothing stored."""
    with pytest.raises(NameRefusedError):
        metrics.scalar(name, value, "", None, quiet)


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_string_that_no_journal_holds_is_refused(value):
    """A NUL ends a string for half the world; a lone surrogate is no character."""
    with pytest.raises(NameRefusedError, match="metric value"):
        metrics.scalar("m", value, "", None, quiet)


@pytest.mark.parametrize(("step", "stored"), [(0, 0), (7, 7), (np.int64(7), 7), (3.0, 3), (Zero(5), 5), (2**70, 2**70)])
def test_steps_are_whole_numbers(step, stored):
    """Frameworks count in their own integers."""
    event = metrics.scalar("m", 0.5, "", step, quiet)
    assert (event.step, type(event.step)) == (stored, int)


@pytest.mark.parametrize("step", [-1, 1.5, "1", True, float("nan"), [1], np.array([1, 2])], ids=named)
def test_other_steps_are_refused(step):
    """An x axis counts; half a step or a word does not."""
    with pytest.raises(MetricError, match="a whole number >= 0 as step"):
        metrics.scalar("m", 0.5, "", step, quiet)


def test_a_description_travels_along():
    """Shown on pages; anything becomes its string."""
    assert metrics.scalar("m", 0.5, "how well", None, quiet).description == "how well"
    assert metrics.scalar("m", 0.5, Path("x"), None, quiet).description == "x"
    with pytest.raises(NameRefusedError, match="description"):
        metrics.scalar("m", 0.5, "\0", None, quiet)


def test_several_metrics_are_one_event():
    """`log_metrics` is one line, so a kill loses all of it or nothing."""
    event = metrics.several({"loss": 0.5, "acc": np.float32(0.25), "nan": float("nan")}, 3, quiet)
    assert event.values == {"loss": 0.5, "acc": 0.25, "nan": Special("nan")}
    assert event.step == 3


@pytest.mark.parametrize("values", [[("loss", 1)], None, 5, "loss"])
def test_several_metrics_come_as_a_mapping(values):
    """One clear sentence instead of whatever `.items()` would say."""
    with pytest.raises(MetricError, match="a mapping of names to numbers"):
        metrics.several(values, None, quiet)


def test_one_bad_value_refuses_all_of_them():
    """Half of a line would be a lie about the moment."""
    with pytest.raises(MetricError):
        metrics.several({"loss": 0.5, "acc": [1]}, None, quiet)
    with pytest.raises(NameRefusedError):
        metrics.several({"loss": 0.5, 5: 1.0}, None, quiet)


# -- shapes in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ([1, 2.5], [1, 2.5]),
        ((1, 2), [1, 2]),
        (range(3), [0, 1, 2]),
        ((n * n for n in range(3)), [0, 1, 4]),
        ("abc", ["a", "b", "c"]),
        ([], []),
        ([None, "a", True, 1], [None, "a", True, 1]),
        ([float("nan"), 1.0], [Special("nan"), 1.0]),
        (np.array([0.5, 1.5]), [0.5, 1.5]),
        (np.array([1, 2]), [1, 2]),
        ([np.int64(1), np.float32(0.5)], [1, 0.5]),
        ({"a": 1, "b": 2}.values(), [1, 2]),
    ],
    ids=named,
)
def test_what_log_list_takes(given_, stored):
    """Any iterable of scalars; arrays give Python's numbers."""
    event = metrics.sequence("m", given_)
    assert event.values == stored
    assert [type(value) for value in event.values] == [type(value) for value in stored]


@pytest.mark.parametrize("value", [5, 0.5, None, np.array(5), np.float64(1)], ids=named)
def test_a_list_of_a_scalar_is_a_type_error(value):
    """So it was in SDK v1, and it is a MetricError too."""
    with pytest.raises(TypeError, match="for one value use log") as caught:
        metrics.sequence("m", value)
    assert isinstance(caught.value, MetricError)


@pytest.mark.parametrize("value", [[[1]], [{"a": 1}], np.zeros((2, 2)), [object()], [(1, 2)], [b"x"]], ids=named)
def test_items_are_scalars(value):
    """A nested list has no place on an axis."""
    with pytest.raises(MetricError, match="items that are each one number or string"):
        metrics.sequence("m", value)


def test_a_generator_that_raises_logs_nothing():
    """The user's own error leaves as it is."""

    def broken():
        yield 1
        raise ZeroDivisionError("theirs")

    with pytest.raises(ZeroDivisionError, match="theirs"):
        metrics.sequence("m", broken())


def test_rows():
    """One scalar per column."""
    event = metrics.row("r", {"x": 1, "y": np.float32(0.5), "z": float("inf")}, "cosine")
    assert event.row == {"x": 1, "y": 0.5, "z": Special("inf")}
    assert event.description == "cosine"
    assert metrics.row("r", {}).row == {}


@pytest.mark.parametrize("value", [[1], (1,), {"a": 1}, np.array([1, 2])], ids=named)
def test_a_cell_of_a_row_is_one_scalar(value):
    """A column of several values is `log_table`'s."""
    with pytest.raises(MetricError):
        metrics.row("r", {"x": value})


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ({"x": [1, 2], "y": [3, 4]}, {"x": [1, 2], "y": [3, 4]}),
        ({"x": 1, "y": 2}, {"x": [1], "y": [2]}),
        ({"x": "ab", "y": 2}, {"x": ["ab"], "y": [2]}),
        ({"x": (1, 2), "y": np.array([3, 4])}, {"x": [1, 2], "y": [3, 4]}),
        ({"x": range(2), "y": (n for n in (5, 6))}, {"x": [0, 1], "y": [5, 6]}),
        ({"x": [1, None], "y": ["a", 0.5]}, {"x": [1, None], "y": ["a", 0.5]}),
        ({"x": [], "y": []}, {"x": [], "y": []}),
        ({}, {}),
        ({"x": np.array(3)}, {"x": [3]}),
    ],
    ids=named,
)
def test_what_log_table_takes(given_, stored):
    """Columns of one length; a scalar is a column of one, and text is a scalar."""
    assert metrics.table("t", given_).columns == stored


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], "a dict of columns"),
        (None, "a dict of columns"),
        ({"x": [1, 2], "y": [3]}, "columns of one length, got {'x': 2, 'y': 1}"),
        ({"x": [1, 2], "y": 3}, "columns of one length, got {'x': 2, 'y': 1}"),
        ({"x": [[1], [2]]}, "items that are each one number or string"),
        ({"x": np.zeros((2, 2))}, "items that are each one number or string"),
    ],
    ids=named,
)
def test_other_tables_are_refused(value, words):
    """Each with what came and what was wanted."""
    with pytest.raises(MetricError) as caught:
        metrics.table("t", value)
    assert words in caught.value.message


def test_a_column_has_a_name():
    """The same rule as for every name."""
    for verb in (metrics.row, metrics.table):
        with pytest.raises(NameRefusedError, match="column name"):
            verb("m", {5: 1})


# -- the four documents ------------------------------------------------------------------------------

MATRIX = {
    "schema_type": "confusion_matrix",
    "schema_version": "1.0.0",
    "data": {"class_labels": ["a", "b"], "matrix": [[3, 1], [0, 2]]},
}
RESIDUALS = {
    "schema_type": "residuals",
    "schema_version": "1.0.0",
    "data": {"bin_edges": [0.0, 1.0, 2.0], "bin_counts": [5, 7]},
}
PREDICTIONS = {
    "schema_type": "predictions",
    "schema_version": "1.0.0",
    "data": {"bin_averages": [0.5, 1.5], "bin_errors": [0.1, 0.2], "bin_counts": [5, 7], "bin_edges": [0.0, 1.0, 2.0]},
}
ACCURACY = {
    "schema_type": "accuracy_table",
    "schema_version": "1.0.1",
    "data": {
        "probability_tables": [[[1, 0, 3, 2], [0, 0, 4, 2]]],
        "percentile_tables": [[[1, 0, 3, 2], [0, 0, 4, 2]]],
        "class_labels": ["a"],
        "probability_thresholds": [0.0, 1.0],
        "percentile_thresholds": [0.0, 1.0],
    },
}
DOCUMENTS = [MATRIX, RESIDUALS, PREDICTIONS, ACCURACY]


@pytest.mark.parametrize("value", DOCUMENTS, ids=lambda value: value["schema_type"])
@pytest.mark.parametrize("spelled", [lambda value: value, json.dumps, lambda value: json.dumps(value).encode()])
def test_a_document_comes_as_dict_or_json(value, spelled):
    """SDK v1 took both."""
    content = metrics.document(value["schema_type"], "m", spelled(value))
    assert json.loads(content) == value
    assert metrics.parsed(content) == value


def test_a_document_may_hold_arrays():
    """`sklearn.metrics.confusion_matrix` returns one."""
    data = {"class_labels": np.array(["a", "b"]), "matrix": np.array([[3, 1], [0, 2]])}
    assert json.loads(metrics.document("confusion_matrix", "m", {**MATRIX, "data": data})) == MATRIX


@pytest.mark.parametrize("kind", ["confusion_matrix", "residuals", "predictions", "accuracy_table"])
@pytest.mark.parametrize("value", [None, 5, "no json", b"\xff", [], {}, {"schema_type": "x"}, "[1]"], ids=named)
def test_a_document_of_another_schema_is_refused(kind, value):
    """A chart that cannot be drawn is noticed when it is logged."""
    with pytest.raises(MetricError) as caught:
        metrics.document(kind, "m", value)
    assert f"schema_type {kind!r}" in caught.value.message


@pytest.mark.parametrize(
    ("document", "change", "words"),
    [
        (MATRIX, {"matrix": [[1, 2]]}, "a matrix of 2 rows and columns"),
        (MATRIX, {"matrix": [[1, 2], [3]]}, "a matrix of 2 rows and columns"),
        (MATRIX, {"matrix": 5}, "lists for class_labels, matrix"),
        (RESIDUALS, {"bin_counts": [5]}, "one more bin edge than bin counts"),
        (PREDICTIONS, {"bin_edges": [0.0]}, "one more bin edge than bin counts"),
        (PREDICTIONS, {"bin_errors": [0.1]}, "as many bin averages and errors as bin counts"),
        (ACCURACY, {"probability_tables": []}, "one table for each class label"),
        (ACCURACY, {"percentile_thresholds": [0.5]}, "one line of 4 counts for each threshold"),
        (ACCURACY, {"probability_tables": [[[1, 0, 3], [0, 0, 4]]]}, "one line of 4 counts for each threshold"),
    ],
)
def test_a_document_whose_parts_do_not_fit_is_refused(document, change, words):
    """The lengths are the schema too."""
    broken = {**document, "data": {**document["data"], **change}}
    with pytest.raises(MetricError) as caught:
        metrics.document(document["schema_type"], "m", broken)
    assert words in caught.value.message


# -- out ---------------------------------------------------------------------------------------------


def folded(*events):
    """Send events through an index in memory, as a fold does."""
    store = SqliteStore(None)
    store.apply("r", [batch("j", RunCreated("r", "e", 1, 1.0), *events)])
    return store.series("r", "m")


@given(scalars)
def test_one_scalar_comes_back_as_it_went_in(value):
    """`get_metrics` after `log` is the identity, types included."""
    back = metrics.shape(folded(metrics.scalar("m", value, "", None, quiet)))
    assert back == value
    assert type(back) is type(value)


@given(st.lists(scalars, min_size=2, max_size=8))
def test_many_scalars_come_back_as_a_list(values):
    """In the order of the calls, each as it went in."""
    back = metrics.shape(folded(*(metrics.scalar("m", value, "", None, quiet) for value in values)))
    assert back == values
    assert [type(value) for value in back] == [type(value) for value in values]


@given(st.lists(scalars, min_size=2, max_size=8), st.lists(scalars, max_size=8))
def test_lists_come_back_joined(one, two):
    """Repeated lists of one name are one list."""
    back = metrics.shape(folded(metrics.sequence("m", one), metrics.sequence("m", two)))
    assert back == [*one, *two]
    assert [type(value) for value in back] == [type(value) for value in (*one, *two)]


@given(st.lists(st.tuples(scalars, scalars), min_size=2, max_size=6))
def test_rows_come_back_as_columns(rows):
    """Two or more rows are a dict of lists."""
    back = metrics.shape(folded(*(metrics.row("m", {"x": x, "$float": y}) for x, y in rows)))
    assert back == {"x": [x for x, _ in rows], "$float": [y for _, y in rows]}


@given(st.dictionaries(texts, st.lists(scalars, min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_table_comes_back_as_it_went_in(columns):
    """Whatever its columns are called, and in their order."""
    back = metrics.shape(folded(metrics.table("m", columns)))
    assert back == columns
    assert list(back) == list(columns)


@pytest.mark.parametrize(
    ("series", "shaped"),
    [
        (Series("scalar", [0.5], [1.0], [None]), 0.5),
        (Series("scalar", [0.5, 0.25], [1.0, 2.0], [None, None]), [0.5, 0.25]),
        (Series("list", [[1]], [1.0], [None]), 1),
        (Series("list", [[]], [1.0], [None]), []),
        (Series("list", [[1], [2, 3]], [1.0, 2.0], [None, None]), [1, 2, 3]),
        (Series("row", [{"x": 1, "y": 2}], [1.0], [None]), {"x": 1, "y": 2}),
        (Series("row", [{}], [1.0], [None]), {}),
        (Series("row", [{"x": 1}, {"x": 2, "y": 3}], [1.0, 2.0], [None] * 2), {"x": [1, 2], "y": [None, 3]}),
        (Series("row", [{"x": 1, "y": 3}, {"x": 2}], [1.0, 2.0], [None] * 2), {"x": [1, 2], "y": [3, None]}),
        (Series("table", [{"x": [1, 2]}], [1.0], [None]), {"x": [1, 2]}),
        (Series("table", [{"x": [1], "y": [2]}], [1.0], [None]), {"x": 1, "y": 2}),
        (Series("table", [{"x": [1]}, {"x": [2]}], [1.0, 2.0], [None] * 2), {"x": [1, 2]}),
        (
            Series("table", [{"x": [1]}, {"y": [2, 3]}], [1.0, 2.0], [None] * 2),
            {"x": [1, None, None], "y": [None, 2, 3]},
        ),
        (Series("table", [{}], [1.0], [None]), {}),
        (Series("image", ["a.png"], [1.0], [None]), "a.png"),
        (Series("image", ["a.png", "b.png"], [1.0, 2.0], [None] * 2), ["a.png", "b.png"]),
        (Series("confusion_matrix", ["m", "m"], [1.0, 2.0], [None] * 2), "m"),
        (Series("scalar", [1.0, [2], 3.0], [1.0, 2.0, 3.0], [None] * 3, ["scalar", "list", "scalar"]), [1.0, 3.0]),
    ],
    ids=named,
)
def test_shapes_are_those_of_sdk_v1(series, shaped):
    """Also where they collapse: scripts rely on it."""
    assert metrics.shape(series) == shaped


def test_nan_and_the_infinities_come_back():
    """JSON has none of them; metrics have."""
    back = metrics.shape(folded(*(metrics.scalar("m", float(x), "", None, quiet) for x in ("nan", "inf", "-inf", "1"))))
    assert math.isnan(back[0])
    assert back[1:] == [float("inf"), float("-inf"), 1.0]


def test_errors_of_metrics_are_user_errors():
    """`except UserErrorException` caught them in SDK v1."""
    assert issubclass(MetricError, UserErrorException)
