"""One batch on its way into the tables of the index: which event changes which row."""

import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from itertools import count

import msgspec

from ..columns import pack, unpack
from ..records import (
    TERMINAL,
    ArtifactStored,
    Cursor,
    ErrorInfo,
    ErrorNoted,
    JournalOpened,
    Noted,
    PropertiesAdded,
    RunCreated,
    RunDescribed,
    RunStatus,
    StatusChanged,
    TagsRemoved,
    TagsSet,
)
from . import outlines
from .spans import Extent, Metric, Span, extent

BLOCK = 4096
"""Points in a full block."""

_SUMMARY = (
    *("kind", "mixed", "count", "first_at", "first_journal", "first_step", "last_at", "last_journal", "last_step"),
    *("last_value", "last", "min", "max", "description"),
)
_SUMMARIZE = (
    f"INSERT INTO metrics (run_id, name, {', '.join(_SUMMARY)}) VALUES ({', '.join('?' * (2 + len(_SUMMARY)))})"  # noqa: S608 - names of ours
    f" ON CONFLICT (run_id, name) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _SUMMARY)}"
)

_OUTLINE = f"INSERT OR REPLACE INTO outlines VALUES ({', '.join('?' * 13)})"  # noqa: S608 - question marks


@cache
def _numbered(sql: str) -> str:
    """Return a statement with numbered places: ``:run`` is 1, ``:journal`` 2, each bare ``?`` the next from 3 on."""
    places = count(3)
    return re.sub(r"\?(?!\d)", lambda _: f"?{next(places)}", sql).replace(":run", "?1").replace(":journal", "?2")


