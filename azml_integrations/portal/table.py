"""The table of runs: which rows and columns, in which order; all of it stands in the address."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from ..core.label_verbs import ARCHIVED
from .catalogue import PARAM, Catalogue, Entry, Names
from .filtering import FilterError, Test, known_number, parsed, reader

PER_PAGE, MOST_PER_PAGE = 50, 200
MOST_COLUMNS = 60
METRICS, PARAMS = 6, 4
"""Columns that stand there unless others are chosen."""

DRAWN = ("x", "y", "history", "axis", "group", "band", "smoothing", "logx", "logy")
"""What an address says about charts."""

FIXED = {"number": "#", "name": "run", "status": "status", "started": "started", "duration": "took"}
_TIME = "_time"
_AXES = ("param", "metric")


@dataclass(frozen=True)
class Look:
    """What an address asks of a table.

    Attributes
    ----------
    query : str
        The filter.
    sort : str
        Key of a column, behind a ``-`` for descending; ``-started`` by default.
    columns : tuple of str
        Keys as ``param.alpha``, ``tag.stage``, ``metric.mse``, ``metric.mse:min``; empty for those that fit.
    differ : bool
        Whether columns with one value only are left out.
    flat : bool
        Whether children are rows of their own.
    opened : tuple of str
        Ids of runs whose children are shown below them.
    page : int
        From 1.
    per_page : int
        Rows of a page.
    drawn : tuple of (str, str)
        Words about the charts below the table, of `DRAWN`.
    archived : bool
        Whether runs that were put away are among them.
    """

    query: str = ""
    sort: str = "-started"
    columns: tuple[str, ...] = ()
    differ: bool = False
    flat: bool = False
    opened: tuple[str, ...] = ()
    page: int = 1
    per_page: int = PER_PAGE
    drawn: tuple[tuple[str, str], ...] = ()
    archived: bool = False

    @classmethod
    def of(cls, words: Iterable[tuple[str, str]]) -> "Look":
        """Return what the words of a query string ask for; what is no number is as if it were not there."""
        several: dict[str, list[str]] = {}
        for key, value in words:
            several.setdefault(key, []).append(value)
        last = {key: values[-1] for key, values in several.items()}
        return cls(
            last.get("q", "").strip(),
            last.get("sort") or "-started",
            tuple(dict.fromkeys(one for one in several.get("col", ()) if _is_column(one)))[:MOST_COLUMNS],
            last.get("differ") == "1",
            last.get("children") == "flat",
            tuple(dict.fromkeys(several.get("open", ())))[:MOST_COLUMNS],
            max(1, _whole(last.get("page"), 1)),
            min(MOST_PER_PAGE, max(1, _whole(last.get("per"), PER_PAGE))),
            tuple((key, last[key]) for key in DRAWN if last.get(key)),
            last.get("archived") == "1",
        )

    @property
    def key(self) -> str:
        """Key of the column that is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the highest comes first."""
        return self.sort.startswith("-")

    def words(self) -> list[tuple[str, str]]:
        """Return the words of the address; what is as by default is left out."""
        return [*self.rows(), *self.drawn]

    def rows(self) -> list[tuple[str, str]]:
        """Return the words that say which rows and columns there are."""
        default = Look()
        given = [("q", self.query), *(("col", one) for one in self.columns)]
        given += [("sort", self.sort if self.sort != default.sort else ""), ("differ", "1" if self.differ else "")]
        given += [("children", "flat" if self.flat else ""), *(("open", one) for one in self.opened)]
        given += [("per", str(self.per_page) if self.per_page != PER_PAGE else "")]
        given += [("archived", "1" if self.archived else "")]
        given += [("page", str(self.page) if self.page > 1 else "")]
        return [(key, value) for key, value in given if value]

    def link(self, **changes: Any) -> str:
        """Return the address of this look with something else in it; another order begins at its first page."""
        words = replace(self, **({"page": 1} | changes)).words()
        columns = _encoded(tuple(word for word in words if word[0] == "col"))  # the same in every link of a page
        return "?" + "&".join(filter(None, [columns, urlencode([word for word in words if word[0] != "col"])]))

    def sorted_by(self, key: str) -> str:
        """Return the address of the table sorted by a column, the other way round where it is sorted by it already."""
        first = "-" if key in ("started", "number", "duration") else ""
        other = "" if self.descending else "-"
        return self.link(sort=(other if key == self.key else first) + key)

    def toggled(self, run_id: str) -> str:
        """Return the address with a run's children shown, or hidden again."""
        rest = tuple(one for one in self.opened if one != run_id)
        return self.link(opened=rest if run_id in self.opened else (*rest, run_id), page=self.page)


