"""The index in one SQLite file, or in memory for a reader that may not write.

The schema is public: `migrations/` creates it, and any SQL tool may read it. Nothing in it cannot be folded
again from the runs' journals.
"""

import contextlib
import sqlite3
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from .. import host
from ..columns import join, unpack, unpack_one
from ..errors import IndexUnavailableError
from ..records import (
    ArtifactRecord,
    Batch,
    Cursor,
    ErrorInfo,
    MetricSummary,
    Note,
    Outline,
    PointKind,
    RunQuery,
    RunRecord,
    Scalar,
    Series,
)
from . import outlines
from .folding import Fold
from .schema import connect
from .spans import gather

_gate = threading.RLock()
"""Held around every SQLite call and every fork: a child must not inherit SQLite's own locks half taken."""


def _renew_gate() -> None:
    global _gate  # noqa: PLW0603 - a forked child cannot use its parent's lock
    _gate = threading.RLock()


host.around_fork(lambda: _gate.acquire(), lambda: _gate.release(), _renew_gate)  # noqa: PLW0108 - the gate of that moment


_NONSENSE = (sqlite3.Error, msgspec.MsgspecError, struct.error, ValueError)
"""What a damaged file answers with: SQLite's own errors, or a column that cannot be unpacked."""


_WHOLE = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
_PART = "SAVEPOINT part", "RELEASE part", "ROLLBACK TO part"
"""How to begin, to keep and to take back what is written: alone, or as a part of a transaction."""


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
        self._writes = self._together = False
        self._revised: tuple[object, Mapping[str, object]] = (None, {})
        host.abandon_in_child(self)

    # -- connection ----------------------------------------------------------------------------------

    def abandon(self) -> None:
        """In a forked child: forget the parent's connection without closing it."""
        if self._db is not None:
            _abandoned.append(self._db)  # closing it would drop the parent's file locks
            self._db = None
        self._together = False

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
                    self._db = connect(self.path)
                    self._openings += 1
                yield self._db
            except _NONSENSE as error:
                raise self._unavailable(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            begin, keep, undo = _PART if self._together else _WHOLE
            try:
                self._writes = True
                db.execute(begin)
                yield db
                db.execute(keep)
            except BaseException:  # also Ctrl-C, wherever it comes
                with contextlib.suppress(sqlite3.Error):
                    db.execute(undo)
                raise
            finally:
                self._writes = False

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Keep what is written inside in one transaction; where one part fails, no other is kept by half."""
        with self._writing():
            self._together, self._writes = True, False  # this very thread goes on asking and writing
            try:
                yield
            finally:
                self._together = False

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
        with self._writing() as db:
            known = _cursors(db, run_id)
            if not _follow(batches, known):
                return False
            met: set[str] | None = None if known else set()
            for batch, metrics, others in gathered:
                fold = Fold(db, run_id, batch.journal, begins=batch.journal not in known, met=met)
                known[batch.journal] = batch.after
                fold.begin(batch.after.clock)
                for event, at, line in others:
                    with contextlib.suppress(OverflowError):  # a number that no run of ours writes
                        fold.event(event, at, line)
                for name, metric in metrics.items():
                    fold.metric(name, metric)
                fold.advance(batch.after)
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
        """Mark an ended run whose folder does not grow any more, unless more journals are known than so many."""
        with self._writing() as db:
            db.execute(
                "UPDATE runs SET settled = 1 WHERE run_id = :run AND ended_at IS NOT NULL"
                " AND (:journals IS NULL OR :journals >= (SELECT count(*) FROM journals WHERE run_id = :run))",
                {"run": run_id, "journals": journals},
            )

    def forget(self, run_id: str) -> None:
        """Drop all that is known of a run."""
        with self._writing() as db:
            for table in (
                "runs",
                "journals",
                "tags",
                "properties",
                "artifacts",
                "notes",
                "metrics",
                "blocks",
                "outlines",
            ):
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

    def revisions(self) -> Mapping[str, object]:
        """Return by run a value that changes with it; where nobody wrote to the file, the same mapping as before."""
        with self._reading() as db:
            (others,) = db.execute("PRAGMA data_version").fetchone()
            state = self._openings, others, db.total_changes
            if self._revised[0] != state:
                rows = db.execute(_REVISIONS).fetchall()
                self._revised = state, {run_id: tuple(rest) for run_id, *rest in rows}
            return self._revised[1]

    def unsettled(self) -> list[str]:
        """Return the ids of runs whose folders may still grow."""
        with self._reading() as db:
            return [run_id for (run_id,) in db.execute("SELECT run_id FROM runs WHERE settled = 0")]

    def series(self, run_id: str, name: str) -> Series | None:
        """Return all points of a metric, in order of (time, journal, line); None for an unknown one."""
        return self.series_of([run_id], name).get(run_id, {}).get(name)

    def series_of(self, run_ids: Sequence[str], name: str | None = None) -> dict[str, dict[str, Series]]:
        """Return all metrics of several runs, or one metric of them, by run id and name."""
        only, named = ("", ()) if name is None else (" AND name = ?", (name,))
        found: dict[str, dict[str, Series]] = {run_id: {} for run_id in run_ids}
        with self._reading() as db:
            for some, marks in _portions(list(found)):
                sql = f"SELECT run_id, name FROM metrics WHERE run_id IN ({marks}){only} {_BY_FIRST}"  # noqa: S608 - marks
                known = db.execute(sql, (*some, *named)).fetchall()
                blocks = _grouped(db.execute(_BLOCKS.format(marks, only), (*some, *named)), 2)
                for run_id, metric in known:
                    found[run_id][metric] = _series(blocks[run_id, metric])
        return {run_id: metrics for run_id, metrics in found.items() if metrics}

    def outline(
        self, run_id: str, name: str, along: str = "step", between: outlines.Range = (None, None)
    ) -> Outline | None:
        """Return the points that show a metric, or a part of it; None where there is nothing shorter than all."""
        with self._reading() as db:
            return outlines.read(db, run_id, name, along, between)

    def summaries(self, run_id: str) -> list[MetricSummary]:
        """Return one line per metric, in order of first logging."""
        return self.summaries_of([run_id])[run_id]

    def summaries_of(self, run_ids: Sequence[str]) -> dict[str, list[MetricSummary]]:
        """Return one line per metric of several runs, by run id."""
        found: dict[str, list[MetricSummary]] = {run_id: [] for run_id in run_ids}
        with self._reading() as db:
            for some, marks in _portions(list(found)):
                for run_id, *line in db.execute(f"{_SUMMARIES} WHERE run_id IN ({marks}) {_BY_FIRST}", some):
                    found[run_id].append(_summary(*line))
        return found

    def artifacts(self, run_id: str) -> list[ArtifactRecord]:
        """Return the files of a run, by name."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT name, path, size, sha256, at FROM artifacts WHERE run_id = ? ORDER BY name", (run_id,)
            ).fetchall()
        return [ArtifactRecord(*row) for row in rows]