class Fold:
    """One batch on its way into the tables, inside the caller's transaction.

    Parameters
    ----------
    db : Connection
        In the transaction.
    run_id, journal : str
        Whose events these are.
    begins : bool, default=False
        Whether the batch begins its journal: what was never written need not be looked for.
    met : set of str, default=None
        All metrics of the run that are in the tables, where that is known.
    """

    def __init__(
        self, db: sqlite3.Connection, run_id: str, journal: str, *, begins: bool = False, met: set[str] | None = None
    ) -> None:
        self.db, self.run_id, self.journal = db, run_id, journal
        self._begins, self._met = begins, met

    def begin(self, at: float) -> None:
        """Make the run's row; a guest may be folded before the owner, whose lines say what the run is."""
        self._run(
            "INSERT OR IGNORE INTO runs (run_id, experiment, number, target, status, said, created_at)"
            " VALUES (:run, '', 0, 'local', 'NotStarted', 'NotStarted', ?)",
            at,
        )

    def advance(self, after: Cursor) -> None:
        """Move the cursor behind the batch; the run may grow again."""
        self.db.execute(
            "INSERT OR REPLACE INTO journals VALUES (?, ?, ?, ?, ?, ?)",
            (self.run_id, self.journal, after.offset, after.line, after.clock, after.damaged),
        )
        self.db.execute("UPDATE runs SET settled = 0 WHERE run_id = ? AND settled = 1", (self.run_id,))

    def event(self, event: object, at: float, line: int) -> None:  # noqa: C901, PLR0912 - one branch a kind of event
        """Fold one event that is no point."""
        match event:
            case JournalOpened():
                self._opened(event)
            case RunCreated():
                self._created(event)
            case StatusChanged():
                self._status(event, at)
            case ErrorNoted(error=error):
                self._noted_error(error)
            case TagsSet(tags=tags):
                for key, value in tags.items():
                    self._tag(key, value, at, removed=False)
            case TagsRemoved(keys=keys):
                for key in keys:
                    self._tag(key, None, at, removed=True)
            case PropertiesAdded(properties=properties):
                self._properties(properties, at)
            case RunDescribed():
                self._described(event, at)
            case ArtifactStored():
                self._artifact(event, at)
            case Noted(source=source, message=message):
                self._run("INSERT OR IGNORE INTO notes VALUES (:run, ?, :journal, ?, ?, ?)", at, line, source, message)
            case _:  # an event of an experiment says nothing about a run
                pass

    def _run(self, sql: str, *values: object) -> None:
        self.db.execute(_numbered(sql), (self.run_id, self.journal, *values))

    def _update(self, assignments: str, *values: object) -> None:
        self._run(f"UPDATE runs SET {assignments} WHERE run_id = :run", *values)  # noqa: S608 - words of ours

    def _opened(self, event: JournalOpened) -> None:
        if event.role == "owner":
            self._update("host = ?", event.host)

    def _created(self, event: RunCreated) -> None:
        self._update(
            "experiment = ?, number = ?, name = ?, display_name = coalesce(display_name, ?), type = ?, target = ?,"
            " parent_id = ?, user = ?, created_at = ?",
            event.experiment,
            event.number,
            event.name,
            event.display_name,
            event.type,
            event.target,
            event.parent_id,
            event.user,
            event.at,
        )

    def _status(self, event: StatusChanged, at: float) -> None:
        self._run(
            "UPDATE runs SET status = ?, said = ?3, status_at = ?, verdict = NULL,"
            " error = CASE WHEN ?3 = 'Completed' THEN NULL ELSE coalesce(?, error) END,"
            " ended_at = CASE WHEN ? THEN ? ELSE NULL END"
            " WHERE run_id = :run AND coalesce(status_at, 0) <= ?4",
            event.status,
            at,
            _json(event.error),
            event.status in TERMINAL,
            event.at if _told_by_a_doctor(event) else at,
        )
        if event.status == RunStatus.RUNNING:
            self._update("started_at = min(coalesce(started_at, ?), ?3)", at)

    def _noted_error(self, error: ErrorInfo) -> None:
        """Keep why a run is about to fail; what its end says counts more, whichever of the two is read first."""
        self._update(
            "error = CASE WHEN said = 'Completed' THEN NULL WHEN ended_at IS NULL THEN ? ELSE coalesce(error, ?3) END",
            _json(error),
        )

    def _tag(self, key: str, value: str | None, at: float, *, removed: bool) -> None:
        self._run(
            "INSERT INTO tags VALUES (:run, ?, ?, ?, ?, :journal) ON CONFLICT (run_id, key) DO UPDATE SET"
            " value = excluded.value, removed = excluded.removed, at = excluded.at, journal = excluded.journal"
            " WHERE (excluded.at, excluded.journal) >= (at, journal)",
            key,
            value,
            removed,
            at,
        )

    def _properties(self, properties: Mapping[str, str], at: float) -> None:
        self.db.executemany(
            "INSERT INTO properties VALUES (?, ?, ?, ?, ?) ON CONFLICT (run_id, key) DO UPDATE SET"
            " value = excluded.value, at = excluded.at, journal = excluded.journal"
            " WHERE (excluded.at, excluded.journal) < (at, journal)",
            [(self.run_id, key, value, at, self.journal) for key, value in properties.items()],
        )

    def _described(self, event: RunDescribed, at: float) -> None:
        told = {"display_name": ("named_at", event.display_name), "description": ("described_at", event.description)}
        for column, (moment, value) in told.items():
            if value is not None:
                self._run(
                    f"UPDATE runs SET {column} = ?, {moment} = ? WHERE run_id = :run AND coalesce({moment}, 0) <= ?4",  # noqa: S608 - names of ours
                    value,
                    at,
                )

    def _artifact(self, event: ArtifactStored, at: float) -> None:
        self._run(
            "INSERT INTO artifacts VALUES (:run, ?, ?, ?, ?, ?, :journal) ON CONFLICT (run_id, name) DO UPDATE SET"
            " path = excluded.path, size = excluded.size, sha256 = excluded.sha256, at = excluded.at,"
            " journal = excluded.journal WHERE (excluded.at, excluded.journal) >= (at, journal)",
            event.name,
            event.path,
            event.size,
            event.sha256,
            at,
        )

    # -- points --------------------------------------------------------------------------------------

    def metric(self, name: str, metric: Metric) -> None:
        """Append a metric's new points to its blocks and to its line in the summary."""
        for number, span in enumerate(metric.spans):
            self._blocks(name, span, new=self._begins and number == 0)
            new = self._met is not None and name not in self._met
            self._summary(name, span, extent(span.kind, span.values), metric.description, new=new)
            if self._met is not None:
                self._met.add(name)

    def _blocks(self, name: str, span: Span, *, new: bool) -> None:
        seq, last = (-1, None) if new else self._last_block(name)
        if last and last.kind == span.kind and len(last.values) < BLOCK:
            span = Span(span.kind, last.values + span.values, last.times + span.times, last.steps + span.steps)
        else:
            seq += 1
        for start in range(0, len(span.values), BLOCK):
            part = slice(start, start + BLOCK)
            block = Span(span.kind, span.values[part], span.times[part], span.steps[part])
            values, steps = pack(block.values), pack(block.steps)
            shown = outlines.shown(block, values, steps) if len(block.values) == BLOCK else None
            least, greatest = (shown and shown.extent) or extent(span.kind, block.values)[:2]
            self.db.execute(
                "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self.run_id, name, self.journal, seq, span.kind, len(block.values), least, greatest),
                    *(steps, pack(block.times), values),
                ),
            )
            if shown is not None:
                self.db.execute(_OUTLINE, (self.run_id, name, self.journal, seq, *shown.row))
            seq += 1

    def _last_block(self, name: str) -> tuple[int, Span | None]:
        row = self.db.execute(
            'SELECT seq, kind, count, steps, times, "values" FROM blocks WHERE run_id = ? AND name = ? AND journal = ?'
            " ORDER BY seq DESC LIMIT 1",
            (self.run_id, name, self.journal),
        ).fetchone()
        if row is None:
            return -1, None
        seq, kind, n, steps, times, values = row
        if n >= BLOCK:
            return seq, None
        columns = (list(unpack(column, n)) for column in (values, times, steps))
        return seq, Span(kind, *columns)  # type: ignore[arg-type]  # the columns are what `_blocks` packed

    def _summary(self, name: str, span: Span, found: Extent, description: str, *, new: bool) -> None:
        """Merge a span into the metric's line, whichever journal is folded first."""
        sql = f"SELECT {', '.join(_SUMMARY)} FROM metrics WHERE run_id = ? AND name = ?"  # noqa: S608 - names of ours
        row = None if new else self.db.execute(sql, (self.run_id, name)).fetchone()
        ours = (
            *(span.kind, False, len(span.values), span.times[0], self.journal, _column(span.steps[0]), span.times[-1]),
            *(self.journal, _column(span.steps[-1]), pack([span.values[-1]]), found.last, found.least, found.greatest),
            description,
        )
        self.db.execute(_SUMMARIZE, (self.run_id, name, *(ours if row is None else _merged(row, ours))))


def _column(step: int | None) -> int | None:
    """Return a step as the summary takes it; one beyond 64 bits stands in its point only."""
    return None if step is None or step >= 1 << 63 else step


def _merged(old: tuple, new: tuple) -> tuple:  # type: ignore[type-arg]  # a row as the table has it
    """Return one summary row out of two, of whatever journals."""
    earlier, _ = sorted((old, new), key=lambda row: (row[3], row[4]))
    newest = new if (new[6], new[7]) >= (old[6], old[7]) else old
    other = old if newest is new else new
    both = Extent(other[11], other[12], other[10]).with_later(Extent(newest[11], newest[12], newest[10]))
    return (
        *(earlier[0], old[1] or old[0] != new[0], old[2] + new[2], *earlier[3:6], *newest[6:10]),
        *(both.last, both.least, both.greatest, newest[13] or other[13]),
    )


def _told_by_a_doctor(event: StatusChanged) -> bool:
    """Tell whether a status was written down after its run's death, for the moment of its last sign of life."""
    return event.error is not None and event.error.code == "ProcessEnded"


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
