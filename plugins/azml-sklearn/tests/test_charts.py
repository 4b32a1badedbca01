"""Scores against parameters: what stands where on the page, and what of it can be seen."""

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from azml_integrations.pictures import letters, png
from azml_integrations.pictures.page import COLORS, SMALL, Dots, ErrorBars, Line
from azml_sklearn.charts import GONE, Curve, Lines, against_each, score_against_parameter

NAN = float("nan")


def drawn(values, y, parameter="alpha", **rest):
    return score_against_parameter(parameter, values, {"r2_score": Curve(y)}, "fits of Ridge", **rest)


def panels(page):
    return [panel for row in page.rows for panel in row]


def marks(panel, kind):
    """Return the marks of a kind that have points: not those that stand in the legend alone."""
    return [mark for mark in panel.marks if isinstance(mark, kind) and len(mark.x)]


def dots(panel):
    return [mark for mark in marks(panel, Dots) if mark.shape != "cross"]


def points(mark):
    return list(zip(mark.x.tolist(), mark.y.tolist(), strict=True))


def legend(page):
    """Return what is told in the legend, in its order, with the marks that stand beside each."""
    found = {}
    for panel in panels(page):
        for mark in panel.marks:
            if isinstance(mark, Line | Dots) and mark.label:
                found.setdefault(mark.label, []).append(mark)
    return found


@pytest.mark.parametrize(
    ("values", "log_from", "names"),
    [
        ([0.001, 0.1, 10.0], 0, ["0.001", "0.01", "0.1", "1", "10"]),
        ([0.01, 0.1, 1.0], 0, ["0.01", "0.1", "1"]),
        ([0, 0.001, 10.0], 0.001, ["0", "0.001", "0.01", "0.1", "1", "10"]),
        ([1, 2, 50], np.inf, ["10", "20", "30", "40", "50"]),
        ([-1, 1, 1000], np.inf, ["0", "200", "400", "600", "800", "1,000"]),
        ([True, False, True], np.inf, ["True", "False"]),
    ],
)
def test_the_axis_suits_the_values(values, log_from, names):
    """Two decades of positive numbers are spread by their logarithm; a zero among them keeps its place."""
    (panel,) = panels(drawn(values, [0.3, 0.2, 0.1]))
    assert panel.across.log_from == log_from
    assert list(panel.across.names) == names


def test_numbers_of_trees_have_no_halves():
    """Nobody has searched a depth of 2.5."""
    (panel,) = panels(drawn([2, 3, 4], [0.3, 0.2, 0.1], "max_depth"))
    assert list(panel.across.names) == ["2", "3", "4"]
    (panel,) = panels(drawn([2.0, 2.5, 4.0], [0.3, 0.2, 0.1]))
    assert "2.5" in panel.across.names


def test_a_number_that_is_no_float_is_a_word():
    """An axis cannot hold the number; the chart need not fail for it."""
    (panel,) = panels(drawn([1, 10**400, np.inf], [0.3, 0.2, 0.1]))
    assert [name[:3] for name in panel.across.names] == ["1", "100", "inf"]


def test_points_stand_in_order_of_the_parameter():
    """A random search comes in any order; its line does not run back and forth."""
    (panel,) = panels(drawn([3, 1, 2], [0.3, 0.1, 0.2]))
    (line,) = marks(panel, Line)
    assert points(line) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert points(*dots(panel)) == points(line)
    assert (panel.across.label, panel.up.label) == ("alpha", "r2_score")


def test_words_are_labelled_and_not_joined():
    """Nothing lies between 'rbf' and 'poly'; numbers among words come first, in their order."""
    (panel,) = panels(drawn([10, None, 2, "auto"], [0.1, 0.2, 0.3, 0.4], "max_depth"))
    assert list(panel.across.ticks) == [0, 1, 2, 3]
    assert list(panel.across.names) == ["2", "10", "None", "auto"]
    assert points(*dots(panel)) == [(0, 0.3), (1, 0.1), (2, 0.2), (3, 0.4)]
    assert marks(panel, Line) == []