_REVISIONS = (
    "SELECT run_id, status, ended_at, (SELECT sum(offset + damaged) FROM journals WHERE journals.run_id = runs.run_id)"
    " FROM runs WHERE experiment != ''"
)

_abandoned: list[sqlite3.Connection] = []
"""Connections inherited by fork, kept so that nobody closes them."""


# -- reading -----------------------------------------------------------------------------------------


def _cursors(db: sqlite3.Connection, run_id: str) -> dict[str, Cursor]:
    rows = db.execute("SELECT journal, offset, line, clock, damaged FROM journals WHERE run_id = ?", (run_id,))
    return {journal: Cursor(*rest) for journal, *rest in rows}


def _follow(batches: Sequence[Batch], known: dict[str, Cursor]) -> bool:
    """Tell whether batches begin where journals are folded to; nobody else has folded the same lines first."""
    ends = dict(known)
    for batch in batches:
        if ends.get(batch.journal, Cursor()) != batch.before:
            return False
        ends[batch.journal] = batch.after
    return True


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
    return [record for start in range(0, len(rows), _PORTION) for record in _told(db, rows[start : start + _PORTION])]


def _told(db: sqlite3.Connection, rows: list[tuple]) -> Iterator[RunRecord]:  # type: ignore[type-arg]  # as `_RECORD` has it
    """Yield the records of some runs: four questions for all of them, not four for each."""
    ((some, marks),) = _portions([row[0] for row in rows]) if rows else [([], "")]
    tags, properties = (_pairs(db.execute(sql.format(marks), some)) for sql in _BESIDE[:2])
    notes, damaged = (_grouped(db.execute(sql.format(marks), some), 1) for sql in _BESIDE[2:])
    for run_id, *facts, error, verdict in rows:
        told = ErrorInfo(verdict, code="ProcessEnded") if verdict else None
        why = msgspec.json.decode(error, type=ErrorInfo) if error else told
        kept = [Note(*note) for note in notes.get((run_id,), ())]
        beside = tags.get(run_id, {}), properties.get(run_id, {}), kept
        yield RunRecord(*(run_id, *facts, why, verdict, *beside, sum(n for (n,) in damaged.get((run_id,), ()))))


_BESIDE = (
    "SELECT run_id, key, value FROM tags WHERE run_id IN ({}) AND NOT removed ORDER BY run_id, at, key",
    "SELECT run_id, key, value FROM properties WHERE run_id IN ({}) ORDER BY run_id, at, journal, rowid",
    "SELECT run_id, source, message, at FROM notes WHERE run_id IN ({}) ORDER BY run_id, at, journal, line",
    "SELECT run_id, damaged FROM journals WHERE run_id IN ({})",
)
"""What stands beside a run's own row; in the braces go as many question marks as there are runs."""

_BY_FIRST = "ORDER BY run_id, first_at, first_journal, rowid"

