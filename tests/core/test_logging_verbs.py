"""The contract most worth testing: what goes into the log verbs, and what `get_metrics` gives back."""

import json
import math
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from azml_integrations.core import Run
from azml_integrations.errors import (
    MetricError,
    MetricWarning,
    NameRefusedError,
    SourceNotFoundError,
    UserErrorException,
)
from azml_integrations.records import Point

MATRIX = {
    "schema_type": "confusion_matrix",
    "schema_version": "1.0.0",
    "data": {"class_labels": ["a", "b"], "matrix": [[3, 1], [0, 2]]},
}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def named(value: object) -> str:
    """Name a parameter alike in every process: without addresses."""
    return repr(value).split(" at 0x")[0]


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (Run.log, "name, value, description='', step=None"),
        (Run.log_list, "name, value, description=''"),
        (Run.log_row, "name, description=None, **kwargs"),
        (Run.log_table, "name, value, description=''"),
        (Run.log_image, "name, path=None, plot=None, description=''"),
        (Run.log_confusion_matrix, "name, value, description=''"),
        (Run.log_residuals, "name, value, description=''"),
        (Run.log_predictions, "name, value, description=''"),
        (Run.log_accuracy_table, "name, value, description=''"),
        (Run.flush, "timeout_seconds=300"),
        (Run.log_metrics, "values, step=None"),  # ours
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Old scripts call by position and by keyword."""
    assert signature(verb).startswith(expected)


# -- the table of section 5, row by row --------------------------------------------------------------


def test_a_metric_logged_once_is_its_value(run):
    """Not a list of one, whatever the documentation said."""
    run.log("a", 0.5)
    assert run.get_metrics() == {"a": 0.5}


def test_a_metric_logged_often_is_a_list_in_the_order_of_the_calls(run):
    """The vector of a training loop."""
    for value in (3.0, 1.0, 2.0):
        run.log("a", value)
    assert run.get_metrics()["a"] == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (1, 1),
        (0.5, 0.5),
        ("text", "text"),
        (True, True),
        (False, False),
        (None, None),
        (np.float16(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int8(3), 3),
        (np.int16(3), 3),
        (np.int32(3), 3),
        (np.uint8(3), 3),
        (np.uint16(3), 3),
        (np.uint32(3), 3),
        (np.bool_(True), True),
        (np.str_("s"), "s"),
        (np.int64(3), 3),  # section 21: SDK v1 stored 'np.int64(3)', silent damage
        (np.uint64(3), 3),
        (np.array(0.5), 0.5),  # section 21: 0-d arrays and tensors are scalars
        (10**30, 10**30),
        (2**64 - 1, 2**64 - 1),
        (-(10**30), -(10**30)),
    ],
    ids=named,
)
def test_scalars_keep_value_and_type(run, value, back):
    """Through the journal, the index, and back."""
    run.log("a", value)
    found = run.get_metrics()["a"]
    assert found == back
    assert type(found) is type(back)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1, 2]), "array([1, 2])"),
        ({"a": 1}, "{'a': 1}"),
        ((1, 2), "(1, 2)"),
        (Path("x"), "PosixPath('x')"),
        (1j, "1j"),
    ],
    ids=named,
)
def test_other_objects_are_their_repr_with_one_warning_a_name(run, value, text):
    """SDK v1 said nothing; we say it once."""
    with pytest.warns(MetricWarning, match="metric 'a'"):
        run.log("a", value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.log("a", value)
    assert run.get_metrics()["a"] == [text, text]


def test_the_warning_points_to_the_users_line(run):
    """Not into this package."""
    with pytest.warns(MetricWarning) as caught:
        run.log("a", {"b": 1})
    assert caught[0].filename == __file__


@pytest.mark.parametrize("value", [[1], range(2), (n for n in "ab")], ids=lambda value: type(value).__name__)
def test_a_sequence_is_refused_with_the_way_out(run, value):
    """UserErrorException telling to use log_list, as in SDK v1."""
    with pytest.raises(UserErrorException, match="log_list"):
        run.log("a", value)
    assert run.get_metrics() == {}


def test_nan_and_the_infinities_come_back(run):
    """Alone, in a vector, and in a list."""
    for value in (float("nan"), float("inf"), float("-inf"), 0.5):
        run.log("a", value)
    run.log("b", float("nan"))
    run.log_list("c", [1.0, float("nan")])
    found = run.get_metrics()
    assert math.isnan(found["a"][0])
    assert found["a"][1:] == [float("inf"), float("-inf"), 0.5]
    assert math.isnan(found["b"])
    assert found["c"][0] == 1.0
    assert math.isnan(found["c"][1])


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ([1, 2.5], [1.0, 2.5]),
        ([1, "a"], [1, "a"]),
        ([1, None], [1, None]),
        ((n * n for n in range(3)), [0, 1, 4]),
        ((1, 2), [1, 2]),
        (range(3), [0, 1, 2]),
        ("abc", ["a", "b", "c"]),
        ([7], 7),  # one element collapses, as in SDK v1
        ([], []),  # section 21: SDK v1 crashed
        (np.array([0.5, 1.5]), [0.5, 1.5]),
        (np.array([1, 2]), [1, 2]),  # section 21: SDK v1 raised
        ([np.int64(1), np.int64(2)], [1, 2]),
        ([0, 1, 1, 2, 3, 5, 8], [0, 1, 1, 2, 3, 5, 8]),
    ],
    ids=named,
)
def test_lists(run, given, back):
    """Any iterable of scalars."""
    run.log_list("a", given)
    assert run.get_metrics() == {"a": back}


@pytest.mark.parametrize(
    ("value", "kind"), [([[1]], MetricError), ([object()], MetricError), (5, TypeError), (None, TypeError)]
)
def test_other_lists_are_refused(run, value, kind):
    """Nested items as SDK v1's AzureMLException, a scalar as its TypeError; nothing is stored."""
    with pytest.raises(kind):
        run.log_list("a", value)
    assert run.get_metrics() == {}


