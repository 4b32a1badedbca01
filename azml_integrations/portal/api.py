"""The JSON API below ``/api/``: everything that the pages show, complete, as JSON or CSV; and the charts."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import compile_path

from ..records import MetricSummary, RunRecord
from . import artifacts, bulk, charts, comparing, drawing, experiments, panels, places, runs, views
from .catalogue import Entry
from .exporting import Export
from .studio import Studio, label, of
from .table import Look

Spec = Callable[[Studio, Request], charts.Spec]


def answer(found: object, status: int = 200) -> Response:
    """Return something as JSON; what is not finite is null."""
    return Response(msgspec.json.encode(found), status, media_type="application/json")


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return rows as a CSV file, sent as they are made."""

    def lines() -> Iterable[str]:
        yield _line(head)
        for row in rows:
            yield _line(row)

    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)
    disposition = {"Content-Disposition": f'attachment; filename="{plain}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=disposition)


def _line(row: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else cell for cell in row])
    return out.getvalue()


# -- what is said of things ----------------------------------------------------------------------------


def told(record: RunRecord) -> dict[str, Any]:
    """Return a run as JSON has it."""
    return {**msgspec.to_builtins(record), "label": label(record), "ended": record.ended}


def metric(summary: MetricSummary) -> dict[str, Any]:
    """Return a metric of a run as JSON has it."""
    found = msgspec.to_builtins(summary)
    return {key: value for key, value in found.items() if key != "name"}


def brief(entry: Entry) -> dict[str, Any]:
    """Return a run of a list with its parameters and metrics."""
    several = {name: metric(one) for name, one in entry.metrics.items()}
    return {**told(entry.record), "params": entry.params, "metrics": several}


# -- answers -------------------------------------------------------------------------------------------


def list_experiments(request: Request) -> Response:
    """List the experiments; with ``archived=1`` also those that are put away."""
    return answer(experiments.listed(of(request), archived=request.query_params.get("archived") == "1"))


def list_runs(request: Request) -> Response:
    """List an experiment's runs: ``q`` filters, ``sort`` orders, ``page`` and ``per`` choose, as on its page."""
    found = experiments.looked(of(request), request)
    if found.problem:
        raise HTTPException(400, found.problem)
    runs_told = [brief(row.entry) for row in found.rows]
    return answer({"found": found.found, "page": found.look.page, "pages": found.pages, "runs": runs_told})


def list_views(request: Request) -> Response:
    """List the saved views of an experiment, each with its address; ``default`` is the one its table opens with."""
    studio, name = of(request), request.path_params["name"]
    experiments.looked(studio, request)
    return answer(views.listed(studio.workspace, name))


def export_runs(request: Request) -> Response:
    """Export all of an experiment's runs that a filter lets pass, every parameter, tag and metric, as CSV."""
    head, rows = _export(request)
    return as_csv(request.path_params["name"], head, rows)


