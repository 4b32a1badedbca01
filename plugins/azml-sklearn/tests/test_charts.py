"""Scores against parameters: what stands where on the page."""

import io

import pytest
from matplotlib.image import imread

from azml_sklearn.charts import Curve, Lines, against_each, as_png, score_against_parameter

NAN = float("nan")


def drawn(values, y, parameter="alpha", **rest):
    return score_against_parameter(parameter, values, {"r2_score": Curve(y)}, "fits of Ridge", **rest)


def line(axes, number=0):
    return [tuple(axes.lines[number].get_xdata()), tuple(axes.lines[number].get_ydata())]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.001, 0.1, 10.0], "log"),
        ([0.01, 0.1, 1.0], "log"),
        ([1, 2, 50], "linear"),
        ([0, 0.001, 10.0], "symlog"),
        ([-1, 1, 1000], "linear"),
        ([True, False, True], "linear"),
    ],
)
def test_the_axis_suits_the_values(values, scale):
    """Two decades of positive numbers are spread by their logarithm; a zero among them keeps its place."""
    (axes,) = drawn(values, [0.3, 0.2, 0.1]).axes
    assert axes.get_xscale() == scale


def test_points_stand_in_order_of_the_parameter():
    """A random search comes in any order; its line does not run back and forth."""
    (axes,) = drawn([3, 1, 2], [0.3, 0.1, 0.2]).axes
    assert line(axes) == [(1, 2, 3), (0.1, 0.2, 0.3)]
    assert axes.get_title() == "r2_score"
    assert axes.get_xlabel() == "alpha"


def test_words_are_labelled_and_not_joined():
    """Nothing lies between 'rbf' and 'poly'; numbers among words come first, in their order."""
    (axes,) = drawn([10, None, 2, "auto"], [0.1, 0.2, 0.3, 0.4], "max_depth").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "10", "None", "auto"]
    assert line(axes) == [(0, 1, 2, 3), (0.3, 0.1, 0.2, 0.4)]
    assert {one.get_linestyle() for one in axes.lines} == {"None"}


@pytest.mark.parametrize("gone", [NAN, None, float("inf")])
def test_a_fit_without_a_score_is_marked_and_counted(gone):
    """Silence about a candidate that failed would be a lie about the others."""
    figure = drawn([1, 2, 3], [0.1, gone, 0.3])
    (axes,) = figure.axes
    assert line(axes) == [(1, 3), (0.1, 0.3)]
    assert [tuple(one.get_xdata()) for one in axes.lines if one.get_marker() == "x"] == [(2,)]
    assert figure.get_suptitle() == "fits of Ridge\n× 1 of 3 without a score"


def test_folds_are_error_bars():
    """Mean and standard deviation of a search."""
    curves = {"mean_test_score": Curve([0.4, 0.6], [0.1, 0.2])}
    (axes,) = score_against_parameter("alpha", [1, 2], curves, "search").axes
    (bars,) = axes.collections
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [
        pytest.approx([0.3, 0.5]),
        pytest.approx([0.4, 0.8]),
    ]


def test_a_second_parameter_gives_the_lines():
    """One colour for each of its values, told below."""
    figure = drawn([1, 2, 1, 2], [0.1, 0.2, 0.3, 0.4], lines=Lines("degree", [2, 2, 1, 1]))
    (axes,) = figure.axes
    joined = [one for one in axes.lines if one.get_linestyle() == "-"]
    assert [(one.get_color(), tuple(one.get_ydata())) for one in joined] == [("C0", (0.3, 0.4)), ("C1", (0.1, 0.2))]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["degree = 1", "degree = 2"]


def test_fits_that_share_a_value_are_joined_by_their_mean():
    """Three seeds at each alpha are three points and one line."""
    (axes,) = drawn([1, 1, 2], [0.1, 0.3, 0.4]).axes
    assert line(axes, 0) == [(1, 1, 2), (0.1, 0.3, 0.4)]
    assert line(axes, 1) == [(1, 2), (0.2, 0.4)]


def test_the_same_score_on_other_data_shares_the_axes():
    """Test and training error side by side show the overfit."""
    curves = {
        "mse": Curve([3.0, 2.0], panel="mse"),
        "training_mse": Curve([1.0, 1.5], panel="mse"),
        "r2": Curve([0.1, 0.2]),
    }
    first, second = score_against_parameter("alpha", [1, 2], curves, "fits").axes
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["mse", "training_mse"]
    assert (first.get_title(), second.get_title(), second.get_legend()) == ("mse", "r2", None)


def test_scores_over_many_decades_are_spread():
    """A learning rate that explodes does not press the others to the floor."""
    (axes,) = drawn([1, 2, 3], [1.0, 2.0, 1e6]).axes
    assert axes.get_yscale() == "log"


def test_what_cannot_be_drawn_is_told():
    """No empty pages."""
    assert drawn([1, 2], [0.1, None]) == "there is no score in two fits"
    words = [f"word {number}" for number in range(41)]
    assert drawn(words, [0.1] * 41) == "41 values are more than 40 words that can be read along an axis"


def test_each_parameter_that_varies_has_its_picture():
    """Of two, the other one gives the lines; of three, the points are not joined, for they differ in more."""
    score = {"score": Curve([0.1, 0.2, 0.3, 0.4])}
    two = dict(against_each({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "same": [5, 5, 5, 5]}, score, "4 candidates"))
    assert list(two) == ["a", "b"]
    assert two["a"].get_suptitle() == "4 candidates against a"
    assert len(two["a"].legends[0].get_texts()) == 2
    three = dict(against_each({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "c": [1, 2, 3, 4]}, score, "4 candidates"))
    assert {one.get_linestyle() for one in three["a"].axes[0].lines} == {"None"}
    assert three["a"].legends == []


def test_true_and_one_are_two_values():
    """``warm_start=True`` beside ``1`` are equal to Python and not to a reader."""
    figures = dict(against_each({"a": [1, True]}, {"score": Curve([0.1, 0.2])}, "2 fits"))
    assert [label.get_text() for label in figures["a"].axes[0].get_xticklabels()] == ["1", "True"]


def test_names_are_no_mathematics():
    """A dollar in a name is a dollar on the page, and the page is a PNG of a moderate size."""
    picture = as_png(drawn(["$x$", "y$"], [0.1, 0.2], "$a_b$"))
    height, width, _ = imread(io.BytesIO(picture)).shape
    assert 300 < height < 600
    assert 400 < width < 700