def test_lists_of_one_name_are_joined(run):
    """Epoch by epoch."""
    run.log_list("a", [1, 2])
    run.log_list("a", [3])
    assert run.get_metrics() == {"a": [1, 2, 3]}


def test_one_row_is_a_dict_of_scalars(run):
    """It collapses, as in SDK v1."""
    run.log_row("r", x=1, y=2)
    assert run.get_metrics() == {"r": {"x": 1, "y": 2}}


def test_rows_are_a_dict_of_lists(run):
    """In the order of the calls."""
    for angle in (0, 1, 2):
        run.log_row("cosine", angle=angle, cos=float(-angle))
    assert run.get_metrics() == {"cosine": {"angle": [0, 1, 2], "cos": [0.0, -1.0, -2.0]}}


def test_rows_of_other_columns_are_padded(run):
    """With None, on both sides."""
    run.log_row("r", x=1, y=2)
    run.log_row("r", x=3)
    run.log_row("r", z=4)
    assert run.get_metrics() == {"r": {"x": [1, 3, None], "y": [2, None, None], "z": [None, None, 4]}}


def test_a_row_may_be_empty(run):
    """`{}` comes back."""
    run.log_row("r")
    assert run.get_metrics() == {"r": {}}


def test_the_description_of_a_row_comes_second(run):
    """By position, as many scripts have it; a column may be called `name` by no one."""
    run.log_row("r", "how it went", x=1)
    assert run.get_metrics() == {"r": {"x": 1}}
    assert run.metric_summaries()[0].description == "how it went"


@pytest.mark.parametrize("value", [[1], (1,), np.array([1, 2])], ids=named)
def test_a_cell_is_a_scalar(run, value):
    """SDK v1 raised as well; an int64 it refused is taken."""
    with pytest.raises(MetricError):
        run.log_row("r", x=value)
    run.log_row("ok", x=np.int64(1))
    assert run.get_metrics() == {"ok": {"x": 1}}


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ({"x": [1, 2], "y": [3, 4]}, {"x": [1, 2], "y": [3, 4]}),
        ({"x": [1], "y": [2]}, {"x": 1, "y": 2}),
        ({"x": 1, "y": "a"}, {"x": 1, "y": "a"}),
        ({}, {}),
        ({"x": np.array([1, 2]), "y": (3, 4)}, {"x": [1, 2], "y": [3, 4]}),
        ({"angle": [0.0, 1.5], "sine": [0.0, float("inf")]}, {"angle": [0.0, 1.5], "sine": [0.0, float("inf")]}),
        ({"x": [1, None], "y": ["a", 0.5]}, {"x": [1, None], "y": ["a", 0.5]}),
    ],
    ids=named,
)
def test_tables(run, given, back):
    """The same dict of lists; single rows collapse."""
    run.log_table("t", given)
    assert run.get_metrics() == {"t": back}