@pytest.mark.parametrize("gone", [NAN, None, float("inf")])
def test_a_fit_without_a_score_is_marked_and_counted(gone):
    """Silence about a candidate that failed would be a lie about the others."""
    page = drawn([1, 2, 3], [0.1, gone, 0.3])
    (panel,) = panels(page)
    (seen,) = dots(panel)
    assert points(seen) == points(*marks(panel, Line)) == [(1, 0.1), (3, 0.3)]
    (cross,) = [mark for mark in marks(panel, Dots) if mark.shape == "cross"]
    assert (cross.x.tolist(), cross.color) == ([2], GONE)
    assert panel.up.share(cross.y[0]) == pytest.approx(0.03)
    assert panel.up.share(0.1) > 0.08  # no score is as low, so none seems to be this fit's
    assert (page.title, page.remark) == ("fits of Ridge", "× 1 of 3 without a score")
    assert drawn([1, 2], [0.1, 0.2]).remark == ""


def test_a_cross_is_at_the_foot_of_a_logarithmic_panel_too():
    """Halfway in losses of 1 to a million is not halfway up."""
    (panel,) = panels(drawn([1, 2, 3], [1.0, NAN, 1e6]))
    (cross,) = [mark for mark in marks(panel, Dots) if mark.shape == "cross"]
    assert panel.up.share(cross.y[0]) == pytest.approx(0.03)
    assert panel.up.share(1.0) > 0.08


def test_many_points_are_paler():
    """Of five hundred candidates, those below others are seen through them."""
    few, many = (
        panels(score_against_parameter("alpha", range(n), {"r2": Curve([0.1] * n, [0.1] * n)}, "fits"))[0]
        for n in (60, 61)
    )
    for kind in (Dots, ErrorBars):
        (pale,), (solid,) = marks(many, kind), marks(few, kind)
        assert pale.opacity < solid.opacity


def test_folds_are_error_bars():
    """Mean and standard deviation of a search; the axis holds their ends, and NaN has no length."""
    curves = {"mean_test_score": Curve([0.4, 0.6, 0.5], [0.1, 0.2, NAN])}
    (panel,) = panels(score_against_parameter("alpha", [1, 3, 2], curves, "search"))
    (bars,) = marks(panel, ErrorBars)
    assert bars.x.tolist() == [1, 2, 3]
    assert bars.low.tolist() == pytest.approx([0.3, 0.5, 0.4])
    assert bars.high.tolist() == pytest.approx([0.5, 0.5, 0.8])
    assert panel.up.low < 0.3
    assert panel.up.high > 0.8


def test_a_second_parameter_gives_the_lines():
    """One colour for each of its values, told beside; a value whose fits failed is told too."""
    page = drawn([1, 2, 1, 2, 1], [0.1, 0.2, 0.3, 0.4, NAN], lines=Lines("degree", [2, 2, 1, 1, 3]))
    (panel,) = panels(page)
    assert [(line.color, line.y.tolist()) for line in marks(panel, Line)] == [
        (COLORS[0], [0.3, 0.4]),
        (COLORS[1], [0.1, 0.2]),
    ]
    assert [mark.color for mark in dots(panel)] == [COLORS[0], COLORS[1]]
    assert {label: [mark.color for mark in beside] for label, beside in legend(page).items()} == {
        f"degree = {number}": [COLORS[number - 1]] for number in (1, 2, 3)
    }


def test_long_names_in_the_legend_keep_what_tells_them_apart():
    """A parameter of a step within a step would push the panel off the page, and its value out of sight."""
    name = "columntransformer__numeric__pipeline__simpleimputer__strategy"
    values = [f"the very same beginning, {number}, and the very same end" for number in (1, 2)]
    told = list(legend(drawn([1, 2], [0.1, 0.2], lines=Lines(name, values))))
    assert len(set(told)) == 2
    assert max(letters.width(label, SMALL) for label in told) < 450


