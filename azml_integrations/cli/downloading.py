"""Copying files out of a run, with a progress bar."""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .. import names
from ..errors import ArtifactNotFoundError, NameRefusedError, StoreError
from ..records import ArtifactRecord
from ..store import files
from . import words

CHUNK = 1 << 20


def matching(artifacts: Sequence[ArtifactRecord], wanted: Sequence[str], run_id: str) -> list[ArtifactRecord]:
    """Return the files of the names given, and those below the folders given; all without any.

    Raises
    ------
    ArtifactNotFoundError
        If one of them is neither.
    """
    chosen: dict[str, ArtifactRecord] = {}
    for name in wanted:
        prefix = name.removeprefix("./").rstrip("/")
        these = {one.name: one for one in artifacts if one.name == prefix or one.name.startswith(prefix + "/")}
        if not these:
            raise ArtifactNotFoundError(name, run_id, [one.name for one in artifacts])
        chosen |= these
    return list(chosen.values()) if wanted else list(artifacts)


def in_the_way(artifacts: Sequence[ArtifactRecord], folder: Path) -> list[str]:
    """Return the names under which the folder holds something else already."""
    return [one.name for one in artifacts if _differs(folder / names.artifact(one.name), one)]


def _differs(path: Path, artifact: ArtifactRecord) -> bool:
    try:
        return not artifact.sha256 or path.stat().st_size != artifact.size or files.sha256(path) != artifact.sha256
    except FileNotFoundError:
        return False
    except OSError:
        return True


class Copy(NamedTuple):
    """What became of one file.

    Attributes
    ----------
    name : str
        Its name in the run.
    size : int or None
        What was copied [bytes]; None where nothing could be read.
    amiss : str
        What is to say about it; empty where nothing is.
    """

    name: str
    size: int | None
    amiss: str = ""


def copy_all(folder: Path, artifacts: Sequence[ArtifactRecord], target: Path) -> list[Copy]:
    """Copy files of a run; each is complete under its name or was never touched.

    A file that is gone, or not what the run stored, hides no other.

    Raises
    ------
    StoreError
        If the disk refuses what is written.
    """
    with words.progress("downloading", sum(one.size for one in artifacts)) as bar:
        return [_copied(folder, one, target / names.artifact(one.name), bar) for one in artifacts]


def _copied(folder: Path, artifact: ArtifactRecord, target: Path, bar: words.Bar) -> Copy:
    try:
        source = files.locate(folder, artifact).open("rb")
    except FileNotFoundError:
        return Copy(artifact.name, None, "is gone")
    except NameRefusedError:
        return Copy(artifact.name, None, "leads out of the run")
    except OSError as error:
        return Copy(artifact.name, None, f"cannot be read: {error.strerror}")
    with source:
        size, digest = _copy(source, target, bar)
    changed = artifact.sha256 and digest != artifact.sha256
    return Copy(artifact.name, size, "is not what the run stored" if changed else "")


def _copy(source: BinaryIO, target: Path, bar: words.Bar) -> tuple[int, str]:
    partial = target.with_name(f".azml-{os.urandom(4).hex()}.partial")
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as copy:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                size += copy.write(chunk)
                bar.advance(len(chunk))
        partial.replace(target)
    except OSError as error:
        raise StoreError(str(target), error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return size, digest.hexdigest()
