"""The files of a run on their way to a browser: found by their rows, sent as downloads, previewed as plain text."""

import codecs
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.artifact_verbs import LOG_FOLDERS
from ..errors import AzmlError
from ..records import ArtifactRecord, RunRecord
from ..store import files

if TYPE_CHECKING:
    from ..core import Workspace

SEEN = 200_000
"""A preview shows so much of a file [bytes]."""

PIECE = 256 << 10
"""A log is sent in pieces of this length [bytes]."""

ROWS = 200

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""Files that a page shows as an image; an SVG in an ``<img>`` runs no script."""

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""What a file may do that somebody opens by its own address: nothing."""


@dataclass(frozen=True)
class File:
    """A file of a run.

    Attributes
    ----------
    name : str
        As the user gave it.
    size : int
        [bytes]
    at : float or None
        Moment of storing [s since the epoch, UTC]; None of a log that is still written.
    path : Path
        Where it lies.
    """

    name: str
    size: int
    at: float | None
    path: Path

    @property
    def picture(self) -> str | None:
        """Media type of a file that is shown as an image."""
        return PICTURES.get(Path(self.name).suffix.lower())


@dataclass(frozen=True)
class Preview:
    """What a page shows of a file.

    Attributes
    ----------
    kind : {"picture", "table", "text", "none"}
        How.
    text : str
        The text, or why nothing is shown.
    rows : list of list of str
        Of a table; the first is its head.
    cut : bool
        Whether the file has more.
    """

    kind: str
    text: str = ""
    rows: list[list[str]] | None = None
    cut: bool = False


def of(workspace: "Workspace", record: RunRecord) -> dict[str, File]:
    """Return the files of a run by name: those that were stored, and the logs that are being written."""
    folder = workspace.view.folder(record.run_id)
    found = {one.name: _stored(folder, one) for one in workspace.view.of(record.run_id).artifacts(record.run_id)}
    if not record.ended:
        for log in LOG_FOLDERS:
            for name, path in files.tree(folder / log.strip("/")):
                growing = f"{log.strip('/')}/{name}"
                if growing not in found and not path.is_symlink():
                    found[growing] = File(growing, path.stat().st_size, None, path)
    return dict(sorted((name, file) for name, file in found.items() if file is not None))


def _stored(folder: Path, record: ArtifactRecord) -> File | None:
    try:
        return File(record.name, record.size, record.at, files.locate(folder, record))
    except AzmlError:
        return None  # a link leads out of the run: no file of it


def is_log(name: str) -> bool:
    """Tell whether a file is a log."""
    return name.startswith(LOG_FOLDERS)


def piece(file: File, begin: int | None) -> tuple[str, int, int]:
    """Return a part of a log.

    Parameters
    ----------
    file : File
        The log.
    begin : int or None
        From this byte on; None begins near the end.

    Returns
    -------
    text : str
        What stands there, whole characters only.
    following : int
        Where the next piece begins [bytes].
    size : int
        Length of the log now [bytes].
    """
    with file.path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        start = max(0, size - PIECE) if begin is None else min(max(0, begin), size)
        stream.seek(start)
        content = stream.read(PIECE)
    if begin is None and start and b"\n" in content:
        cut = content.index(b"\n") + 1
        start, content = start + cut, content[cut:]
    whole = _whole_characters(content)
    return whole.decode("utf-8", "replace"), start + len(whole), size


def _whole_characters(content: bytes) -> bytes:
    """Return bytes without a character that is cut at their end; it comes with the next piece."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(content)
    begun, _ = decoder.getstate()
    return content[: len(content) - len(begun)]


def preview(file: File) -> Preview:
    """Return what a page shows of a file; none is opened that could run code."""
    if file.picture:
        return Preview("picture")
    try:
        with file.path.open("rb") as stream:
            content = stream.read(SEEN)
            size = stream.seek(0, io.SEEK_END)
    except OSError as error:
        return Preview("none", f"it cannot be read: {error.strerror}")
    cut = size > len(content)
    try:
        text = (_whole_characters(content) if cut else content).decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return Preview("none", "no text in UTF-8; download it")
    return _as_text(Path(file.name).suffix.lower(), text, cut=cut)


def _as_text(suffix: str, text: str, *, cut: bool) -> Preview:
    if suffix in (".csv", ".tsv"):
        return _as_table(text, "," if suffix == ".csv" else "\t", cut=cut)
    if suffix == ".json" and not cut:
        return Preview("text", _indented(text))
    return Preview("text", text, cut=cut)


def _as_table(text: str, delimiter: str, *, cut: bool) -> Preview:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if len(rows) > ROWS:
                return Preview("table", rows=rows, cut=True)
            rows.append(row[:50])
    except csv.Error:
        return Preview("text", text, cut=cut)
    return Preview("table", rows=rows, cut=cut)


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
