"""Charts: fewer points without losing an extreme, and SVG that says what it shows."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations.report import Bars, Chart, Curve, svg, thinned


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=90))
def test_thinning_keeps_the_extremes_and_the_ends(values):
    """The eye finds the same peaks; no more points than asked for."""
    points = thinned(range(len(values)), values, 12)
    ys = [y for _, y in points]
    assert len(points) <= 12
    assert (min(ys), max(ys)) == (min(values), max(values))
    assert points[0] == (0.0, values[0])
    assert points[-1] == (len(values) - 1.0, values[-1])
    assert [x for x, _ in points] == sorted({x for x, _ in points})


def test_a_gap_survives_thinning():
    """A NaN among a thousand numbers is a finding; it does not swallow its neighbours."""
    values = [1.0] * 1000
    values[500], values[501], values[502] = math.nan, 7.0, math.inf
    points = thinned(range(1000), values, 50)
    assert any(not math.isfinite(y) for _, y in points)
    assert 7.0 in [y for _, y in points]


def test_words_among_numbers_are_gaps():
    """A metric may hold both; only numbers are drawn."""
    points = thinned(range(4), [1, "diverged", None, 2**2000], 10)
    assert points[0] == (0.0, 1.0)
    assert [math.isnan(y) for _, y in points] == [False, True, True, False]
    assert points[3][1] == math.inf


def test_a_line_breaks_where_there_is_no_number():
    """Two strokes, and a mark where the number is missing."""
    drawn = svg(Chart("t", "x", "y", [Curve([(0, 1), (1, 2), (2, math.nan), (3, 2), (4, 1)])]))
    (line,) = re.findall(r'class="azml-line azml-s0" d="([^"]+)"', drawn)
    assert line.count("M") == 2
    assert line.count("L") == 2
    assert drawn.count("azml-nan") == 1


def test_ticks_stay_on_the_chart():
    """No label is cut at an edge, whatever the numbers are."""
    for values in ([0.0], [1e-300, 2e-300], [-1e300, 1e300], [1e9, 1e9 + 1], [5, 5, 5], [math.nan], []):
        drawn = svg(Chart("t", "x", "y", [Curve(list(enumerate(values)))]))
        places = [float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)" text-anchor="end"', drawn)]
        assert places
        assert all(0 <= y <= 230 for y in places)
        assert "nan" not in re.sub(r"azml-nan", "", drawn.split('">', 1)[1])


def test_values_over_several_powers_of_ten_are_spread():
    """Alphas from 0.001 to 10 lie apart by their logarithm, where it is asked for and possible."""
    points = [(10.0**power, 1.0 + power) for power in range(-3, 2)]

    def across(chart):
        return [float(x) for x in re.findall(r'cx="([\d.]+)"', svg(chart))]

    spread = across(Chart("t", "alpha", "mse", [Curve(points)], spread=True))
    gaps = [after - before for before, after in pairwise(spread)]
    assert max(gaps) == pytest.approx(min(gaps), abs=0.2)  # coordinates have one digit after the point
    plain = across(Chart("t", "alpha", "mse", [Curve(points)]))
    assert plain[-1] - plain[-2] > 10 * (plain[1] - plain[0])
    svg(Chart("t", "alpha", "mse", [Curve([(0.0, 1.0), *points])], spread=True))  # zero has no logarithm


def test_a_chart_is_told_in_words():
    """Whoever does not see it hears the ends and the extremes."""
    drawn = svg(Chart("loss <b>", "step", "loss", [Curve([(0, 4), (1, 1), (2, 2)])]))
    assert 'aria-label="loss &lt;b&gt;: loss against step; loss from 4 to 2, lowest 1, highest 4"' in drawn


def test_bars_stand_on_zero():
    """A histogram's floor is on the chart."""
    drawn = svg(Chart("residuals", "residual", "count", bars=Bars([-1, 0, 1], [3, 5])))
    (boxes,) = re.findall(r'class="azml-bars azml-s0" d="([^"]+)"', drawn)
    assert boxes.count("z") == 2
