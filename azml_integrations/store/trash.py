"""Runs on their way out, and back: a folder leaves ``runs/`` with one rename, and returns with one.

::

    trash/runs/<entry>/entry.json       a `TrashEntry`: when, who, which runs
    trash/runs/<entry>/runs/<run_id>/   the run's folder, as it was
    trash/runs/.<entry>.partial/        an entry that was never begun
    trash/runs/.<entry>.gone/           one that is being purged: nobody can see it any more
    trash/<name>-<number>/              anything else that is being deleted, a version of a model for one

The run that was deleted goes last and comes back first, its children before and after it. So at every moment it is
in one of the two places, and an entry without it is one on its way back: `settle` finishes that.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import msgspec

from .. import host
from ..errors import RunExistsError, StoreError
from ..records import TrashEntry

FOLDER, RUNS, RECORD = "trash", "runs", "entry.json"
_LOCK, _PARTIAL, _GONE = ".lock", ".partial", ".gone"


# -- for good ------------------------------------------------------------------------------------------


def discard(root: Path, folder: Path) -> int:
    """Delete a folder of the workspace for good, a version of a model for one.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    folder : Path
        In the same filesystem.

    Returns
    -------
    freed : int
        What the disk gets back [bytes].

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
    """Return what a crash has left that nobody can see any more."""
    there = _listed(root / FOLDER), _listed(_home(root))
    gone = [path for path in there[1] if path.name.startswith(".") and path.name != _LOCK]
    return [path for path in there[0] if path.name != RUNS] + gone


def empty(path: Path) -> int:
    """Delete one leftover; return what the disk gets back [bytes]."""
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
    """Delete a folder, or what stands in its place; a link is deleted, never what it leads to."""
    freed = length(folder)
    if folder.is_dir() and not folder.is_symlink():
        try:
            shutil.rmtree(folder)
        except PermissionError:
            _open_up(folder)
            shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: another deletion is under way
        folder.parent.rmdir()
    return freed


def _open_up(folder: Path) -> None:
    """Let what lies in read-only folders be deleted; no file is touched: a registered model may be its other name."""
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, os.stat(parent).st_mode | stat.S_IRWXU)  # noqa: PTH101, PTH116 - `walk` follows no link


def length(folder: Path) -> int:
    """Return what the disk gets back when a folder is deleted [bytes]: nothing for a file that has another name."""
    files: dict[tuple[int, int], list[int]] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # deleted meanwhile
                about = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - ten thousand files
                files.setdefault((about.st_dev, about.st_ino), [about.st_size, about.st_nlink, 0])[2] += 1
    return sum(size for size, links, seen in files.values() if seen >= links)


# -- runs that may come back ---------------------------------------------------------------------------


def entries(root: Path) -> list[TrashEntry]:
    """Return what lies in the trash, what was deleted last first; one that cannot be read hides no other."""
    found = [
        entry for path in places(root) if (entry := read(path)) is not None and (path / RUNS / entry.run_id).exists()
    ]
    return sorted(found, key=lambda entry: (entry.deleted_at, entry.entry_id), reverse=True)


def places(root: Path) -> list[Path]:
    """Return the folders of all entries, those on their way back among them."""
    return [path for path in _listed(_home(root)) if not path.name.startswith(".")]


def read(path: Path) -> TrashEntry | None:
    """Return what an entry says of itself; None where it makes no sense or says that it is another one."""
    try:
        entry = msgspec.json.decode((path / RECORD).read_bytes(), type=TrashEntry)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return entry if entry.entry_id == path.name else None


def run_folder(root: Path, entry: TrashEntry, run_id: str) -> Path:
    """Return where the folder of a run of an entry lies."""
    return _home(root) / entry.entry_id / RUNS / run_id


