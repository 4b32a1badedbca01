"""A copy of what is printed, taken at the stream itself.

The stream's own ``write`` is shadowed on the object, so that everybody who holds the object is heard: ``print``,
and the `logging` handlers that took it before the run began. Nothing is replaced in `sys`.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .. import host


class Copy:
    """The file that a copy goes to, until it is closed."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._lock = threading.RLock()  # reentrant: a signal handler may print while its thread prints
        host.abandon_in_child(self)

    def write(self, text: str) -> None:
        """Append; a thread that prints on after `close` writes nothing, and never into another's file."""
        with self._lock:
            if self._fd >= 0:
                os.write(self._fd, text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def abandon(self) -> None:
        """In a forked child: go on with a lock that no other thread holds."""
        self._lock = threading.RLock()


class Tee:
    """The writing half of one stream while at least one run listens."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.sinks: list[Callable[[str], None]] = []
        self._write = stream.write

    def write(self, text: str) -> Any:
        """Write, and tell the listeners; their trouble is never the program's."""
        answer = self._write(text)
        for sink in tuple(self.sinks):
            with contextlib.suppress(OSError, TypeError, ValueError):
                sink(text)
        return answer

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines one by one."""
        for line in lines:
            self.write(line)


_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603 - a forked child cannot use its parent's lock
    _lock = threading.RLock()


host.around_fork(lambda: _lock.acquire(), lambda: _lock.release(), _renew_lock)  # noqa: PLW0108 - the lock of that moment


@contextlib.contextmanager
def teed(path: Path) -> Iterator[None]:
    """Append all that standard output and error receive to a file while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    copy = Copy(path)
    streams = [stream for stream in dict.fromkeys((sys.stdout, sys.stderr)) if stream is not None]
    heard = [stream for stream in streams if _listen(stream, copy.write)]
    try:
        yield
    finally:
        for stream in heard:
            _unlisten(stream, copy.write)
        copy.close()


def _listen(stream: Any, sink: Callable[[str], None]) -> bool:
    with _lock:
        tee = getattr(stream.write, "__self__", None)
        if not isinstance(tee, Tee):
            tee = Tee(stream)
            try:
                stream.write, stream.writelines = tee.write, tee.writelines
            except AttributeError:  # a stream with slots cannot be heard
                return False
        tee.sinks.append(sink)
        return True


def _unlisten(stream: Any, sink: Callable[[str], None]) -> None:
    with _lock:
        tee = getattr(stream.write, "__self__", None)
        if not isinstance(tee, Tee):
            return
        tee.sinks.remove(sink)
        if not tee.sinks:
            with contextlib.suppress(AttributeError):
                del stream.write, stream.writelines