@pytest.mark.parametrize("value", [{"x": [1, 2], "y": [3]}, [1], None, {"x": [[1]]}], ids=named)
def test_other_tables_are_refused(run, value):
    """Ragged, nested, or no dict; nothing is stored."""
    with pytest.raises(MetricError):
        run.log_table("t", value)
    assert run.get_metrics() == {}


def test_tables_of_one_name_are_joined(run):
    """Row after row."""
    run.log_table("t", {"x": [1, 2]})
    run.log_table("t", {"x": [3], "y": [4]})
    assert run.get_metrics() == {"t": {"x": [1, 2, 3], "y": [None, None, 4]}}


def test_an_image_is_an_address(run, tmp_path):
    """One is a string, several a list."""
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/roc.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(PNG)
    base = f"aml://artifactId/ExperimentRun/dcid.{run.id}"
    run.log_image("ROC", "plots/roc.png")
    assert run.get_metrics() == {"ROC": f"{base}/plots/roc.png"}
    run.log_image("ROC", path="b.png")
    assert run.get_metrics() == {"ROC": [f"{base}/plots/roc.png", f"{base}/b.png"]}
    assert run.get_file_names() == ["b.png", "plots/roc.png"]


def test_a_document_is_an_address_or_its_content(run):
    """The artifact is called like the metric; of several the first counts."""
    run.log_confusion_matrix("cm", MATRIX, "test set")
    run.log_confusion_matrix("cm", json.dumps(MATRIX))
    assert run.get_metrics() == {"cm": f"aml://artifactId/ExperimentRun/dcid.{run.id}/cm"}
    assert run.get_metrics(populate=True) == {"cm": MATRIX}
    assert run.get_metrics("cm", populate=True) == {"cm": MATRIX}
    assert run.get_file_names() == ["cm"]


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("residuals", {"bin_edges": [0, 1, 2], "bin_counts": [5, 7]}),
        ("predictions", {"bin_averages": [1], "bin_errors": [2], "bin_counts": [3], "bin_edges": [0, 1]}),
        (
            "accuracy_table",
            {
                "probability_tables": [[[1, 2, 3, 4]]],
                "percentile_tables": [[[1, 2, 3, 4]]],
                "class_labels": ["a"],
                "probability_thresholds": [0.5],
                "percentile_thresholds": [0.5],
            },
        ),
    ],
)
def test_the_other_documents(run, verb, data):
    """Each verb takes its own schema, and only that."""
    document = {"schema_type": verb, "schema_version": "1.0.0", "data": data}
    getattr(run, f"log_{verb}")("d", document)
    assert run.get_metrics(populate=True) == {"d": document}
    with pytest.raises(MetricError, match=f"schema_type '{verb}'"):
        getattr(run, f"log_{verb}")("other", MATRIX)
    assert run.get_file_names() == ["d"]


def test_steps_are_kept_and_not_shown(run):
    """`get_metrics` has no place for them; our own accessor has."""
    for step in (10, 5, None):
        run.log("a", 1.0, step=step)
    run.log("a", 2.0, "", 7)
    assert run.get_metrics() == {"a": [1.0, 1.0, 1.0, 2.0]}
    assert [point.step for point in run.metric_points("a")] == [10, 5, None, 7]


