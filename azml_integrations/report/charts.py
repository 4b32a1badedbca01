"""Charts as SVG: written, not drawn by a library, in the colours of whatever they stand in.

A chart of a metric takes a millisecond and a few kilobytes; letters stay letters, and lines take the colour of the
text around them, so that a notebook's or a browser's dark mode holds for them too.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal, TypeAlias

from ..pictures.page import COLORS, log_ticks, round_ticks, tick_names
from .markup import clipped, escaped

WIDTH, HEIGHT = 400, 230
"""Size of a chart [px]; it is scaled to the room that it gets."""
TOP, RIGHT, BOTTOM = 10, 12, 38
"""Beside the frame [px]."""
LETTER = 6.4
"""Width of a letter of a tick, about [px]."""
POINTS = 600
"""A curve is drawn through at most so many points, and any more by their extremes."""
DOTTED = 40
"""A curve of no more points than that shows them as dots."""
MARGIN = 0.04
"""Share of the height that stays free at each end."""
DECADES = 50.0
"""From this ratio on, positive values that a chart is asked to spread lie by their logarithm."""
MISSING = 60
"""So many values that are not numbers are marked, at most."""
LONGEST_NAME = 40
"""Letters of a name in a chart."""

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in their order; where y is no finite number, the line has a gap and a mark stands at x.

    Attributes
    ----------
    points : sequence of (float, float)
        As drawn.
    label : str
        Stands in the legend; empty for none.
    how : {"line", "dots", "steps"}
        Joined, each for itself, or joined by steps.
    marked : int or None
        Place of a point that is marked as the best.
    dashed : bool
        Whether the line is a dashed, faint one: the ideal to compare with.
    names : sequence of str
        What a pointer at each point is told; empty for the values.
    """

    points: Sequence[Point]
    label: str = ""
    how: Literal["line", "dots", "steps"] = "line"
    marked: int | None = None
    dashed: bool = False
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Bars:
    """A histogram: n counts between n + 1 edges."""

    edges: Sequence[float]
    counts: Sequence[float]


@dataclass(frozen=True)
class Chart:
    """What one picture shows.

    Attributes
    ----------
    title : str
        Above it.
    across, up : str
        What its axes are.
    curves : sequence of Curve
        Drawn over each other.
    bars : Bars or None
        Drawn below the curves.
    remark : str
        What is not seen: how many points there are.
    spread : bool
        Whether positive x that reach over several powers of ten lie by their logarithm.
    """

    title: str
    across: str
    up: str
    curves: Sequence[Curve] = ()
    bars: Bars | None = None
    remark: str = ""
    spread: bool = False


# -- fewer points ------------------------------------------------------------------------------------


