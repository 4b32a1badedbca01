"""The index's file: opened, or made, with the newest schema."""

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

PATIENCE = 0.1
"""How long a fold waits for another one [s]; then the caller reads from memory instead."""


@cache
def migrations() -> tuple[str, ...]:
    """Return the numbered SQL scripts; the n-th takes a file from schema version n - 1 to n."""
    folder = resources.files(__package__) / "migrations"
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


def connect(path: Path | None) -> sqlite3.Connection:
    """Open a file, made and migrated when needed; None is a new one in memory.

    Raises
    ------
    sqlite3.Error
        If it is no index, is damaged, comes from a newer version, or stays locked for longer than `PATIENCE`.
    """
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
