"""The nouns of a picture: a page of panels, each with two axes and what is marked on it. They draw nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

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
MARGIN = 0.03
"""Share of an axis that stays free at each end."""
FEWEST_POWERS = 3
"""A logarithmic axis with fewer powers of ten than that has ticks between them."""
STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""From one power of ten that has a tick to the next."""
LOGARITHMS = (-307, 308)
"""Powers of ten beyond these are no floats."""
Shape: TypeAlias = Literal["dot", "ring", "diamond", "triangle", "cross"]


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
    log_from : float
        Values of this size and above lie by their logarithm, those nearer to zero evenly: 0 is a logarithmic axis, inf
        a linear one, and between them lies what is called symlog.
    """

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    names: Sequence[str]
    upright: bool = False
    grid: bool = False
    log_from: float = math.inf

    def share(self, values: Any) -> Any:
        """Return where values lie: 0 at the beginning of the axis, 1 at its end."""
        low, high = _spread(self.low, self.log_from), _spread(self.high, self.log_from)
        return (_spread(values, self.log_from) - low) / (high - low)

    def at(self, share: float) -> float:
        """Return the value that lies at a share of the axis."""
        low, high = _spread(self.low, self.log_from), _spread(self.high, self.log_from)
        return float(_unspread(low + share * (high - low), self.log_from))


@dataclass(frozen=True)
class Line:
    """A line through points (x, y); with a `label` it stands in the legend.

    Marks with the same label are one entry there, one drawn over the other. A line or dots without any point stand in
    the legend alone.
    """

    x: "Array"
    y: "Array"
    color: str = COLORS[0]
    dashed: bool = False
    label: str = ""
    width: float = 1.6
    dots: bool = False


@dataclass(frozen=True)
class Dots:
    """Points (x, y), half transparent unless told otherwise, as there may be many; a `label` as a `Line` has it."""

    x: "Array"
    y: "Array"
    color: str = COLORS[0]
    label: str = ""
    shape: Shape = "dot"
    radius: float = 2.2
    opacity: float = 0.5


@dataclass(frozen=True)
class ErrorBars:
    """At each x a bar from `low` to `high`."""

    x: "Array"
    low: "Array"
    high: "Array"
    color: str = COLORS[0]
    opacity: float = 0.6


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


Mark: TypeAlias = Line | Dots | ErrorBars | Bars | Cells


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
    """Panels in rows under one title, and a remark in small letters.

    Rows are of equal length; the last may be shorter.
    """

    title: str
    rows: Sequence[Sequence[Panel]]
    remark: str = ""


def color(number: int) -> str:
    """Return the colour of a series."""
    return COLORS[number % len(COLORS)]


def dashed(number: int) -> bool:
    """Tell whether a series begins the colours again."""
    return number >= len(COLORS)


def shares(label: str) -> Axis:
    """Return an axis from 0 to 1, with a little room beside."""
    return Axis(label, -0.01, 1.01, (0, 0.25, 0.5, 0.75, 1), ("0", "0.25", "0.5", "0.75", "1"))


def scale(
    label: str, *values: "Array", about: int = 5, room: float = math.inf, grid: bool = False, whole: bool = False
) -> Axis:
    """Return an axis on which all finite values are; its round ticks are fewer where names need more room [px].

    With `whole`, ticks are whole numbers.
    """
    found = _finite(values)
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):  # all alike
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    ticks: list[float] = []
    names: list[str] = []
    for fewer in range(about, 0, -1):
        ticks = round_ticks(low, high, fewer, whole=whole)
        names = tick_names(ticks)
        if _have_room(names, room):
            break
    beside = (high - low) * MARGIN
    return Axis(label, low - beside, high + beside, ticks, names, grid=grid)


def log_scale(
    label: str,
    *values: "Array",
    log_from: float = 0.0,
    about: int = 8,
    room: float = math.inf,
    grid: bool = False,
) -> Axis:
    """Return an axis on which all finite values are, spread by their logarithm, with ticks at powers of ten.

    Parameters
    ----------
    label : str
        What is told along it.
    *values : array
        What has to have a place on it. Where `log_from` is 0, only what is positive has one.
    log_from : float, default=0
        Values nearer to zero than this lie evenly, and a negative one as far from zero as a positive one.
    about : int, default=8
        Ticks to each side of zero, at most.
    room : float, default=inf
        Room for their names [px].
    grid : bool, default=False
        Whether faint lines go through them.
    """
    import numpy as np

    found = _finite(values)
    shown = _spread(found if log_from else found[found > 0], log_from)
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):  # all alike
        low, high = low - 0.5, high + 0.5
    first, last = (float(end) for end in _unspread(np.array([low, high]), log_from))
    ticks: list[float] = []
    names: list[str] = []
    for fewer in range(about, 0, -1):
        ticks, names = log_ticks(first, last, log_from, fewer)
        if _have_room(names, room):
            break
    beside = (high - low) * MARGIN
    low, high = (float(end) for end in _unspread(np.array([low - beside, high + beside]), log_from))
    return Axis(label, low, high, ticks, names, grid=grid, log_from=log_from)


def places(
    label: str,
    names: Sequence[str],
    room: float,
    *,
    across: bool = True,
    backwards: bool = False,
    grid: bool = False,
) -> Axis:
    """Return an axis with a name for each place from 0 on, as many of them as there is room for [px]."""
    each = room / len(names)
    every = math.ceil(SMALL * LINE / each)
    ticks = range(0, len(names), every)
    shown = [letters.fitting(names[tick], SMALL, WIDEST_NAME) for tick in ticks]
    upright = across and max(letters.width(name, SMALL) for name in shown) + SMALL / 2 > each * every
    low, high = -0.5, len(names) - 0.5
    return Axis(label, *((high, low) if backwards else (low, high)), ticks, shown, upright, grid)


def _finite(values: "Sequence[Array]") -> "Array":
    import numpy as np

    return np.concatenate([np.ravel(each)[np.isfinite(np.ravel(each))] for each in values])


def _have_room(names: Sequence[str], room: float) -> bool:
    return len(names) * (max(letters.width(name, SMALL) for name in names) + SMALL) <= room


def _spread(values: Any, log_from: float) -> Any:
    """Return values as lengths along an axis: evenly up to `log_from`, a decade long, and a decade for each beyond."""
    if log_from == math.inf:
        return values
    import numpy as np

    if log_from == 0:
        return np.log10(np.maximum(values, np.finfo(float).tiny))  # zero lies far below, where nothing is drawn
    size = np.abs(values) / log_from
    return np.sign(values) * np.where(size <= 1, size, 1 + np.log10(np.maximum(size, 1)))


def _unspread(lengths: Any, log_from: float) -> Any:
    if log_from == math.inf:
        return lengths
    import numpy as np

    if log_from == 0:
        return 10.0 ** np.clip(lengths, *LOGARITHMS)
    size = np.abs(lengths)
    return np.sign(lengths) * log_from * np.where(size <= 1, size, 10.0 ** np.clip(size - 1, 0, LOGARITHMS[1]))


def log_ticks(low: float, high: float, log_from: float, about: int) -> tuple[list[float], list[str]]:
    """Return powers of ten and zero, or, where there are few powers, 2 and 5 times them too; and their names."""
    if log_from:
        ticks = [
            *(-tick for tick in reversed(_powers(log_from, -low, about))),
            *([0.0] if low <= 0 <= high else []),
            *_powers(log_from, high, about),
        ]
        return ticks, [f"{tick:,g}" for tick in ticks]
    ticks = _powers(low, high, about)
    if len(ticks) < FEWEST_POWERS:
        between = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        finer = [float(f"{times}e{power}") for power in between for times in (1, 2, 5)]
        finer = [tick for tick in finer if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        ticks = finer if FEWEST_POWERS <= len(finer) <= about else ticks
    if ticks:
        return ticks, [f"{tick:,g}" for tick in ticks]
    ticks = round_ticks(low, high, min(about, 3))
    return ticks, tick_names(ticks)


def _powers(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten between two positive numbers: each one, or where there are many each second or third ..."""
    if high < low:
        return []
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = next(step for step in STEPS if step * most > last - first)
    return [float(f"1e{power}") for power in range(first, last + 1) if power % every == 0]


def round_ticks(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Return about so many round numbers between two, the last perhaps beyond; `whole` ones."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    if whole:
        power = max(1.0, power)
    steps = (factor * power for factor in (1, 2, 2.5, 5, 10))
    step = next(step for step in steps if step >= raw * 0.999 and (step.is_integer() or not whole))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, max(first, last) + 1)]


def tick_names(ticks: Sequence[float]) -> list[str]:
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