def test_one_name_and_two_kinds(run):
    """Both are kept in order; `get_metrics` has the first kind's shape, and one warning tells."""
    run.log("a", 1.0)
    with pytest.warns(MetricWarning, match="a list follows a scalar"):
        run.log_list("a", [2, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.log("a", 4.0)
        run.log_row("a", x=5)
    assert run.get_metrics() == {"a": [1.0, 4.0]}
    assert [(point.kind, point.value) for point in run.metric_points("a")] == [
        ("scalar", 1.0),
        ("list", [2, 3]),
        ("scalar", 4.0),
        ("row", {"x": 5}),
    ]
    assert run.metric_summaries()[0].mixed


def test_a_name_may_end_in_a_blank(run):
    """SDK v1's `get_metrics` broke there."""
    run.log("loss ", 1.0)
    run.log("", 2.0)
    run.log("Verlust/größe 🙂", 3.0)
    assert run.get_metrics() == {"loss ": 1.0, "": 2.0, "Verlust/größe 🙂": 3.0}
    assert run.get_metrics("loss ") == {"loss ": 1.0}
    assert run.get_metrics("loss") == {}


# -- what is ours ------------------------------------------------------------------------------------


def test_several_metrics_at_one_moment(run):
    """One event: the points share their time and step."""
    run.log_metrics({"loss": 0.5, "acc": np.float32(0.25)}, step=3)
    run.log_metrics({"loss": 0.25})
    assert run.get_metrics() == {"loss": [0.5, 0.25], "acc": 0.25}
    loss, acc = run.metric_points("loss")[0], run.metric_points("acc")[0]
    assert (loss.at, loss.step) == (acc.at, acc.step)
    assert loss.step == 3
    with pytest.raises(MetricError):
        run.log_metrics({"ok": 1.0, "bad": [1]})
    assert run.get_metrics("ok") == {}


def test_every_point_is_there_without_collapse(run):
    """Lists of one and tables of one row are what they were."""
    run.log_list("l", [7])
    run.log_table("t", {"x": [1]})
    run.log("s", 0.5, step=2)
    assert [point.value for point in run.metric_points("l")] == [[7]]
    assert [point.value for point in run.metric_points("t")] == [{"x": [1]}]
    (point,) = run.metric_points("s")
    assert point == Point(0.5, point.at, 2, "scalar")
    assert run.metric_points("nobody") == []


def test_metrics_in_a_line_each(run):
    """What a table of runs shows."""
    for step, value in enumerate((3.0, 1.0, 2.0)):
        run.log("loss", value, "squared", step)
    run.log("who", "me")
    loss, who = run.metric_summaries()
    assert (loss.name, loss.count, loss.last, loss.min, loss.max) == ("loss", 3, 2.0, 1.0, 3.0)
    assert (loss.first_step, loss.last_step, loss.description) == (0, 2, "squared")
    assert (who.last, who.last_value) == (None, "me")


def test_metrics_come_in_the_order_of_first_logging(run):
    """As a person would list them."""
    for name in ("z", "a", "m", "z"):
        run.log(name, 1.0)
    assert list(run.get_metrics()) == ["z", "a", "m"]


def test_flush_has_nothing_to_do(run):
    """Every call is stored when it returns."""
    run.log("a", 1.0)
    run.flush()
    run.flush(timeout_seconds=1)
    assert run.get_metrics() == {"a": 1.0}


@pytest.mark.parametrize(
    "call",
    [
        lambda run, name: run.log(name, 1.0),
        lambda run, name: run.log_metrics({name: 1.0}),
        lambda run, name: run.log_list(name, [1]),
        lambda run, name: run.log_row(name, x=1),
        lambda run, name: run.log_table(name, {"x": [1]}),
        lambda run, name: run.log_image(name, "x.png"),
        lambda run, name: run.log_confusion_matrix(name, MATRIX),
        lambda run, name: run.log_row("r", **{"x": 1, name: 2}) if isinstance(name, str) else run.log(name, 1),
    ],
)
@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, 5])
def test_names_that_cannot_be_stored_are_refused_everywhere(run, tmp_path, call, name):
    """Before anything is written: no metric, no file."""
    (tmp_path / "x.png").write_bytes(PNG)
    with pytest.raises(NameRefusedError):
        call(run, name)
    run.log("alive", 1.0)
    assert run.get_metrics() == {"alive": 1.0}
    assert run.get_file_names() == []


def test_a_row_may_call_its_column_like_our_tag(run):
    """``$float`` is what a NaN looks like in a journal; here it is a column."""
    run.log_row("r", **{"$float": "nan"})
    run.log_table("t", {"$float": [1.0, 2.0]})
    assert run.get_metrics() == {"r": {"$float": "nan"}, "t": {"$float": [1.0, 2.0]}}


# -- log_image from files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        b"\xff\xd8\xff\xe0jpeg",
        b"GIF89a",
        b"BM....",
        b"II*\0tiff",
        b"MM\0*tiff",
        b"RIFF0000WEBPVP8 ",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=named,
)
def test_image_files_are_known_by_their_content(run, tmp_path, content):
    """The suffix may say anything."""
    (tmp_path / "picture.dat").write_bytes(content)
    run.log_image("i", tmp_path / "picture.dat")
    assert run.get_file_names() == ["picture.dat"]
    run.download_file("picture.dat", "copy")
    assert (tmp_path / "copy").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04zip"])
def test_other_files_are_no_images(run, tmp_path, content):
    """SDK v1 refused them too."""
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(UserErrorException, match="is no image file"):
        run.log_image("i", "x.png")
    with pytest.raises(SourceNotFoundError):
        run.log_image("i", "nowhere.png")
    assert (run.get_file_names(), run.get_metrics()) == ([], {})


