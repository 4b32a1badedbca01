"""What a model says, beside what is right: metrics, pictures and tables by one call, whatever framework it was."""

import io
import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from azml_integrations import log_classification, log_regression
from azml_integrations.errors import NameRefusedError, UserErrorException

RIGHT = [0, 0, 1, 1, 2, 2]
PROBABILITY = np.array(
    [[0.8, 0.1, 0.1], [0.3, 0.5, 0.2], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.1, 0.2, 0.7], [0.5, 0.1, 0.4]]
)
"""Four of six are right: row 1 is taken for class 1, row 5 for class 0."""
CLASSIFIED = {
    "test_accuracy_score": 4 / 6,
    "test_balanced_accuracy_score": 4 / 6,
    "test_precision_score": (1 / 2 + 2 / 3 + 1) / 3,
    "test_recall_score": 4 / 6,
    "test_f1_score": (1 / 2 + 4 / 5 + 2 / 3) / 3,
    "test_log_loss": -np.log([0.8, 0.3, 0.7, 0.6, 0.7, 0.4]).mean(),
    "test_roc_auc_score": (7 / 8 + 1 + 1) / 3,  # class 0: of 8 pairs only (row 1, row 5) stands the wrong way round
}


class Tensor:
    """What every framework's tensor can do, and no numpy function knows."""

    def __init__(self, values, dtype=None):
        self._values, self.shape = np.asarray(values, dtype), np.shape(values)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self._values

    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert a device tensor to numpy")


def notes(run):
    return [note.message for note in run._record().notes]


def test_a_classifier_is_told_by_one_call(run):
    """Metrics with scikit-learn's names and values, worked out by hand; what comes back stands in the run."""
    values = log_classification(run, RIGHT, PROBABILITY)
    assert values == pytest.approx(CLASSIFIED)
    logged = run.get_metrics()
    assert {name: logged[name] for name in values} == values
    assert notes(run) == []


def test_its_pictures_and_their_numbers(run):
    """Four images below the model's name, each a PNG, and a table of numbers beside each."""
    log_classification(run, RIGHT, PROBABILITY, name="Net", prefix="valid")
    kinds = ["calibration_curve", "confusion_matrix", "precision_recall_curve", "roc_curve"]
    assert run.get_file_names() == [f"outputs/Net/valid_{kind}.png" for kind in kinds]
    for name in run.get_file_names():
        assert imread(io.BytesIO(run._read(name))).shape[2] == 3
    logged = run.get_metrics()
    assert {name for name in logged if name.endswith("_table")} == {f"valid_{kind}_table" for kind in kinds}
    table = logged["valid_confusion_matrix_table"]
    assert list(zip(table["true"], table["predicted"], table["count"], strict=True)) == [
        ("0", "0", 1),
        ("0", "1", 1),
        ("1", "1", 2),
        ("2", "0", 1),
        ("2", "2", 1),
    ]
    assert set(logged["valid_roc_curve_table"]["class"]) == {"0", "1", "2"}


def test_classes_keep_the_order_of_the_columns(run):
    """Words are names of columns: the right answers may be words or places."""
    names = ["zebra", "ape", "cow"]
    first = log_classification(run, RIGHT, PROBABILITY, classes=names)
    second = log_classification(run, [names[place] for place in RIGHT], PROBABILITY, names, "again")
    assert list(first.values()) == list(second.values())
    assert first == pytest.approx(CLASSIFIED)
    table = run.get_metrics()["test_confusion_matrix_table"]
    assert table["true"] == ["zebra", "zebra", "ape", "cow", "cow"]


def test_numbers_as_classes_are_values_not_places(run):
    """Digits 7, 8 and 9: a 0 is none of them."""
    values = log_classification(run, np.array(RIGHT) + 7, PROBABILITY, classes=(7, 8, 9))
    assert values == pytest.approx(CLASSIFIED)
    with pytest.raises(UserErrorException, match=r"got 0, 1, 2 in y_true, which is none of the 3 classes 7, 8, 9"):
        log_classification(run, RIGHT, PROBABILITY, classes=(7, 8, 9))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_and_logarithms_are_probabilities_before_a_softmax(run, dtype):
    """What the last layer gives, shifted or not, and what log_softmax gives."""
    for number, shift in enumerate((0, 5, -300)):
        logits = (np.log(PROBABILITY) + shift).astype(dtype)
        values = log_classification(run, RIGHT, logits, prefix=f"t{number}")
        tolerance = {np.float16: 0.2, np.float32: 1e-4, np.float64: 1e-9}[
            dtype
        ]  # of 300: half precision has steps of 1/4
        assert list(values.values()) == pytest.approx(list(CLASSIFIED.values()), rel=tolerance)


