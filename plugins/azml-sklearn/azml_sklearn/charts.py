"""Scores against parameters, drawn from frozen facts: the fits of a run, or the candidates of a search."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from azml_integrations.pictures import distinct
from azml_integrations.pictures.letters import without_middle
from azml_integrations.pictures.page import (
    COLORS,
    GREY,
    LINE,
    MARGIN,
    SMALL,
    Dots,
    ErrorBars,
    Line,
    Page,
    Panel,
    color,
    log_scale,
    places,
    scale,
)

if TYPE_CHECKING:
    from azml_integrations.pictures.page import Array, Axis, Mark, Shape

MOST_PANELS = 4
"""Panels of one picture."""
MOST_LINES = 6
"""Values of a second parameter that get a line each; with more of them there are points only."""
MOST_WORDS = 40
"""Words that can still be read along an axis."""
MOST_LETTERS = 28
"""Of a parameter's name beside its values."""
SCORE_LETTERS = (40,)
"""Of a score's name in the legend."""
MOST_SOLID = 60
"""Points of one colour; more of them, and their error bars, are paler."""
DECADES = 100
"""Positive values are spread on a logarithmic axis when the greatest is so many times the least."""
ALONE, BESIDE = (440, 300), (330, 220)
"""Width and height of a panel [px]: of the only one, and of one of several."""
TICKS = 6
"""About so many, along the parameter."""
SHAPES: "tuple[Shape, ...]" = ("dot", "ring", "diamond", "triangle")
"""Of the points of a panel's curves."""
RADIUS = 3.0
"""Of a point [px]."""
FOOT = 0.07
"""Share of a panel below the lowest score that crosses have for themselves."""
GONE = "#b3261e"
"""Colour of a fit without a score."""

Value: TypeAlias = float | str | bool | None
"""A parameter's value: a number, or a word."""


@dataclass(frozen=True)
class Curve:
    """One score of each of n fits.

    Attributes
    ----------
    y : sequence of float or None, shape (n,)
        The scores; None and NaN where there is none: the fit failed.
    spread : sequence of float or None, shape (n,), or None
        Drawn as an error bar to both sides: a standard deviation over folds.
    panel : str or None
        Curves that name the same panel share its axes, the later ones dashed: a score on test data and on training
        data. None is a panel of its own.
    """

    y: Sequence[float | None]
    spread: Sequence[float | None] | None = None
    panel: str | None = None


@dataclass(frozen=True)
class Lines:
    """A second parameter, each value of which gets a line of its own.

    Attributes
    ----------
    name : str
        Its name.
    values : sequence of value, shape (n,)
        Its value in each fit.
    """

    name: str
    values: Sequence[Value]


def score_against_parameter(
    parameter: str,
    values: Sequence[Value],
    curves: Mapping[str, Curve],
    title: str,
    *,
    lines: Lines | None = None,
    joined: bool = True,
) -> Page | str:
    """Draw scores against a parameter, a panel for each score.

    Numbers lie on a number axis, logarithmic when all are positive and spread over two decades; words, and numbers
    mixed with words, stand beside each other. A fit without a score is a red cross at the foot of the panel, and a
    line under the title counts them.

    Parameters
    ----------
    parameter : str
        Its name.
    values : sequence of value, shape (n,)
        Its value in each fit.
    curves : mapping of str to Curve
        Scores, each of shape (n,); the first `MOST_PANELS` panels of them are drawn.
    title : str
        Stands above all.
    lines : Lines, default=None
        A second parameter that varies.
    joined : bool, default=True
        Whether the points of a line are joined; False where fits differ in more than what is drawn.

    Returns
    -------
    Page or str
        Why there is nothing to draw.
    """
    panels = _panels(curves)
    if not panels:
        return "there is no score in two fits"
    width, height = ALONE if len(panels) == 1 else BESIDE
    across = _across(parameter, values, width)
    if isinstance(across, str):
        return across
    chart = _Chart(across, _groups(lines, len(values)), joined=joined and across.words == 0)
    samples = _samples(panels, lines, joined=chart.joined)
    drawn = [
        chart.panel(name, named, height, () if place else samples) for place, (name, named) in enumerate(panels.items())
    ]
    in_row = 1 if len(drawn) == 1 else 2
    rows = [drawn[first : first + in_row] for first in range(0, len(drawn), in_row)]
    return Page(title, rows, _without_score(panels, len(values)))


