"""The queue of a compute target: a folder of tickets, seen by everybody, claimed by one launcher.

``waiting/`` and ``running/`` hold one file a run, ``cancel/`` a mark for each run that somebody wants ended. A
ticket is written complete and renamed into its place; whoever writes it holds a lock on it until then, so that
what a killed submitter left half done is told from what is being done.
"""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from .. import host, names
from ..errors import AzmlError, OptionError, StoreError
from . import ticket as tickets
from .ticket import Ticket

SUFFIX = ".ticket"
_PARTIAL = ".partial"
_SETTINGS = "target.json"


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody chose for a target.

    Attributes
    ----------
    slots : int or None
        How many processes may run at once; None is as many as the machine has cores.
    """

    slots: int | None = None


@dataclass(frozen=True)
class Place:
    """One ticket in its file.

    Attributes
    ----------
    path : Path
        Where it lies; its name sorts by the moment of submission.
    ticket : Ticket
        What it says.
    """

    path: Path
    ticket: Ticket


class Queue:
    """The tickets of one compute target.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    target : str
        Name of the target.
    """

    def __init__(self, root: Path, target: str) -> None:
        self.root = root
        self.target = target
        self.folder = root / "queues" / names.folder(target)
        self.waiting_folder = self.folder / "waiting"
        self.running_folder = self.folder / "running"
        self.cancel_folder = self.folder / "cancel"
        self._settings = self.folder / _SETTINGS
        self._known: dict[Path, dict[str, Place]] = {}
        self._chosen: tuple[tuple[int, int], int | None] = ((0, 0), None)

    @cached_property
    def made(self) -> Path:
        """The folder, there for sure.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        try:
            for folder in (self.waiting_folder, self.running_folder, self.cancel_folder):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(str(self.folder), error) from error
        return self.folder

    # -- slots ---------------------------------------------------------------------------------------

    @property
    def slots(self) -> int:
        """How many processes may run at once: as chosen, else as ``AZML_SLOTS`` says, else the machine's cores."""
        chosen = self._chosen_slots()
        named = os.environ.get("AZML_SLOTS", "")
        return chosen or (int(named) if named.isdecimal() and int(named) else host.cores())

    def _chosen_slots(self) -> int | None:
        """Return what somebody chose; a launcher asks all the time, so the file is read when it is another one."""
        path = self._settings
        try:
            found = path.stat()
            version = found.st_ino, found.st_mtime_ns
            if version != self._chosen[0]:
                self._chosen = version, msgspec.json.decode(path.read_bytes(), type=Settings).slots
        except (OSError, msgspec.MsgspecError):
            self._chosen = (0, 0), None
        return self._chosen[1]

    def choose_slots(self, slots: int | None) -> None:
        """Choose how many processes may run at once; None goes back to the machine's cores.

        Raises
        ------
        OptionError
            If it is less than 1.
        """
        if slots is not None and slots < 1:
            raise OptionError(f"a target needs at least 1 slot, got {slots}")
        _write(self.made / _SETTINGS, msgspec.json.encode(Settings(slots)))

    # -- submitting ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def entering(self, ticket: Ticket) -> Iterator[None]:
        """Write a ticket; it joins the queue when the block ends well, and is gone when it does not.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        name = f"{time.time_ns():020d}-{ticket.run_id}"
        partial = self.made / f"{name}{_PARTIAL}"
        try:
            fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(str(partial), error) from error
        try:
            host.lock(fd, exclusive=True)
            _write_all(fd, tickets.encode(ticket))
            yield
            partial.rename(self.waiting_folder / f"{name}{SUFFIX}")
        except OSError as error:
            raise error if isinstance(error, AzmlError) else StoreError(str(partial), error) from error
        finally:
            os.close(fd)
            partial.unlink(missing_ok=True)

    def abandoned(self) -> list[Ticket]:
        """Take away the tickets whose submitters died while they wrote them, and return those that can be read."""
        found = []
        for path in (self.folder / name for name in _listed(self.folder, _PARTIAL)):
            with contextlib.suppress(OSError):
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    if not host.try_lock(fd, exclusive=True) or time.time() - path.stat().st_mtime < 1:
                        continue  # its writer lives, or has not come to lock it yet
                    ticket = _read(path)
                    path.unlink()
                    found += [ticket] if ticket else []
                finally:
                    os.close(fd)
        return found

    # -- reading -------------------------------------------------------------------------------------

    def waiting(self) -> list[Place]:
        """Return the tickets that wait, the first submitted first."""
        return self._places(self.waiting_folder)

    def running(self) -> list[Place]:
        """Return the tickets that were claimed, the first submitted first."""
        return self._places(self.running_folder)

    def _places(self, folder: Path) -> list[Place]:
        """Return the tickets in a folder; a ticket never changes, so each is read once."""
        known = self._known.get(folder, {})
        found = {name: place for name in _listed(folder, SUFFIX) if (place := known.get(name) or _place(folder / name))}
        self._known[folder] = found
        return list(found.values())

    def empty(self) -> bool:
        """Tell whether nothing waits or runs."""
        return not (_listed(self.waiting_folder, SUFFIX) or _listed(self.running_folder, SUFFIX))

    def find(self, run_id: str) -> Place | None:
        """Return the ticket of a run, or None once it has ended."""
        for folder in (self.waiting_folder, self.running_folder, self.waiting_folder):  # it may move meanwhile
            for path in folder.glob(f"*-{run_id}{SUFFIX}"):
                if (place := _place(path)) and place.ticket.run_id == run_id:
                    return place
        return None

    # -- moving --------------------------------------------------------------------------------------

    def claim(self, place: Place) -> Place | None:
        """Take a ticket out of those that wait; None when it is gone."""
        return self._move(place, self.running_folder)

    def give_back(self, place: Place) -> Place | None:
        """Put a claimed ticket, whose script was never started, where it was."""
        return self._move(place, self.waiting_folder)

    @staticmethod
    def _move(place: Place, folder: Path) -> Place | None:
        target = folder / place.path.name
        try:
            place.path.rename(target)
        except FileNotFoundError:
            return None
        return Place(target, place.ticket)

    @staticmethod
    def remove(place: Place) -> None:
        """Forget a ticket."""
        place.path.unlink(missing_ok=True)

    @staticmethod
    def is_held(place: Place) -> bool:
        """Tell whether a process works on this ticket alone, as `launch.alone` does; it holds a lock on the file."""
        try:
            fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return host.CAN_LOCK and not host.try_lock(fd, exclusive=False)
        finally:
            os.close(fd)

    # -- canceling -----------------------------------------------------------------------------------

    def ask_to_cancel(self, run_id: str) -> None:
        """Leave a mark that somebody wants a run ended.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        try:
            _ = self.made
            (self.cancel_folder / names.run(run_id)).touch()
        except OSError as error:
            raise StoreError(str(self.cancel_folder), error) from error

    def asked_to_cancel(self) -> set[str]:
        """Return the ids of runs that somebody wants ended."""
        try:
            return set(os.listdir(self.cancel_folder))  # noqa: PTH208 - names are all that is wanted
        except FileNotFoundError:
            return set()

    def canceled(self, run_id: str) -> None:
        """Take the mark away: the run has ended."""
        (self.cancel_folder / run_id).unlink(missing_ok=True)


