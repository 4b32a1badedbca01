"""The index in one SQLite file, or in memory for a reader that may not write.

The schema is public: `migrations/` creates it, and any SQL tool may read it. Nothing in it cannot be folded
again from the runs' journals.
"""

import contextlib
import re
import sqlite3
import struct
import threading
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgspec

from .. import host
from ..columns import join, pack, unpack
from ..errors import IndexUnavailableError
from ..records import (
    TERMINAL,
    ArtifactRecord,
    ArtifactStored,
    Batch,
    Cursor,
    ErrorInfo,
    ErrorNoted,
    JournalOpened,
    MetricSummary,
    Note,
    Noted,
    PointKind,
    PropertiesAdded,
    RunCreated,
    RunDescribed,
    RunQuery,
    RunRecord,
    RunStatus,
    Scalar,
    Series,
    StatusChanged,
    TagsRemoved,
    TagsSet,
)
from .spans import Extent, Metric, Span, extent, gather

BLOCK = 4096
"""Points in a full block."""

PATIENCE = 0.1
"""How long a fold waits for another one [s]; then the caller reads from memory instead."""

_gate = threading.RLock()
"""Held around every SQLite call and every fork: a child must not inherit SQLite's own locks half taken."""


def _renew_gate() -> None:
    global _gate  # noqa: PLW0603 - a forked child cannot use its parent's lock
    _gate = threading.RLock()


host.around_fork(lambda: _gate.acquire(), lambda: _gate.release(), _renew_gate)  # noqa: PLW0108 - the gate of that moment


_NONSENSE = (sqlite3.Error, msgspec.MsgspecError, struct.error, ValueError)
"""What a damaged file answers with: SQLite's own errors, or a column that cannot be unpacked."""


class _CursorMovedError(Exception):
    """Somebody else folded the same lines first."""