def test_an_image_is_never_replaced(run, tmp_path):
    """A taken name gets a number."""
    (tmp_path / "a.png").write_bytes(PNG)
    for _ in range(3):
        run.log_image("i", "./a.png")
    assert run.get_file_names() == ["a.png", "a_1.png", "a_2.png"]
    assert len(run.get_metrics()["i"]) == 3


def test_an_image_from_outside_keeps_its_last_name(run, tmp_path):
    """No absolute path and no way up becomes an artifact's name."""
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "deep").mkdir()
    run.log_image("i", str(tmp_path / "a.png"))
    run.log_image("i", "deep/../a.png")
    assert run.get_file_names() == ["a.png", "a_1.png"]


@pytest.mark.parametrize("arguments", [{}, {"path": "a.png", "plot": object()}])
def test_exactly_one_of_path_and_plot(run, tmp_path, arguments):
    """Neither and both are refused, as in SDK v1."""
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(UserErrorException, match="expected exactly one"):
        run.log_image("i", **arguments)


def test_a_plot_must_be_able_to_save_itself(run):
    """Anything with `savefig` will do."""
    with pytest.raises(MetricError, match="matplotlib"):
        run.log_image("i", plot=object())

    class Drawn:
        def savefig(self, file):
            file.write(PNG)

    run.log_image("i", plot=Drawn())
    assert len(run.get_file_names()) == 1


def test_moments_of_the_past_keep_their_times_in_one_write(run, monkeypatch):
    """What came back late from a device stands where it was measured, and costs one write."""
    import os

    run.log("first", 1.0)
    began = time.time()
    writes, write = [], os.write
    monkeypatch.setattr("os.write", lambda fd, line: writes.append(line) or write(fd, line))
    run.log_moments([({"loss": 2.0, "lr": 0.1}, 1, began + 1), ({"loss": math.nan}, 2, began + 2)])
    run.log_moments([])
    monkeypatch.undo()

    assert len(writes) == 1
    first, second = run.metric_points("loss")
    assert (first.value, first.step, first.at) == (2.0, 1, began + 1)
    assert math.isnan(second.value)
    assert (second.step, second.at) == (2, began + 2)
    assert run.get_metrics("lr") == {"lr": 0.1}


def test_moments_in_columns_are_one_line(run, monkeypatch):
    """A thousand steps of a training are one event, and read back as a thousand points."""
    import os

    began = time.time() + 1
    values = [0.5, math.nan, math.inf, -math.inf, 3, *([1.0] * 995)]
    times = [began + number for number in range(1000)]
    writes, write = [], os.write
    run.log("first", 1.0)
    monkeypatch.setattr("os.write", lambda fd, line: writes.append(line) or write(fd, line))
    run.log_moments(
        [({"loss": values, "lr": [0.1] * 1000}, list(range(1000)), times), ({"loss": 2.0}, None, times[-1])]
    )
    monkeypatch.undo()

    (line,) = writes
    assert line.count(b"\n") == 2
    points = run.metric_points("loss")
    assert [point.step for point in points] == [*range(1000), None]
    assert [point.at for point in points] == [*times, times[-1]]
    assert math.isnan(points[1].value)
    assert [point.value for point in points[2:5]] == [math.inf, -math.inf, 3]
    assert run.get_metrics("lr") == {"lr": [0.1] * 1000}


@pytest.mark.parametrize(
    "moments",
    [
        ({"loss": [1.0, 2.0]}, [1, 2], [1e9]),
        ({"loss": [1.0], "lr": []}, [1], [1e9]),
        ({"loss": []}, [], []),
        ({"loss": [[1.0]]}, [1], [1e9]),
        ({"loss": [1.0]}, [-1], [1e9]),
    ],
)
def test_columns_that_do_not_fit_are_refused(run, moments):
    """All or nothing."""
    with pytest.raises(MetricError):
        run.log_moments([({"loss": 1.0}, 1, 1e9), moments])

    assert run.get_metrics() == {}


def test_a_moment_that_is_refused_takes_the_whole_call_with_it(run):
    """All or nothing, as every verb."""
    with pytest.raises(MetricError):
        run.log_moments([({"loss": 1.0}, 1, 1e9), ({"loss": [1.0]}, 2, 1e9)])

    assert run.get_metrics() == {}
