"""Journals: the truth about a run, one file per writing process, one line per event.

`Journal` appends, and nothing else ever writes. `read` returns what lies between a cursor and the last whole
line. `seal` compresses what nobody will add to any more.

A writer locks its file for as long as it is open: the owner of a run exclusively (a reader that cannot share
the lock knows that the owner lives), a guest in common with others (which keeps `seal` away).
"""

import contextlib
import errno
import os
import threading
import time
import zlib
from collections.abc import Iterator
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import IO, Literal, TypeAlias, cast

import msgspec

from . import host
from ._version import __version__
from .errors import StoreError
from .records import Batch, Cursor, ExperimentEvent, JournalOpened, ModelEvent, RunEvent

FOLDER = "journal"
CHUNK = 1 << 20
"""Bytes that a reader takes at a time; a longer line is still read whole."""

_SHORTEST_SEALED = 20
"""Length of the shortest gzip file with anything in it [bytes]."""

Event: TypeAlias = RunEvent | ExperimentEvent | ModelEvent
Role: TypeAlias = Literal["owner", "guest"]

_encode = msgspec.json.Encoder().encode
_moment = attrgetter("at")
_decoder = msgspec.json.Decoder(Event)


class Journal:
    """A process's own file among the journals of one folder; opened by the first append.

    Parameters
    ----------
    folder : Path
        The run's or the experiment's folder; its ``journal/`` is made when needed.
    role : {"owner", "guest"}
        Whether the run lives and dies with this process.
    """

    def __init__(self, folder: Path, role: Role = "guest") -> None:
        self.folder = folder / FOLDER
        self.role: Role = role
        self._fd = -1
        self._path: Path | None = None
        self._began: tuple[float, float] | None = None
        self._lock = threading.RLock()  # reentrant: a signal handler may log while its thread logs
        self._sync = os.environ.get("AZML_DURABILITY") == "full"
        host.abandon_in_child(self)

    def append(self, *events: Event) -> bool:
        """Write events, one line each, in one write; when this returns, a kill of the process cannot lose them.

        Returns
        -------
        joined : bool
            Whether a guest's file was opened for them.

        Raises
        ------
        StoreError
            If the disk refuses; nothing of the events is stored then.
        UnicodeEncodeError
            If a string holds a lone surrogate; nothing is stored then.
        """
        line = (
            _encode(events[0]) + b"\n" if len(events) == 1 else b"".join([_encode(event) + b"\n" for event in events])
        )
        joined = False
        with self._lock:
            try:
                while self._fd < 0:
                    joined = self.role == "guest"
                    self._open()
                # Python runs signal handlers after calls only: none can close the file between the test and the write
                written = os.write(self._fd, line)
                if written != len(line):
                    _finish(self._fd, line, written)
                if self._sync:
                    os.fsync(self._fd)
            except OSError as error:
                raise StoreError(str(self.folder), error) from error
        return joined

    def alone(self) -> bool:
        """Tell whether no other file stands beside this one."""
        return self._fd >= 0 and len(files(self.folder.parent)) == 1

    def fileno(self) -> int:
        """Return the descriptor, to be inherited by a process that is to keep the run alive beside this one."""
        return self._fd

    def close(self) -> None:
        """Let go of the file and its lock; a later append goes on in a guest's file, after an owner's in a new one."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            if self.role == "owner":
                self.role, self._path = "guest", None

    def abandon(self) -> None:
        """In a forked child: close the parent's descriptor, never unlock it, and go on as a guest."""
        self._lock = threading.RLock()
        self.close()
        self._path = None

    def __del__(self) -> None:
        """Close a journal that nobody holds any more."""
        try:  # plain: when the interpreter goes down, the module that has suppress() may be gone before the journal
            if self._fd >= 0:
                os.close(self._fd)
        except (AttributeError, OSError):
            pass

    def _open(self) -> None:
        with _opening:  # a child forked in here would inherit a lock that it does not know of
            while self._fd < 0:
                fd = self._claim() if self._path is None else self._resume(self._path)
                if self._fd < 0:
                    self._fd = fd
                elif fd >= 0:  # a signal handler that logs was quicker
                    os.close(fd)

    def _claim(self) -> int:
        """Return a new file, locked and with its first line; -1 when a doctor cleared it away before it was locked."""
        path = self.folder / f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            fd = os.open(path, how, 0o644)
        except FileNotFoundError:
            # a guest adds to what is there: a run that was deleted meanwhile must not come back as an empty folder
            self.folder.mkdir(parents=self.role == "owner", exist_ok=True)
            fd = os.open(path, how, 0o644)
        try:
            host.lock(fd, exclusive=self.role == "owner")
            opened = JournalOpened(self.role, os.getpid(), host.name(), host.boot(), self._now(), __version__)
            if os.fstat(fd).st_nlink:
                header = _encode(opened) + b"\n"
                _finish(fd, header, os.write(fd, header))
                self._path = path
                return fd
        except BaseException:  # also Ctrl-C: nothing may hold a lock that nobody knows of
            os.close(fd)
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        os.close(fd)
        return -1

    def _resume(self, path: Path) -> int:
        """Return the file that was let go of, locked again; -1 when it was sealed or cleared away meanwhile."""
        self._path = None
        try:
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return -1
        if host.try_lock(fd, exclusive=False) and os.fstat(fd).st_nlink:
            self._path = path
            return fd
        os.close(fd)
        return -1

    def _now(self) -> float:
        """Return the time; where the clock was set back since the first opening, the time it would show else.

        So a second file of this journal sorts behind the first.
        """
        now = time.time()
        self._began = self._began or (now, time.monotonic())
        return max(now, self._began[0] + time.monotonic() - self._began[1])