class SqliteStore:
    """A `RunStore` in one SQLite file.

    Parameters
    ----------
    path : Path or None
        The file, created when needed; None keeps everything in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._openings = 0
        self._writes = False
        host.abandon_in_child(self)

    # -- connection ----------------------------------------------------------------------------------

    def abandon(self) -> None:
        """In a forked child: forget the parent's connection without closing it."""
        if self._db is not None:
            _abandoned.append(self._db)  # closing it would drop the parent's file locks
            self._db = None

    def close(self) -> None:
        """Let go of the file."""
        with _gate:
            if self._db is not None:
                self._db.close()
                self._db = None

    def __del__(self) -> None:
        """Close a connection that nobody holds any more."""
        with contextlib.suppress(Exception):  # at interpreter exit anything may be gone already
            self.close()

    @property
    def opened(self) -> int:
        """How often the file was opened: one that was emptied or replaced meanwhile is another one."""
        with self._reading():
            return self._openings

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _gate:
            if self._writes:  # a signal handler, in the middle of a transaction of its own thread
                raise IndexUnavailableError(str(self.path), RuntimeError("it is being written to"), passing=True)
            try:
                if self._db is None:
                    self._db = _connect(self.path)
                    self._openings += 1
                yield self._db
            except _NONSENSE as error:
                raise self._unavailable(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            try:
                self._writes = True
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException:  # also Ctrl-C, wherever it comes
                with contextlib.suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
            finally:
                self._writes = False

    def _unavailable(self, error: Exception) -> IndexUnavailableError:
        passing = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
        if not passing:  # a file that was replaced or repaired meanwhile is opened afresh
            with contextlib.suppress(sqlite3.Error):
                self.close()
        return IndexUnavailableError(str(self.path), error, passing=passing)

    # -- writing -------------------------------------------------------------------------------------

    def cursors(self, run_id: str) -> dict[str, Cursor]:
        """Return how far each journal file of a run is folded."""
        with self._reading() as db:
            return _cursors(db, run_id)

    def apply(self, run_id: str, batches: Sequence[Batch]) -> bool:
        """Fold batches in one transaction; False, and nothing done, when a cursor has moved meanwhile."""
        gathered = [(batch, *gather(batch)) for batch in batches]  # before the transaction: others may write
        try:
            with self._writing() as db:
                known = _cursors(db, run_id)
                for batch, metrics, others in gathered:
                    if known.get(batch.journal, Cursor()) != batch.before:
                        raise _CursorMovedError  # noqa: TRY301 - it rolls the transaction back
                    known[batch.journal] = batch.after
                    fold = _Fold(db, run_id, batch.journal)
                    fold.begin(batch.after.clock)
                    for event, at, line in others:
                        with contextlib.suppress(OverflowError):  # a number that no run of ours writes
                            fold.event(event, at, line)
                    for name, metric in metrics.items():
                        fold.metric(name, metric)
                    fold.advance(batch.after)
        except _CursorMovedError:
            return False
        return True

    def judge(self, run_id: str, verdict: str | None, ended_at: float | None = None) -> None:
        """Keep a verdict about a run whose process died at a moment [s since the epoch, UTC], or take it back."""
        with self._writing() as db:
            db.execute(
                "UPDATE runs SET verdict = :verdict, settled = settled AND :verdict IS NOT NULL,"
                " status = CASE WHEN :verdict IS NULL THEN said ELSE 'Failed' END,"
                " ended_at = CASE WHEN :verdict IS NULL THEN NULL ELSE coalesce(:ended_at,"
                "   (SELECT max(clock) FROM journals WHERE journals.run_id = runs.run_id)) END"
                " WHERE run_id = :run AND said NOT IN ('Completed', 'Failed', 'Canceled')",
                {"run": run_id, "verdict": verdict, "ended_at": ended_at},
            )

    def settle(self, run_id: str, journals: int | None = None) -> None:
        """Mark a run whose folder does not grow any more, unless more journals are known than so many."""
        with self._writing() as db:
            db.execute(
                "UPDATE runs SET settled = 1 WHERE run_id = :run AND (:journals IS NULL OR :journals >="
                " (SELECT count(*) FROM journals WHERE journals.run_id = :run))",
                {"run": run_id, "journals": journals},
            )

    def forget(self, run_id: str) -> None:
        """Drop all that is known of a run."""
        with self._writing() as db:
            for table in ("runs", "journals", "tags", "properties", "artifacts", "notes", "metrics", "blocks"):
                db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608 - names of ours

    # -- reading -------------------------------------------------------------------------------------

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run, or None."""
        with self._reading() as db:
            records = _records(db, "runs.run_id = ?", [run_id])
        return records[0] if records else None

    def find(self, query: RunQuery) -> list[RunRecord]:
        """Return the runs that a query asks for."""
        where, values = _conditions(query)
        with self._reading() as db:
            return _records(db, where, values, query)

    def run_ids(self) -> set[str]:
        """Return the ids of all runs known."""
        with self._reading() as db:
            return {run_id for (run_id,) in db.execute("SELECT DISTINCT run_id FROM journals")}

    def unsettled(self) -> list[str]:
        """Return the ids of runs whose folders may still grow."""
        with self._reading() as db:
            return [run_id for (run_id,) in db.execute("SELECT run_id FROM runs WHERE settled = 0")]

    def series(self, run_id: str, name: str) -> Series | None:
        """Return all points of a metric, in order of (time, journal, line); None for an unknown one."""
        with self._reading() as db:
            rows = db.execute(
                'SELECT journal, kind, count, steps, times, "values" FROM blocks WHERE run_id = ? AND name = ?'
                " ORDER BY journal, seq",
                (run_id, name),
            ).fetchall()
            return _series(rows) if rows else None

    def summaries(self, run_id: str) -> list[MetricSummary]:
        """Return one line per metric, in order of first logging."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT name, kind, mixed, count, last, min, max, last_value, first_step, last_step, description"
                " FROM metrics WHERE run_id = ? ORDER BY first_at, first_journal, rowid",
                (run_id,),
            ).fetchall()
            return [
                MetricSummary(name, kind, bool(mixed), n, last, least, most, cast("Scalar", unpack(value, 1)[0]), *rest)
                for name, kind, mixed, n, last, least, most, value, *rest in rows
            ]

    def artifacts(self, run_id: str) -> list[ArtifactRecord]:
        """Return the files of a run, by name."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT name, path, size, sha256, at FROM artifacts WHERE run_id = ? ORDER BY name", (run_id,)
            ).fetchall()
        return [ArtifactRecord(*row) for row in rows]


_abandoned: list[sqlite3.Connection] = []
"""Connections inherited by fork, kept so that nobody closes them."""


# -- opening -----------------------------------------------------------------------------------------


@cache
def migrations() -> tuple[str, ...]:
    """Return the numbered SQL scripts; the n-th takes a file from schema version n - 1 to n."""
    folder = resources.files(__package__) / "migrations"
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


def _connect(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations()):
            raise sqlite3.DatabaseError(  # noqa: TRY301 - closed below like any other trouble
                f"it has schema version {version}, this azml_integrations knows up to {len(migrations())}; "
                f"upgrade azml_integrations"
            )
        if version < len(migrations()):
            _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection) -> None:
    """Bring a file to the newest schema; many processes may try at once."""
    if db.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(migrations()[version:], version + 1):
            for statement in _statements(script):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


# -- folding -----------------------------------------------------------------------------------------


def _told_by_a_doctor(event: StatusChanged) -> bool:
    """Tell whether a status was written down after its run's death, for the moment of its last sign of life."""
    return event.error is not None and event.error.code == "ProcessEnded"