@lru_cache(64)
def _encoded(words: tuple[tuple[str, str], ...]) -> str:
    return urlencode(words)


@dataclass(frozen=True)
class Column:
    """A column: its key, what stands above it, and what reads its cells."""

    key: str
    title: str
    kind: str
    read: Callable[[Entry], object]

    def cell(self, entry: Entry) -> object:
        """Return a cell; a parameter that is a number is one."""
        value = self.read(entry)
        return known_number(value) if self.kind == "param" and isinstance(value, str) else value


@dataclass(frozen=True)
class Row:
    """A run in the table."""

    entry: Entry
    cells: Sequence[object]
    children: int
    opened: bool
    depth: int = 0


@dataclass(frozen=True)
class Table:
    """A page of runs.

    Attributes
    ----------
    look : Look
        What was asked for.
    columns : sequence of Column
        Beside the fixed ones.
    rows : sequence of Row
        Of this page.
    found, pages : int
        How many runs the filter lets pass, and how many pages they fill.
    names : Names
        What could be chosen as columns.
    problem : str
        Why the filter could not be read; every run is shown then.
    entries : sequence of Entry
        All that were found, in order.
    family : sequence of Entry
        The same and their children: what charts are drawn over.
    hidden : int
        How many were put away and are not among them.
    """

    look: Look
    columns: Sequence[Column]
    rows: Sequence[Row]
    found: int
    pages: int
    names: Names
    problem: str
    entries: Sequence[Entry]
    family: Sequence[Entry]
    hidden: int = 0

    @property
    def numeric(self) -> list[bool]:
        """Whether the cells of each column are numbers."""
        firsts = [
            next((cell for row in self.rows if (cell := row.cells[n]) is not None), 0) for n in range(len(self.columns))
        ]
        return [isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in firsts]

    def axes(self) -> list[Column]:
        """Return the parameters and metrics that lead runs apart: those chosen as columns, else those that fit all.

        What every run that has it shares is no axis; nor is what fewer than two runs have.
        """
        keys = self.look.columns or _fitting(self.names, self.family, self.family, self.look)
        return [one for key in keys if (one := column(key)).kind in _AXES and _spread(one, self.family)]

    def choices(self) -> dict[str, Sequence[tuple[str, str]]]:
        """Return the keys and titles that can be chosen, by kind."""
        return {
            "parameters": [(f"param.{name}", name) for name in self.names.params],
            "metrics": [
                (f"metric.{name}{by}", f"{name}{by.replace(':', ' ')}")
                for name in self.names.metrics
                for by in ("", ":min", ":max")
            ],
            "tags": [(f"tag.{name}", name) for name in self.names.tags],
        }


