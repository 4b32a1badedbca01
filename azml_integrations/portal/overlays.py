"""The histories of one metric of several runs in one chart: a line of each, or the mean and band of each group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from ..records import Outline
from . import bands, charts, histories
from .catalogue import Entry
from .exporting import Export
from .studio import Studio, label

_DRAWN = ("line", "pairs", "value")
AXES = ("step", "time", "wall", charts.EPOCH)


@dataclass(frozen=True)
class Asked:
    """What an address asks of a chart of histories.

    Attributes
    ----------
    axis : {"step", "time", "wall", "epoch"}
        What is drawn along x.
    between : tuple of (float or None, float or None)
        Only this part of x.
    group : str
        By what runs are taken together, as in `bands.groups`; empty for a line of each.
    band : {"std", "range"}
        What is drawn around the mean.
    """

    axis: str = "step"
    between: histories.Range = (None, None)
    group: str = ""
    band: str = "std"

    @classmethod
    def of(cls, words: Mapping[str, str]) -> "Asked":
        """Return what the words of a query string ask for; what makes no sense is as if it were not there."""
        axis, group, band = (words.get(key, "") for key in ("axis", "group", "band"))
        return cls(
            axis if axis in AXES else "step",
            (_number(words.get("min")), _number(words.get("max"))),
            group if group == bands.EVERY or group.startswith(("param.", "tag.")) else "",
            band if band in bands.BANDS else "std",
        )

    def words(self) -> dict[str, str | None]:
        """Return the words of the address, without the part of x; what is as by default is None."""
        return {
            "axis": self.axis if self.axis != "step" else None,
            "group": self.group or None,
            "band": self.band if self.group and self.band != "std" else None,
        }


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def spec(studio: Studio, metric: str, runs: Sequence[Entry], asked: Asked) -> charts.Spec:
    """Return one metric of several runs: the lines of the first `charts.MOST_LINES` that have it, or their groups.

    Raises
    ------
    HTTPException
        404 if none has it.
    """
    store = studio.workspace.view.all()
    having = _having(runs, metric)
    if asked.group:
        several = bands.groups(having, asked.group)
        told = bands.spec(store, metric, several, asked.axis, asked.band, asked.between)
        if not told["series"]:
            raise HTTPException(404, f"metric {metric!r} is a line in none of these runs")
        return told
    shown = having[: charts.MOST_LINES]
    found = histories.read(store, shown, metric, asked.axis, asked.between)
    lines = {
        _title(entry): one
        for entry in shown
        if (one := found.get(entry.record.run_id)) is not None
        and (isinstance(one, Outline) or charts.shown_as(one) in _DRAWN)
    }
    if not lines:
        raise HTTPException(404, f"none of these runs has a line of metric {metric!r}")
    left = {} if len(having) == len(shown) else {"note": f"the first {len(shown)} of {len(having)} runs"}
    return charts.chart(metric, lines, asked.axis, asked.between) | left


def _having(runs: Sequence[Entry], metric: str) -> list[Entry]:
    found = [entry for entry in runs if metric in entry.metrics]
    if not found:
        raise HTTPException(404, f"none of these runs has a metric {metric!r}")
    return found


def _title(entry: Entry) -> str:
    return f"{label(entry.record)} #{entry.record.number}"


def table(studio: Studio, metric: str, runs: Sequence[Entry], asked: Asked) -> Export:
    """Return the complete data behind a chart: every point of every run, or the mean and band at every place."""
    store = studio.workspace.view.all()
    having = _having(runs, metric)
    if asked.group:
        several = bands.groups(having, asked.group)
        head = ("group", asked.axis, "runs", "mean", "std", "min", "max")
        return Export(metric, head, bands.rows(store, metric, several, asked.axis))
    return Export(metric, ("run_id", "run", "step", "time", "value"), _points(studio, metric, having))


def _points(studio: Studio, metric: str, runs: Sequence[Entry]) -> Iterator[Sequence[Any]]:
    for entry in runs:
        run_id = entry.record.run_id
        series = studio.workspace.view.of(run_id).series(run_id, metric)
        for point in [] if series is None else zip(series.steps, series.times, series.values, strict=True):
            yield run_id, _title(entry), *point


def histories_of(entries: Sequence[Entry]) -> list[str]:
    """Return the metrics that are a line in some of the first runs."""
    found: dict[str, None] = {}
    for entry in entries[:200]:
        found |= {name: None for name, one in entry.metrics.items() if one.count > 1 and one.last is not None}
    return list(found)
