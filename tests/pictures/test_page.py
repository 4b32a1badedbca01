"""The nouns of a picture and the letters on it: what stands where, and whether it can be read."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from azml_integrations.pictures import distinct, letters, page, png


@pytest.mark.parametrize(
    "labels",
    [
        [f"the very same beginning, {number}, and the very same end" for number in range(15)],
        [f"{number:02} of the same kind, and the very same end" for number in range(15)],
        [f"x{'y' * 50}{number}{'y' * 50}" for number in range(15)],
        ["  a\n b", "$x$", "long" * 9],
    ],
    ids=["middle", "beginning", "deep in the middle", "odd"],
)
def test_class_labels_in_a_picture_are_short_and_differ(labels):
    """Shortened to the same text, fifteen plants were one."""
    shown = distinct(labels)
    assert len(set(shown)) == len(labels)
    assert max(map(len, shown)) <= 40


def test_labels_of_many_classes_do_not_overlap():
    """Sixty labels beside a matrix of ten centimetres: every third one is read, upwards, and in the room it has."""
    names = [f"class of the long name {number}" for number in range(60)]
    for across in (True, False):
        axis = page.places("", names, page.SIDE, across=across)
        step = page.SIDE / 60 * np.diff(axis.ticks).min()
        assert step >= page.SMALL * page.LINE
        assert axis.upright == across
    assert not page.places("", ["a", "b"], page.SIDE).upright


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3000, -100, ["-3,000", "-2,000", "-1,000"]),
        (-1e-5, 1e-5, ["-1e-05", "-5e-06", "0", "5e-06", "1e-05"]),
        (5, 5, ["3", "4", "5", "6", "7"]),
        (1e6, 1e6 + 0.5, ["1,000,000.0", "1,000,000.2", "1,000,000.4"]),
        (0, np.nan, ["-0.4", "-0.2", "0", "0.2", "0.4"]),
    ],
)
def test_ticks_are_round_and_have_room(low, high, names):
    """A tick says exactly where it stands; where the names are long there are fewer of them."""
    axis = page.scale("", np.array([low, high], dtype=float), room=300)
    assert list(axis.names) == names
    widths = [letters.width(name, page.SMALL) for name in names]
    places = (np.array(axis.ticks) - axis.low) / (axis.high - axis.low) * 300
    for (left, right), (one, other) in zip(itertools.pairwise(places), itertools.pairwise(widths), strict=True):
        assert left + one / 2 < right - other / 2


@pytest.mark.parametrize(
    ("values", "log_from", "names"),
    [
        ([0.001, 100], 0, ["0.001", "0.01", "0.1", "1", "10", "100"]),
        ([0.02, 3], 0, ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]),
        ([3, 3.1], 0, ["3.00", "3.05", "3.10"]),
        ([1e-30, 1e30], 0, ["1e-30", "1e-20", "1e-10", "1", "1e+10", "1e+20", "1e+30"]),
        ([5, 5], 0, ["2", "5", "10"]),
        ([-1, 0, np.nan, 1, 1000], 0, ["1", "10", "100", "1,000"]),
        ([0, 0.01, 1], 0.01, ["0", "0.01", "0.1", "1"]),
        ([-100, 10], 1, ["-100", "-10", "-1", "0", "1", "10"]),
        ([1e300, 1e-300], 0, ["1e-300", "1e-200", "1e-100", "1", "1e+100", "1e+200", "1e+300"]),
        ([np.nan], 0, ["1", "2", "5", "10"]),
    ],
)
def test_a_logarithmic_axis_has_ticks_at_powers_of_ten(values, log_from, names):
    """Few of them have others between; what has no logarithm has no place; there are never more than can be read."""
    axis = page.log_scale("", np.array(values, dtype=float), log_from=log_from)
    assert list(axis.names) == names
    shares = axis.share(np.array(axis.ticks))
    assert np.all(np.diff(shares) > 0)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_ticks_of_a_logarithmic_axis_have_room():
    """Eight decades on two hundred pixels: every second one."""
    axis = page.log_scale("", np.array([1e-4, 1e4]), room=200)
    assert list(axis.names) == ["0.001", "1", "1,000"]


@pytest.mark.parametrize(
    ("axis", "values", "shares"),
    [
        (page.Axis("", 0, 10, (), ()), [0, 5, 10], [0, 0.5, 1]),
        (page.Axis("", 10, 0, (), ()), [0, 2, 10], [1, 0.8, 0]),
        (page.Axis("", 0.01, 100, (), (), log_from=0), [0.01, 1, 10], [0, 0.5, 0.75]),
        (page.Axis("", -10, 10, (), (), log_from=1), [-10, -1, 0, 0.5, 1, 10], [0, 0.25, 0.5, 0.625, 0.75, 1]),
    ],
    ids=["linear", "backwards", "log", "symlog"],
)
def test_an_axis_knows_where_values_lie(axis, values, shares):
    """A tick, a point and an end of a bar of one value are at one place, and back."""
    assert axis.share(np.array(values)) == pytest.approx(shares)
    assert [axis.at(share) for share in shares] == pytest.approx(values)


def test_what_has_no_logarithm_lies_below_the_axis():
    """An error bar that reaches below zero goes down to the frame."""
    axis = page.log_scale("", np.array([1.0, 100.0]))
    assert axis.share(np.array([0.0, -5.0])).max() < -1


def test_whole_numbers_have_no_ticks_between():
    """Of depths 1, 2 and 3 there is no 1.5; of wider ranges no 2.5."""
    for values in ([1, 3], [1, 2], [0, 12], [0, 10_000], [5, 5]):
        ticks = page.scale("", np.array(values, dtype=float), whole=True).ticks
        assert len(ticks) >= 2
        assert page.scale("", np.array(values, dtype=float), about=50, whole=True).ticks[1] % 1 == 0
        assert all(float(tick).is_integer() for tick in ticks)


def test_words_are_as_wide_as_matplotlib_says():
    """Letters are shaped once and put side by side: that must be what matplotlib makes of the word."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    word = "Handlungsreisende 1,797 (AUC = 0.997)"
    whole = TextPath((0, 0), word, size=100, prop=FontProperties(family="DejaVu Sans"))
    vertices, codes, width = letters.outline(word, 100)
    assert len(codes) == len(whole.codes)
    assert width == pytest.approx(whole.vertices[:, 0].max(), rel=0.02)
    assert np.abs(vertices[:-1] - whole.vertices[:-1]).max() < 5  # kerning moves letters by less [% of their size]


