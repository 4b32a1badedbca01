"""The view of a workspace's runs: folds their folders into the index, or into memory, and judges the dead."""

import contextlib
import errno
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any, cast

import msgspec

from .. import host, journal
from ..errors import IndexUnavailableError, IndexWarning, StoreError, warn_outside
from ..records import Batch, Cursor, JournalOpened, RunRecord, RunStore
from .sqlite import SqliteStore

DEAD = "the process ended without completing the run"
ALLOWANCE = 0.05
"""Time that a verb of a run may spend on the index [s]."""

LAST_ALLOWANCE = 1.0
"""Time that the end of a program may spend on the index [s]."""

SEALING = 0.05
"""Time that one refresh may spend on compressing journals of ended runs [s]; the doctor has no bound."""

_READERS_SEAL = range(256 << 10)
"""Sizes of the journals that a reader compresses [bytes]; larger ones wait for the doctor."""

_TOGETHER = 64 << 10
"""Journals are folded in one transaction up to this length, or one chunk of one journal [bytes]."""

COMPANY = 64
"""So many ended runs at most wait for the index, which takes them in together."""

PATIENCE = 0.25
"""So long at least ended runs gather before one of them brings all into the index [s]."""

CONFIRMING = 0.002
"""Pause before a verdict is taken back [s]: for a moment another reader's probe looks like an owner's lock."""

SETTLED_MTIME = 2.0
"""Age of a folder's modification time from which it can be trusted not to change unseen [s]."""


