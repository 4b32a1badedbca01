"""How a launcher is woken, started, and handed what must never lie on a disk."""

import contextlib
import os
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from .. import host
from ..errors import StoreError
from .processes import python_words
from .queue import Queue

LOCK = "launcher.lock"
"""Held by the launcher, and holds its process id."""

_ADDRESS = "launcher.address"
MARK = "AZML_LAUNCHER_MARK"
"""Variable with the descriptor of the lock that says that a launcher is about to start."""

STARTING = 5.0
"""So long secrets wait for a launcher that somebody else has started [s]."""

LARGEST = 128 << 10
"""Length of the longest message [bytes]."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a launcher is told beside the queue's folder; a message that says nothing only wakes it.

    Attributes
    ----------
    run_id : str
        Whom `secrets` are for.
    secrets : dict of bytes to bytes
        Values of the variables that its ticket withholds.
    """

    run_id: str = ""
    secrets: dict[bytes, bytes] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


def send(queue: Queue, message: Message) -> bool:
    """Tell the queue's launcher something; False when none listens."""
    try:
        address = (queue.folder / _ADDRESS).read_bytes()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(1.0)
            out.sendto(_encode(message), address)
    except OSError:
        return False
    return True


def hand_over(queue: Queue, index: str | None, message: Message) -> None:
    """Give a launcher secrets, for sure before the ticket that withholds them joins the queue.

    Parameters
    ----------
    queue, index
        As in `ensure`.
    message : Message
        With secrets.

    Raises
    ------
    StoreError
        If no process can be started.
    """
    if send(queue, message) or ensure(queue, index, message.secrets):
        return
    until = time.monotonic() + STARTING
    while not send(queue, message) and time.monotonic() < until:
        time.sleep(0.01)


def ensure(queue: Queue, index: str | None = None, secrets: Mapping[bytes, bytes] | None = None) -> bool:
    """Have a launcher look at the queue now; one is started when none is there, nor about to be.

    Parameters
    ----------
    queue : Queue
        Which.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.
    secrets : mapping of bytes to bytes, default=None
        What a launcher that is started now must know beside this process's environment.

    Returns
    -------
    started : bool
        Whether this call started one.

    Raises
    ------
    StoreError
        If no process can be started.
    """
    if send(queue, Message()):
        return False
    mark = _marked(queue)
    if mark is None:
        return False
    try:
        _start(queue, index, secrets or {}, mark)
    except (OSError, subprocess.CalledProcessError) as error:
        raise StoreError(str(queue.folder), OSError(str(error)), doing="start a launcher in") from error
    finally:
        os.close(mark)
    return True


def _marked(queue: Queue) -> int | None:
    """Return a lock that says that a launcher is about to start, or None where somebody else holds it."""
    path = queue.made / "launcher.starting"
    try:
        mark = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(str(path), error) from error
    if host.try_lock(mark, exclusive=True) or not host.CAN_LOCK:
        return mark
    os.close(mark)
    return None


def _start(queue: Queue, index: str | None, secrets: Mapping[bytes, bytes], mark: int) -> None:
    """Start a launcher that nobody has to wait for; it inherits the mark, and lets go of it when it listens."""
    words = python_words("azml_integrations.launch", str(queue.root), queue.target, *([index] if index else []))
    variables = surroundings(secrets) | {MARK.encode(): str(mark).encode()}
    detach(queue, words, variables, (mark,))


def detach(queue: Queue, words: Sequence[str], variables: Mapping[bytes, bytes], kept: Sequence[int] = ()) -> None:
    """Start a process that nobody has to wait for; what it says lies in the queue's folder.

    Raises
    ------
    OSError, CalledProcessError
        If it cannot be started.
    """
    with _cut(queue.made / "launcher.log").open("ab") as output:
        subprocess.run(  # noqa: S603 - words of ours
            ["/bin/sh", "-c", '"$@" &', "sh", *words],
            cwd=queue.root,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(kept),
            check=True,
        )


def surroundings(secrets: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the environment of a process of ours: this one's, with secrets; part of no run, and it finds us."""
    package = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    variables = {name: value for name, value in os.environb.items() if not name.startswith(b"AZUREML_")}
    return variables | dict(secrets) | {b"PYTHONPATH": os.fsencode(path)}


def launcher(queue: Queue) -> int | None:
    """Return the id of the process that works off a queue, or None."""
    path = queue.folder / LOCK
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if host.try_lock(fd, exclusive=False):
            return None
        return int(os.pread(fd, 20, 0) or 0) or None
    finally:
        os.close(fd)


class Ear:
    """A launcher's end of the channel: a socket that only its own user can reach.

    Parameters
    ----------
    queue : Queue
        Whose launcher listens.
    """

    def __init__(self, queue: Queue) -> None:
        self._path = _place(queue)
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(os.fsencode(self._path))
        self._socket.setblocking(False)
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)
        (queue.made / _ADDRESS).write_bytes(os.fsencode(self._path))
        if mark := os.environ.pop(MARK, ""):
            os.close(int(mark))

    def wake(self) -> None:
        """Wake the listener from another thread."""
        with contextlib.suppress(OSError):  # full: it will wake anyway
            self._outside.send(b"\0")

    def listen(self, seconds: float) -> Iterator[Message]:
        """Wait for so long at most, and yield what has come [s]."""
        select.select([self._socket, self._inside], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while self._inside.recv(4096):
                pass
        yield from self._heard()

    def _heard(self) -> Iterator[Message]:
        while True:
            try:
                came = self._socket.recv(LARGEST)
            except BlockingIOError:
                return
            with contextlib.suppress(msgspec.MsgspecError):  # no message of ours
                yield _decode(came)

    def close(self) -> Iterator[Message]:
        """Take no more messages, and yield those that had come."""
        self._path.unlink(missing_ok=True)
        yield from self._heard()
        for end in (self._socket, self._inside, self._outside):
            end.close()


def _place(queue: Queue) -> Path:
    """Return where the socket lies: its path has to be short, and its folder closed to others."""
    folder = Path(tempfile.gettempdir(), f"azml-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or not folder.is_dir():
        folder = Path(tempfile.mkdtemp(prefix="azml-"))  # somebody else has made a folder of that name
    return folder / f"{sha256(os.fsencode(queue.folder)).hexdigest()[:24]}.sock"


def _cut(log: Path) -> Path:
    """Return the launcher's log, begun anew when it has become long."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > 1 << 20:
            log.replace(log.with_suffix(".log.1"))
    return log
