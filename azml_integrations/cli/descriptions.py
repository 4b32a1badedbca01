"""What JSON says of a run; the keys are documented in docs/reference/command-line.md and stay."""

import time
from collections.abc import Iterable
from typing import Any

from ..records import MetricSummary, RunRecord
from .words import iso

PARAM = "param."


def params(record: RunRecord) -> dict[str, str]:
    """Return the hyperparameters: the properties under ``param.``."""
    return {
        key.removeprefix(PARAM): value
        for key, value in record.properties.items()
        if key.startswith(PARAM) and key != PARAM
    }


def label(record: RunRecord) -> str | None:
    """Return the name that the user gave, if any."""
    return record.display_name or record.name


def duration(record: RunRecord) -> float | None:
    """Return how long a run took, or takes until now [s]."""
    if record.started_at is None:
        return None
    end = record.ended_at if record.ended_at is not None else time.time()
    return max(0.0, round(end - record.started_at, 6))


def metric(summary: MetricSummary) -> dict[str, Any]:
    """Return one metric of a run."""
    return {
        "name": summary.name,
        "kind": summary.kind,
        "count": summary.count,
        "last": last(summary),
        "min": summary.min,
        "max": summary.max,
        "first_step": summary.first_step,
        "last_step": summary.last_step,
        "description": summary.description,
    }


def last(summary: MetricSummary) -> Any:
    """Return the last value as it was logged, where it is one value."""
    return summary.last_value if summary.kind == "scalar" else summary.last


def brief(record: RunRecord, summaries: Iterable[MetricSummary]) -> dict[str, Any]:
    """Return a run as a listing has it."""
    return {
        "run_id": record.run_id,
        "experiment": record.experiment,
        "number": record.number,
        "name": record.name,
        "display_name": record.display_name,
        "status": record.status,
        "type": record.type,
        "parent_id": record.parent_id,
        "created_at": iso(record.created_at),
        "started_at": iso(record.started_at),
        "ended_at": iso(record.ended_at),
        "duration": duration(record),
        "tags": record.tags,
        "params": params(record),
        "metrics": {
            summary.name: {
                "kind": summary.kind,
                "count": summary.count,
                "last": last(summary),
                "min": summary.min,
                "max": summary.max,
            }
            for summary in summaries
        },
    }