def put(root: Path, entry: TrashEntry) -> None:
    """Move the folders of runs into the trash; `guarded` is held.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    entry : TrashEntry
        The run comes first among its runs.

    Raises
    ------
    StoreError
        If the disk refuses; every run is back then where it was.
    """
    home = _home(root)
    staged, there = home / f".{entry.entry_id}{_PARTIAL}", home / entry.entry_id
    try:
        (staged / RUNS).mkdir(parents=True)
        (staged / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(entry), indent=2) + b"\n")
        staged.rename(there)
        for run_id in reversed(entry.run_ids):
            (root / RUNS / run_id).rename(there / RUNS / run_id)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        _back(root, there, entry)
        raise StoreError(str(root / RUNS / entry.run_id), error, doing="delete") from error


def put_back(root: Path, entry: TrashEntry) -> None:
    """Move the folders of an entry back; `guarded` is held.

    Raises
    ------
    RunExistsError
        If a run has taken one of the ids meanwhile; nothing is moved then.
    StoreError
        If the disk refuses.
    """
    for run_id in entry.run_ids:
        if os.path.lexists(root / RUNS / run_id):
            raise RunExistsError(run_id)
    there = _home(root) / entry.entry_id
    try:
        (there / RUNS / entry.run_id).rename(root / RUNS / entry.run_id)
    except OSError as error:
        raise StoreError(str(there), error, doing="restore") from error
    if error_of_rest := _back(root, there, entry):
        raise StoreError(str(there), error_of_rest, doing="restore") from error_of_rest


def take_away(root: Path, entry: TrashEntry) -> Path:
    """Rename an entry so that nobody sees it any more, and return where it is; `guarded` is held.

    Raises
    ------
    StoreError
        If the disk refuses; the entry is as before.
    """
    there = _home(root) / entry.entry_id
    try:
        return there.rename(_home(root) / f".{entry.entry_id}{_GONE}")
    except OSError as error:
        raise StoreError(str(there), error, doing="purge") from error


def settle(root: Path) -> int:
    """Bring back what an interrupted deletion or restoration has left on its way; `guarded` is held.

    Returns
    -------
    settled : int
        How many entries were brought to an end.
    """
    settled = 0
    for path in unsettled(root):
        entry = read(path)
        settled += entry is not None and _back(root, path, entry) is None
    for path in _listed(_home(root)):
        if path.name.startswith(".") and path.name.endswith(_PARTIAL):
            shutil.rmtree(path, ignore_errors=True)
    return settled


def unsettled(root: Path) -> list[Path]:
    """Return the entries on their way back: the run itself is not in them."""
    return [path for path in places(root) if (entry := read(path)) and not (path / RUNS / entry.run_id).exists()]


@contextlib.contextmanager
def guarded(root: Path) -> Iterator[None]:
    """Keep others from moving runs in or out meanwhile.

    Raises
    ------
    StoreError
        If the trash cannot be made.
    """
    home = _home(root)
    try:
        home.mkdir(parents=True, exist_ok=True)
        fd = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(str(home), error) from error
    try:
        with contextlib.suppress(OSError):  # a filesystem without locks: each rename is whole all the same
            host.lock(fd, exclusive=True)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def held(root: Path) -> Iterator[None]:
    """Keep runs from coming back meanwhile, where there is a trash that they could come from."""
    if _home(root).is_dir() and host.writable(_home(root)):
        with guarded(root):
            yield
    else:
        yield


def _back(root: Path, there: Path, entry: TrashEntry) -> OSError | None:
    """Move what is left of an entry back, parents first, and remove it; return what stood against it."""
    trouble: OSError | None = None
    for run_id in entry.run_ids:
        folder, target = there / RUNS / run_id, root / RUNS / run_id
        try:
            if folder.exists() and not os.path.lexists(target):
                folder.rename(target)
        except OSError as error:
            trouble = error
    if trouble is None and not _listed(there / RUNS):
        with contextlib.suppress(OSError):  # a rest is the doctor's
            shutil.rmtree(there.rename(there.with_name(f".{there.name}{_GONE}")))
    return trouble


def _home(root: Path) -> Path:
    return root / FOLDER / RUNS


def _listed(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
