"""The view of a workspace's runs: folds their folders into the index, or into memory, and judges the dead."""

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

from .. import host, journal
from ..errors import IndexUnavailableError, IndexWarning, StoreError
from ..records import Batch, Cursor, RunStore
from .sqlite import SqliteStore

DEAD = "the process ended without completing the run"
ALLOWANCE = 0.05
"""Time that a verb of a run may spend on the index [s]."""

SEALING = 0.05
"""Time that one refresh may spend on compressing journals of ended runs [s]; the doctor has no bound."""

SEALED_BY_READERS = 256 << 10
"""Largest journal that a reader compresses [bytes]; larger ones wait for the doctor."""

SETTLED_MTIME = 2.0
"""Age of a folder's modification time from which it can be trusted not to change unseen [s]."""


class View:
    """What can be asked about the runs below one folder.

    Parameters
    ----------
    runs : Path
        Folder that holds one folder per run.
    index : RunStore or None
        Where folds are kept; None when this process may not write there. Then, and whenever the index cannot be
        used, runs are folded into memory instead: no answer ever depends on the index being there.
    """

    def __init__(self, runs: Path, index: RunStore | None) -> None:
        self.runs = runs
        self._index = index
        self._memory: SqliteStore | None = None
        self._seen_mtime = -1
        host.abandon_in_child(self)

    def abandon(self) -> None:
        """In a forked child: begin afresh."""
        self._memory = None

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run."""
        return self.runs / run_id

    # -- one run -------------------------------------------------------------------------------------

    def of(self, run_id: str) -> RunStore:
        """Fold one run and return the store that now holds it, as fresh as its journals."""
        return self._answer(lambda store: self._fold(store, run_id))

    def fold(self, run_id: str) -> None:
        """Fold one run into the index as far as that can be had now; never raises, hardly waits.

        What takes longer than `ALLOWANCE` is left to the next reader.
        """
        if self._index is not None:
            with contextlib.suppress(IndexUnavailableError):
                self._fold(self._index, run_id, until=time.monotonic() + ALLOWANCE)

    # -- all runs ------------------------------------------------------------------------------------

    def all(self) -> RunStore:
        """Fold what is new or still growing and return the store that now holds every run."""
        return self._answer(self._refresh)

    def _refresh(self, store: RunStore) -> None:
        for run_id in self._undiscovered(store):
            self._fold(store, run_id)
        until = time.monotonic() + SEALING
        for run_id in store.unsettled():
            self._fold(store, run_id)
            self._settle(store, run_id, seal=time.monotonic() < until)

    def _undiscovered(self, store: RunStore) -> list[str]:
        """Return the ids of run folders that the store has never seen: copied in, or begun while it was busy."""
        try:
            mtime = self.runs.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if mtime == self._seen_mtime and store is self._index:
            return []
        new = sorted({entry.name for entry in os.scandir(self.runs) if entry.is_dir()} - store.run_ids())
        if store is self._index and time.time_ns() - mtime > SETTLED_MTIME * 1e9:
            self._seen_mtime = mtime
        return new

    # -- stores --------------------------------------------------------------------------------------

    def _answer(self, fold: Callable[[RunStore], object]) -> RunStore:
        if self._index is not None:
            try:
                fold(self._index)
            except IndexUnavailableError as error:
                if not error.passing:
                    warnings.warn(
                        f"{error.message}; until then runs are read from their folders", IndexWarning, stacklevel=5
                    )
            else:
                return self._index
        if self._memory is None:
            self._memory = SqliteStore(None)
        fold(self._memory)
        return self._memory

    # -- folding -------------------------------------------------------------------------------------

    def _fold(self, store: RunStore, run_id: str, until: float = inf) -> None:
        """Bring a store up to the last whole line of a run's journals, and judge the run."""
        paths = journal.files(self.folder(run_id))
        cursors = store.cursors(run_id)
        if _shrunk(paths, cursors):
            store.forget(run_id)
            cursors = {}
        for path in paths:
            for batch in _batches(path, cursors.get(journal.key(path), Cursor())):
                if not store.apply(run_id, [batch]) or time.monotonic() > until:
                    break  # somebody else is folding this file: what they apply is the same
        self._judge(store, run_id, paths)

    def _judge(self, store: RunStore, run_id: str, paths: list[Path]) -> None:
        record = store.run(run_id)
        if record is None or (record.ended and record.verdict is None):
            return
        verdict = DEAD if _dead(paths) else None
        if verdict != record.verdict:
            store.judge(run_id, verdict)

    # -- sealing -------------------------------------------------------------------------------------

    def _settle(self, store: RunStore, run_id: str, *, seal: bool) -> None:
        """Mark an ended run that nobody writes to any more; compress its journals if asked."""
        record = store.run(run_id)
        if record is None or not record.ended:
            return
        paths = [path for path in journal.files(self.folder(run_id)) if path.suffix != ".gz"]
        if any(journal.in_use(path) for path in paths if _ours(path)):
            return
        if seal and host.writable(self.runs):
            self._seal(paths, most=SEALED_BY_READERS)
        store.settle(run_id)

    @staticmethod
    def _seal(paths: list[Path], most: float = inf) -> int:
        """Compress journals of this host, its former boots included, up to a size [bytes]; return how many."""
        sealed = 0
        for path in paths:
            with contextlib.suppress(OSError):  # a full disk: sealing can wait
                if _ours(path) and journal.size(path) <= most:
                    sealed += journal.seal(path)
        return sealed

    def settle(self, run_id: str) -> None:
        """Fold a run that its owner has just ended, and spare the readers another look at it."""
        self.fold(run_id)
        if self._index is not None:
            with contextlib.suppress(IndexUnavailableError):
                self._settle(self._index, run_id, seal=False)

    def seal_all(self) -> Iterator[str]:
        """Compress the journals of every run that has ended and yield its id as it goes."""
        store = self.all()
        for run_id in sorted(store.run_ids()):
            record = store.run(run_id)
            paths = [path for path in journal.files(self.folder(run_id)) if path.suffix != ".gz"]
            if record is not None and record.ended and paths and self._seal(paths):
                yield run_id

    def forget(self, run_id: str) -> None:
        """Drop a run from the stores; its folder is the caller's."""
        for store in (self._index, self._memory):
            if store is not None:
                with contextlib.suppress(IndexUnavailableError):
                    store.forget(run_id)

    def close(self) -> None:
        """Let go of the stores."""
        for store in (self._index, self._memory):
            if store is not None:
                store.close()
        self._memory = None