def test_probabilities_of_half_precision_are_probabilities(run):
    """Their rows miss one by a thousandth, which makes no logits of them."""
    values = log_classification(run, RIGHT, PROBABILITY.astype(np.float16))
    assert values == pytest.approx(CLASSIFIED, rel=1e-3)


def test_two_classes_need_one_column(run):
    """Of shape (n,) or (n, 1) it is the second class, as probability or as logit; of shape (n, 2) there are both."""
    right, likely = np.array([False, False, True, True]), np.array([0.1, 0.6, 0.4, 0.9])
    expected = {"accuracy_score": 0.5, "roc_auc_score": 0.75, "log_loss": -np.log([0.9, 0.4, 0.4, 0.9]).mean()}
    logits = np.log(likely / (1 - likely))
    for place, given in enumerate(
        [likely, likely[:, None], np.column_stack([1 - likely, likely]), logits, np.column_stack([0 * logits, logits])]
    ):
        for kind, truth in {
            "bool": right,
            "int": right.astype(int),
            "float": right[:, None].astype(np.float32),
        }.items():
            values = log_classification(run, truth, given, prefix=f"{kind}{place}")
            assert {name: values[f"{kind}{place}_{name}"] for name in expected} == pytest.approx(expected)


def test_whoever_knows_better_says_what_the_scores_are(run):
    """Logits that happen to lie between 0 and 1 look like probabilities."""
    right, between = [0, 1, 1], [0.2, 0.3, 0.9]
    assert log_classification(run, right, between, scores="logits")["test_accuracy_score"] == pytest.approx(2 / 3)
    assert log_classification(run, right, between, prefix="p")["p_accuracy_score"] == pytest.approx(2 / 3)
    told = log_classification(run, right, between, prefix="l", scores="logits")
    assert told["l_log_loss"] == pytest.approx(np.mean(np.logaddexp(0, [0.2, -0.3, -0.9])))
    with pytest.raises(UserErrorException, match="expected rows of numbers from 0 to 1"):
        log_classification(run, right, [-1.0, 0.0, 1.0], scores="probabilities")
    with pytest.raises(UserErrorException, match="expected 'auto', 'probabilities' or 'logits'"):
        log_classification(run, right, between, scores="ranks")


def test_tensors_of_any_framework_are_read_back_once(run):
    """No framework is imported for it: what can be detached and moved to the CPU is a tensor."""
    values = log_classification(run, Tensor(RIGHT), Tensor(PROBABILITY, np.float32), sample_weight=Tensor(np.ones(6)))
    assert values == pytest.approx(CLASSIFIED)


def test_weights_count(run):
    """A row of weight zero is not there, and one of weight two is there twice."""
    weighted = log_classification(run, RIGHT, PROBABILITY, sample_weight=[2, 1, 1, 1, 1, 0])
    rows = [0, 0, 1, 2, 3, 4]
    repeated = log_classification(run, np.array(RIGHT)[rows], PROBABILITY[rows], prefix="r")
    assert list(weighted.values()) == pytest.approx(list(repeated.values()))


def test_a_class_without_rows_is_told(run):
    """An area needs both sides; what can be had is had."""
    values = log_classification(run, [0, 0, 1, 1], PROBABILITY[:4])
    assert "test_roc_auc_score" not in values
    assert values["test_accuracy_score"] == 0.75
    assert notes(run) == ["not recorded: test_roc_auc_score (not every class has a row)"]
    assert set(run.get_metrics()["test_roc_curve_table"]["class"]) == {"0", "1"}


def test_more_classes_than_can_be_read_are_told(run):
    """A hundred classes have their metrics; of curves and a matrix nobody could read the note says so."""
    right = np.arange(300) % 100
    values = log_classification(run, right, np.eye(100)[right] * 9)
    assert values["test_accuracy_score"] == 1
    assert values["test_roc_auc_score"] == 1
    (note,) = notes(run)
    assert "100 classes are more than 20 curves can show" in note
    assert "100 classes are too many to read" in note


