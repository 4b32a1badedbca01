"""Calls that differ between platforms: locks, forks, boots, mounts, modes.

Everything else in the house is the same on every platform. Where a platform cannot tell (no ``flock``, no
``/proc``), the answer is the careful one: a run is then never judged dead by its lock.
"""

import contextlib
import errno
import os
import time
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar, overload

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]

Thing = TypeVar("Thing")
Value = TypeVar("Value")

CAN_LOCK = fcntl is not None
NETWORK_FILESYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "lustre",
        "gpfs",
        "ceph",
        "glusterfs",
        "9p",
        "beegfs",
    }
)


_NO_CLONES = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF})
_PIECE = 1 << 20


def copy_rest(source: int, target: int, length: int) -> int:
    """Copy what follows in one open file into another, and return how much there was [bytes].

    Where the filesystem can, both share their blocks until one of them is written to; else the kernel copies.

    Parameters
    ----------
    source, target : int
        File descriptors.
    length : int
        How much is wanted at most [bytes].
    """
    done = 0
    if hasattr(os, "copy_file_range"):
        try:
            while done < length and (piece := os.copy_file_range(source, target, length - done)):
                done += piece
        except OSError as error:
            if done or error.errno not in _NO_CLONES:
                raise
    while done < length and (read := os.read(source, min(_PIECE, length - done))):
        view = memoryview(read)
        while view:
            view = view[os.write(target, view) :]
        done += len(read)
    return done


def lock(fd: int, *, exclusive: bool) -> None:
    """Hold a lock on an open file until it is closed or the process dies.

    Raises
    ------
    OSError
        If the filesystem has no locks.
    """
    if CAN_LOCK:
        fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)


def try_lock(fd: int, *, exclusive: bool) -> bool:
    """Take a lock if nobody stands against it; on a platform without locks, never."""
    if not CAN_LOCK:  # pragma: no cover - Windows has no flock
        return False
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@cache
def name() -> str:
    """Return the name of this machine."""
    import socket

    return socket.gethostname()


@cache
def boot() -> str:
    """Return an identity of the machine's current boot."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # other platforms: the minute of booting, as well as the two clocks tell it
    return f"since-{round((time.time() - time.monotonic()) / 60)}"


@cache
def user() -> str | None:
    """Return the login name, or None where there is none (a container's number)."""
    import getpass

    with contextlib.suppress(Exception):  # its errors differ by platform and version
        return getpass.getuser()
    return None


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - macOS and Windows


class Forkable(Protocol):
    """Something that must not be used by a forked child as it is."""

    def abandon(self) -> None:
        """Let go, in the child, of what belongs to the parent."""


_forkables: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def abandon_in_child(thing: Forkable) -> None:
    """Have `thing.abandon()` called in every child that this process forks."""
    _forkables.add(thing)


def _abandon_all() -> None:
    for thing in list(_forkables):
        with contextlib.suppress(Exception):  # one that stumbles keeps no other from letting go
            thing.abandon()


class computed_once(Generic[Thing, Value]):  # noqa: N801 - it is used as a decorator, like functools.cached_property
    """A property that is computed when it is first asked for.

    Until Python 3.12, that of functools holds one lock for all instances of a class: a child that is forked while
    another thread computes waits for it for ever. Here two threads at once may compute twice; the first answer stays.

    Parameters
    ----------
    make : callable
        Takes the instance and returns the value.
    """

    def __init__(self, make: Callable[[Thing], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, thing: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, thing: Thing, owner: type | None = None) -> Value: ...
    def __get__(self, thing: Thing | None, owner: type | None = None) -> Self | Value:
        """Return the value, computed now: afterwards the instance has it."""
        if thing is None:
            return self
        value: Value = vars(thing).setdefault(self._name, self._make(thing))
        return value


def around_fork(before: Callable[[], object], in_parent: Callable[[], object], in_child: Callable[[], object]) -> None:
    """Have calls made around every fork of this process."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


def on_network(path: Path) -> bool:
    """Tell whether a path lies on a network filesystem, as far as the mount table says."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return False
    return _filesystem(path.resolve(), mounts) in NETWORK_FILESYSTEMS


def _filesystem(path: Path, mounts: str) -> str:
    """Return the type of the filesystem of the longest mount point that holds `path`."""
    found, longest = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].encode().decode("unicode_escape")
        if path.is_relative_to(point) and len(point) > longest:
            found, longest = right.split(" ")[0], len(point)
    return found.removeprefix("fuse.")


def writable(folder: Path) -> bool:
    """Tell whether this process may write in a folder."""
    return os.access(folder, os.W_OK | os.X_OK)
