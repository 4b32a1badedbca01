"""The pages of one run: what it was given, what came out, its files, its children, its source."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .. import errors, host
from ..core.fit_table import FitTable, compared, fit_table
from ..core.snapshot_verbs import SNAPSHOT_ID
from ..records import MetricSummary, Outline, RunRecord
from . import artifacts, bands, charts, datasets, exporting, histories, overlays, panels, steps
from .catalogue import PARAM, Entry, names_of
from .exporting import Export
from .studio import Studio, of, query

if TYPE_CHECKING:
    from ..launch.snapshot import Snapshot

MOST_CHARTS = 40
"""Charts of one page; more are a page further."""

MOST_CHILDREN = 500
_DRAWN = ("line", "pairs")
_DOCUMENTS = ("confusion_matrix", "accuracy_table", "residuals", "predictions")
_GIT = {
    "azureml.git.branch": "branch",
    "azureml.git.commit": "commit",
    "azureml.git.repository_uri": "repository",
    "azureml.git.dirty": "uncommitted changes",
}


@dataclass(frozen=True)
class Metric:
    """A metric as a page shows it.

    Attributes
    ----------
    name, how : str
        Its name, and the answer of `charts.shown_as`.
    summary : MetricSummary
        Its line.
    columns : dict
        Of a table: the first rows.
    charts : list of str
        Of a drawn one: the queries of its charts.
    """

    name: str
    how: str
    summary: MetricSummary
    columns: Mapping[str, Sequence[object]]
    charts: Sequence[str]

    @property
    def rows(self) -> list[tuple[object, ...]]:
        """The rows of a table."""
        return list(zip(*self.columns.values(), strict=False))


def page(studio: Studio, request: Request, template: str, entry: Entry, **facts: Any) -> Response:
    """Return a page of a run with its head."""
    record = entry.record
    files = artifacts.of(studio.workspace, record)
    parent = studio.catalogue.run(record.parent_id) if record.parent_id else None
    children = studio.catalogue.children(record.run_id)
    counts = {
        "metrics": sum(one.kind != "image" for one in entry.metrics.values()),
        "images": sum(one.count for one in entry.metrics.values() if one.kind == "image"),
        "children": len(children),
        "outputs": sum(not artifacts.is_log(name) for name in files),
        "logs": sum(map(artifacts.is_log, files)),
        "snapshot": 1 if SNAPSHOT_ID in record.properties else 0,
    }
    told: dict[str, Any] = {
        "entry": entry,
        "run": record,
        "parent": parent,
        "children": children,
        "files": files,
        "counts": counts,
        "live": not record.ended,
        "revision": studio.catalogue.revision(record.run_id),
        "remark": remark(record),
    }
    return studio.page(request, template, **told | facts)


def remark(record: RunRecord) -> str:
    """Return what there is to add to a status."""
    if record.verdict is not None:
        return record.verdict
    if not record.ended and record.host not in (None, host.name()):
        return f"on {record.host}, not visible from here"
    return ""


def details(request: Request) -> Response:
    """Show what a run was given, what came out, and why it failed."""
    studio = of(request)
    entry = studio.entry(request)
    record = entry.record
    given = {key: value for key, value in record.properties.items() if not key.startswith(PARAM) and key not in _GIT}
    return page(
        studio,
        request,
        "run_details.html",
        entry,
        tab="details",
        params=entry.params,
        given=given,
        git={words: record.properties[key] for key, words in _GIT.items() if key in record.properties},
        ranged=any(one.count > 1 for one in entry.metrics.values()),
        values=[one for one in entry.metrics.values() if one.kind == "scalar"],
        others=[one for one in entry.metrics.values() if one.kind != "scalar"],
        fits=_fits(studio, entry),
        models=[model for model in _models(studio) if model.run_id == record.run_id],
        datasets=datasets.of_run(studio, record),
        panels=panels.offers(entry),
    )


def _models(studio: Studio) -> list[Any]:
    from ..core import Model

    return Model.list(studio.workspace)


def _fits(studio: Studio, entry: Entry, most: int | None = MOST_CHILDREN) -> FitTable | None:
    """Return the run's fits, or its children where they are none, as one table."""
    children = studio.catalogue.children(entry.record.run_id)
    if not children:
        return None
    told = {one.record.run_id: one for one in (entry, *children)}
    rows = compared(entry.record, [child.record for child in children]) or [child.record for child in children]
    chosen = [told[record.run_id] for record in rows[:most]]
    return fit_table([(one.record, list(one.metrics.values())) for one in chosen])


