"""The children of a run as one table, and their scores as charts."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from ..core.fit_table import compared, fit_table, number
from ..core.run import Run
from ..records import MetricSummary, RunQuery, RunRecord
from .charts import Chart, Curve, thinned

PARAM = "param."
MOST_METRICS = 6
"""Columns of metrics."""
MOST_PARAMETERS = 8
"""Columns of parameters."""
MOST_CHARTS = 4
"""One of all children, and one for each parameter that is a number."""


@dataclass(frozen=True)
class Child:
    """One row.

    Attributes
    ----------
    record : RunRecord
        The run.
    parameters : dict of str to value
        By name.
    metrics : dict of str to value
        The last value of each; of the primary metric the best.
    summaries : tuple of MetricSummary
        All of them.
    """

    record: RunRecord
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    summaries: tuple[MetricSummary, ...] = ()


@dataclass(frozen=True)
class Family:
    """The children of a run, or its fits.

    Attributes
    ----------
    children : tuple of Child
        Best first where it is known which way is better, else in the order of their numbers.
    total : int
        How many there are.
    parameters, metrics : tuple of str
        Columns: the parameters that differ; the metrics, the primary one first.
    primary : str
        The metric that is compared; empty where there is none.
    goal : {"minimize", "maximize", ""}
        Which way it is better, where that is known.
    best : str or None
        Id of the best child.
    charts : tuple of Chart
        The scores.
    counts : dict of str to int
        How many children stand how.
    """

    children: tuple[Child, ...]
    total: int
    parameters: tuple[str, ...]
    metrics: tuple[str, ...]
    primary: str
    goal: str
    best: str | None
    charts: tuple[Chart, ...]
    counts: Mapping[str, int]


def family(run: Run, record: RunRecord, most: int) -> Family | None:
    """Return the children of a run; None where it has none.

    Parameters
    ----------
    run, record : Run, RunRecord
        The parent.
    most : int
        Children that are told; charts are of all.
    """
    store = run.experiment.workspace.view.all()
    records = sorted(store.find(RunQuery(parent_id=run.id)), key=lambda child: child.number)
    if not records:
        return None
    if record in (rows := compared(record, records)):
        records = rows  # the first fit stands in the run itself
    summaries = store.summaries_of([one.run_id for one in records])
    primary, goal = _primary(record)
    table = fit_table([(one, summaries[one.run_id]) for one in records])
    primary = primary or next(iter(table.metrics), "")
    children = [_child(one, summaries[one.run_id], primary, goal) for one in records]
    metrics = [primary, *(name for name in table.metrics if name != primary)] if primary else []
    ranked = _ranked(children, primary, goal)
    best = ranked[0] if goal and ranked and _score(ranked[0], primary) is not None else None
    counts: dict[str, int] = {}
    for child in children:
        counts[str(child.record.status)] = counts.get(str(child.record.status), 0) + 1
    differing = _differing(children, table.parameters)
    return Family(
        tuple(ranked[:most]),
        len(children),
        tuple(differing[:MOST_PARAMETERS]),
        tuple(metrics[:MOST_METRICS]),
        primary,
        goal,
        best.record.run_id if best else None,
        tuple(_charts(children, differing, primary, goal, best)),
        counts,
    )


def _primary(record: RunRecord) -> tuple[str, str]:
    """Return the primary metric of a sweep and which way it is better; empty where nobody said so."""
    told = record.properties.get("primary_metric_config") or record.tags.get("primary_metric_config") or "{}"
    try:
        config = json.loads(told)
        name, goal = str(config["name"]), str(config["goal"]).lower()
    except (ValueError, TypeError, KeyError):
        return "", ""
    return name, goal if goal in ("minimize", "maximize") else ""


def _child(record: RunRecord, summaries: Sequence[MetricSummary], primary: str, goal: str) -> Child:
    metrics: dict[str, Any] = {one.name: one.last_value if one.kind == "scalar" else one.last for one in summaries}
    scored = next((one for one in summaries if one.name == primary), None)
    if scored is not None and goal:
        metrics[primary] = scored.max if goal == "maximize" else scored.min
    return Child(record, _parameters(record), metrics, tuple(summaries))


def _parameters(record: RunRecord) -> dict[str, Any]:
    """Return a run's hyperparameters: its properties, and what its sweep has chosen for it."""
    held = {key.removeprefix(PARAM): number(text) for key, text in record.properties.items() if key.startswith(PARAM)}
    return held | _chosen(record)