def test_dollars_are_dollars_and_unknown_letters_are_told_apart():
    """No mathematics in a class label, no warning about a glyph, and two words of another script stay two."""
    assert letters.width("$x$", 10) == pytest.approx(2 * letters.width("$", 10) + letters.width("x", 10))
    assert letters.readable("ü€ \ue001\ue002") == "ü€ \\ue001\\ue002"  # of no script: private to nobody's font


RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


def drawn(*marks, **rest):
    """Return pixels of a page with one panel of 100 by 100, and those alone that the panel's inside has."""
    return pixels(page.Page("title", [[panel(*marks)]], **rest))


def panel(*marks, log_from=np.inf):
    axis = page.Axis("", 0.1, 10, (), (), log_from=log_from)
    return page.Panel(axis, axis, marks, 100, 100)


def pixels(of):
    return imread(io.BytesIO(png(of)))[..., :3]


def spots(picture, color):
    """Return how far up and how far right pixels of a colour begin and end [px]."""
    rows, columns = np.nonzero(np.abs(picture - to_rgb(color)).max(axis=2) < 0.35)
    return len(picture) - 1 - rows, columns


def test_a_logarithmic_panel_is_drawn_by_logarithms():
    """The middle between 0.1 and 10 is 1."""
    one = np.array([1.0])
    for log_from, share in (0, 0.5), (np.inf, 0.9 / 9.9):
        dot = page.Dots(one, one, RED, opacity=1.0)
        frame = page.Dots(np.array([0.1, 10]), np.array([0.1, 10]), BLUE, opacity=1.0)
        picture = pixels(page.Page("", [[panel(dot, frame, log_from=log_from)]]))
        (up, right), (ups, rights) = spots(picture, RED), spots(picture, BLUE)
        assert right.mean() == pytest.approx(rights.min() + share * (rights.max() - rights.min()), abs=1)
        assert up.mean() == pytest.approx(ups.min() + share * (ups.max() - ups.min()), abs=1)