@pytest.mark.parametrize(
    ("right", "scores", "more", "message"),
    [
        (RIGHT, PROBABILITY[:5], {}, r"y_true of shape \(6,\) and y_score of shape \(5, 3\); expected as many rows"),
        ([], np.empty((0, 3)), {}, "no rows"),
        (np.eye(3)[RIGHT], PROBABILITY, {}, r"y_true.argmax\(1\) makes classes of one-hot rows"),
        (np.zeros((6, 4), int), np.zeros((6, 3, 4)), {}, r"of what stands for each pixel or token, make rows"),
        (RIGHT, PROBABILITY[:, 0], {}, r"got 2 in y_true, which is none of the 2 classes 0, 1"),
        (RIGHT, PROBABILITY, {"classes": "ab"}, "2 classes, 2 of them different, and y_score of 3 columns"),
        (RIGHT, PROBABILITY, {"classes": ["a", "b", "b"]}, "3 classes, 2 of them different"),
        (["a"] * 6, PROBABILITY, {}, r"'a' in y_true, which is none of the 3 classes 0, 1, 2"),
        (RIGHT, PROBABILITY + [np.nan, 0, 0], {}, "NaN or an infinity in 6 of 6 rows, the first in row 0"),  # noqa: RUF005 - arrays
        (RIGHT, PROBABILITY.astype(str), {}, "y_score of <U32; expected numbers"),
        (RIGHT, PROBABILITY, {"sample_weight": [1, 2]}, r"sample_weight of shape \(2,\) for 6 rows"),
        (RIGHT, PROBABILITY, {"sample_weight": [-1] * 6}, "expected one number >= 0 for each"),
        (1, 0.5, {}, r"y_true of shape \(\) and y_score of shape \(\)"),
    ],
    ids=itertools.count(),
)
def test_what_does_not_fit_is_one_clear_error(run, right, scores, more, message):
    """What came, what was wanted, the way out; and nothing is logged of it."""
    with pytest.raises(UserErrorException, match=message):
        log_classification(run, right, scores, **more)
    assert run.get_metrics() == {}


@pytest.mark.parametrize("bad", ["", "a/b", "..", None, "ü b"])
def test_names_become_no_paths(run, bad):
    """The prefix begins file names, the model's name is a folder."""
    with pytest.raises(NameRefusedError):
        log_classification(run, RIGHT, PROBABILITY, prefix=bad)
    with pytest.raises(NameRefusedError):
        log_regression(run, [1.0], [1.0], name=bad)


def test_the_run_comes_first():
    """An array in its place is told, not stumbled over."""
    with pytest.raises(UserErrorException, match="expected a Run first"):
        log_classification(RIGHT, PROBABILITY, None)


def test_a_regressor_is_told_by_one_call(run):
    """Metrics worked out by hand, a picture and its table; a column is as good as a flat array."""
    right, said = [1.0, 2.0, 3.0, 6.0], [1.0, 2.5, 2.0, 6.5]
    expected = {"mean_squared_error": 0.375, "root_mean_squared_error": 0.375**0.5, "mean_absolute_error": 0.5}
    expected["r2_score"] = 1 - 1.5 / 14
    for prefix, y_pred in {"flat": said, "column": np.array(said)[:, None], "tensor": Tensor(said, np.float32)}.items():
        values = log_regression(run, right, y_pred, prefix)
        assert values == pytest.approx({f"{prefix}_{name}": value for name, value in expected.items()})
    assert run.get_metrics()["flat_residuals_table"] == {
        "row": [0, 1, 2, 3],
        "true": right,
        "predicted": said,
        "residual": [0.0, -0.5, 1.0, -0.5],
    }
    assert run.get_file_names() == [f"outputs/model/{prefix}_residuals.png" for prefix in ("column", "flat", "tensor")]


def test_several_targets_are_told_one_by_one(run):
    """The mean over them is a metric, each of them a row of a table."""
    right = np.array([[1.0, 10.0], [2.0, 20.0]])
    values = log_regression(run, right, right + [0.0, 2.0])  # noqa: RUF005 - arrays
    assert values["test_mean_squared_error"] == 2.0
    assert run.get_metrics()["test_metrics_by_output"]["mean_squared_error"] == [0.0, 4.0]


def test_what_does_not_fit_a_regressor(run):
    """Shapes that would broadcast to a square are refused, which is the classic mistake."""
    with pytest.raises(UserErrorException, match=r"y_true of shape \(2, 2\) and y_pred of shape \(2,\)"):
        log_regression(run, [[1, 2], [3, 4]], [1, 2])
    with pytest.raises(UserErrorException, match="y_pred with NaN or an infinity in 1 of 2 rows, the first in row 1"):
        log_regression(run, [1, 2], [1, float("inf")])


def test_one_row_has_no_variance(run):
    """The error is told, and the share of variance is not."""
    values = log_regression(run, [1.0], [2.0])
    assert values["test_mean_absolute_error"] == 1
    assert notes(run) == ["not recorded: test_r2_score (one row has no variance)"]


def test_without_matplotlib_there_are_numbers(run, monkeypatch):
    """A training machine may lack it; the tables can be drawn elsewhere."""
    monkeypatch.setattr("azml_integrations.pictures.album.find_spec", lambda _: None)
    assert log_classification(run, RIGHT, PROBABILITY) == pytest.approx(CLASSIFIED)
    assert run.get_file_names() == []
    assert "test_roc_curve_table" in run.get_metrics()
    (note,) = notes(run)
    assert note.endswith("(matplotlib is not installed)")


def test_drawing_is_imported_when_something_is_drawn():
    """An adapter that imports this room at its top costs nobody a plotting library."""
    program = "import sys, azml_integrations.pictures; print({'numpy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
