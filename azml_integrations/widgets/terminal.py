"""A run on a terminal: a panel that follows it to its end."""

import sys
import time
from typing import TYPE_CHECKING

from ..core import Run
from ..report import GLANCE, Account, Memory, account
from ..report.family import Family
from ..report.markup import clipped, number, visible
from ..report.text import spark
from ..units import duration
from .pace import Pace

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

STYLES = {"Completed": "green", "Failed": "red", "Canceled": "yellow", "Running": "cyan"}
AWAITING = 5.0
"""Between two looks at whether somebody works on a submitted run [s]."""


def show(run: Run, pace: Pace) -> None:
    """Show a run until it has ended; one of this very process, which nobody else could end, once.

    Raises
    ------
    RunNotFoundError
        If the run is not there any more.
    """
    from rich.console import Console
    from rich.live import Live

    memory, screen = Memory(), Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        awaited = 0.0
        while True:
            began = time.perf_counter()
            ended = run.owned or run._final()  # noqa: SLF001 - a floor above
            live.update(panel(account(run, GLANCE, memory)), refresh=True)
            if ended:
                return
            if time.monotonic() - awaited > AWAITING:
                run._await()  # noqa: SLF001 - likewise
                awaited = time.monotonic()
            time.sleep(pace.pause(time.perf_counter() - began))


def panel(told: Account) -> "RenderableType":
    """Return a run as rich shows it."""
    from rich import box
    from rich.panel import Panel

    title = _text(f" {told.label} ")
    return Panel(_body(told), title=title, title_align="left", box=box.ROUNDED, border_style=_style(told))


def _style(told: Account) -> str:
    return STYLES.get(told.record.status, "")


def _body(told: Account) -> "Group":
    from rich.console import Group

    record = told.record
    parts: list[RenderableType] = [
        _text(" ".join(filter(None, (record.status, told.remark))), f"bold {_style(told)}".strip()),
        _text(
            f"{record.experiment} #{record.number}, {record.run_id}"
            + ("" if told.taken is None else f", {duration(told.taken)}")
        ),
        _text(told.address, "dim"),
    ]
    if record.error is not None:
        parts.append(_text(f"{record.error.type or record.error.code}: {clipped(record.error.message, 500)}", "red"))
    if told.scalars:
        parts += [_text(""), _metrics(told)]
    if told.family is not None:
        parts += [_text(""), _children(told.family)]
    if told.log is not None:
        parts += [_text(""), _text(told.log.name, "bold"), *(_text(line) for line in told.log.text.splitlines()[-10:])]
    return Group(*parts)


def _metrics(told: Account) -> "Table":
    curves = {chart.title: spark(chart) for chart in told.charts}
    table = _table("metric", "last", "", numbers=(1,))
    for one in told.scalars[: told.extent.rows]:
        last = number(one.last_value if one.kind == "scalar" else one.last)
        table.add_row(_text(clipped(one.name, 60)), _text(clipped(last, 40)), _text(curves.get(one.name, "")))
    return table


def _children(kin: Family) -> "Table":
    heads = ("run", "status", *kin.parameters, *kin.metrics)
    table = _table(*heads, numbers=range(2, len(heads)))
    for child in kin.children:
        best = " best" if child.record.run_id == kin.best else ""
        table.add_row(
            _text(f"#{child.record.number}{best}", "bold" if best else ""),
            _text(child.record.status, STYLES.get(child.record.status, "")),
            *(_text(clipped(number(child.parameters.get(name)), 40)) for name in kin.parameters),
            *(_text(clipped(number(child.metrics.get(name)), 40)) for name in kin.metrics),
        )
    if kin.total > len(kin.children):
        table.caption = f"and {kin.total - len(kin.children):,} more"
    return table


def _table(*heads: str, numbers: "tuple[int, ...] | range" = ()) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(_text(head), justify="right" if place in numbers else "left", overflow="fold")
    return table


def _text(content: str, style: str = "") -> "Text":
    """Return a text of which the terminal gets only what can be seen."""
    from rich.text import Text

    return Text(visible(content).replace("\n", " ⏎ ").expandtabs(4), style=style)