# -- metrics -------------------------------------------------------------------------------------------


def metrics(request: Request) -> Response:
    """Show every metric as SDK v1's portal did: lines, lines of two columns, tables, documents."""
    studio = of(request)
    entry = studio.entry(request)
    asked = overlays.Asked.of(request.query_params)
    names = [name for name, one in entry.metrics.items() if one.kind != "image"]
    first = int(begin) if (begin := request.query_params.get("from", "0")).isdecimal() else 0
    shown = names[first : first + MOST_CHARTS]
    several = [_shown(studio, entry, name, asked.axis) for name in shown]
    following = first + MOST_CHARTS if len(names) > first + MOST_CHARTS else None
    return page(
        studio,
        request,
        "run_metrics.html",
        entry,
        tab="metrics",
        metrics=several,
        asked=asked,
        first=first,
        following=following,
    )


def _shown(studio: Studio, entry: Entry, name: str, axis: str) -> Metric:
    """Return a metric as it is shown; what is a line by its summary alone is not read for that."""
    summary = entry.metrics[name]
    if summary.kind == "scalar" and not summary.mixed and (summary.count == 1 or summary.min is not None):
        how = "value" if summary.count == 1 else "line"
        return Metric(name, how, summary, {}, [query({"metric": name, "axis": axis})] if how == "line" else [])
    series = studio.workspace.view.of(entry.record.run_id).series(entry.record.run_id, name)
    if series is None:
        return Metric(name, "value", summary, {}, [])
    how = charts.shown_as(series)
    drawn: list[str] = []
    if how in _DRAWN:
        drawn = [query({"metric": name, "axis": axis if how == "line" else None})]
    elif how in _DOCUMENTS:
        parts = 2 if how == "accuracy_table" else 1
        drawn = [query({"metric": name, "part": part or None}) for part in range(parts)]
    cells = charts.columns(series) if how in ("table", "pairs") else {}
    return Metric(name, how, summary, {key: cell[: charts.LONGEST_TABLE] for key, cell in cells.items()}, drawn)


def spec(studio: Studio, request: Request) -> charts.Spec:
    """Return the chart of a metric that an address asks for.

    Raises
    ------
    HTTPException
        404 if the run has no such metric, or it is nothing to draw.
    """
    entry = studio.entry(request)
    run_id, words = entry.record.run_id, request.query_params
    name = words.get("metric", "")
    asked = overlays.Asked.of(words)
    series = histories.read(studio.workspace.view.of(run_id), [entry], name, asked.axis, asked.between).get(run_id)
    if series is None:
        raise HTTPException(404, f"run {run_id} has no metric {name!r}")
    if isinstance(series, Outline):
        return charts.chart(name, {name: series}, asked.axis, asked.between)
    how = charts.shown_as(series)
    if how in _DOCUMENTS:
        several = charts.documents(how, name, document(studio, entry.record, str(series.values[0])))
        return several[min(len(several) - 1, int(part) if (part := words.get("part", "0")).isdecimal() else 0)]
    if how not in (*_DRAWN, "value"):
        raise HTTPException(404, f"metric {name!r} is no line; it is a {how}")
    return charts.chart(name, {name: series}, asked.axis, asked.between)


def export(studio: Studio, request: Request) -> Export:
    """Return every point of a metric, or the numbers of a document.

    Raises
    ------
    HTTPException
        404 if the run has no such metric.
    """
    entry = studio.entry(request)
    run_id, name = entry.record.run_id, request.query_params.get("metric", "")
    series = studio.workspace.view.of(run_id).series(run_id, name)
    if series is None:
        raise HTTPException(404, f"run {run_id} has no metric {name!r}")
    if series.kind in _DOCUMENTS:
        return exporting.document(series.kind, name, document(studio, entry.record, str(series.values[0])))
    return exporting.metric(name, series)


def document(studio: Studio, record: RunRecord, name: str) -> dict[str, Any]:
    """Return what a document of a run holds.

    Raises
    ------
    HTTPException
        404 if it is gone or makes no sense.
    """
    file = artifacts.of(studio.workspace, record).get(name)
    try:
        found: dict[str, Any] = json.loads(file.path.read_bytes()) if file is not None else {}
    except (OSError, ValueError):
        found = {}
    if "data" not in found:
        raise HTTPException(404, f"the document {name!r} of run {record.run_id} cannot be read")
    return found


