"""Many runs as few lines: the mean of each group, and the band that its runs fill."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.fit_table import number
from ..records import RunStore
from . import charts, histories
from .catalogue import Entry, Names

if TYPE_CHECKING:
    import numpy as np

BANDS = {"std": "mean ± std", "range": "mean, min to max"}
"""What a band shows: one sample standard deviation (n - 1) on both sides of the mean, or the lowest and the highest."""

RULE = (
    "Between two of its points a run is a straight line; before its first and after its last one, and beside a value "
    "that is not finite, it does not count. Of two points at one place the later counts."
)

EVERY = "all"
"""The group of all runs."""

GRID = 8192
"""So many places of x at most are looked at for a chart; of more, evenly chosen ones."""

MOST_POINTS = 4_000_000
"""Of a chart; runs beyond are left out, and that is said."""

_TOGETHER = 32
"""Runs read in one question."""


@dataclass(frozen=True)
class Band:
    """What the runs of a group are at each place of x.

    Attributes
    ----------
    x : ndarray of shape (n,)
        Places, rising.
    runs : ndarray of int, shape (n,)
        How many runs count there.
    mean, std, low, high : ndarray of shape (n,)
        Over those; NaN where there is none. The standard deviation of one run is 0.
    places : int
        Of how many places those of `x` are chosen.
    """

    x: "np.ndarray"
    runs: "np.ndarray"
    mean: "np.ndarray"
    std: "np.ndarray"
    low: "np.ndarray"
    high: "np.ndarray"
    places: int


def choices(names: Names) -> list[tuple[str, str]]:
    """Return by what runs can be grouped: keys as in an address, and words."""
    return [
        (EVERY, "all of them"),
        *((f"param.{name}", name) for name in names.params),
        *((f"tag.{name}", f"tag {name}") for name in names.tags),
    ]


def groups(entries: Sequence[Entry], by: str) -> dict[str, list[Entry]]:
    """Return runs by the value of a parameter or tag, the smallest number first; those without it are one group.

    Parameters
    ----------
    entries : sequence of Entry
        The runs.
    by : str
        ``all``, ``param.NAME`` or ``tag.NAME``.
    """
    kind, _, name = by.partition(".")
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        several: Mapping[str, str | None] = entry.params if kind == "param" else entry.record.tags
        value = "all" if by == EVERY else f"{name} = {several[name]}" if name in several else f"no {name}"
        found.setdefault(value, []).append(entry)
    return dict(sorted(found.items(), key=lambda one: _order(one[0])))


def _order(title: str) -> tuple[bool, float, str]:
    value = number(title.rpartition("= ")[2])
    return not isinstance(value, (int, float)), value if isinstance(value, (int, float)) else 0.0, title


def spec(
    store: RunStore, metric: str, several: Mapping[str, Sequence[Entry]], axis: str, band: str, between: histories.Range
) -> charts.Spec:
    """Return the lines of some groups and their bands; groups without the metric are left out.

    Parameters
    ----------
    store : RunStore
        Where the runs are.
    metric : str
        Of scalars or lists.
    several : dict of str to sequence of Entry
        The groups.
    axis, between
        As in `charts.line`.
    band : {"std", "range"}
        Of `BANDS`.
    """
    shown = dict(list(several.items())[: charts.MOST_LINES])
    read, asked = dict(_read(store, metric, shown, axis)), sum(map(len, shown.values()))
    found = {title: over(lines, between, GRID) for title, lines in read.items()}
    most = max(charts.LEAST, charts.MOST // (2 * max(1, len(found))))
    counted = sum(len(lines) for lines in read.values())
    left = "" if counted == asked else f" of {asked}"
    return charts.axes(metric, axis) | {
        "series": [_told(f"{title} · {_runs(len(read[title]))}", one, band, most) for title, one in found.items()],
        "band": band,
        "note": f"{BANDS[band]} over {counted}{left} runs",
        "rule": RULE,
    }


def _runs(n: int) -> str:
    return "1 run" if n == 1 else f"{n} runs"


Line = tuple["np.ndarray", "np.ndarray"]


def _read(
    store: RunStore, metric: str, several: Mapping[str, Sequence[Entry]], axis: str
) -> Iterator[tuple[str, list[Line]]]:
    """Yield the lines of each group, the places rising and each once; no more points than a chart may have."""
    rest = MOST_POINTS
    for title, entries in several.items():
        lines = []
        for start in range(0, len(entries), _TOGETHER):
            part = [entry for entry in entries[start : start + _TOGETHER] if _fits(entry, metric, rest)]
            for one in histories.every(store, part, metric, axis).values():
                if one.kind in ("scalar", "list") and (line := rising(*charts.points(one, axis))) is not None:
                    rest -= len(line[0])
                    lines.append(line)
        if lines:
            yield title, lines


def _fits(entry: Entry, metric: str, rest: int) -> bool:
    summary = entry.metrics.get(metric)
    return summary is not None and summary.count <= rest


def rising(x: "np.ndarray", y: "np.ndarray") -> Line | None:
    """Return a line with its places rising, the last value at each; None of one without a finite value."""
    import numpy as np

    y = np.where(np.isfinite(y), y, np.nan)
    if len(x) and (np.diff(x) <= 0).any():
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        last = np.append(x[1:] != x[:-1], True)
        x, y = x[last], y[last]
    return None if np.isnan(y).all() else (x, y)


def over(lines: Sequence[Line], between: histories.Range = (None, None), most: int | None = None) -> Band:
    """Return what some lines are together.

    Parameters
    ----------
    lines : sequence of (x, y)
        As `rising` returns them; at least one.
    between : tuple of (float or None, float or None)
        Only this part of x.
    most : int, default=None
        So many places at most are looked at.
    """
    import numpy as np

    alike = all(len(x) == len(lines[0][0]) and (x == lines[0][0]).all() for x, _ in lines)
    grid = lines[0][0] if alike else np.unique(np.concatenate([x for x, _ in lines]))
    low, high = (-np.inf if between[0] is None else between[0]), (np.inf if between[1] is None else between[1])
    grid = grid[(grid >= low) & (grid <= high)]
    places = len(grid)
    if most is not None and places > most:
        grid = grid[np.linspace(0, places - 1, most).round().astype(int)]
    n, mean, square = np.zeros(len(grid), dtype=int), np.zeros(len(grid)), np.zeros(len(grid))
    least, greatest = np.full(len(grid), np.inf), np.full(len(grid), -np.inf)
    for x, y in lines:
        value = np.interp(grid, x, y, left=np.nan, right=np.nan)
        at = np.isfinite(value)
        here = value[at]
        n[at] += 1
        away = here - mean[at]
        mean[at] += away / n[at]
        square[at] += away * (here - mean[at])
        least[at], greatest[at] = np.minimum(least[at], here), np.maximum(greatest[at], here)
    std = np.sqrt(square / np.maximum(n - 1, 1))
    nobody = n == 0
    for column in (mean, std, least, greatest):
        column[nobody] = np.nan
    return Band(grid, n, mean, std, least, greatest, places)


def _told(title: str, one: Band, band: str, most: int) -> charts.Spec:
    """Return a band as a chart has it: of each stretch the lowest and the highest mean; its extremes stay."""
    import numpy as np

    low, high = (one.mean - one.std, one.mean + one.std) if band == "std" else (one.low, one.high)
    kept = charts.chosen(one.mean, most)
    if band == "range" and len(kept):
        low, high = np.fmin.reduceat(low, kept), np.fmax.reduceat(high, kept)
    else:
        low, high = low[kept], high[kept]
    told = charts.thinned(one.x[kept], {"y": one.mean[kept], "low": low, "high": high}, one.places)
    return {"name": title, "runs": one.runs[kept].tolist(), "odd": [], **told}


def rows(store: RunStore, metric: str, several: Mapping[str, Sequence[Entry]], axis: str) -> Iterable[tuple[Any, ...]]:
    """Yield the complete data behind a chart of bands: group, x, runs, mean, standard deviation, lowest, highest."""
    for title, lines in _read(store, metric, several, axis):
        one = over(lines)
        columns = (one.x, one.runs, one.mean, one.std, one.low, one.high)
        yield from ((title, *cells) for cells in zip(*(column.tolist() for column in columns), strict=True))