def _batches(path: Path, before: Cursor) -> Iterator[Batch]:
    """Yield what a journal says after a cursor; one that cannot be read is one damaged line."""
    try:
        yield from journal.read(path, before)
    except FileNotFoundError:
        return  # sealed or deleted meanwhile; the next fold finds it under its new name
    except PermissionError as error:
        raise StoreError(str(path), error, doing="read") from error
    except (OSError, EOFError) as error:
        warnings.warn(f"{path} is damaged from byte {before.offset} on: {error}", IndexWarning, stacklevel=6)


def _shrunk(paths: list[Path], cursors: dict[str, Cursor]) -> bool:
    """Tell whether a journal that was folded is gone, or shorter than it was (a power loss, a restored backup)."""
    there = {journal.key(path): path for path in paths}
    for name, cursor in cursors.items():
        if (path := there.get(name)) is None:
            return True
        with contextlib.suppress(OSError):
            if path.suffix != ".gz" and journal.size(path) < cursor.offset:
                return True
    return False


def _dead(paths: list[Path]) -> bool:
    """Tell whether every owner of a run is known to be gone; another host's owner is never judged."""
    owners = [(path, opened) for path in paths if (opened := journal.header(path)) and opened.role == "owner"]
    return bool(owners) and not any(_may_live(path, opened.host, opened.boot) for path, opened in owners)


def _may_live(path: Path, owner_host: str, boot: str) -> bool:
    if owner_host != host.name():
        return True
    if boot != host.boot() or path.suffix == ".gz":
        return False
    return not host.CAN_LOCK or journal.locked(path)


def _ours(path: Path) -> bool:
    opened = journal.header(path)
    return opened is not None and opened.host == host.name()
