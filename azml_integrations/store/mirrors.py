"""How far each mirror is with each run: small files below ``mirrors/``, one follower of a mirror at a time.

A run that a mirror may not have whole has a file in ``live/``; once it has ended and all of it was taken over, the file
moves to ``done/``. What is in ``live/`` is what a follower looks at, whichever process began the run.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .. import host, journal, names
from ..errors import NameRefusedError, StoreError
from ..records import Cursor
from . import files

FOLDER = "mirrors"


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a mirror is with one run.

    Attributes
    ----------
    cursors : dict of str to Cursor
        By journal, what was taken over.
    status : str
        The last status that the run was heard to say.
    journal, end : str, int
        Which batch was under way: one that was begun is given again exactly as it was, whatever has come since.
        `end` is its offset after [bytes].
    """

    cursors: dict[str, Cursor] = {}
    status: str = ""
    journal: str = ""
    end: int = 0


class MirrorState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a mirror's last try went.

    Attributes
    ----------
    name : str
        The mirror.
    at : float
        Moment of the try [s since the epoch, UTC].
    fault : str or None
        Why it failed.
    failures : int
        How many tries have failed one after the other.
    """

    name: str
    at: float
    fault: str | None = None
    failures: int = 0


_position = msgspec.json.Decoder(Position)
_state = msgspec.json.Decoder(MirrorState)


class Ledger:
    """What is kept about one mirror of one workspace.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    name : str
        The mirror's name; it is the name of a folder only where it is safe as one.

    Raises
    ------
    NameRefusedError
        If the name is empty, or no string that can be stored.
    """

    def __init__(self, root: Path, name: str) -> None:
        if not names.label("mirror name", name):
            raise NameRefusedError("mirror name", name, "it is empty")
        self.name = name
        self.runs = root / "runs"
        self.folder = root / FOLDER / names.folder(name)
        self._lock = -1

    # -- runs ----------------------------------------------------------------------------------------

    def open(self, run_id: str) -> None:
        """Have a run looked at until it has ended and was taken over; harmless twice.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        live = self._live(run_id)
        try:
            if live.exists():
                return
            live.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._done(run_id).rename(live)
            except FileNotFoundError:  # nearly always: it was never done
                live.touch()
        except OSError as error:
            raise StoreError(str(live), error) from error

    def live(self) -> list[str]:
        """Return the ids of the runs that are not known to be taken over whole."""
        return list(_ids(self.folder / "live"))

    def position(self, run_id: str) -> Position:
        """Return how far the mirror is with a run; at its beginning where that is not known."""
        for path in (self._live(run_id), self._done(run_id)):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                return _position.decode(path.read_bytes())
        return Position()

    def save(self, run_id: str, position: Position) -> None:
        """Keep how far the mirror is with a run.

        Raises
        ------
        StoreError
            If the disk refuses; what was kept before stays.
        """
        files.replace(self._live(run_id), msgspec.json.encode(position))

    def close(self, run_id: str) -> None:
        """Look at a run no more: it has ended, and was taken over whole."""
        with contextlib.suppress(OSError):  # it is looked at once more then
            self._done(run_id).parent.mkdir(exist_ok=True)
            self._live(run_id).replace(self._done(run_id))
        if self.behind(run_id):  # somebody began to write to it meanwhile, and found it here
            self.open(run_id)

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that was deleted."""
        for path in (self._live(run_id), self._done(run_id)):
            path.unlink(missing_ok=True)

    def open_all(self) -> None:
        """Have every run of the workspace looked at that the mirror does not have whole."""
        live = set(self.live())
        for run_id in _ids(self.runs):
            if run_id not in live and self.behind(run_id):
                self.open(run_id)

    def behind(self, run_id: str) -> int:
        """Return how much of a run's journals the mirror does not have yet [bytes]."""
        cursors = self.position(run_id).cursors
        missing = 0
        for path in journal.files(self.runs / run_id):
            with contextlib.suppress(OSError):  # sealed in this moment
                missing += journal.ahead(path, cursors.get(journal.key(path), Cursor()))
        return missing

    def _live(self, run_id: str) -> Path:
        return self.folder / "live" / (names.run(run_id))

    def _done(self, run_id: str) -> Path:
        return self.folder / "done" / (names.run(run_id))

    # -- the mirror ----------------------------------------------------------------------------------

    def acquire(self) -> bool:
        """Become the one follower of this mirror, unless some process is; that holds until `release`, or its death.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        if self._lock >= 0:
            return True
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(str(self.folder), error) from error
        if not host.try_lock(fd, exclusive=True):
            os.close(fd)
            return False
        self._lock = fd
        return True

    def release(self) -> None:
        """Let another process follow; in a forked child, let go of what is the parent's."""
        fd, self._lock = self._lock, -1
        if fd >= 0:
            os.close(fd)

    def state(self) -> MirrorState | None:
        """Return how the last try went; None before the first."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return _state.decode((self.folder / "state.json").read_bytes())
        return None

    def say(self, state: MirrorState) -> None:
        """Keep how a try went, for whoever looks; a disk that refuses is no reason to stop."""
        with contextlib.suppress(StoreError, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            files.replace(self.folder / "state.json", msgspec.json.encode(state))


def known(root: Path) -> list[Ledger]:
    """Return the ledgers of all mirrors that have followed runs of a workspace, whether they are installed or not."""
    found = []
    for entry in _entries(root / FOLDER):
        with contextlib.suppress(OSError, msgspec.MsgspecError, NameRefusedError):
            name = _state.decode(Path(entry.path, "state.json").read_bytes()).name
            if names.folder(name) == entry.name:
                found.append(Ledger(root, name))
    return sorted(found, key=lambda one: one.name)


def open_again(root: Path, run_id: str) -> None:
    """Have a run looked at by all mirrors of a workspace, because somebody begins to write to it."""
    for ledger in known(root):
        with contextlib.suppress(StoreError):  # a full disk: `azml mirror --once` compares all runs
            ledger.open(run_id)


def _ids(folder: Path) -> Iterator[str]:
    """Yield the ids of runs that a folder has entries for; what is no id is not ours."""
    for entry in sorted(_entries(folder), key=lambda one: one.name):
        with contextlib.suppress(NameRefusedError):
            yield names.run(entry.name)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
