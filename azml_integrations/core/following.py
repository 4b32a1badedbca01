"""Following a run to its end: its log files as they grow, and a line of progress on a terminal."""

import codecs
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

_LOGS = (
    re.compile(r"azureml-logs/20_image_build_log\.txt"),
    re.compile(r"user_logs/std_log\D*0*(_ps)?\.txt"),
    re.compile(r"azureml-logs/hyperdrive\.txt"),
    re.compile(r"azureml-logs/70_driver_log\.txt"),
)
"""Which files are shown, in this order: of several processes only the first one's."""


class Follower:
    """Prints what a run's log files say, as it comes.

    Parameters
    ----------
    folder : Path
        The run's folder.
    out : text stream
        Where to print.
    """

    def __init__(self, folder: Path, out: TextIO) -> None:
        self._folder, self._out = folder, out
        self._offsets: dict[Path, int] = {}
        self._decoders: dict[Path, codecs.IncrementalDecoder] = {}
        self._progress = ""
        self._began = time.monotonic()

    def show(self) -> bool:
        """Print what is new; False when there is nothing."""
        news = False
        for path in self._files():
            while piece := self._read(path):
                self._clear()
                if path not in self._decoders:
                    self._begin(path)
                self._out.write(self._decoders[path].decode(piece))
                news = True
        if news:
            self._out.flush()
        return news

    def progress(self, said: Callable[[], str]) -> None:
        """Show on a terminal what the run waits for, as long as it says nothing itself."""
        if self._decoders or not self._out.isatty():
            return
        elapsed = int(time.monotonic() - self._began)
        line = f"{said()} · {elapsed // 60:02d}:{elapsed % 60:02d}"
        if line != self._progress:
            self._out.write(f"\r\x1b[2K{line}")
            self._out.flush()
            self._progress = line

    def end(self) -> None:
        """Print what is left."""
        self.show()
        self._clear()

    def _clear(self) -> None:
        if self._progress:
            self._out.write("\r\x1b[2K")
            self._progress = ""

    def _begin(self, path: Path) -> None:
        title = f"Streaming {path.relative_to(self._folder).as_posix()}"
        between = "\n" if self._decoders else ""
        self._decoders[path] = codecs.getincrementaldecoder("utf-8")("replace")
        self._out.write(f"{between}{title}\n{'=' * len(title)}\n\n")

    def _files(self) -> list[Path]:
        found = []
        for pattern in _LOGS:
            folder = self._folder / pattern.pattern.partition("/")[0]
            if folder.is_dir():
                named = {path.relative_to(self._folder).as_posix(): path for path in folder.iterdir()}
                found += [path for name, path in sorted(named.items()) if pattern.fullmatch(name)]
        return found

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                piece = file.read(1 << 16)
        except OSError:
            return b""
        self._offsets[path] = self._offsets.get(path, 0) + len(piece)
        return piece
