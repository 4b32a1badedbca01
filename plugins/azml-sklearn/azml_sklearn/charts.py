"""Scores against parameters, drawn from frozen facts: the fits of a run, or the candidates of a search."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from azml_integrations.pictures import distinct, opaque

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FONT = 7
"""Size of labels [pt]; a letter is about 0.6 of it wide."""
LINE = 60
"""Letters of a title in one line."""
MOST_PANELS = 4
"""Panels of one picture."""
MOST_LINES = 6
"""Values of a second parameter that get a line each; with more of them there are points only."""
MOST_WORDS = 40
"""Words that can still be read along an axis."""
DECADES = 100
"""Positive values are spread on a logarithmic axis when the greatest is so many times the least."""
WIDTH, HEIGHT = 3.7, 2.5
"""Size of one panel [in]."""
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
) -> "Figure | str":
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
    Figure or str
        Why there is nothing to draw.
    """
    panels = _panels(curves)
    if not panels:
        return "there is no score in two fits"
    axis = _axis(values)
    if axis.words is not None and len(axis.words) > MOST_WORDS:
        return f"{len(axis.words)} values are more than {MOST_WORDS} words that can be read along an axis"
    figure, grid = _page(len(panels), max(map(len, axis.words or [""])))
    groups = _groups(lines, len(values))
    for place, (panel, named) in enumerate(panels.items()):
        axes = grid[place]
        _draw_panel(axes, axis, named, groups, joined=joined)
        axes.set_title(_plain(panel), fontsize=8)
        axes.set_xlabel(_plain(parameter), fontsize=8)
        if len(named) > 1:
            color = "C0" if lines is None else "#555555"
            _tell_styles(axes, named, color=color, joined=joined and axis.words is None)
    if lines is not None:
        _tell_lines(figure, lines)
    _head(figure, title, _without_score(panels, axis))
    if axis.words is None:
        _set_margins(figure, 0 if lines is None else len(_different(lines.values)))
    else:
        figure.set_layout_engine("constrained")  # words need room that only they know; twice the time
    return figure


def against_each(
    parameters: Mapping[str, Sequence[Value]], curves: Mapping[str, Curve], title: str
) -> "Iterator[tuple[str, Figure | str]]":
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
    Figure or str
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
class _Axis:
    """The horizontal axis: places of the fits on it, its scale, and its words if it has no numbers."""

    places: list[float]
    scale: str = "linear"
    least: float = 0.0
    words: list[str] | None = None


def _axis(values: Sequence[Value]) -> _Axis:
    if not all(_is_number(value) for value in values):
        order = sorted(_different(values), key=lambda value: (not _is_number(value), value if _is_number(value) else 0))
        place = {_key(value): float(number) for number, value in enumerate(order)}
        return _Axis([place[_key(value)] for value in values], words=_words(order))
    places = [float(value) for value in values]  # type: ignore[arg-type]  # numbers, all of them
    positive = [place for place in places if place > 0]
    wide = bool(positive) and max(positive) >= min(positive) * DECADES * (1 - 1e-9)
    if not wide or min(places) < 0:
        return _Axis(places)
    return _Axis(places, "log" if len(positive) == len(places) else "symlog", min(positive))


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


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


def _without_score(panels: Mapping[str, Mapping[str, Curve]], axis: _Axis) -> str:
    firsts = [next(iter(named.values())) for named in panels.values()]
    gone = sum(not all(_is_score(curve.y[fit]) for curve in firsts) for fit in range(len(axis.places)))
    return f"× {gone} of {len(axis.places)} without a score" if gone else ""


# -- drawing -----------------------------------------------------------------------------------------


