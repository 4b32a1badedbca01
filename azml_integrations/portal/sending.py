"""Bytes on their way out: our own scripts, plotly's, the files of runs, snapshots as zip."""

import gzip
import tempfile
from functools import cache, lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from . import artifacts, runs
from .studio import STATIC, of

_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_ASK_AGAIN = {"Cache-Control": "no-cache"}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
PLOTLY = "plotly.min.js"
_LEVEL = 9
"""Of packing: plotly's 4.8 MB take a fifth of a second, once."""


@cache
def plotly() -> Path | None:
    """Return the script that the installed plotly package carries; None without it."""
    found = find_spec("plotly")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    paths = [Path(place) / "package_data" / PLOTLY for place in places]
    return next((path for path in paths if path.is_file()), None)


def static(request: Request) -> Response:
    """Send one of our own files, or plotly's script: packed once for all who ask, and only to who has not got it."""
    name = request.path_params["name"]
    path = plotly() if name == PLOTLY else next((one for one in STATIC.iterdir() if one.name == name), None)
    if path is None:
        raise HTTPException(404, "there is no such file")
    stand = path.stat()
    found = _contents(path, stand.st_mtime_ns, stand.st_size)
    headers = _FOR_EVER if "v" in request.query_params else _ASK_AGAIN  # a module imports its like without a version
    headers = headers | {"ETag": found.tag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    media = _TYPES.get(path.suffix, "application/octet-stream")
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=media)
    return FileResponse(path, media_type=media, headers=headers)


class _Contents(NamedTuple):
    """A file as it is sent, and a tag that changes with it."""

    packed: bytes
    tag: str


@lru_cache(64)
def _contents(path: Path, _changed_at: int, _length: int) -> _Contents:
    content = path.read_bytes()
    return _Contents(gzip.compress(content, _LEVEL, mtime=0), f'W/"{sha256(content).hexdigest()[:16]}"')


def file(request: Request) -> Response:
    """Send a file of a run: found by its row, sent as a download; a picture may stand in an ``<img>``."""
    studio = of(request)
    entry = studio.entry(request)
    found = artifacts.of(studio.workspace, entry.record).get(request.path_params["name"])
    if found is None or not found.path.is_file():
        raise HTTPException(404, f"run {entry.record.run_id} has no such file")
    media = found.picture or "application/octet-stream"
    return FileResponse(found.path, media_type=media, headers=_as_download(Path(found.name).name))


def snapshot(request: Request) -> Response:
    """Send a run's snapshot as a zip file."""
    studio = of(request)
    entry = studio.entry(request)
    found, trouble = runs.snapshot_of(studio, entry.record)
    if found is None:
        raise HTTPException(404, trouble)
    folder = tempfile.TemporaryDirectory(prefix="azml-studio-")
    path = studio.workspace.snapshots.zip(found.id, Path(folder.name) / "snapshot.zip")
    name = f"{entry.record.experiment}-{entry.record.number}-snapshot.zip"
    return FileResponse(path, headers=_as_download(name), background=BackgroundTask(folder.cleanup))


def _as_download(name: str) -> dict[str, str]:
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in name
    )
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return {"Content-Disposition": disposition, "Content-Security-Policy": artifacts.SANDBOX}
