"""Runs on their way out: a folder leaves ``runs/`` at once, and its files after that.

A run is gone with one rename. What a crash leaves in ``trash/`` takes space, but is no run any more.
"""

import contextlib
import errno
import os
import shutil
from itertools import count
from pathlib import Path

from ..errors import StoreError

FOLDER = "trash"


def discard(root: Path, folder: Path) -> int:
    """Delete the folder of a run, or of a version of a model.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    folder : Path
        In the same filesystem.

    Returns
    -------
    freed : int
        Length of its files [bytes].

    Raises
    ------
    StoreError
        If the disk refuses; it is there as before, or gone with a rest in ``trash/``.
    """
    try:
        return _remove(_out_of_the_way(root / FOLDER, folder))
    except OSError as error:
        raise StoreError(str(folder), error, doing="delete") from error


def leftovers(root: Path) -> list[Path]:
    """Return what a crash has left in the trash."""
    try:
        return sorted((root / FOLDER).iterdir())
    except OSError:
        return []


def empty(path: Path) -> int:
    """Delete one leftover; return the length of its files [bytes]."""
    return _remove(path)


def _out_of_the_way(trash: Path, folder: Path) -> Path:
    """Rename a folder into the trash, under a name that is free there."""
    trash.mkdir(exist_ok=True)
    for number in count(1):
        target = trash / f"{folder.name}-{number}"
        if not os.path.lexists(target):
            try:
                return folder.rename(target)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # somebody else was quicker to take the name
                    raise
    raise AssertionError("count() has no end")


def _remove(folder: Path) -> int:
    freed = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    with contextlib.suppress(OSError):  # not empty: another deletion is under way
        folder.parent.rmdir()
    return freed
