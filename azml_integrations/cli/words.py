"""From values to what is printed: tables for people, JSON, TSV and CSV for programs.

Names are the users', and the users' users': whatever they hold, a terminal gets only printable characters.
"""

import csv
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isinf, isnan
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias

import click

from ..units import duration, size
from . import layout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

FORMS = ("table", "json", "tsv", "csv")

Kind: TypeAlias = Literal["text", "id", "name", "number", "status", "time", "duration", "size"]
Row: TypeAlias = Mapping[str, Any]

STYLES = {"Completed": "green", "Failed": "red", "Canceled": "yellow", "Running": "cyan"}
WIDE = 10_000
"""Columns of an output that is no terminal: nothing is cut or wrapped there."""

LEAST: Mapping[str, int] = {"text": 32, "name": 24, "number": 24}
"""Width down to which a narrow terminal presses a column of this kind [characters]: a text is folded there, a name or
a number that is no number is cut. Every other kind stands in one line, whole."""

TITLE = 9
"""Width below which no title is broken [characters]."""


class Column(NamedTuple):
    """A column of a listing.

    Attributes
    ----------
    key : str
        Its name in JSON, TSV and CSV, and in the rows.
    title : str
        Its name in a table.
    kind : str
        What its values are: times and durations [s], sizes [bytes].
    rank : int
        Which columns a narrow terminal leaves out: none of rank 0, of the others the highest first.
    """

    key: str
    title: str
    kind: Kind = "text"
    rank: int = 0


# -- for programs ------------------------------------------------------------------------------------


def listing(
    form: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    objects: Iterable[Row] | None = None,
    advice: str = "--output csv has all",
) -> None:
    """Print rows in the form that the user chose.

    Parameters
    ----------
    form : str
        One of `FORMS`.
    columns : sequence of Column
        What a table, TSV and CSV show.
    rows : iterable of dict
        Consumed as they are printed.
    objects : iterable of dict, default=None
        What JSON shows instead of the rows.
    advice : str, default="--output csv has all"
        How to see the columns for which a terminal has no room.
    """
    match form:
        case "json":
            _print_json(objects if objects is not None else (_plain_row(columns, row) for row in rows))
        case "csv":
            writer = csv.writer(_Out(), lineterminator="\n")
            writer.writerow([column.key for column in columns])
            writer.writerows([_field(row.get(column.key), column.kind) for column in columns] for row in rows)
        case "tsv":
            _echo("\t".join(_tsv(column.key) for column in columns))
            for row in rows:
                _echo("\t".join(_tsv(_field(row.get(column.key), column.kind)) for column in columns))
        case _:
            print_table(console(), columns, rows, advice)


def document(content: Row) -> None:
    """Print one JSON object."""
    _echo(_json(content, indent=2))


def _print_json(objects: Iterable[Row]) -> None:
    """Print a list, one object a line, without holding it."""
    lines = iter(objects)
    first = next(lines, None)
    if first is None:
        _echo("[]")
        return
    _echo("[\n" + _json(first), nl=False)
    for line in lines:
        _echo(",\n" + _json(line), nl=False)
    _echo("\n]")