def _cursors(db: sqlite3.Connection, run_id: str) -> dict[str, Cursor]:
    rows = db.execute("SELECT journal, offset, line, clock, damaged FROM journals WHERE run_id = ?", (run_id,))
    return {journal: Cursor(*rest) for journal, *rest in rows}


_SUMMARY = (
    *("kind", "mixed", "count", "first_at", "first_journal", "first_step", "last_at", "last_journal", "last_step"),
    *("last_value", "last", "min", "max", "description"),
)
_SUMMARIZE = (
    f"INSERT INTO metrics (run_id, name, {', '.join(_SUMMARY)}) VALUES ({', '.join('?' * (2 + len(_SUMMARY)))})"  # noqa: S608 - names of ours
    f" ON CONFLICT (run_id, name) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _SUMMARY)}"
)


@cache
def _numbered(sql: str) -> str:
    """Return a statement with numbered places: ``:run`` is 1, ``:journal`` 2, each bare ``?`` the next from 3 on."""
    places = count(3)
    return re.sub(r"\?(?!\d)", lambda _: f"?{next(places)}", sql).replace(":run", "?1").replace(":journal", "?2")


class _Fold:
    """One batch on its way into the tables, inside the caller's transaction."""

    def __init__(self, db: sqlite3.Connection, run_id: str, journal: str) -> None:
        self.db, self.run_id, self.journal = db, run_id, journal

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
                self._update("error = ?", _json(error))
            case TagsSet(tags=tags):
                for key, value in tags.items():
                    self._tag(key, value, at, removed=False)
            case TagsRemoved(keys=keys):
                for key in keys:
                    self._tag(key, None, at, removed=True)
            case PropertiesAdded(properties=properties):
                for key, value in properties.items():
                    self._property(key, value, at)
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

    def _property(self, key: str, value: str, at: float) -> None:
        self._run(
            "INSERT INTO properties VALUES (:run, ?, ?, ?, :journal) ON CONFLICT (run_id, key) DO UPDATE SET"
            " value = excluded.value, at = excluded.at, journal = excluded.journal"
            " WHERE (excluded.at, excluded.journal) < (at, journal)",
            key,
            value,
            at,
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
        for span in metric.spans:
            found = extent(span.kind, span.values)
            self._blocks(name, span)
            self._summary(name, span, found, metric.description)

    def _blocks(self, name: str, span: Span) -> None:
        seq, last = self._last_block(name)
        if last and last.kind == span.kind and len(last.values) < BLOCK:
            span = Span(span.kind, last.values + span.values, last.times + span.times, last.steps + span.steps)
        else:
            seq += 1
        for start in range(0, len(span.values), BLOCK):
            part = slice(start, start + BLOCK)
            values = span.values[part]
            least, greatest, _ = extent(span.kind, values)
            self.db.execute(
                "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self.run_id, name, self.journal, seq, span.kind, len(values), least, greatest),
                    *(pack(span.steps[part]), pack(span.times[part]), pack(values)),
                ),
            )
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

    def _summary(self, name: str, span: Span, found: Extent, description: str) -> None:
        """Merge a span into the metric's line, whichever journal is folded first."""
        row = self.db.execute(
            f"SELECT {', '.join(_SUMMARY)} FROM metrics WHERE run_id = ? AND name = ?",  # noqa: S608 - names of ours
            (self.run_id, name),
        ).fetchone()
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


# -- reading -----------------------------------------------------------------------------------------

_RECORD = (
    "runs.run_id, experiment, number, status, created_at, started_at, ended_at, runs.name, display_name,"
    " runs.description, type, target, parent_id, user, host, error, verdict"
)


