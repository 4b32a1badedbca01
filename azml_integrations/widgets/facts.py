"""A run as SDK v1's widget told it to programs."""

from datetime import timedelta
from typing import Any

from ..core import Run
from ..report import FILE, Account, account
from ..report.family import Child
from ..report.markup import moment


def widget_data(run: Run, settings: object) -> dict[str, Any]:
    """Return what `RunDetails.get_widget_data` does."""
    told = account(run, FILE)
    kin = told.family
    return {
        "status": told.record.status,
        "workbench_run_details_uri": told.address,
        "run_id": run.id,
        "run_properties": _properties(run, told),
        "child_runs": [_child(child, kin.primary) for child in kin.children] if kin is not None else [],
        "children_metrics": {child.record.run_id: dict(child.metrics) for child in kin.children} if kin else {},
        "run_metrics": _metrics(run),
        "run_logs": told.log.text if told.log is not None else "",
        "graph": {},
        "widget_settings": settings if settings is not None else {},
    }


def _properties(run: Run, told: Account) -> dict[str, Any]:
    details = run.get_details()
    definition = details.get("runDefinition") or {}
    return {
        "run_id": run.id,
        "run_number": told.record.number,
        "run_type": told.record.type,
        "status": told.record.status,
        "created_utc": moment(told.record.created_at),
        "start_time_utc": details.get("startTimeUtc"),
        "end_time_utc": details.get("endTimeUtc"),
        "run_duration": _duration(told.taken),
        "arguments": " ".join(map(str, definition.get("arguments") or ())),
        "script_name": definition.get("script"),
        "target": told.record.target,
        "tags": dict(told.record.tags),
        "properties": dict(told.record.properties),
        "error": told.record.error.message if told.record.error is not None else None,
    }


def _child(child: Child, primary: str) -> dict[str, Any]:
    record = child.record
    began = record.started_at
    return {
        "run_id": record.run_id,
        "run_number": record.number,
        "run_type": record.type,
        "status": record.status,
        "metric": child.metrics.get(primary),
        "created_time": moment(record.created_at),
        "start_time": moment(began),
        "end_time": moment(record.ended_at),
        "duration": _duration(None if began is None or record.ended_at is None else record.ended_at - began),
        **{f"param_{name}": value for name, value in child.parameters.items()},
    }


def _metrics(run: Run) -> list[dict[str, Any]]:
    """Return every metric as series: one of numbers or words, or one for each column."""
    shaped = Run.get_metrics(run)  # a sweep's own verb tells of its children
    return [
        {"name": name, "run_id": run.id, "categories": list(range(n)), "series": series}
        for name, value in shaped.items()
        for series, n in [_series(value)]
    ]


def _series(value: object) -> tuple[list[dict[str, Any]], int]:
    if isinstance(value, dict):
        columns = {name: column if isinstance(column, list) else [column] for name, column in value.items()}
        return [{"name": name, "data": column} for name, column in columns.items()], max(
            map(len, columns.values()), default=0
        )
    values = value if isinstance(value, list) else [value]
    return [{"data": values}], len(values)


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else str(timedelta(seconds=max(0, round(seconds))))