def thinned(x: Sequence[Any], y: Sequence[Any], most: int = POINTS) -> list[Point]:
    """Return the points of a curve, or the lowest and the highest of each part where they are more than `most`.

    What is no number is NaN. The first and the last point are always among them.

    Parameters
    ----------
    x, y : sequence of shape (n,)
        Positions and values.
    most : int
        Points at most.
    """
    n = len(y)
    if n <= most:
        return [(_float(at), _float(value)) for at, value in zip(x, y, strict=True)]
    parts = max(1, (most - 2) // 2)
    places = [0]
    for part in range(parts):
        places += _extremes(y, part * n // parts, (part + 1) * n // parts)
    return [(_float(x[place]), _float(y[place])) for place in dict.fromkeys([*places, n - 1])]


def _extremes(y: Sequence[Any], begin: int, end: int) -> list[int]:
    """Return where the lowest and the highest value of a part stand, in order; where there is none, its first place."""
    part = y[begin:end]
    try:
        if not math.isfinite(sum(part)):
            return _finite_extremes(part, begin)
    except (TypeError, OverflowError):  # a word among them; an int of many digits
        return _finite_extremes(part, begin)
    return sorted({begin + part.index(min(part)), begin + part.index(max(part))})


def _finite_extremes(part: Sequence[Any], begin: int) -> list[int]:
    numbers = [_float(value) for value in part]
    finite = [place for place, value in enumerate(numbers) if math.isfinite(value)]
    if not finite:
        return [begin]
    gap = [place for place, value in enumerate(numbers) if not math.isfinite(value)][:1]
    return sorted(
        {begin + place for place in (min(finite, key=numbers.__getitem__), max(finite, key=numbers.__getitem__), *gap)}
    )


def _float(value: object) -> float:
    if not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int of many digits
        return math.inf if value > 0 else -math.inf


# -- SVG ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """A direction: its ends, and what is written where."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the beginning, 1 at the end."""
        low, high, value = map(self._length, (self.low, self.high, value))
        return (value - low) / (high - low)

    def _length(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def svg(chart: Chart) -> str:
    """Return a chart as an SVG element that stands in HTML; its colours come from the style around it."""
    points = [point for curve in chart.curves for point in curve.points]
    xs = [x for x, _ in points if math.isfinite(x)]
    ys = [y for _, y in points if math.isfinite(y)]
    if chart.bars is not None:
        xs, ys = [*xs, *chart.bars.edges], [*ys, 0.0, *chart.bars.counts]
    up = _axis(ys, 5)
    left = 25 + LETTER * max((len(name) for _, name in up.ticks), default=1)
    across = _axis_across(xs, left, spread=chart.spread)
    return _Sheet(left, across, up).draw(chart)


def _axis_across(values: Sequence[float], left: float, *, spread: bool) -> _Axis:
    """Return the axis across with as many ticks as their names have room for."""
    room = WIDTH - RIGHT - left
    positive = [value for value in values if value > 0]
    logarithmic = spread and len(positive) == len(values) > 1 and max(values) / min(values) >= DECADES
    whole = all(float(value).is_integer() for value in values)
    axis = _axis(values, 1, tight=True, whole=whole, logarithmic=logarithmic)
    for about in range(7, 0, -1):
        axis = _axis(values, about, tight=True, whole=whole, logarithmic=logarithmic)
        if sum(LETTER * len(name) + 14 for _, name in axis.ticks) <= room:
            return axis
    return axis


def _axis(
    values: Sequence[float], about: int, *, tight: bool = False, whole: bool = False, logarithmic: bool = False
) -> _Axis:
    """Return a direction with about so many ticks; a tight one ends where its values do."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if not high - low > 1e-9 * max(abs(low), abs(high), 1e-300):  # all alike
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    if not math.isfinite(high - low):  # the ends of all floats
        low, high = low / 4, high / 4
    if logarithmic:
        ticks, names = log_ticks(low, high, 0.0, about)
        room = (high / low) ** MARGIN
        return _Axis(low / room, high * room, list(zip(ticks, names, strict=True)), logarithmic=True)
    ticks = [tick for tick in round_ticks(low, high, about, whole=whole) if low <= tick <= high] or [low]
    margin = 0.0 if tight else (high - low) * MARGIN
    return _Axis(low - margin, high + margin, list(zip(ticks, tick_names(ticks), strict=True)))


class _Sheet:
    """One picture between its axes."""

    def __init__(self, left: float, across: _Axis, up: _Axis) -> None:
        self._left, self._across, self._up = left, across, up

    def draw(self, chart: Chart) -> str:
        legend = [(place, curve) for place, curve in enumerate(chart.curves) if curve.label]
        tall = HEIGHT + 18 * math.ceil(len(legend) / 2)
        parts = [
            *self._frame(chart),
            *([self._bars(chart.bars)] if chart.bars is not None else []),
            *(part for place, curve in enumerate(chart.curves) for part in self._curve(place, curve)),
            *_legend(legend),
        ]
        return (
            f'<svg class="azml-chart" viewBox="0 0 {WIDTH} {tall}" role="img" aria-label="{escaped(_said(chart))}">'
            f"{''.join(parts)}</svg>"
        )

    def _x(self, value: float) -> float:
        return self._left + self._across.share(value) * (WIDTH - RIGHT - self._left)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self._up.share(value) * (HEIGHT - BOTTOM - TOP)

    def _frame(self, chart: Chart) -> Iterable[str]:
        right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value, name in self._up.ticks:
            y = self._y(value)
            yield f'<path class="azml-grid" d="M{self._left:.1f} {y:.1f}H{right}"/>'
            yield f'<text x="{self._left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{escaped(name)}</text>'
        for value, name in self._across.ticks:
            x = self._x(value)
            yield f'<path class="azml-grid" d="M{x:.1f} {floor}v4"/>'
            under = min(x, right - LETTER * len(name) / 2 + RIGHT)  # not beyond the edge
            yield f'<text x="{under:.1f}" y="{floor + 16}"{_MIDDLE}>{escaped(name)}</text>'
        yield f'<path class="azml-axis" d="M{self._left:.1f} {TOP}V{floor}H{right}"/>'
        middle, height = (self._left + right) / 2, (TOP + floor) / 2
        across, up = (escaped(clipped(name, LONGEST_NAME)) for name in (chart.across, chart.up))
        yield f'<text x="{middle:.1f}" y="{floor + 32}"{_MIDDLE}>{across}</text>'
        yield f'<text transform="translate(11 {height:.1f})rotate(-90)"{_MIDDLE}>{up}</text>'

    def _bars(self, bars: Bars) -> str:
        floor = self._y(0.0)
        boxes = "".join(
            f"M{self._x(low):.1f} {floor:.1f}V{self._y(count):.1f}H{self._x(high):.1f}V{floor:.1f}z"
            for low, high, count in zip(bars.edges, bars.edges[1:], bars.counts, strict=False)
            if all(map(math.isfinite, (low, high, count)))
        )
        return f'<path class="azml-bars azml-s0" d="{boxes}"/>'

    def _curve(self, place: int, curve: Curve) -> Iterable[str]:
        seen = [math.isfinite(x) and math.isfinite(y) and self._placed(x) for x, y in curve.points]
        if curve.how != "dots":
            kind = "azml-line azml-ideal" if curve.dashed else f"azml-line azml-s{place % len(COLORS)}"
            yield f'<path class="{kind}" d="{self._path(curve, seen)}"/>'
        if curve.how == "dots" or (curve.how == "line" and len(curve.points) <= DOTTED):
            yield from self._dots(place, curve, seen)
        missing = [x for (x, y), there in zip(curve.points, seen, strict=True) if not there and math.isfinite(x)]
        if missing and not curve.dashed:
            ticks = "".join(f"M{self._x(x):.1f} {TOP}v7" for x in missing[:MISSING] if self._placed(x))
            yield f'<path class="azml-nan" d="{ticks}"><title>no finite number here</title></path>'

    def _placed(self, x: float) -> bool:
        return x > 0 or not self._across.logarithmic

    def _path(self, curve: Curve, seen: Sequence[bool]) -> str:
        pieces, pen, before = [], "M", 0.0
        for (x, y), there in zip(curve.points, seen, strict=True):
            if not there:
                pen = "M"
                continue
            if pen == "L" and curve.how == "steps":
                pieces.append(f"L{self._x(x):.1f} {before:.1f}")
            before = self._y(y)
            pieces.append(f"{pen}{self._x(x):.1f} {before:.1f}")
            pen = "L"
        return "".join(pieces)

    def _dots(self, place: int, curve: Curve, seen: Sequence[bool]) -> Iterable[str]:
        if curve.dashed:
            return
        for number in compress(range(len(seen)), seen):
            x, y = curve.points[number]
            told = curve.names[number] if curve.names else f"{x:g}: {y:g}"
            best = number == curve.marked
            kind = "azml-best" if best else f"azml-dot azml-s{place % len(COLORS)}"
            yield (
                f'<circle class="{kind}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="{5 if best else 3}">'
                f"<title>{escaped(clipped(told, 300))}</title></circle>"
            )


_MIDDLE = ' text-anchor="middle"'


def _legend(entries: Sequence[tuple[int, Curve]]) -> Iterable[str]:
    for number, (place, curve) in enumerate(entries):
        x, y = 30 + number % 2 * (WIDTH - 30) / 2, HEIGHT + 10 + number // 2 * 18
        colour = f"azml-s{place % len(COLORS)}"
        if curve.how == "dots":
            yield f'<circle class="azml-dot {colour}" cx="{x + 9:.0f}" cy="{y}" r="3"/>'
        else:
            yield f'<path class="azml-line {colour}" d="M{x:.0f} {y}h18"/>'
        yield f'<text x="{x + 24:.0f}" y="{y + 4}">{escaped(clipped(curve.label, 24))}</text>'


def _said(chart: Chart) -> str:
    """Return what a chart shows in words, for those who do not see it."""
    ends = [
        f"{curve.label or chart.up} from {finite[0]:.4g} to {finite[-1]:.4g}, lowest {min(finite):.4g}, "
        f"highest {max(finite):.4g}"
        for curve in chart.curves
        if (finite := [y for _, y in curve.points if math.isfinite(y)]) and not curve.dashed
    ]
    return clipped("; ".join([f"{chart.title}: {chart.up} against {chart.across}", *ends]), 600)
