"""The list of experiments, and the page of one: its runs as a table, and charts over them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..core import Experiment
from ..core.experiment import ViewType
from . import bands, charts, overlays, views
from .catalogue import Entry
from .exporting import Export
from .studio import Studio, label, of, query, quoted
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
    saved = views.listed(studio.workspace, name)
    default = next((view["query"] for view in saved if view["default"]), "")
    if default and not request.url.query:  # a view of all runs is what stands here anyway
        return RedirectResponse(f"./{quoted(name)}?{default}", 302)
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
        saved=saved,
        query=views.query_of("table", request.url.query),
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
    histories = overlays.histories_of(found.family)
    history = request.query_params.get("history")
    history = history if history in histories else next(iter(histories), None)
    words, asked = found.look.rows(), overlays.Asked.of(request.query_params)
    return {
        "asked": asked,
        "groups": bands.choices(found.names),
        "bands": bands.BANDS,
        "epochs": charts.EPOCH in found.names.metrics,
        "x": x,
        "y": y,
        "params": found.names.params,
        "metrics": numeric,
        "histories": histories,
        "history": history,
        "points": query({"kind": "points", "x": x, "y": y}) + _more(words) if x else None,
        "overlay": query({"kind": "history", "metric": history, **asked.words()}) + _more(words) if history else None,
        "parallel": query({"kind": "parallel"}) + _more(words) if len(found.axes()) >= _TWO else None,
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
            axes = found.axes()[:MOST_AXES]
            told = [(one.record.run_id, label(one.record), [axis.cell(one) for axis in axes]) for one in runs]
            return charts.parallel([axis.title for axis in axes], told)
        case "history":
            return overlays.spec(studio, words.get("metric", ""), runs, overlays.Asked.of(words))
    raise HTTPException(404, "charts over runs are of kind points, parallel or history")


def export(studio: Studio, request: Request) -> Export:
    """Return the complete data behind a chart over an experiment's runs.

    Raises
    ------
    HTTPException
        404 for a kind that is none.
    """
    found = looked(studio, request)
    words, runs = request.query_params, found.family
    match words.get("kind"):
        case "points":
            columns = [column(f"{kind}.{words.get(axis) or '?'}") for kind, axis in (("param", "x"), ("metric", "y"))]
        case "parallel":
            columns = found.axes()[:MOST_AXES]
        case "history":
            return overlays.table(studio, words.get("metric", ""), runs, overlays.Asked.of(words))
        case _:
            raise HTTPException(404, "charts over runs are of kind points, parallel or history")
    head = ("run_id", "number", "run", *(one.title for one in columns))
    rows = ((_id(one), one.record.number, label(one.record), *(axis.cell(one) for axis in columns)) for one in runs)
    return Export(f"{request.path_params['name']} {words['kind']}", head, rows)


def _id(entry: Entry) -> str:
    return entry.record.run_id


__all__ = ["experiment", "experiments", "export", "listed", "spec"]