def against_each(
    parameters: Mapping[str, Sequence[Value]], curves: Mapping[str, Curve], title: str
) -> Iterator[tuple[str, Page | str]]:
    """Draw scores against each parameter that varies.

    Of two parameters, the other one gives the lines. Of more, or where the other has more than `MOST_LINES` values,
    the points are not joined, because they differ in more than the picture shows.

    Parameters
    ----------
    parameters : mapping of str to sequence of value, shape (n,)
        By name; those with one value only are passed over.
    curves : mapping of str to Curve
        Scores, each of shape (n,).
    title : str
        ``{title} against {parameter}`` stands above each.

    Yields
    ------
    str
        A parameter.
    Page or str
        Its picture, or why there is none.
    """
    varied = {name: values for name, values in parameters.items() if len(_different(values)) > 1}
    for name, values in varied.items():
        others = {other: column for other, column in varied.items() if other != name}
        lines, joined = _lines(others)
        yield (
            name,
            score_against_parameter(name, values, curves, f"{title} against {name}", lines=lines, joined=joined),
        )


# -- what stands where -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Across:
    """The axis of the parameter: where each fit is on it, how many words stand along it, and its room [px]."""

    axis: "Axis"
    places: list[float]
    room: int
    words: int = 0


def _across(parameter: str, values: Sequence[Value], width: int) -> _Across | str:
    if not all(map(_is_number, values)):
        return _across_words(parameter, values, width)
    numbers = [float(value) for value in values]  # type: ignore[arg-type]  # numbers, all of them
    return _Across(_number_axis(parameter, numbers, width), numbers, width)


def _across_words(parameter: str, values: Sequence[Value], width: int) -> _Across | str:
    order = _in_order(values)
    if len(order) > MOST_WORDS:
        return f"{len(order)} values are more than {MOST_WORDS} words that can be read along an axis"
    place = {_key(value): float(number) for number, value in enumerate(order)}
    room = max(width, math.ceil(len(order) * SMALL * LINE) + 1)  # each word is read
    axis = places(parameter, distinct(order), room, grid=True)
    return _Across(axis, [place[_key(value)] for value in values], room, len(order))


def _number_axis(parameter: str, numbers: list[float], width: int) -> "Axis":
    import numpy as np

    positive = [number for number in numbers if number > 0]
    wide = bool(positive) and max(positive) >= min(positive) * DECADES * (1 - 1e-9)
    shown = np.array(numbers)
    if wide and min(numbers) >= 0:
        log_from = 0.0 if len(positive) == len(numbers) else min(positive)
        return log_scale(parameter, shown, log_from=log_from, room=width, grid=True)
    whole = all(number.is_integer() for number in numbers)
    return scale(parameter, shown, about=TICKS, room=width, grid=True, whole=whole)


def _up(label: str, scores: "list[Array]", ends: "list[Array]", *, foot: bool) -> "Axis":
    low, high = min(y.min() for y in scores), max(y.max() for y in scores)
    spread = low > 0 and high >= DECADES * 10 * low
    axis = (log_scale if spread else scale)(label, *scores, *ends, grid=True)
    return replace(axis, low=axis.at(-FOOT)) if foot else axis


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _key(value: Value) -> tuple[bool, Value]:
    return isinstance(value, bool), value if value == value else "nan"  # noqa: PLR0124 - True is no 1, and NaN no NaN


def _different(values: Sequence[Value]) -> list[Value]:
    return list({_key(value): value for value in values}.values())


def _lines(others: Mapping[str, Sequence[Value]]) -> tuple[Lines | None, bool]:
    if len(others) != 1:
        return None, not others
    ((name, values),) = others.items()
    few = len(_different(values)) <= MOST_LINES
    return (Lines(name, values), True) if few else (None, False)


def _groups(lines: Lines | None, n: int) -> list[list[int]]:
    """Return the fits of each line."""
    if lines is None:
        return [list(range(n))]
    order = [_key(value) for value in _in_order(lines.values)]
    return [[fit for fit in range(n) if _key(lines.values[fit]) == key] for key in order]


def _in_order(values: Sequence[Value]) -> list[Value]:
    return sorted(_different(values), key=lambda value: (not _is_number(value), value if _is_number(value) else 0))


def _panels(curves: Mapping[str, Curve]) -> dict[str, dict[str, Curve]]:
    panels: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        if sum(map(_is_score, curve.y)) > 1:
            panels.setdefault(curve.panel or name, {})[name] = curve
    return dict(list(panels.items())[:MOST_PANELS])