def _records(
    db: sqlite3.Connection, where: str, values: list[object], query: RunQuery | None = None
) -> list[RunRecord]:
    order = query.order if query else None
    source, by = "runs", "coalesce(started_at, created_at) DESC, runs.number DESC"
    if order:
        source = "metrics CROSS JOIN runs ON runs.run_id = metrics.run_id"
        where = f"metrics.name = ? AND metrics.{order.by} IS NOT NULL AND {where}"
        values = [order.metric, *values]
        by = f"metrics.{order.by} {'DESC' if order.descending else 'ASC'}"
    limit = -1 if query is None or query.limit is None else query.limit
    sql = f"SELECT {_RECORD} FROM {source} WHERE {where} AND experiment != '' ORDER BY {by} LIMIT ?"  # noqa: S608
    rows = db.execute(sql, [*values, limit]).fetchall()
    return [_record(db, row) for row in rows]


def _record(db: sqlite3.Connection, row: tuple) -> RunRecord:  # type: ignore[type-arg]  # as `_RECORD` has it
    run_id, *facts, error, verdict = row
    tags = db.execute("SELECT key, value FROM tags WHERE run_id = ? AND NOT removed ORDER BY at, key", (run_id,))
    properties = db.execute("SELECT key, value FROM properties WHERE run_id = ? ORDER BY at, journal, rowid", (run_id,))
    notes = db.execute("SELECT source, message, at FROM notes WHERE run_id = ? ORDER BY at, journal, line", (run_id,))
    damaged = db.execute("SELECT coalesce(sum(damaged), 0) FROM journals WHERE run_id = ?", (run_id,)).fetchone()[0]
    told = ErrorInfo(verdict, code="ProcessEnded") if verdict else None
    why = msgspec.json.decode(error, type=ErrorInfo) if error else told
    kept = [Note(*note) for note in notes]
    return RunRecord(*(run_id, *facts, why, verdict, dict(tags.fetchall()), dict(properties.fetchall()), kept, damaged))


def _conditions(query: RunQuery) -> tuple[str, list[object]]:
    """Return an SQL condition and its values; names and values are never part of the text."""
    words, values = ["1"], []
    for column in ("experiment", "type", "status", "target", "parent_id"):
        if (wanted := getattr(query, column)) is not None:
            words.append(f"runs.{column} = ?")
            values.append(wanted)
    if query.parent_id is None and not query.include_children:
        words.append("runs.parent_id IS NULL")
    for table, wanted in (("tags", query.tags), ("properties", query.properties)):
        alive = " AND NOT removed" if table == "tags" else ""
        for key, value in (wanted or {}).items():
            equal = "" if value is None else " AND value = ?"
            words.append(f"runs.run_id IN (SELECT run_id FROM {table} WHERE key = ?{alive}{equal})")  # noqa: S608
            values.extend([key] if value is None else [key, value])
    return " AND ".join(words), values


_BlockRow = tuple[str, PointKind, int, bytes, bytes, bytes]


def _series(rows: list[_BlockRow]) -> Series:
    """Join blocks into columns; several journals are merged by time, ties by journal and line."""
    values = join([(values, n) for _, _, n, _, _, values in rows])
    times = cast("Sequence[float]", _Late([(times, n) for _, _, n, _, times, _ in rows]))
    steps = cast("Sequence[int | None]", _Late([(steps, n) for _, _, n, steps, _, _ in rows]))
    kinds = None
    if len({kind for _, kind, *_ in rows}) > 1:
        kinds = [kind for _, kind, n, *_ in rows for _ in range(n)]
    if len({journal for journal, *_ in rows}) > 1:
        order = sorted(range(len(times)), key=times.__getitem__)
        values, times, steps = [values[i] for i in order], [times[i] for i in order], [steps[i] for i in order]
        kinds = kinds and [kinds[i] for i in order]
    first = kinds[0] if kinds else rows[0][1]
    return Series(first, values, times, steps, kinds)


class _Late(Sequence[object]):
    """A column that is unpacked when somebody looks: who wants the values alone does not pay for their times."""

    def __init__(self, parts: list[tuple[bytes, int]]) -> None:
        self._parts = parts

    @cached_property
    def _column(self) -> Sequence[object]:
        return join(self._parts)

    def __len__(self) -> int:
        return sum(n for _, n in self._parts)

    def __getitem__(self, position: Any) -> Any:
        return self._column[position]

    def __iter__(self) -> Iterator[object]:
        return iter(self._column)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
