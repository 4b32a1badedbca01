"""One run, told completely: for people on a screen, for programs as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import host, units
from ..core.fit_table import compared, fit_table
from ..records import MetricSummary, RunQuery, RunRecord
from . import descriptions, words
from .runs import CHILDREN, NAMED, SPARE, short_ids, told_apart
from .words import Column, text

if TYPE_CHECKING:
    from rich.console import Console

    from ..core import Workspace

_FILES = (Column("name", "file"), Column("size", "size", "size"), Column("stored_at", "stored (UTC)", "time"))
_METRICS = (
    Column("name", "metric"),
    Column("last", "last", "number"),
    Column("min", "min", "number"),
    Column("max", "max", "number"),
    Column("count", "count", "number"),
)


# -- for programs ------------------------------------------------------------------------------------


def everything(space: "Workspace", record: RunRecord) -> dict[str, Any]:
    """Return all that is known of a run as JSON has it."""
    store = space.view.of(record.run_id)
    error = record.error
    return {
        **descriptions.brief(record, store.summaries(record.run_id)),
        "description": record.description,
        "target": record.target,
        "user": record.user,
        "host": record.host,
        "folder": str(space.view.folder(record.run_id)),
        "properties": record.properties,
        "files": [
            {"name": one.name, "size": one.size, "sha256": one.sha256, "stored_at": words.iso(one.at)}
            for one in store.artifacts(record.run_id)
        ],
        "children": [descriptions.brief(child, summaries) for child, summaries in _children(space, record)],
        "notes": [{"source": note.source, "message": note.message, "at": words.iso(note.at)} for note in record.notes],
        "damaged_lines": record.damaged,
        "error": error and {"message": error.message, "code": error.code, "type": error.type, "trace": error.trace},
        "verdict": record.verdict,
    }


def fields(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the same as lines of section, name and value, for TSV and CSV."""
    sections = ("params", "metrics", "tags", "properties")
    for name, value in facts.items():
        if name in sections:
            for key, item in value.items():
                yield {"section": name, "name": key, "value": item}
        elif name == "files":
            yield from ({"section": "files", "name": one["name"], "value": one["size"]} for one in value)
        elif name == "children":
            yield from ({"section": "children", "name": one["run_id"], "value": one["status"]} for one in value)
        elif name == "notes":
            yield from ({"section": "notes", "name": one["source"], "value": one["message"]} for one in value)
        elif name == "error" and value:
            yield from ({"section": "error", "name": key, "value": item} for key, item in value.items())
        else:
            yield {"section": "run", "name": name, "value": value}


def _children(space: "Workspace", record: RunRecord) -> list[tuple[RunRecord, list[MetricSummary]]]:
    """Return the children, in the order of their numbers."""
    store = space.view.all()
    children = store.find(RunQuery(parent_id=record.run_id))
    children.sort(key=lambda child: child.number)
    summaries = store.summaries_of([child.run_id for child in children])
    return [(child, summaries[child.run_id]) for child in children]


# -- for people --------------------------------------------------------------------------------------


def print_run(space: "Workspace", record: RunRecord) -> None:
    """Print a run on the screen."""
    store = space.view.of(record.run_id)
    screen = words.console()
    _print_head(screen, space, record)
    params = descriptions.params(record)
    others = {key: value for key, value in record.properties.items() if not key.startswith(descriptions.PARAM)}
    _print_pairs(screen, "parameters", params)
    summaries = store.summaries(record.run_id)
    _print_table(screen, _METRICS, [descriptions.metric(one) for one in summaries])
    _print_children(screen, space, record, summaries)
    _print_pairs(screen, "tags", record.tags)
    _print_pairs(screen, "properties", others)
    files = store.artifacts(record.run_id)
    _print_table(screen, _FILES, [{"name": one.name, "size": one.size, "stored_at": one.at} for one in files])
    for note in record.notes:
        screen.print(text(f"note from {note.source}: {note.message}", "yellow"))
    if record.damaged:
        screen.print(text(f"{words.count(record.damaged, 'journal line')} could not be read; see azml doctor", "red"))
    _print_error(screen, record)


