"""``azml doctor``: what is wrong here, and mending it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from . import words
from .choices import form, place, shared
from .words import Column, Row

if TYPE_CHECKING:
    from rich.console import Console

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
_MANY = {
    "not sealed": ("{n} ended runs have journals that are not compressed yet", "compresses them"),
    "torn last line": ("{n} journals end within a line, of a call that never returned; all before it is there", ""),
    "run elsewhere": ("{n} runs belong to machines that cannot be seen from here", ""),
    "old index": ("{n} indexes were set aside by earlier repairs; delete them when you like", ""),
}
"""What is said of several notes of one topic, and what their repair does."""

_STYLES = {"fact": "", "note": "yellow", "fault": "red"}


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended; no journal line that can be read is touched.")
@click.option("--verbose", is_flag=True, help="Tell every note; else those of one kind are counted.")
@click.option("--sizes-only", is_flag=True, help="Compare the sizes of files, not their contents: faster.")
@shared
def doctor(repair: bool, verbose: bool, sizes_only: bool) -> None:
    """Examine the workspace: its index, its journals, its files, and the plugins.

    Exits with 0 when nothing is wrong any more, else with 1.
    """
    from ..launch.upkeep import Upkeep
    from ..store.doctor import Examination, Finding
    from ..store.opening import index_path, open_index

    chosen = place()
    space = chosen.workspace
    elsewhere = space._index_url is not None  # noqa: SLF001 - the doctor looks under the skin
    examination = Examination(
        space.root,
        None if elsewhere else index_path(space.root),
        open_index(space.root, space._index_url) if elsewhere else None,  # noqa: SLF001 - as above
        contents=not sizes_only,
        watch=_watched,
    )
    where = Finding("fact", "workspace", f"{space.name} in {space.root}; chosen by {chosen.source}")
    rows = [_row(where, repair=False)]
    rows += [_row(finding, repair=repair) for finding in examination.findings()]
    upkeep = Upkeep(space.snapshots, space._snapshots_in_use, contents=not sizes_only)  # noqa: SLF001 - as above
    rows += [_row(finding, repair=repair) for finding in upkeep.findings()]
    if form() == "table":
        _print(rows, repair=repair, verbose=verbose)
    else:
        words.listing(form(), _COLUMNS, rows, rows)
    if any(row["level"] == "fault" and not row["repaired"] for row in rows):
        click.get_current_context().exit(1)


def _row(finding: "Finding", *, repair: bool) -> Row:
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


def _print(rows: Sequence[Row], *, repair: bool, verbose: bool) -> None:
    """Print facts, then faults, then notes."""
    screen = words.console()
    level = {name: [row for row in rows if row["level"] == name] for name in _STYLES}
    alike: dict[str, list[Row]] = {}
    for row in level["note"]:
        alike.setdefault(row["topic"], []).append(row)
    for row in (*level["fact"], *level["fault"]):
        _print_one(screen, row)
    for topic, notes in alike.items():
        if topic in _MANY and len(notes) > 1 and not verbose:
            _print_many(screen, notes, *_MANY[topic], repair=repair)
        else:
            for row in notes:
                _print_one(screen, row)
    screen.print()
    screen.print(words.text(_sum(rows, repair=repair)), soft_wrap=True)


def _print_one(screen: "Console", row: Row) -> None:
    said = ": ".join(filter(None, (row["topic"], _place(row), row["message"])))
    screen.print(words.text(said, _STYLES[row["level"]]), soft_wrap=True)
    if row["repair"]:
        _print_repair(screen, row["repair"], worked=row["repaired"])


def _print_many(screen: "Console", notes: Sequence[Row], said: str, cure: str, *, repair: bool) -> None:
    """Print several notes of one topic as one, and their repairs, but for those that failed."""
    advice = f"; --repair {cure}" if cure and not repair else ""
    screen.print(words.text(said.format(n=len(notes)) + advice, _STYLES["note"]), soft_wrap=True)
    if repaired := sum(row["repaired"] for row in notes):
        _print_repair(screen, f"{repaired} of them", worked=True)
    for row in notes:
        if row["repair"] and not row["repaired"]:
            _print_repair(screen, f"{_place(row)}: {row['repair']}", worked=False)


def _print_repair(screen: "Console", said: str, *, worked: bool) -> None:
    word, style = ("repaired", "green") if worked else ("not repaired", "red")
    screen.print(words.text(f"    {word}: {said}", style), soft_wrap=True)


def _place(row: Row) -> str:
    """Return where a finding lies, each part of it once."""
    run, path, line, byte = (row[key] for key in ("run_id", "path", "line", "byte"))
    named = run is not None and run not in (path or "")
    parts = [
        f"run {run}" if named else "",
        path if row["level"] != "fact" else "",
        f"line {line}" if line is not None else "",
        f"byte {byte}" if byte is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _sum(rows: Sequence[Row], *, repair: bool) -> str:
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