class _TimeIsUpError(Exception):
    """A verb has spent its time on the index; what it has not folded says nothing about the run yet."""


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
        self._ended: deque[str] = deque(maxlen=COMPANY)
        self._settled_at = -inf
        self._seen = (-1, -1)
        self._warned = False
        host.abandon_in_child(self)

    def abandon(self) -> None:
        """In a forked child: begin afresh."""
        self._memory = None
        self._ended.clear()

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run."""
        return self.runs / run_id

    # -- one run -------------------------------------------------------------------------------------

    def of(self, run_id: str) -> RunStore:
        """Fold one run and return the store that now holds it, as fresh as its journals."""
        return self._answer(lambda store: self._fold(store, run_id))

    def fold(self, run_id: str) -> bool:
        """Fold one run into the index as far as that can be had now; never raises, hardly waits.

        What takes longer than `ALLOWANCE` is left to the next reader; False then, and where there is no index now.
        """
        return self._folded(run_id)[0]

    def _folded(self, run_id: str) -> tuple[bool, RunRecord | None]:
        """Return whether `fold` succeeded, and what the run is then."""
        if self._index is not None:
            with contextlib.suppress(OSError, IndexWarning, _TimeIsUpError):  # a warning may be an error, too
                return True, self._fold(self._index, run_id, until=time.monotonic() + ALLOWANCE)
        return False, None

    # -- all runs ------------------------------------------------------------------------------------

    def all(self) -> RunStore:
        """Fold what is new or still growing and return the store that now holds every run."""
        return self._answer(self._refresh)

    def _refresh(self, store: RunStore) -> None:
        for run_id in self._undiscovered(store):
            with _hiding_no_other():
                self._fold(store, run_id)
        until = time.monotonic() + SEALING
        looked_at: set[str] = set()
        while growing := [run_id for run_id in store.unsettled() if run_id not in looked_at]:
            looked_at.update(growing)  # meanwhile another reader may find more, and not have judged them yet
            for run_id in growing:
                with _hiding_no_other():
                    record = self._fold(store, run_id)
                    self._settle(store, record, _READERS_SEAL if time.monotonic() < until else range(0))

    def _undiscovered(self, store: RunStore) -> list[str]:
        """Return the ids of run folders that the store has never seen; forget the runs whose folders are gone."""
        try:
            state = self.runs.stat().st_mtime_ns, store.opened
            if state == self._seen and store is self._index:
                return []
            known = store.run_ids()  # before the folders: what begins meanwhile must not look like gone
            there = {entry.name for entry in os.scandir(self.runs) if entry.is_dir()}
        except FileNotFoundError:
            return []
        except OSError as error:
            raise error if isinstance(error, StoreError) else StoreError(str(self.runs), error, "read") from error
        for gone in known - there:
            store.forget(gone)
        if store is self._index and time.time_ns() - state[0] > SETTLED_MTIME * 1e9:
            self._seen = state
        return sorted(there - known)

    # -- stores --------------------------------------------------------------------------------------

    def _answer(self, fold: Callable[[RunStore], object]) -> RunStore:
        if self._index is not None:
            try:
                fold(self._index)
            except IndexUnavailableError as error:
                self._warn(error)
            else:
                return cast("RunStore", _Answers(self, self._index, fold))
        return self._in_memory(fold)

    def _in_memory(self, fold: Callable[[RunStore], object]) -> RunStore:
        if self._memory is None:
            self._memory = SqliteStore(None)
        fold(self._memory)
        return self._memory

    def _warn(self, error: IndexUnavailableError) -> None:
        """Say once that the index is out of use; that it is busy is nothing to say."""
        if not error.passing and not self._warned:
            self._warned = True
            warn_outside(f"{error.message}; until then runs are read from their folders", IndexWarning)

    # -- folding -------------------------------------------------------------------------------------

    def _fold(self, store: RunStore, run_id: str, until: float = inf) -> RunRecord | None:
        """Bring a store up to the last whole line of a run's journals, judge the run, and return what it is then."""
        paths = journal.files(self.folder(run_id))
        cursors = store.cursors(run_id)
        if _shrunk(paths, cursors):
            paths = journal.files(self.folder(run_id))  # a journal may have come, or been sealed, between the two
            if _shrunk(paths, cursors):
                store.forget(run_id)
                cursors = {}
        while not self._fold_files(store, run_id, paths, cursors, until):
            cursors = store.cursors(run_id)
        return self._judge(store, run_id, paths)

    @staticmethod
    def _fold_files(store: RunStore, run_id: str, paths: list[Path], cursors: dict[str, Cursor], until: float) -> bool:
        """Fold journals; False when somebody else folds them too: they may have read before the last lines came."""
        for position, batches in enumerate(_portions(paths, cursors)):
            if position and time.monotonic() > until:
                raise _TimeIsUpError
            if not store.apply(run_id, batches):
                return False
        return True

    def _judge(self, store: RunStore, run_id: str, paths: list[Path]) -> RunRecord | None:
        record = store.run(run_id)
        if record is None or (record.ended and record.verdict is None):
            return record
        owners = self._keepers(record, paths)
        verdict = DEAD if _dead(owners) else None
        if verdict is None and record.verdict is not None:
            time.sleep(CONFIRMING)
            again = journal.files(self.folder(run_id))  # a journal may have been sealed under our hands
            owners = self._keepers(record, again)
            verdict = DEAD if _dead(owners) else None
        cursors = store.cursors(run_id) if verdict else {}
        told = {journal.key(path) for path in owners} & cursors.keys() or cursors.keys()  # a shared run has no owner
        ended_at = max((cursors[key].clock for key in told), default=None)
        if (verdict, verdict and ended_at) == (record.verdict, verdict and record.ended_at):
            return record
        store.judge(run_id, verdict, ended_at)
        return store.run(run_id)

    def _keepers(self, record: RunRecord, paths: list[Path]) -> dict[Path, JournalOpened]:
        """Return the journals on whose locks a run's life hangs: its owners', or its parent's where it has no owner."""
        owners = _owners(paths)
        if owners or record.parent_id is None:
            return owners
        return _owners(journal.files(self.folder(record.parent_id)))

    # -- sealing -------------------------------------------------------------------------------------

    def _settle(self, store: RunStore, record: RunRecord | None, sealable: range) -> None:
        """Mark an ended run that nobody writes to any more; compress its journals of some sizes [bytes]."""
        if record is None or not record.ended:
            return
        everything = journal.files(self.folder(record.run_id))
        paths = [path for path in everything if path.suffix != ".gz"]
        headers = {path: opened for path in paths if (opened := journal.header(path)) is not None}
        if any(journal.in_use(path, opened) for path, opened in headers.items() if opened.host == host.name()):
            return
        if sealable and host.writable(self.runs):
            self._seal(paths, sealable)
        store.settle(record.run_id, len(everything))

    @staticmethod
    def _seal(paths: list[Path], sealable: range) -> int:
        """Compress journals of this host, its former boots included, of some sizes [bytes]; return how many."""
        sealed = 0
        for path in paths:
            with contextlib.suppress(OSError):  # a full disk: sealing can wait
                if _ours(path) and journal.size(path) in sealable:
                    sealed += journal.seal(path)
        return sealed

    def settle(self, run_id: str) -> None:
        """Fold a run that its owner has just ended, and spare the readers another look at it."""
        _, record = self._folded(run_id)
        if record is not None and self._index is not None:
            with contextlib.suppress(OSError, IndexWarning):
                self._settle(self._index, record, range(0))

    def settle_soon(self, run_id: str) -> None:
        """Settle an ended run that nobody asked for by name in the company of its like; readers need not wait for it.

        A run whose last one was long ago is settled at once.
        """
        self._ended.append(run_id)
        if len(self._ended) >= COMPANY or time.monotonic() - self._settled_at > PATIENCE:
            self.settle_ended()

    def settle_last(self) -> None:
        """Settle what waits when the program ends, when nobody waits for a verb."""
        self.settle_ended(LAST_ALLOWANCE)

    def settle_ended(self, allowance: float | None = None) -> None:
        """Settle the runs that wait for company, as many as there is time for [s]; readers find the others."""
        until = time.monotonic() + (ALLOWANCE if allowance is None else allowance)
        if self._index is not None and self._ended:
            with contextlib.suppress(OSError, IndexWarning), self._index.together():
                while self._ended and time.monotonic() < until:
                    self._settle_alone(self._index, self._ended.popleft(), until)
        self._settled_at = time.monotonic()

    def _settle_alone(self, store: RunStore, run_id: str, until: float) -> None:
        """Settle a run that its owner has ended; where nobody else wrote to it or read it, there is nothing to ask."""
        paths = journal.files(self.folder(run_id))
        with contextlib.suppress(_TimeIsUpError):
            if len(paths) == 1 and self._fold_files(store, run_id, paths, {}, until):
                store.settle(run_id, journals=1)
            else:
                self.settle(run_id)

    def seal_all(self) -> Iterator[str]:
        """Compress the journals of every run that has ended and yield its id as it goes."""
        store = self.all()
        for run_id in sorted(store.run_ids()):
            record = store.run(run_id)
            paths = [path for path in journal.files(self.folder(run_id)) if path.suffix != ".gz"]
            if record is not None and record.ended and paths and self._seal(paths, range(sys.maxsize)):
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