def next_in_turn(waiting: list[Place], running: list[Ticket], free: int) -> Place | None:
    """Return the ticket whose turn it is, or None when it has to wait for slots.

    The submitter who has the fewest slots comes first, and of several the one who asked first; a run that needs more
    slots than are free is not passed by smaller ones of other submitters for ever, so nobody passes it.

    Parameters
    ----------
    waiting : list of Place
        In the order of their submission.
    running : list of Ticket
        What runs now.
    free : int
        Slots that are free.
    """
    if not waiting:
        return None
    slotless = next((place for place in waiting if place.ticket.slotless), None)
    if slotless is not None:
        return slotless
    if free < 1 and any(ticket.slots for ticket in running):
        return None  # asked at each wake, over all that wait
    held = Counter[str]()
    for ticket in running:
        held[ticket.submitter] += ticket.slots
    chosen = min(waiting, key=lambda place: held[place.ticket.submitter])  # min keeps the first of equals
    return chosen if chosen.ticket.slots <= free or not any(ticket.slots for ticket in running) else None


def _listed(folder: Path, suffix: str) -> list[str]:
    try:
        found = os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except FileNotFoundError:
        return []
    return [name for name in sorted(found) if name.endswith(suffix)]


def _place(path: Path) -> Place | None:
    ticket = _read(path)
    return None if ticket is None else Place(path, ticket)


def _read(path: Path) -> Ticket | None:
    """Return a ticket; None for one that is gone, or no ticket."""
    try:
        return tickets.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StoreError(str(path), error) from error
    finally:
        partial.unlink(missing_ok=True)


def _write_all(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]