# -- images --------------------------------------------------------------------------------------------


def images(request: Request) -> Response:
    """Show the images of a run, those of one name side by side along their steps."""
    studio = of(request)
    entry = studio.entry(request)
    found = galleries(studio, entry)
    step = steps.asked(request)
    return page(
        studio, request, "run_images.html", entry, tab="images", galleries=found, step=step,
        steps=steps.every(found.values()),
    )  # fmt: skip


def galleries(studio: Studio, entry: Entry) -> dict[str, list[dict[str, Any]]]:
    """Return the images of a run by metric, each with its step."""
    found = studio.workspace.view.of(entry.record.run_id)
    several: dict[str, list[dict[str, Any]]] = {}
    for name, one in entry.metrics.items():
        series = found.series(entry.record.run_id, name) if one.kind == "image" or one.mixed else None
        if series is not None:
            points = [point for point in series.points() if point.kind == "image"]
            several[name] = [
                {
                    "file": point.value,
                    "step": place if point.step is None else point.step,
                    "stepped": point.step is not None,
                    "at": point.at,
                }
                for place, point in enumerate(points)
            ]
    return several


# -- panels of plugins ---------------------------------------------------------------------------------


def panel(request: Request) -> Response:
    """Show what a plugin adds, on a page of its own; the run's page fetches it from there."""
    studio = of(request)
    entry = studio.entry(request)
    offer = panels.offer(entry, request.path_params["name"])
    drawn = panels.drawn(studio, entry, offer)
    return page(studio, request, "run_panel.html", entry, tab="details", offer=offer, drawn=drawn)


# -- children ------------------------------------------------------------------------------------------


def children(request: Request) -> Response:
    """Show the tree of a run's children with their metrics."""
    studio = of(request)
    entry = studio.entry(request)
    tree = _tree(studio, entry.record.run_id, 0)
    names = list(
        dict.fromkeys(name for child, _ in tree for name, one in child.metrics.items() if one.last is not None)
    )
    told = overlaid(studio.catalogue.children(entry.record.run_id), request)
    fits = _fits(studio, entry)
    return page(
        studio, request, "run_children.html", entry, tab="children", tree=tree, names=names[:6], fits=fits,
        overlay=told,
    )  # fmt: skip


def overlaid(entries: Sequence[Entry], request: Request) -> dict[str, Any] | None:
    """Return which histories of some runs can be drawn over each other, and how it is asked for; None for none."""
    histories = overlays.histories_of(entries)
    if not histories:
        return None
    asked = overlays.Asked.of(request.query_params)
    name = request.query_params.get("history")
    name = name if name in histories else histories[0]
    names = names_of(entries)
    return {
        "histories": histories,
        "history": name,
        "asked": asked,
        "groups": bands.choices(names),
        "bands": bands.BANDS,
        "epochs": charts.EPOCH in names.metrics,
        "query": query({"kind": "history", "metric": name, **asked.words()}),
    }


def _tree(studio: Studio, run_id: str, depth: int) -> list[tuple[Entry, int]]:
    rows: list[tuple[Entry, int]] = []
    for child in studio.catalogue.children(run_id):
        rows.append((child, depth))
        if depth < 10 and len(rows) < MOST_CHILDREN:  # noqa: PLR2004 - deeper is a page further
            rows += _tree(studio, child.record.run_id, depth + 1)
    return rows[:MOST_CHILDREN]


def children_spec(studio: Studio, request: Request) -> charts.Spec:
    """Return the chart of the children's metric against the parameter that differs, or of its histories.

    Raises
    ------
    HTTPException
        404 where they differ in none, or have no metric.
    """
    words = request.query_params
    if words.get("kind") == "history":
        return overlays.spec(studio, words.get("metric", ""), _below(studio, request), overlays.Asked.of(words))
    x, y, points = _points(studio, request, MOST_CHILDREN)
    return charts.scatter(x, y, [(run_id, f"#{number}", a, b) for run_id, number, a, b in points])