def table(catalogue: Catalogue, experiment: str, look: Look) -> Table:
    """Return the runs of an experiment as an address asks for them."""
    every = catalogue.experiment(experiment)
    entries = every if look.archived else _not_put_away(every)
    names = catalogue.names(experiment)
    below: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.record.parent_id is not None:
            below.setdefault(entry.record.parent_id, []).append(entry)
    test, problem = _tested(look.query)
    found = ordered(selected(entries, below, test, flat=look.flat, every=not look.query), look)
    pages = max(1, -(-len(found) // look.per_page))
    look = replace(look, page=min(look.page, pages))
    columns = _columns(look, names, found, entries)
    shown = found[(look.page - 1) * look.per_page : look.page * look.per_page]
    rows = [row for entry in shown for row in _rows(entry, columns, below, look)]
    family = (
        found
        if look.flat or not below
        else [one for entry in found for one in (entry, *below.get(entry.record.run_id, ()))]
    )
    hidden = len(every) - len(entries)
    return Table(look, columns, rows, len(found), pages, names, problem, found, family, hidden)


def _not_put_away(entries: list[Entry]) -> list[Entry]:
    """Return the runs that are not in the archive, themselves or with a run above them."""
    away = {entry.record.run_id for entry in entries if ARCHIVED in entry.record.tags}
    known = 0
    while known < len(away):  # once more for each generation
        known = len(away)
        away |= {entry.record.run_id for entry in entries if entry.record.parent_id in away}
    return [entry for entry in entries if entry.record.run_id not in away] if away else entries


def selected(
    entries: Sequence[Entry], below: Mapping[str, Sequence[Entry]], test: Test, *, flat: bool, every: bool
) -> list[Entry]:
    """Return the runs that a test lets pass; of grouped ones a parent also where one of its children passes."""
    if flat or not below:
        return list(entries) if every else list(filter(test, entries))
    ids = {entry.record.run_id for entry in entries}
    top = [entry for entry in entries if entry.record.parent_id is None or entry.record.parent_id not in ids]
    if every:
        return top
    return [entry for entry in top if test(entry) or any(map(test, below.get(entry.record.run_id, ())))]


def ordered(entries: list[Entry], look: Look) -> list[Entry]:
    """Return runs in the order that was asked for; those without the value come last."""
    if look.sort == "-started":
        return entries
    try:
        read = reader(look.key)
    except FilterError:
        return entries
    numbers: list[tuple[float, Entry]] = []
    texts: list[tuple[str, Entry]] = []
    without: list[Entry] = []
    for entry in entries:
        value = read(entry)
        if isinstance(value, str):
            value = known_number(value)
        if value is None or value != value:  # noqa: PLR0124 - NaN has no place in an order
            without.append(entry)
        elif isinstance(value, (int, float)):
            numbers.append((value, entry))
        else:
            texts.append((str(value), entry))
    parts = (texts, numbers) if look.descending else (numbers, texts)
    return [entry for part in parts for entry in _sorted(part, descending=look.descending)] + without


def _sorted(pairs: Sequence[tuple[Any, Entry]], *, descending: bool) -> list[Entry]:
    """Return entries by their keys; those of one key stay as they stand, whichever way round."""
    keys = [key for key, _ in pairs]
    return [pairs[place][1] for place in sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)]


def column(key: str) -> Column:
    """Return the column of a key."""
    kind, _, name = key.partition(".")
    return Column(key, name.replace(":", " "), kind, reader(key))


def _columns(look: Look, names: Names, found: Sequence[Entry], entries: Sequence[Entry]) -> list[Column]:
    keys = look.columns or _fitting(names, found, entries, look)
    if look.key not in keys and _is_column(look.key):
        keys = (look.key, *keys)
    columns = [column(key) for key in keys]
    return [one for one in columns if differs(one, found)] if look.differ else columns


def _fitting(names: Names, found: Sequence[Entry], entries: Sequence[Entry], look: Look) -> tuple[str, ...]:
    """Return the columns that most runs have: parameters that differ, then metrics, the user's own first."""
    among = entries if look.flat or len(found) < 2 else found  # noqa: PLR2004 - one run differs from nothing
    sample = among[:500]
    params = [key for name in names.params if differs(column(key := f"param.{name}"), sample)]
    having = Counter(name for entry in sample for name, one in entry.metrics.items() if one.last is not None)
    order = sorted(having, key=lambda name: (name.endswith(_TIME), name.startswith("training_"), -having[name]))
    return (*params[:PARAMS], *(f"metric.{name}" for name in order[:METRICS]))


def differs(one: Column, entries: Iterable[Entry]) -> bool:
    """Tell whether a column has more than one value; not to have any is one, too."""
    seen: set[object] = set()
    for entry in entries:
        seen.add(one.read(entry))
        if len(seen) > 1:
            return True
    return False


def _spread(one: Column, entries: Iterable[Entry]) -> bool:
    """Tell whether two runs have different values in a column; a run without one does not count."""
    first = None
    for entry in entries:
        value = one.cell(entry)
        if value is None or value != value:  # noqa: PLR0124 - NaN stands nowhere on an axis
            continue
        if first is None:
            first = value
        elif value != first:
            return True
    return False


def _rows(entry: Entry, columns: Sequence[Column], below: Mapping[str, Sequence[Entry]], look: Look) -> list[Row]:
    run_id = entry.record.run_id
    children = [] if look.flat else sorted(below.get(run_id, ()), key=lambda child: child.record.number)
    opened = run_id in look.opened
    rows = [Row(entry, [one.cell(entry) for one in columns], len(children), opened)]
    if opened:
        children = ordered(children, look) if look.sort != "-started" else children
        rows += [
            Row(
                child,
                [one.cell(child) for one in columns],
                len(below.get(child.record.run_id, ())),
                opened=False,
                depth=1,
            )
            for child in children[:MOST_PER_PAGE]
        ]
    return rows


def _tested(query: str) -> tuple[Test, str]:
    try:
        return parsed(query), ""
    except FilterError as error:
        return (lambda _: True), str(error)


def _is_column(key: str) -> bool:
    kind, dot, name = key.partition(".")
    return kind in ("param", "tag", "metric") and bool(dot and name)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else default  # noqa: PLR2004 - a page


__all__ = ["PARAM", "Column", "Look", "Row", "Table", "column", "differs", "ordered", "table"]
