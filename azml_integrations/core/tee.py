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


_lock = threading.Lock()


@contextlib.contextmanager
def teed(path: Path) -> Iterator[None]:
    """Append all that standard output and error receive to a file while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def sink(text: str) -> None:
        os.write(fd, text.encode("utf-8", "backslashreplace"))

    streams = [stream for stream in dict.fromkeys((sys.stdout, sys.stderr)) if stream is not None]
    heard = [stream for stream in streams if _listen(stream, sink)]
    try:
        yield
    finally:
        for stream in heard:
            _unlisten(stream, sink)
        os.close(fd)


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
