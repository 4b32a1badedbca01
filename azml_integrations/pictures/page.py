"""The nouns of a picture: a page of panels, each with two axes and what is marked on it. They draw nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from . import letters

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = "np.ndarray[Any, Any]"
Table: TypeAlias = "dict[str, list[Any]]"

COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
"""One a series; those after the last begin again, dashed."""
GREY = "#999999"
SIDE = 400
"""Side of a square panel [px]."""
SMALL = 11.0
"""Size of letters [px], except in the title."""
LINE = 1.3
"""Height of a line of words, in sizes of a letter."""
FEWEST_ROUND, MOST_PLAIN = 1e-3, 1e7
"""Ticks beyond these have an exponent."""
WIDEST_NAME = 220
"""Room for a name at an axis or in a legend [px]."""


@dataclass(frozen=True)
class Axis:
    """A direction of a panel.

    Attributes
    ----------
    label : str
        What is told along it.
    low, high : float
        Values at its beginning (left, or below) and at its end; the first may be the larger one.
    ticks : sequence of float
        Values that have a tick.
    names : sequence of str
        What is written at each.
    upright : bool
        Whether names across are written upwards.
    grid : bool
        Whether faint lines go through the ticks.
    """

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    names: Sequence[str]
    upright: bool = False
    grid: bool = False


@dataclass(frozen=True)
class Line:
    """A line through points (x, y); with a `label` it stands in the legend."""

    x: "Array"
    y: "Array"
    color: str = COLORS[0]
    dashed: bool = False
    label: str = ""
    width: float = 1.6
    dots: bool = False


@dataclass(frozen=True)
class Dots:
    """Points (x, y), half transparent, as there may be many."""

    x: "Array"
    y: "Array"
    color: str = COLORS[0]


@dataclass(frozen=True)
class Bars:
    """Bars from zero to `values`, the first one at height 0, the next at 1."""

    values: "Array"
    color: str = COLORS[0]


@dataclass(frozen=True)
class Cells:
    """A table of cells: `shade` of shape (rows, columns) from 0 to 1, `texts` alike or empty."""

    shade: "Array"
    texts: Sequence[Sequence[str]] = ()


Mark: TypeAlias = Line | Dots | Bars | Cells


@dataclass(frozen=True)
class Panel:
    """What is marked between two axes."""

    across: Axis
    up: Axis
    marks: Sequence[Mark]
    width: int = SIDE
    height: int = SIDE


@dataclass(frozen=True)
class Page:
    """Panels in rows of equal length under one title."""

    title: str
    rows: Sequence[Sequence[Panel]]


def color(number: int) -> str:
    """Return the colour of a series."""
    return COLORS[number % len(COLORS)]


def dashed(number: int) -> bool:
    """Tell whether a series begins the colours again."""
    return number >= len(COLORS)


def shares(label: str) -> Axis:
    """Return an axis from 0 to 1, with a little room beside."""
    return Axis(label, -0.01, 1.01, (0, 0.25, 0.5, 0.75, 1), ("0", "0.25", "0.5", "0.75", "1"))


def scale(label: str, *values: "Array", about: int = 5, room: float = math.inf, grid: bool = False) -> Axis:
    """Return an axis on which all finite values are; its round ticks are fewer where names need more room [px]."""
    import numpy as np

    finite = np.concatenate([np.ravel(each)[np.isfinite(np.ravel(each))] for each in values])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):  # all alike
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    ticks: list[float] = []
    names: list[str] = []
    for fewer in range(about, 0, -1):
        ticks = _round_ticks(low, high, fewer)
        names = _numbers(ticks)
        if len(names) * (max(letters.width(name, SMALL) for name in names) + SMALL) <= room:
            break
    beside = (high - low) * 0.03
    return Axis(label, low - beside, high + beside, ticks, names, grid=grid)


def places(label: str, names: Sequence[str], room: float, *, across: bool = True, backwards: bool = False) -> Axis:
    """Return an axis with a name for each place from 0 on, as many of them as there is room for [px]."""
    each = room / len(names)
    every = math.ceil(SMALL * LINE / each)
    ticks = range(0, len(names), every)
    shown = [letters.fitting(names[tick], SMALL, WIDEST_NAME) for tick in ticks]
    upright = across and max(letters.width(name, SMALL) for name in shown) + SMALL / 2 > each * every
    low, high = -0.5, len(names) - 0.5
    return Axis(label, *((high, low) if backwards else (low, high)), ticks, shown, upright)


def _round_ticks(low: float, high: float, about: int) -> list[float]:
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, max(first, last) + 1)]


def _numbers(ticks: Sequence[float]) -> list[str]:
    """Return ticks as texts that are exact."""
    plain = FEWEST_ROUND <= max(map(abs, ticks)) < MOST_PLAIN
    texts = [""] * len(ticks)
    for digits in range(17):
        texts = [f"{tick:,.{digits}f}" if plain else f"{tick:.{digits}e}" for tick in ticks]
        if all(
            math.isclose(float(text.replace(",", "")), tick, rel_tol=1e-9, abs_tol=1e-12 * abs(ticks[-1] - ticks[0]))
            for text, tick in zip(texts, ticks, strict=True)
        ):
            break
    return [text if float(text.replace(",", "")) else "0" for text in texts]