def children_export(studio: Studio, request: Request) -> Export:
    """Return the complete data behind a chart of a run's children."""
    words = request.query_params
    if words.get("kind") == "history":
        return overlays.table(studio, words.get("metric", ""), _below(studio, request), overlays.Asked.of(words))
    x, y, points = _points(studio, request, None)
    return Export(f"{y} against {x}", ("run_id", "number", x, y), points)


def _below(studio: Studio, request: Request) -> list[Entry]:
    return studio.catalogue.children(studio.entry(request).record.run_id)


_Point = tuple[str, int, object, object]


def _points(studio: Studio, request: Request, most: int | None) -> tuple[str, str, list[_Point]]:
    found = _fits(studio, studio.entry(request), most)
    words = request.query_params
    if found is None or not found.parameters or not found.metrics:
        raise HTTPException(404, "there is no parameter in which the children differ, or no metric")
    x = words.get("x") if words.get("x") in found.parameters else next(iter(found.parameters))
    y = words.get("y") if words.get("y") in found.metrics else next(iter(found.metrics))
    rows = zip(found.run_ids, found.numbers, found.parameters[str(x)], found.metrics[str(y)], strict=True)
    return str(x), str(y), list(rows)


# -- files ---------------------------------------------------------------------------------------------


def outputs(request: Request) -> Response:
    """Show the files of a run, and one of them."""
    studio = of(request)
    entry = studio.entry(request)
    files = artifacts.of(studio.workspace, entry.record)
    chosen = files.get(request.query_params.get("file", ""))
    listed = {name: file for name, file in files.items() if not artifacts.is_log(name)}
    seen = artifacts.preview(chosen) if chosen else None
    return page(studio, request, "run_files.html", entry, tab="outputs", listed=listed, chosen=chosen, preview=seen)


def logs(request: Request) -> Response:
    """Show the logs of a run, and the end of one of them as it grows."""
    studio = of(request)
    entry = studio.entry(request)
    files = artifacts.of(studio.workspace, entry.record)
    listed = {name: file for name, file in files.items() if artifacts.is_log(name)}
    chosen = listed.get(request.query_params.get("file", "")) or _main_log(listed)
    text, following, length = artifacts.piece(chosen, None) if chosen else ("", 0, 0)
    begun = following - len(text.encode())
    return page(
        studio,
        request,
        "run_logs.html",
        entry,
        tab="logs",
        listed=listed,
        chosen=chosen,
        text=text,
        following=following,
        length=length,
        begun=max(0, begun),
    )


def _main_log(listed: Mapping[str, artifacts.File]) -> artifacts.File | None:
    return next((file for name, file in listed.items() if "std_log" in name), next(iter(listed.values()), None))


# -- snapshot ------------------------------------------------------------------------------------------


def snapshot(request: Request) -> Response:
    """Show what a run's source folder held."""
    studio = of(request)
    entry = studio.entry(request)
    found, trouble = snapshot_of(studio, entry.record)
    listed = [] if found is None else [_spelt(file.path) for file in found.files]
    chosen = request.query_params.get("file", "")
    seen, text = "", ""
    if found is not None and chosen in listed:
        file = found.files[listed.index(chosen)]
        seen, text = chosen, source(studio, found, file.path)
    return page(
        studio, request, "run_snapshot.html", entry, tab="snapshot", snapshot=found, trouble=trouble, listed=listed,
        chosen=seen, text=text,
    )  # fmt: skip


def snapshot_of(studio: Studio, record: RunRecord) -> "tuple[Snapshot | None, str]":
    """Return a run's snapshot, or why there is none."""
    snapshot_id = record.properties.get(SNAPSHOT_ID)
    if snapshot_id is None:
        said = next((note.message for note in record.notes if note.source == "snapshot"), "")
        return None, said or "this run has no snapshot"
    try:
        return studio.workspace.snapshots.get(snapshot_id), ""
    except errors.AzmlError as error:
        return None, error.message


def source(studio: Studio, found: "Snapshot", path: str) -> str:
    """Return the text of a file of a snapshot, or why it is not shown."""
    file = next(one for one in found.files if one.path == path)
    try:
        with studio.workspace.snapshots._object(found.id, file) as stream:  # noqa: SLF001 - the one reader
            content = stream.read(artifacts.SEEN)
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "no text in UTF-8; download the snapshot"
    except errors.AzmlError as error:
        return error.message
    return text if file.size <= artifacts.SEEN else text + "\n… the file has more; download the snapshot"


def _spelt(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
