"""An account of a run as plain text: for whatever shows no HTML."""

import math
from collections.abc import Iterator, Sequence

from ..units import duration
from .account import Account
from .charts import Chart
from .family import Family
from .markup import clipped, moment, number, visible

BLOCKS = "▁▂▃▄▅▆▇█"
"""From the lowest value of a curve to its highest."""
NARROW = 32
"""Letters of a curve."""


def text(told: Account) -> str:
    """Return a run in lines."""
    return "\n".join(visible(line) for line in _lines(told)) + "\n"


def _lines(told: Account) -> Iterator[str]:
    record = told.record
    took = "" if told.taken is None else f", {duration(told.taken)}"
    yield f"{told.label}: {record.status}{f' ({told.remark})' if told.remark else ''}{took}"
    yield f"  {record.experiment} #{record.number}, id {record.run_id}, started {moment(record.started_at)}"
    yield f"  {told.address}"
    if record.error is not None:
        yield from ("", f"{record.error.type or record.error.code}: {clipped(record.error.message, 1000)}")
    if told.family is not None:
        yield from _children(told.family)
    if told.scalars:
        curves = {chart.title: spark(chart) for chart in told.charts}
        shown = told.scalars[: told.extent.rows]
        wide = max(len(one.name) for one in shown)
        yield ""
        for one in shown:
            last = number(one.last_value if one.kind == "scalar" else one.last)
            yield f"  {one.name:<{min(wide, 40)}}  {clipped(last, 60):>12}  {curves.get(one.name, '')}".rstrip()
    if told.log is not None:
        yield from ("", f"{told.log.name}:", *(f"  {line}" for line in told.log.text.splitlines()))


def _children(kin: Family) -> Iterator[str]:
    yield ""
    yield f"  {kin.total:,} runs: " + ", ".join(f"{n:,} {status}" for status, n in kin.counts.items())
    heads = ["run", "status", *kin.parameters, *kin.metrics]
    rows = [
        [
            f"#{child.record.number}{' best' if child.record.run_id == kin.best else ''}",
            child.record.status,
            *(clipped(number(child.parameters.get(name)), 24) for name in kin.parameters),
            *(clipped(number(child.metrics.get(name)), 24) for name in kin.metrics),
        ]
        for child in kin.children
    ]
    wide = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for line in [heads, *rows]:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, wide, strict=True)).rstrip()
    if kin.total > len(kin.children):
        yield f"  and {kin.total - len(kin.children):,} more"


def spark(chart: Chart) -> str:
    """Return the curve of a chart in one line of blocks; empty where there is none."""
    values = [y for _, y in chart.curves[0].points if math.isfinite(y)] if chart.curves else []
    if len(values) < 2:  # noqa: PLR2004 - no curve
        return ""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    return "".join(BLOCKS[min(7, int(8 * (value - low) / reach))] for value in _sampled(values))


def _sampled(values: Sequence[float]) -> Sequence[float]:
    if len(values) <= NARROW:
        return values
    return [values[place * (len(values) - 1) // (NARROW - 1)] for place in range(NARROW)]