def _portions(paths: list[Path], cursors: dict[str, Cursor]) -> Iterator[list[Batch]]:
    """Yield what some journals say after their cursors, as much at a time as goes well into one transaction."""
    portion: list[Batch] = []
    size = 0
    for path in paths:
        for batch in batches(path, cursors.get(journal.key(path), Cursor())):
            portion.append(batch)
            size += batch.after.offset - batch.before.offset
            if size >= _TOGETHER:
                yield portion
                portion, size = [], 0
    if portion:
        yield portion


def batches(path: Path, before: Cursor) -> Iterator[Batch]:
    """Yield what a journal says after a cursor; what cannot be read to its end is one damaged line.

    Raises
    ------
    StoreError
        If the disk, or a limit of the process, refuses.

    Warns
    -----
    IndexWarning
        If a sealed journal is damaged.
    """
    try:
        for batch in journal.read(path, before):
            yield batch
            before = batch.after
    except FileNotFoundError:
        sealed = path.with_name(path.name + ".gz")
        if path.suffix != ".gz" and sealed.exists():
            yield from batches(sealed, before)
    except OSError as error:
        if error.errno not in (None, errno.EIO):  # a limit or a refusal, no damage
            raise StoreError(str(path), error, doing="read") from error
        yield from _damage(path, before)
        warn_outside(
            f"{path} is damaged from byte {before.offset} on: {error}; what stands before is kept", IndexWarning
        )


def _damage(path: Path, before: Cursor) -> Iterator[Batch]:
    """Yield the empty batch that passes over the rest of a sealed journal, once."""
    with contextlib.suppress(OSError):
        after = msgspec.structs.replace(before, offset=journal.size(path), damaged=before.damaged + 1)
        yield Batch(journal.key(path), before, after, [])


@contextlib.contextmanager
def _hiding_no_other() -> Iterator[None]:
    """Let a run that cannot be read be named, and the others be shown."""
    try:
        yield
    except IndexUnavailableError:
        raise
    except StoreError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):  # it says nothing about this run
            raise
        warn_outside(f"a run is left out: {error.message}", IndexWarning)


class _Answers:
    """The index as a reader sees it: a question that it cannot answer after all is answered from the folders."""

    def __init__(self, view: View, index: RunStore, fold: Callable[[RunStore], object]) -> None:
        self._view, self._index, self._fold = view, index, fold

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._index, name)

        def answer(*question: object) -> object:
            try:
                return ask(*question)
            except IndexUnavailableError as error:
                self._view._warn(error)  # noqa: SLF001 - a part of it
                return getattr(self._view._in_memory(self._fold), name)(*question)  # noqa: SLF001

        return answer


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


def _owners(paths: list[Path]) -> dict[Path, JournalOpened]:
    """Return the journals of a run's owners, with their first lines."""
    return {path: opened for path in paths if (opened := journal.header(path)) and opened.role == "owner"}


def _dead(owners: dict[Path, JournalOpened]) -> bool:
    """Tell whether every owner of a run is known to be gone; another host's owner is never judged."""
    return bool(owners) and not any(_may_live(path, opened.host, opened.boot) for path, opened in owners.items())


def _may_live(path: Path, owner_host: str, boot: str) -> bool:
    if owner_host != host.name():
        return True
    if boot != host.boot() or path.suffix == ".gz":
        return False
    return not host.CAN_LOCK or journal.locked(path)


def _ours(path: Path) -> bool:
    opened = journal.header(path)
    return opened is not None and opened.host == host.name()