def test_error_bars_reach_from_low_to_high_and_have_caps():
    """Each at its place, clipped at the frame."""
    bars = page.ErrorBars(np.array([2.0, 7.0]), np.array([2.0, -50.0]), np.array([6.0, 8.0]), RED)
    picture = drawn(bars)
    rows, right = np.nonzero(picture[..., 0] - picture[..., 1] > 0.3)
    up = len(picture) - rows
    assert np.ptp(right) == pytest.approx(50 / 9.9 * 10 + 6, abs=2)
    assert up.max() - up.min() == pytest.approx(7.9 / 9.9 * 100, abs=2)


def test_shapes_can_be_told_apart():
    """A ring has a hole, a cross has none, and none of them is another one's twin."""
    five = np.array([5.0])
    seen = [
        drawn(page.Dots(five, five, RED, shape=shape, radius=5, opacity=1.0))
        for shape in ("dot", "ring", "diamond", "triangle", "cross")
    ]
    for one, other in itertools.combinations(seen, 2):
        assert np.count_nonzero(one != other) > 30


def test_the_legend_tells_marks_of_one_label_once_and_those_without_points():
    """A line and the dots on it are one entry: one row of letters."""
    nowhere, five = np.empty(0), np.array([5.0, 6.0])
    line, dots = page.Line(five, five, RED, label="one"), page.Dots(five, five, BLUE, "one", opacity=1.0)
    other = page.Line(nowhere, nowhere, GREEN, label="other")
    up, right = spots(drawn(line, dots, other), GREEN)
    assert len(np.unique(up)) <= 3
    assert np.ptp(right) > 15
    named = drawn(line, dots, other)[len(drawn()) - up.max() - 6 :][:12, right.max() + 4 :]
    assert np.count_nonzero((named < 0.5).all(axis=2)) > 20  # the letters of "other"
    same = [spots(drawn(line, dots), color)[0] for color in (RED, BLUE)]
    beside = [spots(drawn(line, dots), color)[1] for color in (RED, BLUE)]
    levels = [level[places > 150].mean() for level, places in zip(same, beside, strict=True)]
    assert levels[0] == pytest.approx(levels[1], abs=1)


def test_the_last_row_may_be_shorter():
    """Three panels in two columns; the third stands below the first."""
    five = np.array([5.0])
    of_color = [panel(page.Dots(five, five, color, opacity=1.0)) for color in (RED, GREEN, BLUE)]
    picture = pixels(page.Page("", [of_color[:2], of_color[2:]]))
    (up, right), (beside_up, beside_right), (below_up, below_right) = (
        [each.mean() for each in spots(picture, color)] for color in (RED, GREEN, BLUE)
    )
    assert (beside_up, below_right) == pytest.approx((up, right), abs=1)
    assert beside_right > right + 100
    assert below_up < up - 100


def test_a_remark_stands_between_title_and_panel():
    """It makes the page higher by a line of small letters, and is wrapped as a title is."""
    height, width, _ = drawn().shape
    assert drawn(remark="short").shape == (pytest.approx(height + page.SMALL * page.LINE, abs=1), width, 3)
    long = drawn(remark="a longer remark than fits " * 3).shape
    assert long[0] > height + 3 * page.SMALL
    assert long[1] == width


def test_grid_lines_go_through_ticks_of_both_axes():
    """Faint ones, where an axis asks for them."""
    plain, grid = (page.Axis("", 0, 1, (0.5,), ("",), grid=wanted) for wanted in (False, True))
    counts = {
        (across, up): np.count_nonzero(
            (pixels(page.Page("", [[page.Panel(across, up, (), 100, 100)]])) - 0xE5 / 255 < 0.01).all(axis=2)
        )
        for across, up in itertools.product((plain, grid), repeat=2)
    }
    assert counts[grid, plain] > counts[plain, plain] + 90
    assert counts[plain, grid] > counts[plain, plain] + 90
    assert counts[grid, grid] > counts[plain, plain] + 180


def test_labels_of_axes_stay_within_their_panel():
    """The name of a parameter of a step within a step loses its middle, not its ends."""
    label = "columntransformer__numeric__pipeline__simpleimputer__strategy"
    axis = page.Axis(label, 0, 1, (), ())
    picture = pixels(page.Page("", [[page.Panel(axis, axis, (), 150, 150)]]))
    inked = (picture < 0.5).any(axis=2)
    assert not inked[:6].any()
    assert not inked[:, :6].any()
    assert not inked[-6:].any()
    assert not inked[:, -6:].any()