def export_parquet(request: Request) -> Response:
    """Export the same as Parquet; a column that is not numbers alone is text. Needs pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise HTTPException(
            501, "Parquet needs pyarrow; pip install 'azml-integrations[data]', or take the CSV"
        ) from None
    head, rows = _export(request)
    cells = list(rows)
    columns = {name: _alike([row[place] for row in cells]) for place, name in enumerate(head)}
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out)
    name = request.path_params["name"]
    disposition = {"Content-Disposition": f'attachment; filename="{name}.parquet"'}
    return Response(out.getvalue().to_pybytes(), media_type="application/vnd.apache.parquet", headers=disposition)


def _alike(column: list[object]) -> list[object]:
    """Return a column of one type: numbers where all are, else texts."""
    found = {type(cell) for cell in column if cell is not None}
    if found <= {int} or found <= {str} or found <= {bool}:
        return column
    if found <= {int, float}:
        return [None if cell is None else float(cell) for cell in column]  # type: ignore[arg-type]  # a number
    return [None if cell is None else str(cell) for cell in column]


def _export(request: Request) -> tuple[list[str], Iterator[list[object]]]:
    studio = of(request)
    look = Look.of(request.query_params.multi_items())
    found = experiments.looked(studio, request)
    if found.problem:
        raise HTTPException(400, found.problem)
    names = found.names
    fixed = ("run_id", "number", "status", "type", "parent_id", "created_at", "started_at", "ended_at")
    head = [*fixed, "label", *(f"params.{one}" for one in names.params), *(f"tags.{one}" for one in names.tags)]
    head += [f"metrics.{one}{by}" for one in names.metrics for by in ("", ":min", ":max")]
    entries: Sequence[Entry] = found.entries if look.flat else found.family
    if (ids := request.query_params.getlist("runs")) and "all" not in request.query_params:
        entries = [one for run_id in dict.fromkeys(ids) if (one := studio.catalogue.run(run_id)) is not None]
    return head, (_exported(entry, names, fixed) for entry in entries)


def _exported(entry: Entry, names: Any, fixed: Sequence[str]) -> list[object]:
    row: list[object] = [getattr(entry.record, key) for key in fixed]
    row.append(label(entry.record))
    params = entry.params
    row += [params.get(name) for name in names.params]
    row += [entry.record.tags.get(name) for name in names.tags]
    for name in names.metrics:
        one = entry.metrics.get(name)
        row += [None, None, None] if one is None else [_last(one), one.min, one.max]
    return row


def _last(summary: MetricSummary) -> object:
    return summary.last_value if summary.kind == "scalar" else summary.last


def get_run(request: Request) -> Response:
    """Return all that is known of a run."""
    studio = of(request)
    entry = studio.entry(request)
    files = artifacts.of(studio.workspace, entry.record)
    return answer(
        {
            **brief(entry),
            "children": [child.record.run_id for child in studio.catalogue.children(entry.record.run_id)],
            "files": [{"name": file.name, "size": file.size, "at": file.at} for file in files.values()],
        }
    )


def get_metric(request: Request) -> Response:
    """Return every point of one metric (``name``), complete, as JSON or with ``format=csv`` as CSV."""
    studio = of(request)
    entry = studio.entry(request)
    run_id, name = entry.record.run_id, request.query_params.get("name", "")
    series = studio.workspace.view.of(run_id).series(run_id, name)
    if series is None:
        raise HTTPException(404, f"run {run_id} has no metric {name!r}")
    if request.query_params.get("format") == "csv":
        if series.kind in ("row", "table"):
            columns = charts.columns(series)
            return as_csv("metric", list(columns), zip(*columns.values(), strict=False))
        rows = zip(series.steps, series.times, series.values, strict=True)
        return as_csv("metric", ("step", "time", "value"), rows)
    points = [{"value": p.value, "step": p.step, "at": p.at, "kind": p.kind} for p in series.points()]
    return answer({"name": name, "kind": series.kind, "points": points})


def revision(request: Request) -> Response:
    """Return a cursor of a run: another one when the run or a child has changed; a page polls it."""
    studio = of(request)
    entry = studio.entry(request)
    return answer({"revision": studio.catalogue.revision(entry.record.run_id), "ended": entry.record.ended})


def workspace_revision(request: Request) -> Response:
    """Return a cursor of the workspace: a greater one when any run has changed."""
    studio = of(request)
    version = studio.catalogue.refresh()
    return answer({"revision": str(version), "ended": False})


def log(request: Request) -> Response:
    """Return a piece of a log (``file``) from a byte on (``from``), and where the next one begins."""
    studio = of(request)
    entry = studio.entry(request)
    file = artifacts.of(studio.workspace, entry.record).get(request.query_params.get("file", ""))
    if file is None:
        raise HTTPException(404, "this run has no such file")
    begin = request.query_params.get("from", "0")
    text, following, size = artifacts.piece(file, int(begin) if begin.isdecimal() else 0)
    return answer({"text": text, "following": following, "size": size, "ended": entry.record.ended})


def list_panels(request: Request) -> Response:
    """List the panels that plugins add to a run."""
    return answer([one.told() for one in panels.offers(of(request).entry(request)).values()])


def get_panel(request: Request) -> Response:
    """Return what one panel shows of a run: its parts, or why there are none."""
    studio = of(request)
    entry = studio.entry(request)
    offer = panels.offer(entry, request.path_params["name"])
    found = panels.drawn(studio, entry, offer)
    return answer({**offer.told(), "parts": found.parts, "trouble": found.trouble})


def list_computes(request: Request) -> Response:
    """List the compute targets with the runs that run or wait there."""
    found = places.targets(of(request))
    return answer([{**one, "runs": [told(entry.record) for entry in one["runs"]]} for one in found])


def list_models(request: Request) -> Response:
    """List the registered models."""
    from ..core import Model

    return answer([model._record for model in Model.list(of(request).workspace)])  # noqa: SLF001 - the record


def search(request: Request) -> Response:
    """Return the runs of all experiments that a filter (``q``) lets pass, 100 at most."""
    from .filtering import FilterError, parsed

    try:
        test = parsed(request.query_params.get("q", ""))
    except FilterError as error:
        raise HTTPException(400, str(error)) from None
    found = [entry for entry in of(request).catalogue.runs() if test(entry)]
    return answer({"found": len(found), "runs": [brief(entry) for entry in found[: places.MOST_FOUND]]})


# -- charts --------------------------------------------------------------------------------------------


def chart(spec: Spec) -> Callable[[Request], Response]:
    """Return the answer of a chart: what a script draws, as JSON."""

    def drawn_by_script(request: Request) -> Response:
        """Return a chart as data: at most 2,000 points of each line, with their true count."""
        return answer(spec(of(request), request))

    return drawn_by_script


def picture(spec: Spec) -> Callable[[Request], Response]:
    """Return the same chart as SVG, for a page without scripts."""

    def drawn_here(request: Request) -> Response:
        """Return a chart as SVG."""
        content = drawing.svg(spec(of(request), request))
        headers = {"Content-Security-Policy": artifacts.SANDBOX}
        return Response(content, media_type="image/svg+xml", headers=headers)

    return drawn_here


def data(export: Callable[[Studio, Request], Export]) -> Callable[[Request], Response]:
    """Return the complete data behind the same chart as CSV."""

    def complete(request: Request) -> Response:
        """Return the complete data behind a chart as CSV: every point, not those that are drawn."""
        return as_csv(*export(of(request), request))

    return complete


CHARTS: dict[str, tuple[Spec, Callable[[Studio, Request], Export]]] = {
    "/experiments/{name}/chart": (experiments.spec, experiments.export),
    "/runs/{run_id}/chart": (runs.spec, runs.export),
    "/runs/{run_id}/children/chart": (runs.children_spec, runs.children_export),
    "/compare/chart": (comparing.spec, comparing.export),
}

_SPECS = [(compile_path(path)[0], spec) for path, (spec, _) in CHARTS.items()]


def several_charts(request: Request) -> Response:
    """Return many charts in one answer, each asked for as ``of=runs/ID/chart?metric=loss``; one that fails says why."""
    asked = request.query_params.getlist("of")[: runs.MOST_CHARTS]
    return answer([_one_of(request, *one.partition("?")[::2]) for one in asked])


def _one_of(request: Request, path: str, query: str) -> charts.Spec:
    for pattern, spec in _SPECS:
        if (found := pattern.match("/" + path)) is not None:
            names = {name: unquote(value) for name, value in found.groupdict().items()}
            scope = {**request.scope, "path_params": names, "query_string": query.encode()}
            try:
                return spec(of(request), Request(scope))
            except HTTPException as error:
                return {"error": error.detail}
    return {"error": f"{path} is no chart"}


def openapi(request: Request) -> Response:
    """Return this description."""
    paths: dict[str, Any] = {}
    for route in request.app.routes:
        path = getattr(route, "path", "")
        if path.startswith("/api/"):
            plain = path.replace(":path}", "}").replace(":int}", "}")
            for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
                paths.setdefault(plain, {})[method.lower()] = _operation(plain, route.endpoint, method)
    info = {"title": "azml studio", "version": "1", "description": "Reads the runs of one workspace."}
    return answer({"openapi": "3.1.0", "info": info, "paths": paths})


def _schema(path: str) -> dict[str, Any]:
    """Return what the body of a request holds, as JSON Schema."""
    if path not in bulk.BODIES:
        action = {"properties": {"action": {"type": "string"}}, "required": ["action"]}
        return {"type": "object", **action, "additionalProperties": {"type": ["string", "null"]}}
    kind = bulk.BODIES[path]
    return dict(msgspec.json.schema(kind)["$defs"][kind.__name__])


def _operation(path: str, endpoint: Any, method: str) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", path)
    found: dict[str, Any] = {
        "summary": (endpoint.__doc__ or "").strip().partition("\n")[0],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "as said above"}, "404": {"description": "there is no such thing"}},
    }
    if method == "POST":
        body = {"schema": _schema(path)}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
        found["parameters"].append({"name": "X-Azml", "in": "header", "required": True, "schema": {"type": "string"}})
    return found
