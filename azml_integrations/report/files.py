"""What a run's files show: pictures, as far as browsers draw them, and the end of its log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..core.artifact_verbs import LOG_FOLDERS
from ..errors import AzmlError
from ..records import ArtifactRecord
from ..store import files
from ..units import size

_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg"))
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
_LOGS = ("user_logs/std_log.txt", "azureml-logs/70_driver_log.txt", "azureml-logs/hyperdrive.txt", "logs/user_log.txt")
"""The log that tells most, as far as it is there."""
_STEERING = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])")
"""What a program says to a terminal: colours, titles."""


@dataclass(frozen=True)
class Picture:
    """A picture of a run.

    Attributes
    ----------
    title : str
        Metric name, or the file's.
    name : str
        The file's name in the run.
    mime : str
        What kind it is; empty where it is not shown.
    content : bytes
        Empty where it is not shown.
    amiss : str
        Why not.
    """

    title: str
    name: str
    mime: str = ""
    content: bytes = b""
    amiss: str = ""


@dataclass(frozen=True)
class LogTail:
    """The end of a log.

    Attributes
    ----------
    name : str
        The file's name in the run.
    text : str
        What it says, without what steers a terminal.
    left_out : int
        Length of what stands before [bytes].
    """

    name: str
    text: str
    left_out: int = 0


def is_picture(name: str) -> bool:
    """Tell whether a file is named like a picture."""
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


def picture(folder: Path, title: str, record: ArtifactRecord, most: int) -> Picture:
    """Return a picture with its content, if it is no longer than that [bytes] and of a kind that browsers draw.

    What kind it is, its first bytes say, never its name.
    """
    try:
        path = files.locate(folder, record)
        length = path.stat().st_size
        if length > most:
            return Picture(title, record.name, amiss=f"{size(length)}, not taken in here")
        content = path.read_bytes()
    except (AzmlError, OSError) as error:
        return Picture(title, record.name, amiss=f"it cannot be read: {error}")
    mime = _mime(content)
    if mime is None:
        return Picture(title, record.name, amiss="no browser draws this kind of picture")
    return Picture(title, record.name, mime, content)


def _mime(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if b"<svg" in content[:1024]:
        return "image/svg+xml"
    return next((mime for signature, mime in _SIGNATURES.items() if content.startswith(signature)), None)


def log_tail(folder: Path, artifacts: Sequence[ArtifactRecord], most: int, lines: int) -> LogTail | None:
    """Return the end of the log that tells most; None where there is none, or nothing in it."""
    known = {one.name: one for one in artifacts if one.name.startswith(LOG_FOLDERS)}
    names = [name for name in _LOGS if name in known] + sorted(name for name in known if name not in _LOGS)
    for name in names:
        try:
            tail = _tail(files.locate(folder, known[name]), most)
        except (AzmlError, OSError):
            continue
        if tail is not None:
            content, before = tail
            kept = legible(content.decode("utf-8", "replace")).splitlines()
            shown = "\n".join(kept[-lines:])
            return LogTail(name, shown, before + sum(len(line.encode()) + 1 for line in kept[:-lines]))
    return None


def _tail(path: Path, most: int) -> tuple[bytes, int] | None:
    """Return the last bytes of a file, from the beginning of a line on, and how many stand before them."""
    with path.open("rb") as file:
        length = file.seek(0, 2)
        before = max(0, length - most)
        file.seek(before)
        content = file.read(most)
    if before and (end := content.find(b"\n")) >= 0:
        before, content = before + end + 1, content[end + 1 :]
    return (content, before) if content.strip() else None


def legible(text: str) -> str:
    """Return what a terminal would show in the end: no colours, and of a line that was written over the last state."""
    lines = _STEERING.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