def _chosen(record: RunRecord) -> dict[str, Any]:
    try:
        chosen = json.loads(record.tags.get("hyperparameters") or "{}")
    except ValueError:
        return {}
    return {str(key).lstrip("-"): value for key, value in chosen.items()} if isinstance(chosen, dict) else {}


def _differing(children: Sequence[Child], known: Iterable[str]) -> list[str]:
    """Return the parameters with more than one value: those known to, and what a sweep has chosen."""
    values: dict[str, set[str]] = {}
    for child in children:
        for name, value in _chosen(child.record).items():
            values.setdefault(name, set()).add(repr(value))
    return list(dict.fromkeys([*known, *(name for name, different in values.items() if len(different) > 1)]))


def _score(child: Child, primary: str) -> float | None:
    value = child.metrics.get(primary)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _ranked(children: Sequence[Child], primary: str, goal: str) -> list[Child]:
    if not goal:
        return list(children)
    sign = -1.0 if goal == "maximize" else 1.0

    def rank(child: Child) -> tuple[bool, float]:
        score = _score(child, primary)
        return score is None, 0.0 if score is None else sign * score

    return sorted(children, key=rank)


# -- charts ------------------------------------------------------------------------------------------


def _charts(
    children: Sequence[Child], differing: Sequence[str], primary: str, goal: str, best: Child | None
) -> list[Chart]:
    scored = [
        (place, child, score) for place, child in enumerate(children) if (score := _score(child, primary)) is not None
    ]
    if len(scored) < 2:  # noqa: PLR2004 - one point shows nothing
        return []
    charts = [_over_children(scored, primary, goal, best)]
    for name in differing:
        placed = [
            (float(value), child, score)
            for _, child, score in scored
            if isinstance(value := child.parameters.get(name), (int, float)) and not isinstance(value, bool)
        ]
        if len({x for x, _, _ in placed}) > 1 and len(charts) < MOST_CHARTS:
            charts.append(_against(name, sorted(placed, key=lambda one: one[0]), primary, best))
    return charts


def _over_children(scored: Sequence[tuple[int, Child, float]], primary: str, goal: str, best: Child | None) -> Chart:
    placed = [(place + 1.0, child, score) for place, child, score in scored]
    curves = [_dots(placed, primary, best, "each child" if goal else "")]
    if goal:
        better = max if goal == "maximize" else min
        reached = list(accumulate((score for _, _, score in placed), better))
        curves.append(Curve(thinned([x for x, _, _ in placed], reached), "best so far", how="steps"))
    drawn, there = len(curves[0].points), len(scored)
    remark = f"{drawn:,} of {there:,} children drawn" if drawn < there else f"{there:,} children"
    return Chart(f"{primary} of the children", "child", primary, curves, remark=remark)


def _against(name: str, placed: Sequence[tuple[float, Child, float]], primary: str, best: Child | None) -> Chart:
    curve = _dots(placed, primary, best)
    single = len({x for x, _, _ in placed}) == len(placed)
    return Chart(
        f"{primary} against {name}", name, primary, [replace(curve, how="line") if single else curve], spread=True
    )


def _dots(placed: Sequence[tuple[float, Child, float]], primary: str, best: Child | None, label: str = "") -> Curve:
    """Return a dot for each child, the best one marked; of very many those that stand out, and they have no names."""
    points = thinned([x for x, _, _ in placed], [score for _, _, score in placed])
    names = [_named(child, primary) for _, child, _ in placed] if len(points) == len(placed) else []
    top = next(((x, score) for x, child, score in placed if child is best), None)
    marked = points.index(top) if top in points else None  # an extreme: thinning has kept it
    return Curve(points, label, "dots", marked, names=names)


def _named(child: Child, primary: str) -> str:
    told = ", ".join(f"{name}={value}" for name, value in list(child.parameters.items())[:6])
    return f"{child.record.experiment} #{child.record.number}: {primary} {child.metrics.get(primary)}; {told}"
