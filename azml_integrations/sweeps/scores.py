"""What the children of a sweep have reached, asked of the index."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from ..records import MetricSummary, RunRecord, RunStore, Series
from .goal import PrimaryMetricGoal


def numbers(series: Series | None) -> tuple[float, ...]:
    """Return the numbers of a metric in order of logging; a logged list counts each of its items."""
    return () if series is None else tuple(_flat(series.values))


def _flat(values: Iterable[Any]) -> Iterable[float]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        elif isinstance(value, (int, float)):
            yield float(value)


def best(
    store: RunStore, records: Sequence[RunRecord], metric: str, goal: PrimaryMetricGoal
) -> dict[str, float | None]:
    """Return the best value of a metric by run id: the best of all that a run has logged, None where there is none."""
    summaries = store.summaries_of([record.run_id for record in records])
    return {run_id: _best(store, run_id, several, metric, goal) for run_id, several in summaries.items()}


def _best(
    store: RunStore, run_id: str, summaries: Iterable[MetricSummary], metric: str, goal: PrimaryMetricGoal
) -> float | None:
    summary = next((one for one in summaries if one.name == metric), None)
    if summary is None:
        return None
    extreme = summary.max if goal is PrimaryMetricGoal.MAXIMIZE else summary.min
    if extreme is None or not isfinite(extreme):
        return goal.best(numbers(store.series(run_id, metric)))
    return extreme


def logged(store: RunStore, records: Sequence[RunRecord]) -> list[str]:
    """Return the names of all metrics with a number that runs have logged, those of most runs first."""
    counts: dict[str, int] = {}
    for several in store.summaries_of([record.run_id for record in records]).values():
        for one in several:
            if one.last is not None:
                counts[one.name] = counts.get(one.name, 0) + 1
    return sorted(counts, key=lambda name: -counts[name])


def ranked(values: Mapping[str, float | None], goal: PrimaryMetricGoal) -> list[str]:
    """Return run ids, best first, equal ones as they came; those without a value last."""
    return sorted(values, key=lambda run_id: _rank(values[run_id], goal))


def _rank(value: float | None, goal: PrimaryMetricGoal) -> tuple[bool, float]:
    return value is None, 0.0 if value is None else goal.loss(value)
