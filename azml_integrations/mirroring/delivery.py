"""From the journals of a workspace's runs to one mirror: in order, and so that a crash repeats at most one batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from .. import host, journal
from ..records import TERMINAL, Batch, Cursor, JournalOpened, Reflection, StatusChanged
from ..store.mirrors import Ledger, Position
from ..store.view import batches


class Delivery:
    """Give a mirror what it does not have yet.

    Parameters
    ----------
    ledger : Ledger
        Held by this process.
    mirror : Reflection
        Where it goes.
    """

    def __init__(self, ledger: Ledger, mirror: Reflection) -> None:
        self._ledger = ledger
        self._mirror = mirror

    def all(self) -> int:
        """Deliver what the runs under way have said since, and return how many batches that were.

        Raises
        ------
        Exception
            What the mirror raises; it has then all batches before that one.
        StoreError
            If the disk refuses.
        """
        return sum(self.run(run_id) for run_id in self._ledger.live())

    def run(self, run_id: str) -> int:
        """Deliver what one run has said since; see `all`."""
        folder = self._ledger.runs / run_id
        if not folder.is_dir():
            self._ledger.forget(run_id)
            return 0
        resting = _Rest.of(folder)  # before reading: what is written after this look, the next one finds
        position = self._ledger.position(run_id)
        count = 0
        for path in journal.files(folder):
            for batch in _due(path, position):
                position = self._deliver(run_id, batch, position)
                count += 1
        if resting.quiet and (position.status in TERMINAL or resting.dead):
            self._ledger.close(run_id)
        return count

    def _deliver(self, run_id: str, batch: Batch, position: Position) -> Position:
        """Note down which batch it is, give it, note down that it was taken."""
        begun = replace(position, journal=batch.journal, end=batch.after.offset)
        if begun != position:
            self._ledger.save(run_id, begun)
        self._mirror.apply(run_id, batch)
        statuses = [event.status for event in batch.events if isinstance(event, StatusChanged)]
        taken = Position({**position.cursors, batch.journal: batch.after}, (statuses or [position.status])[-1])
        self._ledger.save(run_id, taken)
        return taken


def _due(path: Path, position: Position) -> Iterator[Batch]:
    """Yield what a journal holds after its cursor; first, as it was, what was under way when a process died."""
    key = journal.key(path)
    before = position.cursors.get(key, Cursor())
    if position.journal == key and (again := _again(path, before, position.end)) is not None:
        yield again
        before = again.after
    yield from batches(path, before)


def _again(path: Path, before: Cursor, end: int) -> Batch | None:
    try:
        return journal.between(path, before, end)
    except FileNotFoundError:  # sealed in this moment
        return journal.between(path.with_name(path.name + ".gz"), before, end)
    except OSError:  # damaged: what can still be read, `batches` yields
        return None


class _Rest(NamedTuple):
    """Whether anybody writes to a run.

    Attributes
    ----------
    quiet : bool
        No process of this machine does.
    dead : bool
        It had an owner, and that is gone.
    """

    quiet: bool
    dead: bool

    @classmethod
    def of(cls, folder: Path) -> "_Rest":
        opened = {path: header for path in journal.files(folder) if (header := journal.header(path)) is not None}
        used = [path for path, header in opened.items() if _in_use(path, header)]
        owned = [header for header in opened.values() if header.role == "owner"]
        return cls(not used, bool(owned) and not used and all(header.host == host.name() for header in owned))


def _in_use(path: Path, opened: JournalOpened) -> bool:
    here = opened.host == host.name() and opened.boot == host.boot()
    return here and path.suffix != ".gz" and journal.in_use(path, opened)