def as_png(figure: "Figure") -> bytes:
    """Return a picture as a PNG file; `savefig` would draw it twice."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return opaque(np.asarray(canvas.buffer_rgba()))


def _words(labels: Sequence[object]) -> list[str]:
    """Return labels as short texts that differ as the labels do, and are no mathematics to matplotlib."""
    return [text.replace("$", r"\$") for text in distinct(labels)]


def _page(panels: int, letters: int) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    across = 1 if panels == 1 else 2
    down = -(-panels // across)
    width, height = (1.3 * WIDTH, 1.3 * HEIGHT) if panels == 1 else (WIDTH, HEIGHT)
    slanted = 0.5 * letters * 0.6 * FONT / 72  # words along the axis need their height
    figure = Figure(figsize=(width * across, (height + slanted) * down + 0.5), dpi=110)
    grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes in grid[panels:]:
        axes.set_axis_off()
    return figure, grid


def _head(figure: "Figure", title: str, remark: str) -> None:
    figure.suptitle("\n".join([*textwrap.wrap(_plain(title), LINE), remark]).rstrip(), fontsize=9)


def _set_margins(figure: "Figure", names: int) -> None:
    """Leave room for titles, for numbers along the axes, and for so many names below [in]."""
    width, height = figure.get_size_inches()
    title = 0.15 + 0.17 * (figure.get_suptitle().count("\n") + 1)
    legend = 0.18 * -(-names // 3)
    figure.subplots_adjust(
        left=0.62 / width,
        right=1 - 0.12 / width,
        top=1 - (title + 0.25) / height,
        bottom=(0.45 + legend) / height,
        wspace=0.28,
        hspace=0.42,
    )


def _draw_panel(
    axes: "Axes", axis: _Axis, named: Mapping[str, Curve], groups: list[list[int]], *, joined: bool
) -> None:
    for place, curve in enumerate(named.values()):
        for number, fits in enumerate(groups):
            _draw_line(axes, axis, curve, fits, _look(number, place, joined=joined and axis.words is None))
    gone = [at for at, y in zip(axis.places, next(iter(named.values())).y, strict=True) if not _is_score(y)]
    if gone:
        axes.plot(
            gone, [0.03] * len(gone), "x", color=GONE, markersize=5, transform=axes.get_xaxis_transform(), zorder=3
        )
    _set_scale(axes, axis, [y for curve in named.values() for y in curve.y if y is not None and _is_score(y)])
    axes.tick_params(labelsize=FONT)
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)


def _look(line: int, place: int, *, joined: bool) -> dict[str, Any]:
    """Return how a line looks: its colour tells the second parameter, its style the curve."""
    return {
        "color": f"C{line}",
        "marker": "os^v"[place % 4],
        "markersize": 4,
        "fillstyle": "none" if place else "full",
        "linewidth": 1.2,
        "linestyle": ("-", "--", ":", "-.")[place % 4] if joined else "none",
    }


def _draw_line(axes: "Axes", axis: _Axis, curve: Curve, fits: list[int], look: dict[str, Any]) -> None:
    """Draw the points of a line; where several fits share a value, the line goes through their mean."""
    shown = sorted((fit for fit in fits if _is_score(curve.y[fit])), key=lambda fit: axis.places[fit])
    if not shown:
        return
    at = [axis.places[fit] for fit in shown]
    y = [float(curve.y[fit] or 0.0) for fit in shown]
    axes.plot(at, y, **look | {"linestyle": "none"})
    if look["linestyle"] != "none":
        axes.plot(*_means(at, y), **look | {"marker": "none"})
    if curve.spread is not None:
        spread = [abs(value) if _is_score(value := curve.spread[fit]) and value is not None else 0.0 for fit in shown]
        axes.errorbar(at, y, spread, fmt="none", ecolor=look["color"], elinewidth=0.8, capsize=2, alpha=0.6)


def _means(at: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    together: dict[float, list[float]] = {}
    for place, value in zip(at, y, strict=True):
        together.setdefault(place, []).append(value)
    return list(together), [sum(several) / len(several) for several in together.values()]


def _set_scale(axes: "Axes", axis: _Axis, scores: list[float]) -> None:
    if axis.words is not None:
        _name_words(axes, axis.words)
    elif axis.scale == "symlog":
        axes.set_xscale("symlog", linthresh=axis.least)
        _count_plainly(axes.xaxis)
    elif axis.scale == "log":
        axes.set_xscale("log")
        _count_plainly(axes.xaxis)
    else:
        axes.set_xscale(axis.scale)
        if axis.scale == "linear" and all(place.is_integer() for place in axis.places):
            axes.xaxis.get_major_locator().set_params(integer=True)
    if min(scores) > 0 and max(scores) >= DECADES * 10 * min(scores):
        axes.set_yscale("log")
        _count_plainly(axes.yaxis)


def _count_plainly(axis: "Axis") -> None:
    """Label powers of ten as 0.001 and 1e+06; powers as formulas, and ticks between, take longer than all the rest."""
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _name_words(axes: "Axes", words: list[str]) -> None:
    crowded = sum(map(len, words)) * FONT * 0.65 > WIDTH * 0.75 * 72
    slant: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(words)), words, fontsize=FONT, **slant)
    axes.set_xlim(-0.5, len(words) - 0.5)


def _tell_styles(axes: "Axes", named: Mapping[str, Curve], *, color: str, joined: bool) -> None:
    from matplotlib.lines import Line2D

    looks = [_look(0, place, joined=joined) | {"color": color} for place in range(len(named))]
    handles = [Line2D([], [], **look) for look in looks]
    axes.legend(handles, [_plain(name) for name in named], fontsize=FONT - 1, framealpha=0.7, edgecolor="none")


def _tell_lines(figure: "Figure", lines: Lines) -> None:
    from matplotlib.lines import Line2D

    values = _words(_in_order(lines.values))
    handles = [Line2D([], [], color=f"C{number}", linewidth=1.2) for number in range(len(values))]
    labels = [f"{_plain(lines.name)} = {value}" for value in values]
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=FONT, frameon=False)


def _plain(text: str) -> str:
    """Return a text that is no mathematics to matplotlib."""
    return text.replace("$", r"\$")
