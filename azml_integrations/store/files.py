"""The files of a run: artifacts under their own names where every platform takes them.

`place` is the only way in and `locate` the only way out; both take names, and no name becomes a path unchecked.
"""

import contextlib
import hashlib
import io
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, NamedTuple, cast

from .. import names
from ..errors import NameRefusedError, SourceNotFoundError, StoreError, a
from ..records import ArtifactRecord, ArtifactStored

CHUNK = 1 << 20


class Version(NamedTuple):
    """What tells one state of a file from another.

    Attributes
    ----------
    changed_ns : int
        Moment of its last change [ns since the epoch, UTC].
    size : int
        Length [bytes].
    inode : int
        Which file it is on its disk.
    """

    changed_ns: int
    size: int
    inode: int

    @property
    def changed(self) -> float:
        """Moment of its last change [s since the epoch, UTC]."""
        return self.changed_ns / 1e9


def version(path: Path) -> Version | None:
    """Return the state of a file, or None of one that cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Version(found.st_mtime_ns, found.st_size, found.st_ino)


def place(folder: Path, name: str, source: BinaryIO, original: Path | None = None) -> ArtifactStored:
    """Copy a stream into a run's folder under a name; what lay there is replaced at once or not at all.

    Parameters
    ----------
    folder : Path
        The run's folder.
    name : str
        A name that `names.artifact` returned.
    source : binary file
        Read from where it stands to its end.
    original : Path, default=None
        The file that `source` reads, if a second name for it will do in place of a copy; no digest is taken then.

    Returns
    -------
    event : ArtifactStored
        What the journal must say about it.

    Raises
    ------
    StoreError
        If the disk refuses; what lay under the name before is untouched then.
    NameRefusedError
        If a symbolic link on the way leads out of the run.
    """
    path = _free_of_twins(folder, names.path_of(name).as_posix())
    target = folder / path
    partial = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(3).hex()}.partial")
    digest, size = hashlib.sha256(), 0
    linked = False
    _inside(folder, target, name)  # before a folder is made on its way
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        linked = original is not None and linked_to(original, partial)
        if linked:
            size = partial.stat().st_size
        else:
            with partial.open("xb") as out:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    size += out.write(chunk)
        partial.replace(target)
    except OSError as error:
        raise StoreError(str(target), error) from error
    finally:  # also where the user's own stream raised
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return ArtifactStored(name, path, size, "" if linked else digest.hexdigest(), time.time())


def locate(folder: Path, record: ArtifactRecord) -> Path:
    """Return where an artifact lies.

    Raises
    ------
    NameRefusedError
        If a symbolic link on the way leads out of the run.
    """
    path = folder / record.path
    _inside(folder, path, record.name)
    return path


def below(folder: Path, name: str) -> Path:
    """Return where a file lies whose name is its path.

    Raises
    ------
    NameRefusedError
        If the name is none, or a symbolic link on the way leads out of the folder.
    """
    path = folder / names.artifact(name)
    _inside(folder, path, name)
    return path


def linked_to(original: Path, name: Path) -> bool:
    """Give a file a second name; False where that cannot be: another disk, or one without such names."""
    try:
        os.link(original, name)
    except OSError:
        return False
    return True


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_hashing(source: Path, target: Path) -> str:
    """Copy a file to a new one; return the digest of what was copied.

    Raises
    ------
    OSError
        If `target` is there already, or the disk refuses.
    """
    digest = hashlib.sha256()
    with source.open("rb") as given, target.open("xb") as out:
        while chunk := given.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy a file to a place of the user's, so that the target is complete or was never touched.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    import shutil  # 2 ms, only to copy out

    partial = target.with_name(f".azml-{os.urandom(4).hex()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(str(target), error) from error


def replace(target: Path, content: bytes) -> None:
    """Write a file of the user's, so that it is complete or was never touched.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    partial = target.with_name(f".azml-{os.urandom(4).hex()}.partial")
    try:
        try:
            partial.write_bytes(content)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(str(target), error) from error


class Shared:
    """Texts that many runs hold, as the list of packages: one file on the disk, linked into each run's folder."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], Path] = {}

    def put(self, target: Path, content: str) -> None:
        """Make a file that nobody will write to, or be another name of one that holds the same.

        Parameters
        ----------
        target : Path
            Where; nothing lies there yet, or it is replaced.
        content : str
            What it holds.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        same = self._written.get((target.name, content))
        if same is not None:
            with contextlib.suppress(OSError):  # moved away, linked as often as can be, or another disk by now
                target.hardlink_to(same)
                return
        target.unlink(missing_ok=True)  # what is linked elsewhere stays as it is there
        target.write_text(content, encoding="utf-8", errors="backslashreplace")
        self._written = {(target.name, content): target} | dict(itertools.islice(self._written.items(), 8))


def tree(source: Path, without: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their relative POSIX paths, sorted; links to folders are not followed.

    Parameters
    ----------
    source : Path
        The folder.
    without : Path, default=None
        A folder below it that is left out, its links resolved: a run that copies its surroundings must not copy itself.
    """
    for parent, folders, found in os.walk(source):
        folders[:] = sorted(name for name in folders if without is None or Path(parent, name).resolve() != without)
        for name in sorted(found):
            path = Path(parent, name)
            if path.is_file():
                yield path.relative_to(source).as_posix(), path


def opened(source: object) -> BinaryIO:
    """Return a path or stream as a binary stream; a text stream is encoded as UTF-8.

    Raises
    ------
    SourceNotFoundError
        If it is a path without a file, or neither path nor stream.
    """
    if isinstance(source, io.TextIOBase):
        return io.BytesIO(source.read().encode())
    if isinstance(source, io.IOBase) or hasattr(source, "read"):
        return cast("BinaryIO", source)
    if not isinstance(source, (str, os.PathLike)):
        raise SourceNotFoundError(str(source), f"a path or a stream, got {a(source)}")
    try:
        kind = Path(source).stat().st_mode
        if S_ISREG(kind):
            return Path(source).open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise SourceNotFoundError(os.fspath(source), "a file that exists") from error
    except OSError as error:
        raise StoreError(os.fspath(source), error, doing="read") from error
    # a pipe would be waited for, a device may have no end
    raise SourceNotFoundError(os.fspath(source), "a regular file; of anything else pass an open stream")


def _inside(folder: Path, path: Path, name: str) -> None:
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        raise NameRefusedError("artifact name", name, "a symbolic link on its way leads elsewhere")


def _free_of_twins(folder: Path, path: str) -> str:
    """Return the path, or an escaped one where the disk holds it under another spelling or as another kind.

    A filesystem that takes ``Model.pkl`` and ``model.pkl`` for one file would otherwise lose one of them; a file
    ``a`` stands in the way of ``a/b``.
    """
    here = folder
    parts = path.split("/")
    for position, part in enumerate(parts):
        entry = here / part
        last = position == len(parts) - 1
        if os.path.lexists(entry) and (
            not any(found.name == part for found in here.iterdir()) or entry.is_dir() == last
        ):
            return names.escaped(path).as_posix()
        here = entry
    return path