def _is_score(y: float | None) -> bool:
    return y is not None and math.isfinite(y)


def _without_score(panels: Mapping[str, Mapping[str, Curve]], fits: int) -> str:
    firsts = list(map(_first, panels.values()))
    gone = sum(not all(_is_score(curve.y[fit]) for curve in firsts) for fit in range(fits))
    return f"× {gone} of {fits} without a score" if gone else ""


# -- what is marked ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chart:
    """What the panels of a page share: the parameter's axis, the fits of each line, and whether these are joined."""

    across: _Across
    groups: list[list[int]]
    joined: bool

    def panel(self, name: str, named: Mapping[str, Curve], height: int, legend: "Sequence[Mark]") -> Panel:
        """Return the scores of one panel: colours tell the lines, shapes the curves."""
        marks = [
            mark
            for place, curve in enumerate(named.values())
            for number, fits in enumerate(self.groups)
            for mark in self._line(curve, fits, place, color(number))
        ]
        scores = [mark.y for mark in marks if isinstance(mark, Dots)]
        ends = [end for mark in marks if isinstance(mark, ErrorBars) for end in (mark.low, mark.high)]
        gone = [at for at, y in zip(self.across.places, _first(named).y, strict=True) if not _is_score(y)]
        up = _up(name, scores, ends, foot=bool(gone))
        return Panel(self.across.axis, up, [*marks, *_crosses(gone, up), *legend], self.across.room, height)

    def _line(self, curve: Curve, fits: list[int], place: int, tone: str) -> "Iterator[Mark]":
        """Yield the points of a line; where several fits share a value, the line goes through their mean."""
        import numpy as np

        shown = sorted((fit for fit in fits if _is_score(curve.y[fit])), key=lambda fit: self.across.places[fit])
        if not shown:
            return
        x = np.array([self.across.places[fit] for fit in shown])
        y = np.array([curve.y[fit] for fit in shown], dtype=float)
        solid = 1.0 if len(shown) <= MOST_SOLID else 0.5
        if curve.spread is not None:
            spread = np.array([_length(curve.spread[fit]) for fit in shown])
            yield ErrorBars(x, y - spread, y + spread, tone, opacity=0.6 * solid)
        if self.joined:
            at, where = np.unique(x, return_inverse=True)
            yield Line(at, np.bincount(where, y) / np.bincount(where), tone, dashed=place > 0, width=1.4)
        yield Dots(x, y, tone, shape=SHAPES[place % len(SHAPES)], radius=RADIUS, opacity=solid)


def _first(named: Mapping[str, Curve]) -> Curve:
    """Return the curve of a panel that says which fits have no score; its others may miss more, as training scores."""
    return next(iter(named.values()))


def _crosses(gone: list[float], up: "Axis") -> "list[Mark]":
    """Return the crosses at the foot of a panel, for fits without a score."""
    import numpy as np

    foot = np.full(len(gone), up.at(MARGIN))
    return [Dots(np.array(gone), foot, GONE, shape="cross", radius=RADIUS, opacity=1.0)] if gone else []


def _length(spread: float | None) -> float:
    return abs(spread) if spread is not None and math.isfinite(spread) else 0.0


def _samples(panels: Mapping[str, Mapping[str, Curve]], lines: Lines | None, *, joined: bool) -> "list[Mark]":
    """Return what stands in the legend: the values of a second parameter, and curves that share a panel."""
    import numpy as np

    nowhere = np.empty(0)
    samples: list[Mark] = []
    if lines is not None:
        name, values = without_middle(lines.name, MOST_LETTERS), distinct(_in_order(lines.values))
        for number, value in enumerate(values):
            label = f"{name} = {value}"
            dots = Dots(nowhere, nowhere, color(number), label, radius=RADIUS, opacity=1.0)
            samples.append(Line(nowhere, nowhere, color(number), label=label) if joined else dots)
    shared = [named for named in panels.values() if len(named) > 1]
    labels = iter(distinct((name for named in shared for name in named), SCORE_LETTERS))
    tone = COLORS[0] if lines is None else GREY
    for named in shared:
        for place, label in zip(range(len(named)), labels, strict=False):
            shape = SHAPES[place % len(SHAPES)]
            if joined:
                samples.append(Line(nowhere, nowhere, tone, dashed=place > 0, label=label, width=1.4))
            samples.append(Dots(nowhere, nowhere, tone, label, shape, RADIUS, opacity=1.0))
    return samples
