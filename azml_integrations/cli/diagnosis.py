"""``azml doctor``: what is wrong here, and mending it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import words
from .choices import form, place, shared
from .words import Column

if TYPE_CHECKING:
    from ..store.doctor import Finding

T = TypeVar("T")

_COLUMNS = (
    Column("level", "level"),
    Column("topic", "topic"),
    Column("run_id", "run"),
    Column("path", "path"),
    Column("line", "line", "number"),
    Column("byte", "byte", "number"),
    Column("message", "message"),
    Column("repaired", "repaired"),
    Column("repair", "repair"),
)
ALIKE = 3
"""Notes of one topic that a table shows; faults are all shown."""

_STYLES = {"fact": "", "note": "yellow", "fault": "red"}


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended; no journal line that can be read is touched.")
@click.option("--sizes-only", is_flag=True, help="Compare the sizes of files, not their contents: faster.")
@shared
def doctor(repair: bool, sizes_only: bool) -> None:
    """Examine the workspace: its index, its journals, its files, and the plugins.

    Exits with 0 when nothing is wrong any more, else with 1.
    """
    from ..core.workspace import index_path
    from ..store.doctor import Examination, Finding

    chosen = place()
    space = chosen.workspace
    elsewhere = space._index_url is not None  # noqa: SLF001 - the doctor looks under the skin
    examination = Examination(
        space.root,
        None if elsewhere else index_path(space.root),
        space._index() if elsewhere else None,  # noqa: SLF001 - as above
        contents=not sizes_only,
        watch=_watched,
    )
    where = Finding("fact", "workspace", f"{space.name} in {space.root}; chosen by {chosen.source}")
    rows = [_row(where, repair=False)]
    rows += [_row(finding, repair=repair) for finding in examination.findings()]
    if form() == "table":
        _print(rows, repair=repair)
    else:
        words.listing(form(), _COLUMNS, rows, rows)
    if any(row["level"] == "fault" and not row["repaired"] for row in rows):
        click.get_current_context().exit(1)


def _row(finding: "Finding", *, repair: bool) -> dict[str, Any]:
    """Return a finding as it is printed, mended first if that is wanted."""
    from ..store.doctor import mended

    repaired, said = mended(finding) if repair else (False, "")
    return {
        **{key: getattr(finding, key) for key in ("level", "topic", "run_id", "path", "line", "byte", "message")},
        "repairable": finding.remedy is not None,
        "repaired": repaired,
        "repair": said,
    }


def _watched(things: Sequence[T], what: str, /) -> Iterable[T]:
    with words.progress(what, len(things)) as bar:
        for thing in things:
            yield thing
            bar.advance()


def _print(rows: Sequence[dict[str, Any]], *, repair: bool) -> None:
    screen = words.console()
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row["topic"]] += row["level"] == "note"
        if seen[row["topic"]] > ALIKE and not row["repair"]:
            continue
        place_ = "".join(
            [
                f" in run {row['run_id']}" if row["run_id"] else "",
                f" {row['path']}" if row["path"] and row["level"] != "fact" else "",
                f" line {row['line']}" if row["line"] is not None else "",
                f" byte {row['byte']}" if row["byte"] is not None else "",
            ]
        )
        screen.print(words.text(f"{row['topic']}{place_}: {row['message']}", _STYLES[row["level"]]), soft_wrap=True)
        if row["repair"]:
            done = ("repaired: ", "green") if row["repaired"] else ("not repaired: ", "red")
            screen.print(words.text(f"    {done[0]}{row['repair']}", done[1]), soft_wrap=True)
    for topic, n in seen.items():
        if n > ALIKE and not repair:
            screen.print(words.text(f"{topic}: {n - ALIKE} more like these", "yellow"))
    screen.print()
    screen.print(words.text(_sum(rows, repair=repair)), soft_wrap=True)


def _sum(rows: Sequence[dict[str, Any]], *, repair: bool) -> str:
    faults = [row for row in rows if row["level"] == "fault"]
    if not faults:
        return "nothing is wrong"
    left = [row for row in faults if not row["repaired"]]
    if not left:
        return f"{words.count(len(faults), 'fault')}, all repaired"
    can = sum(row["repairable"] for row in left)
    advice = f"; `azml doctor --repair` mends {can} of them" if can and not repair else ""
    done = f", {len(faults) - len(left)} repaired" if repair else ""
    return f"{words.count(len(faults), 'fault')}{done}{advice}"