def _finish(fd: int, line: bytes, written: int) -> None:
    """Write the rest of a line, or take back its beginning: the file has no other writer."""
    whole = os.fstat(fd).st_size - written
    try:
        while written < len(line):
            written += os.write(fd, line[written:])
    except BaseException:  # also Ctrl-C: a call is stored whole or not at all
        os.ftruncate(fd, whole)
        raise


_opening = threading.RLock()
"""Held while a journal is made, and around every fork."""


def _renew_opening() -> None:
    global _opening  # noqa: PLW0603 - a forked child cannot use its parent's lock
    _opening = threading.RLock()


host.around_fork(lambda: _opening.acquire(), lambda: _opening.release(), _renew_opening)  # noqa: PLW0108 - the lock of that moment


# -- reading -----------------------------------------------------------------------------------------


def files(folder: Path) -> list[Path]:
    """Return the journal files below a run's folder, by name; a sealed one stands for its original.

    Raises
    ------
    StoreError
        If the folder is there and cannot be read.
    """
    try:
        found = os.listdir(folder / FOLDER)  # noqa: PTH208 - names are all that is wanted, on a warm path
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(str(folder / FOLDER), error, doing="read") from error
    names = {name.removesuffix(".gz"): name for name in sorted(found) if name.endswith((".jsonl", ".jsonl.gz"))}
    return [folder / FOLDER / names[key] for key in sorted(names)]


def key(path: Path) -> str:
    """Return the name that a journal file keeps when it is sealed."""
    return path.name.removesuffix(".gz")


def size(path: Path) -> int:
    """Return the uncompressed length [bytes]; of a sealed file modulo 4 GiB, as gzip keeps it."""
    if path.suffix != ".gz":
        return path.stat().st_size
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < _SHORTEST_SEALED:
            raise OSError("it is cut short")
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")


def read(path: Path, before: Cursor) -> Iterator[Batch]:
    """Yield the events after a cursor, a chunk of whole lines at a time.

    A torn last line is left for later. A line that does not decode is skipped and counted.

    Raises
    ------
    OSError
        If the file cannot be read, or a sealed one fails its checksum.
    """
    if size(path) == before.offset % (1 << 32 if path.suffix == ".gz" else 1 << 63):
        return
    rest = b""
    for chunk in (_sealed_chunks if path.suffix == ".gz" else _chunks)(path, before.offset):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            batch = _batch(key(path), before, whole + newline)
            yield batch
            before = batch.after


def between(path: Path, before: Cursor, end: int) -> Batch | None:
    """Return the events between a cursor and the end of some line, once more: the same each time.

    Parameters
    ----------
    path : Path
        The journal.
    before : Cursor
        Where they begin.
    end : int
        Where they end [bytes, uncompressed]: the offset after a batch that `read` has yielded.

    Returns
    -------
    batch : Batch or None
        None where the journal has no line that ends there: it is shorter than it was.

    Raises
    ------
    OSError
        If the file cannot be read, or a sealed one fails its checksum.
    """
    with _opened(path) as file:
        file.seek(before.offset)
        data = file.read(end - before.offset)
    whole = len(data) == end - before.offset and data.endswith(b"\n")
    return _batch(key(path), before, data) if whole else None


def ahead(path: Path, cursor: Cursor) -> int:
    """Return how much a journal holds behind a cursor [bytes, uncompressed]; none of one that is shorter.

    Raises
    ------
    OSError
        If the file cannot be looked at.
    """
    if path.suffix == ".gz":
        return (size(path) - cursor.offset) % (1 << 32)  # gzip keeps no more of the length
    return max(0, size(path) - cursor.offset)


