"""Histories of metrics as a chart wants them: the short ones in full, the long ones by the points that show them."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ..records import MetricSummary, Outline, RunStore, Series
from . import charts
from .catalogue import Entry

LONG = 1 << 16
"""From so many points on a line is drawn from its outline."""

Range = tuple[float | None, float | None]


def read(
    store: RunStore, entries: Sequence[Entry], name: str, axis: str, between: Range = (None, None)
) -> dict[str, Series | Outline]:
    """Return one metric of some runs, by run id; runs without it are left out.

    Parameters
    ----------
    store : RunStore
        Where they are.
    entries : sequence of Entry
        The runs.
    name : str
        The metric.
    axis, between
        As in `charts.line`.
    """
    having = {_id(entry): summary for entry in entries if (summary := entry.metrics.get(name)) is not None}
    found: dict[str, Series | Outline] = {}
    for run_id, summary in having.items():
        if _is_long(summary) and axis != charts.EPOCH:
            along: Literal["step", "time"] = "step" if axis == "step" else "time"
            outline = store.outline(run_id, name, along, _moments(summary, axis, between))
            found |= {} if outline is None else {run_id: outline}
    found |= every(store, [entry for entry in entries if _id(entry) in having and _id(entry) not in found], name, axis)
    return {run_id: found[run_id] for run_id in having if run_id in found}


def every(store: RunStore, entries: Sequence[Entry], name: str, axis: str) -> dict[str, Series]:
    """Return all points of one metric of some runs, by run id."""
    found = {run_id: several[name] for run_id, several in store.series_of([_id(one) for one in entries], name).items()}
    return _by_epoch(store, found) if axis == charts.EPOCH else found


def _id(entry: Entry) -> str:
    return entry.record.run_id


def _is_long(summary: MetricSummary) -> bool:
    return summary.kind == "scalar" and not summary.mixed and summary.count > LONG


def _moments(summary: MetricSummary, axis: str, between: Range) -> Range:
    """Return a part of the time since the first point as moments."""
    if axis != "time":
        return between
    low, high = (None if end is None else end + summary.first_at for end in between)
    return low, high


def _by_epoch(store: RunStore, found: Mapping[str, Series]) -> dict[str, Series]:
    """Return the same against the epochs that the runs logged; a run that logged none keeps its steps."""
    told = store.series_of(list(found), charts.EPOCH)
    return {
        run_id: charts.by_epoch(one, told[run_id][charts.EPOCH]) if run_id in told else one
        for run_id, one in found.items()
    }
