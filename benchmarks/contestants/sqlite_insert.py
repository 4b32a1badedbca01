"""Reference: one committed SQLite insert per record, in WAL mode with synchronous=NORMAL. It survives SIGKILL too."""

from __future__ import annotations

import sqlite3
import time
import uuid
from pathlib import Path

from contestant import Contestant, Timings, clock, ranked, row, sample, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, status TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS point (run TEXT, name TEXT, value REAL, step INTEGER, at REAL);
CREATE INDEX IF NOT EXISTS point_by_value ON point (name, value);
"""
INSERT = "INSERT INTO point VALUES (?, ?, ?, ?, ?)"


class SqliteInsert(Contestant):
    """A table of points in one file that all processes share."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._db: sqlite3.Connection | None = None

    @property
    def db(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(self.home / "runs.db", timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(SCHEMA)
        return self._db

    def start(self) -> str:
        self.run_id = uuid.uuid4().hex
        self.db.execute("INSERT INTO run VALUES (?, 'Running')", (self.run_id,))
        return self.run_id

    def log(self, steps: range) -> Timings:
        for step in steps:
            value = sample(step)
            began = clock()
            self.db.execute(INSERT, (self.run_id, "loss", value, step, time.time()))
            yield clock() - began

    def log_metrics(self, steps: range) -> Timings:
        for step in steps:
            values = row(step)
            began = clock()
            self.db.execute("BEGIN IMMEDIATE")
            at = time.time()
            self.db.executemany(INSERT, ((self.run_id, name, value, step, at) for name, value in values.items()))
            self.db.execute("COMMIT")
            yield clock() - began

    def finish(self) -> None:
        self.db.execute("UPDATE run SET status = 'Completed' WHERE id = ?", (self.run_id,))
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            self.start()
            self.db.execute("UPDATE run SET status = 'Completed' WHERE id = ?", (self.run_id,))
            yield clock() - began

    def fill_runs(self, count: int) -> None:
        runs = [(uuid.uuid4().hex, value) for value in ranked(count)]
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO run VALUES (?, 'Completed')", ((run_id,) for run_id, _ in runs))
        self.db.executemany(INSERT, ((run_id, "loss", value, 0, 0.0) for run_id, value in runs))
        self.db.execute("COMMIT")

    def fill_points(self, points: int) -> None:
        self.db.execute("BEGIN")
        super().fill_points(points)
        self.db.execute("COMMIT")

    def lowest(self, times: int) -> Timings:
        query = "SELECT value, run.* FROM point JOIN run ON run.id = run WHERE name = 'loss' ORDER BY value LIMIT 1"
        for _ in range(times):
            began = clock()
            (found,) = self.db.execute(query).fetchall()
            yield clock() - began
            assert found[0] == 1.0

    def history(self, run_id: str, points: int, times: int) -> Timings:
        query = "SELECT value, step, at FROM point WHERE run = ? AND name = 'loss' ORDER BY rowid"
        for _ in range(times):
            began = clock()
            found = self.db.execute(query, (run_id,)).fetchall()
            yield clock() - began
            assert len(found) == points

    def stored(self, run_id: str) -> int:
        return self.db.execute("SELECT count(*) FROM point WHERE run = ?", (run_id,)).fetchone()[0]


if __name__ == "__main__":
    serve(SqliteInsert)
