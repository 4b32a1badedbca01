"""What the doctor says about snapshots, and clearing away those that no run refers to."""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from .. import host
from ..errors import AzmlError, SnapshotException, StoreError
from ..store.doctor import Finding
from .snapshot import Snapshots

UNUSED = 86_400.0
"""Age from which a snapshot that no run refers to counts as unused [s]: before, a run may be about to begin with it."""

_OBJECT = re.compile(r"[0-9a-f]{64}")


class Upkeep:
    """Look at the snapshots of a workspace.

    Parameters
    ----------
    snapshots : Snapshots
        They.
    named : callable
        Returns the ids of the snapshots that runs refer to, now.
    contents : bool, default=True
        Whether the objects are read to compare their sha256.
    """

    def __init__(self, snapshots: Snapshots, named: Callable[[], Collection[str]], *, contents: bool = True) -> None:
        self._snapshots = snapshots
        self._root = snapshots.root
        self._named = named
        self._contents = contents

    def findings(self) -> Iterator[Finding]:
        """Yield what there is to say; where there is no snapshot, nothing."""
        yield from self._left_over()
        if self._contents:
            yield from self._damaged_objects()
        manifests = self._manifests()
        try:
            named = self._named() if manifests else ()
        except AzmlError as error:
            yield Finding("note", "unused snapshots", f"it cannot be told which they are: {error.message}")
            return
        for path in manifests:
            yield from self._manifest(path.stem, named)
        unused, objects = self._unused(named)
        if unused or objects:
            size = sum(path.stat().st_size for path in objects)
            yield Finding(
                "note",
                "unused snapshots",
                f"{len(unused)} snapshots belong to no run, {len(objects)} files ({size / 1e6:,.1f} MB) to no other",
                path=self._inside(self._root),
                remedy=self._clear,
            )

    def _inside(self, path: Path) -> str:
        return path.relative_to(self._root.parent).as_posix()

    def _manifests(self) -> list[Path]:
        return sorted(path for path in self._root.glob("*.json") if not path.name.endswith(".left-out.json"))

    def _objects(self) -> Iterator[Path]:
        for path in sorted((self._root / "objects").glob("??/*")):
            if _OBJECT.fullmatch(path.parent.name + path.name):
                yield path

    def _left_over(self) -> Iterator[Finding]:
        for path in sorted(self._root.glob(".*.partial")):
            with contextlib.suppress(FileNotFoundError):  # somebody has just completed it
                if time.time() - path.stat().st_mtime > UNUSED:
                    yield Finding(
                        "fault",
                        "left over",
                        "a process ended while it wrote this; it was never part of a snapshot",
                        path=self._inside(path),
                        remedy=partial(_removed, path),
                    )

    def _damaged_objects(self) -> Iterator[Finding]:
        for path in self._objects():
            try:
                with path.open("rb") as file:
                    sound = hashlib.file_digest(file, "sha256").hexdigest() == path.parent.name + path.name
            except OSError as error:
                yield Finding("fault", "snapshot unreadable", f"it cannot be read: {error}", path=self._inside(path))
                continue
            if not sound:
                yield Finding(
                    "fault",
                    "snapshot damaged",
                    "a file of snapshots is not what was stored; removed, the next snapshot that has it stores it anew",
                    path=self._inside(path),
                    remedy=partial(_removed, path),
                )

    def _manifest(self, snapshot_id: str, named: Collection[str]) -> Iterator[Finding]:
        at = self._inside(self._root / f"{snapshot_id}.json")
        try:
            gone = self._snapshots.missing(snapshot_id)
        except AzmlError as error:
            yield Finding("fault", "snapshot damaged", error.message, path=at)
            return
        if gone and snapshot_id in named:
            yield Finding(
                "fault",
                "snapshot incomplete",
                f"{len(gone)} of its files are gone, {gone[0]!r} first; a new snapshot of a folder with them mends it",
                path=at,
            )

    # -- clearing away -------------------------------------------------------------------------------

    def _unused(self, named: Collection[str]) -> tuple[list[Path], list[Path]]:
        """Return snapshots that no run refers to, and objects that are in no other, neither of them young.

        Raises
        ------
        SnapshotException
            If a snapshot is damaged: then nobody knows which objects it needs.
        """
        before = time.time() - UNUSED
        manifests: list[Path] = []
        kept: set[str] = set()
        for path in self._manifests():
            if path.stem not in named and path.stat().st_mtime < before:
                manifests.append(path)
                continue
            try:
                kept.update(file.sha256 for file in self._snapshots.get(path.stem).files)
            except SnapshotException:
                return [], []
        objects = [
            path
            for path in self._objects()
            if path.parent.name + path.name not in kept and path.stat().st_mtime < before
        ]
        return manifests, objects

    def _clear(self) -> str:
        """Delete what is unused while nobody takes a snapshot; look again first, for a run may have begun meanwhile."""
        with _alone(self._root / "lock"):
            manifests, objects = self._unused(self._named())
            for path in manifests:  # before their objects: what is left of an interruption is no snapshot any more
                path.unlink(missing_ok=True)
                path.with_name(f"{path.stem}.left-out.json").unlink(missing_ok=True)
            size = 0
            for path in objects:
                size += path.stat().st_size
                path.unlink()
        return f"deleted {len(manifests)} snapshots and {len(objects)} files, {size} bytes"


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep everybody from taking a snapshot.

    Raises
    ------
    StoreError
        If somebody takes one, or this filesystem has no locks.
    """
    fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not host.try_lock(fd, exclusive=True):
            raise StoreError(str(lock), OSError("a snapshot is being taken, or there are no locks here"), doing="lock")
        yield
    finally:
        os.close(fd)


def _removed(path: Path) -> str:
    path.unlink()
    return "removed it"