def test_names_of_scores_in_the_legend_are_whole():
    """``mean_test_neg_...`` and ``mean_train_neg_...`` of the same error are as long as scikit-learn's names get."""
    names = [f"mean_{rows}_neg_root_mean_squared_error" for rows in ("test", "train")]
    curves = {name: Curve([3.0, 2.0], panel="error") for name in names}
    assert list(legend(score_against_parameter("alpha", [1, 2], curves, "search"))) == names


def test_fits_that_share_a_value_are_joined_by_their_mean():
    """Three seeds at each alpha are three points and one line."""
    (panel,) = panels(drawn([1, 1, 2], [0.1, 0.3, 0.4]))
    assert points(*dots(panel)) == [(1, 0.1), (1, 0.3), (2, 0.4)]
    assert points(*marks(panel, Line)) == [(1, 0.2), (2, 0.4)]


def test_the_same_score_on_other_data_shares_the_axes():
    """Test and training error side by side show the overfit; how each is drawn is told."""
    curves = {
        "mse": Curve([3.0, 2.0], panel="mse"),
        "training_mse": Curve([1.0, 1.5], panel="mse"),
        "r2": Curve([0.1, 0.2]),
    }
    page = score_against_parameter("alpha", [1, 2], curves, "fits")
    first, second = panels(page)
    assert (first.up.label, second.up.label) == ("mse", "r2")
    assert [mark.y.tolist() for mark in dots(first)] == [[3.0, 2.0], [1.0, 1.5]]
    assert [line.dashed for line in marks(first, Line)] == [False, True]
    line_and_dots = {label: [*beside] for label, beside in legend(page).items()}
    assert list(line_and_dots) == ["mse", "training_mse"]
    for (line, dot), seen_line, seen_dot in zip(line_and_dots.values(), marks(first, Line), dots(first), strict=True):
        assert (line.dashed, line.color) == (seen_line.dashed, seen_line.color)
        assert (dot.shape, dot.color) == (seen_dot.shape, seen_dot.color)
    assert legend(score_against_parameter("alpha", [1, 2], {"r2": curves["r2"]}, "fits")) == {}


def test_the_legend_of_points_that_are_not_joined_has_no_lines():
    """Between words there is none on the panel either."""
    curves = {name: Curve([3.0, 2.0], panel="mse") for name in ("mse", "training_mse")}
    told = legend(score_against_parameter("kernel", ["rbf", "poly"], curves, "fits"))
    assert [[type(mark) for mark in beside] for beside in told.values()] == [[Dots], [Dots]]
    seconds = legend(drawn(["rbf", "poly"], [0.1, 0.2], lines=Lines("C", [1, 2])))
    assert [[type(mark) for mark in beside] for beside in seconds.values()] == [[Dots], [Dots]]
    assert len({mark.shape for beside in told.values() for mark in beside}) == 2


def test_up_to_four_panels_stand_in_two_columns():
    """A score more than that is in the table."""
    curves = {f"score_{number}": Curve([0.1, 0.2]) for number in range(5)}
    assert [[panel.up.label for panel in row] for row in drawn_of(curves).rows] == [
        ["score_0", "score_1"],
        ["score_2", "score_3"],
    ]
    del curves["score_3"], curves["score_4"]
    page = drawn_of(curves)
    assert [len(row) for row in page.rows] == [2, 1]
    assert len(png(page)) > 1000


def drawn_of(curves):
    return score_against_parameter("alpha", [1, 2], curves, "fits")


def test_scores_over_many_decades_are_spread():
    """A learning rate that explodes does not press the others to the floor, nor does an error bar to below zero."""
    curves = {"loss": Curve([1.0, 2.0, 1e6], [2.0, 1.0, 1e5])}
    (panel,) = panels(score_against_parameter("lr", [1, 2, 3], curves, "fits"))
    assert panel.up.log_from == 0
    assert list(panel.up.names) == ["1", "10", "100", "1,000", "10,000", "100,000", "1e+06"]
    assert panel.up.low > 0.5


def test_what_cannot_be_drawn_is_told():
    """No empty pages."""
    assert drawn([1, 2], [0.1, None]) == "there is no score in two fits"
    words = [f"word {number}" for number in range(41)]
    assert drawn(words, [0.1] * 41) == "41 values are more than 40 words that can be read along an axis"