def _print_head(screen: "Console", space: "Workspace", record: RunRecord) -> None:
    taken = descriptions.duration(record)
    head = {
        "run": record.run_id,
        "name": descriptions.label(record),
        "experiment": f"{record.experiment}/{record.number}",
        "status": record.status,
        "": _remark(record),
        "started": record.started_at and f"{words.iso(record.started_at)}",
        "ended": record.ended_at and f"{words.iso(record.ended_at)}",
        "took": taken is not None and units.duration(taken),
        "child of": record.parent_id,
        "type": record.type,
        "by": record.user and f"{record.user} on {record.host}" if record.host else record.user,
        "description": record.description,
        "folder": str(space.view.folder(record.run_id)),
    }
    grid = _grid()
    for key, value in head.items():
        if value:
            grid.add_row(text(key, "dim"), text(str(value), words.STYLES.get(str(value), "")))
    screen.print(grid)


def _remark(record: RunRecord) -> str | None:
    """Return what there is to add to a status."""
    if record.verdict is not None:
        return record.verdict
    if not record.ended and record.host not in (None, host.name()):
        return f"on {record.host}, not visible from here"
    return None


def _grid() -> Any:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _print_pairs(screen: "Console", title: str, pairs: Mapping[str, str | None]) -> None:
    if not pairs:
        return
    screen.print()
    screen.print(text(title, "bold"))
    grid = _grid()
    for key, value in pairs.items():
        grid.add_row(text(f"  {key}"), text(value or ""))
    screen.print(grid)


def _print_table(screen: "Console", columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        screen.print()
        words.print_table(screen, columns, rows)


def _print_children(
    screen: "Console", space: "Workspace", record: RunRecord, summaries: Sequence[MetricSummary]
) -> None:
    """Print the children; where they are fits, the run's own fit is the first line."""
    children = _children(space, record)
    if not children:
        return
    own = [(record, summaries)] if record in compared(record, [child for child, _ in children]) else []
    columns, rows = fits([*own, *children[:CHILDREN]], short_ids(space))
    screen.print()
    screen.print(text("fits" if own else "children", "bold"))
    words.print_table(screen, columns, rows)
    if len(children) > CHILDREN:
        screen.print(text(f"and {len(children) - CHILDREN} more; --output json tells all"))


def fits(
    runs: Sequence[tuple[RunRecord, Sequence[MetricSummary]]], ids: Mapping[str, str]
) -> tuple[list[Column], list[dict[str, Any]]]:
    """Return a table of runs: the parameters that differ, and the metrics."""
    table = fit_table(runs)
    names = {record.run_id: descriptions.label(record) or record.properties.get("estimator") for record, _ in runs}
    columns = [
        Column("run_id", "id", "id"),
        Column("number", "#", "number"),
        *([Column("name", "name", "name", rank=2)] if any(names.values()) else []),
        Column("status", "status", "status", rank=3),
        *(Column(f"param.{name}", name, "number", NAMED) for name in table.parameters),
        *(Column(f"metric.{name}", name, "number", SPARE if place else 0) for place, name in enumerate(table.metrics)),
    ]
    rows = [
        {
            "run_id": ids.get(record.run_id, record.run_id),
            "number": record.number,
            "name": names[record.run_id],
            "status": record.status,
            **{f"param.{name}": value for name, value in descriptions.params(record).items()},
            **{f"metric.{name}": column[row] for name, column in table.metrics.items()},
        }
        for row, (record, _) in enumerate(runs)
    ]
    return told_apart(columns), rows


def _print_error(screen: "Console", record: RunRecord) -> None:
    if record.error is None:
        return
    screen.print()
    screen.print(text("error", "bold red"))
    for line in words.lines(record.error.message):
        screen.print(text(f"  {line}"))
    for line in words.lines(record.error.trace or ""):
        screen.print(text(f"  {line}", "dim"), soft_wrap=True)
