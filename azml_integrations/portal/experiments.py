"""The list of experiments, and the page of one: its runs as a table, and charts over them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..core import Experiment
from ..core.experiment import ViewType
from ..records import Outline
from . import charts, histories
from .catalogue import Entry
from .studio import Studio, label, of, query
from .table import FIXED, Look, Table, column, differs, table

LIVE = frozenset(
    ("Running", "Queued", "Starting", "Preparing", "Provisioning", "Finalizing", "CancelRequested", "NotStarted")
)
MOST_AXES = 8
_TWO = 2


def experiments(request: Request) -> Response:
    """Show all experiments, those with the latest run first."""
    studio = of(request)
    everything = request.query_params.get("archived") == "1"
    rows = listed(studio, archived=everything)
    hidden = len(listed(studio, archived=True)) - len(rows)
    return studio.page(request, "experiments.html", rows=rows, archived=everything, hidden=hidden)


def listed(studio: Studio, *, archived: bool) -> list[dict[str, Any]]:
    """Return what is to say of each experiment."""
    runs = studio.catalogue.experiments()
    known = {one.name: one for one in Experiment.list(studio.workspace, view_type=ViewType.All)}
    rows = []
    for name in runs.keys() | known.keys():
        there = known.get(name)
        is_archived = there is not None and there.archived_time is not None
        if not is_archived or archived:
            rows.append(_described(name, runs.get(name, []), archived=is_archived))
    return sorted(rows, key=lambda row: (-(row["last"] or 0), row["name"]))


def _described(name: str, entries: Sequence[Entry], *, archived: bool) -> dict[str, Any]:
    top = [entry.record for entry in entries if entry.record.parent_id is None]
    standing = Counter(str(record.status) for record in top)
    return {
        "name": name,
        "runs": len(top),
        "children": len(entries) - len(top),
        "live": sum(n for status, n in standing.items() if status in LIVE),
        "failed": standing["Failed"],
        "last": max((record.started_at or record.created_at for record in top), default=None),
        "archived": archived,
    }


def experiment(request: Request) -> Response:
    """Show the runs of one experiment."""
    studio = of(request)
    name = request.path_params["name"]
    found = looked(studio, request)
    charting = _charting(request, found)
    return studio.page(
        request,
        "experiment.html",
        name=name,
        table=found,
        look=found.look,
        fixed=FIXED,
        live=any(entry.record.status in LIVE for entry in found.entries),
        version=studio.catalogue.version,
        charting=charting,
        problem=found.problem,
        archived=is_archived(studio, name),
    )


def is_archived(studio: Studio, name: str) -> bool:
    """Tell whether an experiment is put away."""
    return any(one.name == name for one in Experiment.list(studio.workspace, view_type=ViewType.ArchivedOnly))


def looked(studio: Studio, request: Request) -> Table:
    """Return the table that an address asks for.

    Raises
    ------
    HTTPException
        404 without such an experiment.
    """
    name = request.path_params["name"]
    found = table(studio.catalogue, name, Look.of(request.query_params.multi_items()))
    if not found.names.metrics and not studio.catalogue.experiment(name):
        known = {one.name for one in Experiment.list(studio.workspace, view_type=ViewType.All)}
        if name not in known:
            raise HTTPException(404, f"there is no experiment {name} in workspace {studio.workspace.name}")
    return found


# -- charts over runs ----------------------------------------------------------------------------------


def _charting(request: Request, found: Table) -> dict[str, Any] | None:
    """Return which charts over the runs stand on the page, and what can be chosen."""
    numeric = numbers(found.family)
    x, y = _axes(request, found, numeric)
    if y is None:
        return None
    histories = [name for name in found.names.metrics if _has_history(name, found.family)]
    history = request.query_params.get("history")
    history = history if history in histories else next(iter(histories), None)
    axes = [one.key for one in found.columns if one.kind in ("param", "metric")]
    words = found.look.words()
    return {
        "x": x,
        "y": y,
        "params": found.names.params,
        "metrics": numeric,
        "histories": histories,
        "history": history,
        "points": query({"kind": "points", "x": x, "y": y}) + _more(words) if x else None,
        "overlay": query({"kind": "history", "metric": history}) + _more(words) if history else None,
        "parallel": query({"kind": "parallel"}) + _more(words) if len(axes) >= _TWO and len(found.family) > 1 else None,
    }


def _more(words: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return "&" + urlencode(words) if words else ""


def _axes(request: Request, found: Table, numeric: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the axes that were chosen; else the first parameter that differs, and the metric that is sorted by."""
    sorted_by = found.look.key.removeprefix("metric.").partition(":")[0]
    y = request.query_params.get("y") or (sorted_by if sorted_by in numeric else next(iter(numeric), None))
    x = request.query_params.get("x")
    if x is None:
        x = next((name for name in found.names.params if differs(column(f"param.{name}"), found.family)), None)
    return x, y


def numbers(entries: Sequence[Entry]) -> list[str]:
    """Return the metrics that have a number in some of the first runs, those that most have first."""
    having = Counter(name for entry in entries[:300] for name, one in entry.metrics.items() if one.last is not None)
    return sorted(having, key=lambda name: (name.endswith("_time"), name.startswith("training_"), -having[name]))


def _has_history(name: str, entries: Sequence[Entry]) -> bool:
    return any((one := entry.metrics.get(name)) is not None and one.count > 1 for entry in entries[:200])


def spec(studio: Studio, request: Request) -> charts.Spec:
    """Return the chart over an experiment's runs that an address asks for.

    Raises
    ------
    HTTPException
        404 for a kind that is none.
    """
    found = looked(studio, request)
    words = request.query_params
    runs = found.family
    match words.get("kind"):
        case "points":
            x, y = words.get("x", ""), words.get("y", "")
            a, b = column(f"param.{x}" if x else "param.?"), column(f"metric.{y}" if y else "metric.?")
            return charts.scatter(
                x, y, [(one.record.run_id, label(one.record), a.cell(one), b.cell(one)) for one in runs]
            )
        case "parallel":
            axes = [one for one in found.columns if one.kind in ("param", "metric")][:MOST_AXES]
            told = [(one.record.run_id, label(one.record), [axis.cell(one) for axis in axes]) for one in runs]
            return charts.parallel([axis.title for axis in axes], told)
        case "history":
            return history(studio, words.get("metric", ""), runs, words.get("axis", "step"))
    raise HTTPException(404, "charts over runs are of kind points, parallel or history")


def history(
    studio: Studio, metric: str, runs: Sequence[Entry], axis: str, between: histories.Range = (None, None)
) -> charts.Spec:
    """Return the lines of one metric of several runs, of the first `charts.MOST_LINES` that have it.

    Raises
    ------
    HTTPException
        404 if none has it.
    """
    having = [entry for entry in runs if metric in entry.metrics][: charts.MOST_LINES]
    found = histories.read(studio.workspace.view.all(), having, metric, axis, between)
    told = {}
    for entry in having:
        one = found.get(entry.record.run_id)
        if one is not None and (isinstance(one, Outline) or charts.shown_as(one) in ("line", "pairs", "value")):
            told[f"{label(entry.record)} #{entry.record.number}"] = one
    if not told:
        raise HTTPException(404, f"none of these runs has a line of metric {metric!r}")
    return charts.chart(metric, told, axis, between)


__all__ = ["experiment", "experiments", "history", "listed", "spec"]