def test_all_of_forty_words_are_read():
    """They stand upright, each under its point, and the panel is as wide as they need."""
    words = [f"a word of some length {number}" for number in range(40)]
    (panel,) = panels(drawn(words, [0.1] * 40))
    assert len(set(panel.across.names)) == 40
    assert panel.across.upright
    assert panel.width >= 40 * SMALL


def test_each_parameter_that_varies_has_its_picture():
    """Of two, the other one gives the lines; of three, the points are not joined, for they differ in more."""
    score = {"score": Curve([0.1, 0.2, 0.3, 0.4])}
    two = dict(against_each({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "same": [5, 5, 5, 5]}, score, "4 candidates"))
    assert list(two) == ["a", "b"]
    assert two["a"].title == "4 candidates against a"
    assert list(legend(two["a"])) == ["b = 1", "b = 2"]
    three = dict(against_each({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "c": [1, 2, 3, 4]}, score, "4 candidates"))
    assert marks(*panels(three["a"]), Line) == []
    assert legend(three["a"]) == {}


def test_true_and_one_are_two_values():
    """``warm_start=True`` beside ``1`` are equal to Python and not to a reader."""
    pages = dict(against_each({"a": [1, True]}, {"score": Curve([0.1, 0.2])}, "2 fits"))
    assert list(panels(pages["a"])[0].across.names) == ["1", "True"]


def test_names_are_no_mathematics():
    """A dollar in a name is a dollar on the page, and the page is a PNG of a moderate size."""
    page = drawn(["$x$", "y$"], [0.1, 0.2], "$a_b$")
    assert list(panels(page)[0].across.names) == ["$x$", "y$"]
    height, width, _ = pixels(page).shape
    assert 300 < height < 600
    assert 400 < width < 700


def pixels(page):
    return imread(io.BytesIO(png(page)))[..., :3]


def rows_of(picture, color):
    """Return how far up, from 0 to 1, the pixels of a colour are."""
    rows = np.flatnonzero((np.abs(picture - to_rgb(color)).max(axis=2) < 0.05).any(axis=1))
    return 1 - rows / len(picture)


def test_what_is_told_can_be_seen():
    """Points, crosses and lines of a page are pixels of their colours, high where the score is high."""
    values, lines = [0.01, 1.0, 100.0] * 2, Lines("degree", [1, 1, 1, 2, 2, 2])
    picture = pixels(drawn(values, [0.8, 0.85, 0.9, 0.1, NAN, 0.2], lines=lines))
    panel = picture[:, :440]  # without the legend
    high, low, foot = rows_of(panel, COLORS[0]), rows_of(panel, COLORS[1]), rows_of(panel, GONE)
    assert high.min() > 0.7
    assert low.max() < 0.4
    assert 0 < foot.min() < foot.max() <= low.min() + 0.03


def test_a_dashed_line_and_hollow_dots_tell_the_training_score():
    """Two curves of one colour are two to the eye."""
    curves = {name: Curve([y] * 5, panel="mse") for name, y in {"mse": 1.0, "training_mse": 2.0}.items()}
    picture = pixels(score_against_parameter("alpha", [1, 2, 3, 4, 5], curves, "fits"))[:, 60:480]
    colored = np.abs(picture - to_rgb(COLORS[0])).max(axis=2) < 0.3
    training, plain = np.array_split(colored.sum(axis=1), 2)  # the greater one lies above
    assert 0.3 * plain.max() < training.max() < 0.9 * plain.max()


def test_a_chart_needs_no_axes_of_matplotlib():
    """They are what takes a tenth of a second; the painter needs the renderer and a font."""
    program = """
import sys
from azml_integrations.pictures import png
from azml_sklearn.charts import Curve, score_against_parameter
png(score_against_parameter("alpha", [1, 2], {"r2": Curve([0.1, 0.2])}, "fits"))
print(*(name for name in ("matplotlib.axes", "matplotlib.figure", "matplotlib.pyplot") if name in sys.modules))
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout.split() == []