def _chunks(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(CHUNK):
            yield chunk


def _sealed_chunks(path: Path, start: int) -> Iterator[bytes]:
    """Yield what a sealed file holds; what lies before a damage is not lost with it."""
    import gzip  # 2 ms, only for sealed journals

    held, length = [], 0
    with gzip.open(path) as file:
        try:
            file.seek(start)
            while piece := file.read1(CHUNK):
                held.append(piece)
                length += len(piece)
                if length >= CHUNK:
                    yield b"".join(held)
                    held, length = [], 0
        except (OSError, EOFError, zlib.error) as damage:
            yield b"".join(held)
            raise OSError(str(damage)) from damage
    yield b"".join(held)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix != ".gz":
        return path.open("rb")
    import gzip  # 2 ms, only for sealed journals

    return cast("IO[bytes]", gzip.open(path))


def header(path: Path) -> JournalOpened | None:
    """Return what a journal's first line says, or None when it is not there yet, or damaged.

    Raises
    ------
    StoreError
        If this process cannot open files now.
    """
    try:
        with _opened(path) as file:
            first: object = _decoder.decode(file.readline())
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _demand_files(path, error)
        return None
    return first if isinstance(first, JournalOpened) else None


def _batch(journal: str, before: Cursor, data: bytes) -> Batch:
    lines = data.count(b"\n")
    try:
        events: list[Event] = _decoder.decode_lines(data)
        damaged = 0
    except (msgspec.MsgspecError, UnicodeDecodeError):
        events = [event for line in data.split(b"\n")[:-1] if (event := _event(line)) is not None]
        damaged = lines - len(events)
    after = Cursor(
        offset=before.offset + len(data),
        line=before.line + lines,
        clock=max(before.clock, max(map(_moment, events), default=before.clock)),
        damaged=before.damaged + damaged,
    )
    return Batch(journal, before, after, events)  # type: ignore[arg-type]  # a run's folder holds run events


def _event(line: bytes) -> Event | None:
    try:
        return cast("Event", _decoder.decode(line))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def clock(batch: Batch) -> list[float]:
    """Return the moment of each event, made monotonic within the file [s since the epoch, UTC]."""
    moments = list(map(_moment, batch.events))
    if moments and (moments[0] < batch.before.clock or moments != sorted(moments)):  # the clock was set back
        return list(accumulate(moments, max, initial=batch.before.clock))[1:]
    return moments


# -- liveness and sealing ----------------------------------------------------------------------------


def locked(path: Path) -> bool:
    """Tell whether a living owner on this machine holds a journal."""
    return not _probe(path, exclusive=False)


def in_use(path: Path, opened: JournalOpened | None = None) -> bool:
    """Tell whether any living process on this machine holds a journal open for writing.

    Parameters
    ----------
    path : Path
        The journal.
    opened : JournalOpened, default=None
        Its first line, where the caller has read it.
    """
    return not _probe(path, exclusive=_by_guest(path) if opened is None else opened.role == "guest")


def _by_guest(path: Path) -> bool:
    """Tell whether a guest wrote a journal, so that only an exclusive lock meets with its shared one.

    On an owner's file nobody asks for an exclusive lock but the owner: `locked` would take it for a sign of life.
    """
    opened = header(path)
    return opened is None or opened.role == "guest"


def _probe(path: Path, *, exclusive: bool) -> bool:
    """Tell whether a lock can be had; of a file that may not be opened the answer is the careful one."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        _demand_files(path, error)
        return False
    try:
        return host.try_lock(fd, exclusive=exclusive)
    finally:
        os.close(fd)


def _demand_files(path: Path, error: BaseException) -> None:
    """Raise where an error says nothing about the file: this process, or the machine, has too many open."""
    if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
        raise StoreError(str(path), error, doing="read") from error


def seal(path: Path) -> bool:
    """Compress a journal that nobody writes to any more; False when somebody does.

    The compressed file is complete on disk before it takes the name, and the original leaves only then.
    """
    import gzip

    with path.open("rb") as original:
        if not host.try_lock(original.fileno(), exclusive=_by_guest(path)) or not original.readline():
            return False
        original.seek(0)
        sealed = path.with_name(path.name + ".gz")
        partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")
        try:
            with (
                partial.open("wb") as raw,
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out,
            ):
                while chunk := original.read(CHUNK):
                    out.write(chunk)
                out.flush()
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.rename(sealed)
        except BaseException:  # a full disk, Ctrl-C: the original stays, its half copy goes
            partial.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)  # two may seal at once: what they write is the same
    return True