def _json(value: object, indent: int | None = None) -> str:
    text = json.dumps(_jsonable(value), ensure_ascii=not _speaks_unicode(), indent=indent, allow_nan=False)
    return re.sub(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and (isnan(value) or isinf(value)):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value


def _plain_row(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    return {
        column.key: iso(row.get(column.key)) if column.kind == "time" else row.get(column.key) for column in columns
    }


def _field(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "time":
        return str(iso(value))
    if isinstance(value, float) and (isnan(value) or isinf(value)):
        return str(_jsonable(value))
    return value if isinstance(value, str) else json.dumps(_jsonable(value), ensure_ascii=False)


_TSV = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _tsv(text: str) -> str:
    return text.translate(_TSV)


class _Out:
    """Where the csv module writes to."""

    def write(self, text: str) -> int:
        _echo(text, nl=False)
        return len(text)


def _echo(text: str, *, nl: bool = True) -> None:
    """Write exactly this; on a terminal, without what could steer it."""
    if sys.stdout.isatty():
        text = "\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in text.split("\n"))
    sys.stdout.write(text + "\n" if nl else text)


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def iso(at: float | None) -> str | None:
    """Return a moment as ISO 8601 in UTC."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):  # a journal may say anything
        return str(at)


# -- for people --------------------------------------------------------------------------------------


def console(*, stderr: bool = False) -> "Console":
    """Return where people read; without colours where they are not wanted."""
    from rich.console import Console

    plain = bool(os.environ.get("NO_COLOR"))
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() else WIDE,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def print_table(
    screen: "Console",
    columns: Sequence[Column],
    rows: Iterable[Row],
    advice: str = "--output json has all",
) -> None:
    """Print a table, a line a row; say on stderr for which columns there is no room, and how to see them."""
    cells = [[cell(row.get(column.key), column.kind) for column in columns] for row in rows]
    widest = [max((row[place].cell_len for row in cells), default=0) for place in range(len(columns))]
    titles = [visible(column.title) for column in columns]
    if layout.total([max(width, len(title)) for width, title in zip(widest, titles, strict=True)]) > screen.width:
        titles = [layout.broken(title, max(width, TITLE)) for width, title in zip(widest, titles, strict=True)]
    demands = [_demand(*one) for one in zip(columns, titles, widest, strict=True)]
    widths = layout.fitted(demands, screen.width)
    screen.print(_sheet(columns, titles, cells, widths), crop=False)
    if left := [column.title for place, column in enumerate(columns) if place not in widths]:
        click.echo(f"no room for {count(len(left), 'column')}: {some(left)}; {advice}", err=True)


def _demand(column: Column, title: str, widest: int) -> layout.Demand:
    width = max(widest, *map(len, title.split("\n")))
    return layout.Demand(width, min(width, LEAST.get(column.kind, width)), column.rank)


def _sheet(
    columns: Sequence[Column], titles: Sequence[str], cells: Sequence[Sequence["Text"]], widths: Mapping[int, int]
) -> "Table":
    """Return a table of the columns that have a width; user's text in it is only text."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    whole = layout.total(list(widths.values()))  # wider than a terminal that has no room for an id: it wraps the line
    sheet = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, layout.GAP - 1, 0, 0), width=whole)
    for place, width in widths.items():
        folds = columns[place].kind == "text"
        sheet.add_column(
            Text(titles[place]),
            justify="right" if columns[place].kind in ("number", "duration", "size") else "left",
            width=width,
            no_wrap=not folds,
            overflow="fold" if folds else "ellipsis",
        )
    for row in cells:
        sheet.add_row(*(row[place] for place in widths))
    return sheet


def cell(value: Any, kind: Kind) -> "Text":
    """Return a value as a person reads it."""
    if value is None:
        return text("")
    match kind:
        case "time":
            return text(minute(value))
        case "duration":
            return text(duration(value))
        case "size":
            return text(size(value))
        case "status":
            return text(str(value), STYLES.get(str(value), ""))
        case _:
            return text(short(value))


def text(content: str, style: str = "") -> "Text":
    """Return a text of which the terminal gets only printable characters."""
    from rich.text import Text

    return Text(visible(content), style=style)


def short(value: object) -> str:
    """Return a value in few characters: six digits of a float."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(_jsonable(value), ensure_ascii=False)


def visible(content: str) -> str:
    """Return a text with everything that is not printable shown as an escape."""
    if content.isprintable():
        return content
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in content
    )


def minute(at: float | None) -> str:
    """Return a moment as a table shows it: to the minute, in UTC."""
    return str(iso(at))[:16].replace("T", " ")


def lines(content: str) -> Iterator[str]:
    """Yield the lines of a longer text, each of them printable."""
    for line in content.expandtabs(4).splitlines():
        yield visible(line)


def count(n: int, what: str) -> str:
    """Return a number and a noun that agree."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of several names."""
    return ", ".join(map(visible, names[:most])) + (", ..." if len(names) > most else "")


# -- progress and questions --------------------------------------------------------------------------


def asked(question: str, otherwise: str, *, yes: bool) -> None:
    """Go on if the user agrees; else say what was not done and end with code 1.

    Raises
    ------
    click.UsageError
        If nobody is there to ask and ``--yes`` was not given.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{visible(question)} There is nobody to ask here: pass --yes.")
    if not click.confirm(visible(question), err=True):
        click.echo(otherwise, err=True)
        click.get_current_context().exit(1)


def progress(what: str, total: float | None) -> "Bar":
    """Return a progress bar on stderr that shows only on a terminal: a context manager with ``advance(n)``."""
    from rich import progress as bars

    screen = console(stderr=True)
    bar = bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    return Bar(bar, what, total)


class Bar:
    """A progress bar; see `progress`."""

    def __init__(self, bar: Any, what: str, total: float | None) -> None:
        self._bar, self._what, self._total = bar, what, total

    def __enter__(self) -> Self:
        if not self._bar.disable:
            self._bar.start()
        self._task = self._bar.add_task(visible(self._what), total=self._total)
        return self

    def __exit__(self, *error: object) -> None:
        if not self._bar.disable:  # rich before 15 ends a bar that it never drew with an empty line
            self._bar.stop()

    def advance(self, n: float = 1) -> None:
        """Move on."""
        self._bar.advance(self._task, n)