_SUMMARIES = (
    "SELECT run_id, name, kind, mixed, count, last, min, max, last_value, first_step, last_step, description,"
    " first_at, last_at FROM metrics"
)

_BLOCKS = (
    'SELECT run_id, name, journal, kind, count, steps, times, "values" FROM blocks WHERE run_id IN ({}){}'
    " ORDER BY run_id, name, journal, seq"
)

_PORTION = 500
"""Runs asked about at once; SQLite of any age takes so many question marks."""


def _portions(run_ids: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """Yield run ids, some at a time, with a question mark for each."""
    for start in range(0, len(run_ids), _PORTION):
        some = list(run_ids[start : start + _PORTION])
        yield some, ",".join("?" * len(some))


def _grouped(rows: Iterable[tuple], keys: int) -> dict[tuple, list[tuple]]:  # type: ignore[type-arg]  # any rows
    """Return the rest of each row by its first columns."""
    groups: dict[tuple, list[tuple]] = {}  # type: ignore[type-arg]  # likewise
    for row in rows:
        groups.setdefault(row[:keys], []).append(row[keys:])
    return groups


def _pairs(rows: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    """Return keys and values by run; a workspace has more of them than of anything else that is read at once."""
    found: dict[str, dict[str, Any]] = {}
    for run_id, key, value in rows:
        try:
            found[run_id][key] = value
        except KeyError:
            found[run_id] = {key: value}
    return found


def _summary(
    name: str,
    kind: PointKind,
    mixed: int,
    n: int,
    last: float | None,
    least: float | None,
    most: float | None,
    value: bytes,
    *rest: Any,
) -> MetricSummary:
    return MetricSummary(name, kind, bool(mixed), n, last, least, most, cast("Scalar", unpack_one(value)), *rest)


def _conditions(query: RunQuery) -> tuple[str, list[object]]:
    """Return an SQL condition and its values; names and values are never part of the text."""
    words, values = ["1"], []
    for column in ("experiment", "type", "status", "target", "parent_id"):
        if (wanted := getattr(query, column)) is not None:
            words.append(f"runs.{column} = ?")
            values.append(wanted)
    if query.ancestor_id is not None:
        words.append(f"runs.run_id IN ({_BELOW})")
        values.append(query.ancestor_id)
    if query.parent_id is None and query.ancestor_id is None and not query.include_children:
        words.append("runs.parent_id IS NULL")
    for table, wanted in (("tags", query.tags), ("properties", query.properties)):
        alive = " AND NOT removed" if table == "tags" else ""
        for key, value in (wanted or {}).items():
            equal = "" if value is None else " AND value = ?"
            words.append(f"runs.run_id IN (SELECT run_id FROM {table} WHERE key = ?{alive}{equal})")  # noqa: S608
            values.extend([key] if value is None else [key, value])
    return " AND ".join(words), values


_BELOW = (
    "WITH RECURSIVE below(id) AS (SELECT run_id FROM runs WHERE parent_id = ?"
    " UNION SELECT run_id FROM runs JOIN below ON parent_id = id) SELECT id FROM below"
)

_BlockRow = tuple[str, PointKind, int, bytes, bytes, bytes]


def _series(rows: list[_BlockRow]) -> Series:
    """Join blocks into columns; several journals are merged by time, ties by journal and line."""
    if len(rows) == 1:
        _, kind, n, stepping, timing, value = rows[0]
        return Series(kind, unpack(value, n), _times([(timing, n)]), _steps([(stepping, n)]))
    values = join([(values, n) for _, _, n, _, _, values in rows])
    times = _times([(times, n) for _, _, n, _, times, _ in rows])
    steps = _steps([(steps, n) for _, _, n, steps, _, _ in rows])
    kinds = None
    if len({kind for _, kind, *_ in rows}) > 1:
        kinds = [kind for _, kind, n, *_ in rows for _ in range(n)]
    if len({journal for journal, *_ in rows}) > 1:
        order = sorted(range(len(times)), key=times.__getitem__)
        values, times, steps = [values[i] for i in order], [times[i] for i in order], [steps[i] for i in order]
        kinds = kinds and [kinds[i] for i in order]
    first = kinds[0] if kinds else rows[0][1]
    return Series(first, values, times, steps, kinds)


def _times(parts: list[tuple[bytes, int]]) -> Sequence[float]:
    return cast("Sequence[float]", _Late(parts))


def _steps(parts: list[tuple[bytes, int]]) -> Sequence[int | None]:
    return cast("Sequence[int | None]", _Late(parts))


class _Late(Sequence[object]):
    """A column that is unpacked when somebody looks: who wants the values alone does not pay for their times."""

    def __init__(self, parts: list[tuple[bytes, int]]) -> None:
        self._parts = parts

    @host.computed_once
    def _column(self) -> Sequence[object]:
        return join(self._parts)

    def __len__(self) -> int:
        return sum(n for _, n in self._parts)

    def __getitem__(self, position: Any) -> Any:
        return self._column[position]

    def __iter__(self) -> Iterator[object]:
        return iter(self._column)
