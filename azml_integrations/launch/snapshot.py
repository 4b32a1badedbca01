"""Snapshots: what a source folder held, kept by content.

::

    snapshots/
        objects/ab/cdef...      a file's bytes, named by their sha256
        <id>.json               one snapshot: its files and empty folders; the id is that of these very bytes
        <id>.left-out.json      what the taking that came first left out, and why
        folders/<hash>          what is known about the files of one source folder, so that few are read again
        lock                    held by whoever takes a snapshot, and alone by whoever clears away

Every file appears complete, by a rename, and objects come before the snapshot that names them: a process that dies
in between leaves objects that nobody names, and nothing half. What is in the store never changes.
"""

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, TypeAlias
from uuid import UUID

import msgspec

from .. import host
from ..errors import (
    OptionError,
    SnapshotException,
    SnapshotNotFoundError,
    SnapshotTooLargeError,
    SourceNotFoundError,
    StoreError,
    UserErrorException,
    a,
)
from .ignoring import Found, LeftOut, Source, Walk, unreadable

__all__ = ["LeftOut", "Snapshot", "SnapshotFile", "Snapshots", "allowed"]

CHUNK = 1 << 20
RACY = 2_000_000_000
"""A file that changed this short a time before it was read [ns] is read again next time: a clock may stand still for so
long, and then a second change in the same moment cannot be seen from outside."""
TRIES = 3
"""How often a file is read that changes meanwhile, before it is taken as it was read last."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEGABYTE = 1_000_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that a zip file can tell."""

Signature: TypeAlias = tuple[int, int, int, int, int]
"""Size, times of change of content and of facts, inode and mode of a file: while it stands, so does the content."""
Memory: TypeAlias = dict[bytes, tuple[Signature, str]]


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file of a snapshot.

    Attributes
    ----------
    path : str
        Relative to the folder, with ``/``; a name that is no text on this disk holds lone surrogates, as ``os.listdir``
        returns it.
    sha256 : str
        Of its content, 64 hexadecimal digits.
    size : int
        Its length [bytes].
    mode : int
        Its permissions, 0 to 0o777.
    """

    path: str
    sha256: str
    size: int
    mode: int


@dataclass(frozen=True)
class Snapshot:
    """What a source folder held.

    Attributes
    ----------
    id : str
        Computed from the rest, so that the same content has the same id; in the form of a UUID.
    files : tuple of SnapshotFile
        By path.
    left_out : tuple of LeftOut
        What the snapshot does not have, and why; of a stored snapshot, what the first taking of it left out.
    size : int
        Length of all files together [bytes].
    folders : tuple of str
        Folders without a file in the snapshot, by path; they are made again, since a program may write into them.
    """

    id: str
    files: tuple[SnapshotFile, ...]
    left_out: tuple[LeftOut, ...]
    size: int
    folders: tuple[str, ...] = ()


class Snapshots:
    """The snapshots of a workspace.

    Any number of processes may use them at once.

    Parameters
    ----------
    root : Path
        Their folder, made with the first snapshot; the folder around it is the workspace, which belongs to no snapshot.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects = str(root / "objects")
        self._sync = os.environ.get("AZML_DURABILITY") == "full"

    # -- taking --------------------------------------------------------------------------------------

    def take(
        self, folder: Path, limit: int | None = None, *, without: Collection[Path] = (), most: int | None = None
    ) -> Snapshot:
        """Keep what a folder holds, or a single file.

        Parameters
        ----------
        folder : Path
            The source folder; ``.amlignore`` in it, else ``.gitignore`` in it, says what does not belong to it.
        limit : int, default=None
            Length of the content that would be taken at most [bytes]; ``AZML_SNAPSHOT_MAX_MB`` (300) by default.
        without : collection of Path, default=()
            Folders below it that are left out.
        most : int, default=None
            Files and folders that are looked at before it is given up; ``AZML_SNAPSHOT_MAX_FILES`` (100,000) by
            default.

        Returns
        -------
        snapshot : Snapshot
            Stored; the one that is there already where the content is the same.

        Raises
        ------
        SnapshotTooLargeError
            If the folder holds more than `limit`; nothing was read then.
        SnapshotException
            If it has too many files, one that cannot be read, or an ignore file that is none.
        SourceNotFoundError
            If there is no such folder or file.
        UserErrorException
            If it is the workspace itself.
        StoreError
            If the disk refuses.
        """
        source = Path(folder)
        most_bytes = limit if limit is not None else _setting("AZML_SNAPSHOT_MAX_MB", 300.0, _MEGABYTE)
        found = self._found(source, without, most)
        _check_size(source, found.files, most_bytes)
        try:
            with self._shared():
                files = self._read(source, found, most_bytes)
                snapshot = _snapshot(files, found)
                self._keep(snapshot)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(str(self.root), error) from error
        return snapshot

    def _found(self, source: Path, without: Collection[Path], most: int | None) -> Found:
        """Look at the source; nothing is read yet but its ignore file."""
        workspace = self.root.parent
        try:
            facts = source.stat()
        except (OSError, ValueError) as error:
            raise SourceNotFoundError(os.fspath(source), "a folder to take a snapshot of") from error
        if S_ISREG(facts.st_mode):
            return Found([Source(source.name, os.fspath(source), facts)])
        if not source.is_dir():
            raise SourceNotFoundError(os.fspath(source), "a folder or regular file to take a snapshot of")
        if workspace.exists() and source.samefile(workspace):
            raise UserErrorException(f"{source} is the workspace itself; expected the folder of a program")
        most = most if most is not None else _setting("AZML_SNAPSHOT_MAX_FILES", 100_000)
        return Walk(source, (workspace, *without), most).found()

    def _read(self, source: Path, found: Found, limit: int) -> list[SnapshotFile]:
        """Return the files with their sums; only those are read that may have changed."""
        notes = self.root / "folders" / sha256(os.fsencode(source.resolve())).hexdigest()[:32]
        before = _recalled(notes)
        after: Memory = {}
        files, failed = [], []
        for file in found.files:
            key, facts = os.fsencode(file.path), file.facts
            signature = _signature(facts)
            known = before.get(key)
            if known is not None and known[0] == signature and self._has(known[1], facts.st_size):
                after[key] = known
                files.append(SnapshotFile(file.path, known[1], facts.st_size, facts.st_mode & 0o777))
                continue
            try:
                stored = self._store(file, limit)
            except StoreError:
                raise
            except FileNotFoundError:
                found.left_out.append(LeftOut(file.path, "it vanished while the snapshot was taken"))
            except OSError as error:
                failed.append(f"{file.path} ({error.strerror})")
            else:
                files.append(stored.file)
                if stored.settled is not None:
                    after[key] = (stored.settled, stored.file.sha256)
        if failed:
            raise unreadable(failed)
        if after != before:
            _write(notes, [msgspec.msgpack.encode(after)])
        return files

    def _store(self, file: Source, limit: int) -> "_Stored":
        """Read a file into the store; again where it changes meanwhile."""
        for _ in range(TRIES - 1):
            stored = self._store_once(file, limit)
            if stored.whole:
                return stored
        return self._store_once(file, limit)

    def _store_once(self, file: Source, limit: int) -> "_Stored":
        now = time.time_ns()
        with _opened(file.place) as stream:
            first = os.fstat(stream.fileno())
            digest, size = self._put(stream, first.st_mode, limit, file)
            last = os.fstat(stream.fileno())
        whole = _signature(first) == _signature(last) and size == last.st_size
        settled = whole and max(last.st_mtime_ns, last.st_ctime_ns) + RACY < now
        kept = SnapshotFile(file.path, digest, size, last.st_mode & 0o777)
        return _Stored(kept, whole, _signature(last) if settled else None)

    def _put(self, stream: BinaryIO, mode: int, limit: int, file: Source) -> tuple[str, int]:
        """Make an object of a stream; return its sum and length."""
        head = stream.read(CHUNK)
        digest = sha256(head)
        if len(head) < CHUNK:
            if not self._has(digest.hexdigest(), len(head)):
                with self._new_object(mode) as out:
                    _into_store(out, head)
                    self._name(out, digest.hexdigest())
            return digest.hexdigest(), len(head)
        size = len(head)
        with self._new_object(mode) as out:
            _into_store(out, head)
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size > limit:
                    raise SnapshotTooLargeError(file.place, size, limit, [(file.path, size)])
                _into_store(out, chunk)
            if not self._has(digest.hexdigest(), size):
                self._name(out, digest.hexdigest())
        return digest.hexdigest(), size

    @contextlib.contextmanager
    def _new_object(self, mode: int) -> Iterator["_Partial"]:
        """Open an object without a name yet: for reading only, and for no more people than its source."""
        partial = self.root / f".object.{os.getpid()}.{os.urandom(6).hex()}.partial"
        try:
            fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400 | (mode & 0o044))
        except OSError as error:
            raise StoreError(str(partial), error) from error
        try:
            yield _Partial(partial, fd)
        finally:
            os.close(fd)
            partial.unlink(missing_ok=True)

    def _name(self, partial: "_Partial", digest: str) -> None:
        """Give an object its name, which says that it is complete."""
        place = self._path(digest)
        try:
            if self._sync:
                os.fsync(partial.fd)
            try:
                partial.path.replace(place)
            except FileNotFoundError:
                Path(place).parent.mkdir(parents=True, exist_ok=True)
                partial.path.replace(place)
        except OSError as error:
            raise StoreError(place, error) from error

    def _path(self, digest: str) -> str:
        return f"{self._objects}/{digest[:2]}/{digest[2:]}"

    def _has(self, digest: str, size: int) -> bool:
        """Tell whether an object is there in full; one that a power loss cut short is written anew."""
        try:
            return os.stat(self._path(digest)).st_size == size  # noqa: PTH116 - 2,000 of them in a few milliseconds
        except OSError:
            return False

    def _keep(self, snapshot: Snapshot) -> None:
        """Write a snapshot down, or mark the one that is there as still in use."""
        path = self._manifest(snapshot.id)
        content = _content(snapshot.files, snapshot.folders)
        with contextlib.suppress(OSError):
            if path.stat().st_size == len(content):
                os.utime(path)
                return
        told = [[left.path, left.reason] for left in snapshot.left_out]
        _write(self._left_out(snapshot.id), [json.dumps(told).encode()])
        _write(path, [content])

    @contextlib.contextmanager
    def _shared(self) -> Iterator[None]:
        """Keep away whoever would clear away objects that nobody names yet."""
        self.root.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with contextlib.suppress(OSError):  # no locks here: then nobody clears away
                host.lock(fd, exclusive=False)
            yield
        finally:
            os.close(fd)

    # -- asking --------------------------------------------------------------------------------------

    def get(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot.

        Raises
        ------
        SnapshotNotFoundError
            If there is none of that id.
        SnapshotException
            If what is stored about it is damaged.
        """
        path = self._manifest(snapshot_id)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise SnapshotNotFoundError(snapshot_id, str(self.root)) from None
        except OSError as error:
            raise StoreError(str(path), error, doing="read") from error
        if _id_of(content) != snapshot_id:
            raise _damaged(snapshot_id, f"{path.name} is not what was written")
        try:
            files, folders = _parsed(content)
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(snapshot_id, f"{path.name} cannot be believed: {error}") from None
        return Snapshot(snapshot_id, files, self._told_left_out(snapshot_id), sum(file.size for file in files), folders)

    def missing(self, snapshot_id: str) -> list[str]:
        """Return the paths of a snapshot's files whose content is not there, or not in full.

        Raises
        ------
        SnapshotNotFoundError
            If there is no such snapshot.
        SnapshotException
            If what is stored about it is damaged.
        """
        return [file.path for file in self.get(snapshot_id).files if not self._has(file.sha256, file.size)]

    def _manifest(self, snapshot_id: object) -> Path:
        if not isinstance(snapshot_id, str) or not _ID.fullmatch(snapshot_id):
            raise SnapshotNotFoundError(snapshot_id, str(self.root))
        return self.root / f"{snapshot_id}.json"

    def _left_out(self, snapshot_id: str) -> Path:
        return self.root / f"{snapshot_id}.left-out.json"

    def _told_left_out(self, snapshot_id: str) -> tuple[LeftOut, ...]:
        try:
            told = json.loads(self._left_out(snapshot_id).read_bytes())
            return tuple(LeftOut(str(path), str(reason)) for path, reason in told)
        except (OSError, ValueError, TypeError):  # beside the point: the snapshot itself is sound
            return ()

    # -- giving back ---------------------------------------------------------------------------------

    def restore(self, snapshot_id: str, target: Path) -> None:
        """Make a copy of what a folder held.

        The files are copies of their own, with their permissions; where the filesystem can, they share blocks with the
        store until they are written to. Their times are those of the copying.

        Parameters
        ----------
        snapshot_id : str
            Its id.
        target : Path
            A folder that is not there yet, or empty; it is there with all files in the end, or as it was.

        Raises
        ------
        SnapshotNotFoundError
            If there is no such snapshot.
        SnapshotException
            If the store is damaged.
        UserErrorException
            If the target is there and not empty.
        StoreError
            If the disk refuses.
        """
        snapshot = self.get(snapshot_id)
        target = Path(target)
        _check_free(target)
        partial = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.partial")
        try:
            partial.mkdir(parents=True)
            self._fill(snapshot, partial)
            partial.rename(target)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(str(target), error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _fill(self, snapshot: Snapshot, root: Path) -> None:
        made = {""}
        for folder in snapshot.folders:
            _make_folders(root, folder, made)
        for file in snapshot.files:
            _make_folders(root, file.path.rpartition("/")[0], made)
            self._copy(snapshot.id, file, f"{root}/{file.path}")

    def _copy(self, snapshot_id: str, file: SnapshotFile, place: str) -> None:
        with self._object(snapshot_id, file) as stream:
            out = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
            try:
                if host.copy_rest(stream.fileno(), out, file.size) != file.size:
                    raise _damaged(snapshot_id, f"{file.path} is shorter than it was")
                os.chmod(out, file.mode)  # noqa: PTH101 - of the open file, whatever its name leads to now
            finally:
                os.close(out)

    def _object(self, snapshot_id: str, file: SnapshotFile) -> BinaryIO:
        path = self._path(file.sha256)
        try:
            stream = open(path, "rb")  # noqa: SIM115, PTH123 - the caller closes it
        except FileNotFoundError:
            raise _damaged(snapshot_id, f"the content of {file.path!r} is gone") from None
        except OSError as error:
            raise StoreError(path, error, doing="read") from error
        if os.fstat(stream.fileno()).st_size != file.size:
            stream.close()
            raise _damaged(snapshot_id, f"the content of {file.path!r} has another length")
        return stream

    def zip(self, snapshot_id: str, target: Path) -> Path:
        """Write a zip file of what a folder held; the same snapshot makes the same bytes.

        Parameters
        ----------
        snapshot_id : str
            Its id.
        target : Path
            The file, replaced where it is there; of a folder, ``<id>.zip`` in it.

        Returns
        -------
        path : Path
            Where the file lies.

        Raises
        ------
        SnapshotNotFoundError
            If there is no such snapshot.
        SnapshotException
            If the store is damaged.
        StoreError
            If the disk refuses.
        """
        snapshot = self.get(snapshot_id)
        target = Path(target)
        path = target / f"{snapshot_id}.zip" if target.is_dir() else target
        partial = path.with_name(f".{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write_zip(snapshot, partial)
            partial.replace(path)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(str(path), error) from error
        finally:
            partial.unlink(missing_ok=True)
        return path

    def _write_zip(self, snapshot: Snapshot, path: Path) -> None:
        from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

        with ZipFile(path, "x", ZIP_DEFLATED, compresslevel=6) as archive:
            for folder in snapshot.folders:
                info = ZipInfo(_spelt(folder) + "/", _EPOCH)
                info.create_system, info.external_attr = 3, (0o40755 << 16) | 0x10
                archive.writestr(info, b"")
            for file in snapshot.files:
                info = ZipInfo(_spelt(file.path), _EPOCH)
                info.create_system, info.external_attr = 3, (0o100000 | file.mode) << 16
                info.compress_type, info.file_size = ZIP_DEFLATED, file.size
                with self._object(snapshot.id, file) as stream, archive.open(info, "w") as out:
                    shutil.copyfileobj(stream, out, CHUNK)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file that was read; whether it stood still meanwhile; the signature by which it is known again, if any."""

    file: SnapshotFile
    whole: bool
    settled: Signature | None


@dataclass(frozen=True, slots=True)
class _Partial:
    """A file that is being written."""

    path: Path
    fd: int


_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def allowed() -> int:
    """Return how much a snapshot may hold [bytes]: ``AZML_SNAPSHOT_MAX_MB``, else 300 MB."""
    return _setting("AZML_SNAPSHOT_MAX_MB", 300.0, _MEGABYTE)


def _setting(name: str, default: float, unit: int = 1) -> int:
    """Return a number that the environment may change.

    Raises
    ------
    OptionError
        If it is no positive number.
    """
    said = os.environ.get(name)
    try:
        value = float(said) if said else float(default)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise OptionError(f"{name} is {said!r}; expected a number above 0, or inf")
    return int(min(value * unit, 2.0**62))


def _check_size(source: Path, files: Sequence[Source], limit: int) -> None:
    size = sum(file.facts.st_size for file in files)
    if size > limit:
        largest = sorted(files, key=lambda file: -file.facts.st_size)[:5]
        raise SnapshotTooLargeError(
            os.fspath(source.resolve()), size, limit, [(file.path, file.facts.st_size) for file in largest]
        )


def _signature(facts: os.stat_result) -> Signature:
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_mode


def _recalled(path: Path) -> Memory:
    """Return what an earlier taking knew about the files of a folder."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Memory)
    except (OSError, msgspec.MsgspecError):
        return {}


def _opened(place: str) -> BinaryIO:
    """Open a regular file; a pipe that has taken its place meanwhile is not waited for."""
    stream = open(place, "rb", opener=lambda path, flags: os.open(path, flags | _NO_WAIT))  # noqa: SIM115
    if not S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(None, "it is no regular file any more")
    return stream


# -- writing -----------------------------------------------------------------------------------------


def _into_store(out: _Partial, content: bytes) -> None:
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(out.fd, rest) :]
    except OSError as error:
        raise StoreError(str(out.path), error) from error


def _write(path: Path, content: Iterable[bytes]) -> None:
    """Write a small file, so that it is there in full or as it was."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(b"".join(content))
        partial.replace(path)
    except OSError as error:
        raise StoreError(str(path), error) from error
    finally:
        partial.unlink(missing_ok=True)


# -- manifests ---------------------------------------------------------------------------------------


def _snapshot(files: Sequence[SnapshotFile], found: Found) -> Snapshot:
    folders = tuple(sorted(found.folders))
    left_out = tuple(sorted(found.left_out, key=lambda left: left.path))
    identity = _id_of(_content(files, folders))
    return Snapshot(identity, tuple(files), left_out, sum(file.size for file in files), folders)


def _content(files: Iterable[SnapshotFile], folders: Sequence[str]) -> bytes:
    """Return the bytes that a snapshot is: ASCII, so that names which are no text come back as they were."""
    rows = [(file.path, file.sha256, file.size, file.mode) for file in files]
    return json.dumps({"files": rows, "folders": folders}, separators=(",", ":")).encode() + b"\n"


def _id_of(content: bytes) -> str:
    return str(UUID(bytes=sha256(content).digest()[:16], version=5))


def _parsed(content: bytes) -> tuple[tuple[SnapshotFile, ...], tuple[str, ...]]:
    """Return what a manifest says; whoever wrote it may mean no good.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is no manifest, or a path of it leads out of the folder.
    """
    told = json.loads(content)
    files = tuple(
        SnapshotFile(_path(path), _digest(digest), int(size), int(mode) & 0o777)
        for path, digest, size, mode in told["files"]
    )
    folders = tuple(map(_path, told["folders"]))
    _check_tree([*(file.path for file in files), *folders])
    return files, folders


def _check_tree(paths: Sequence[str]) -> None:
    """Make sure that each path is there once, and none below a file or empty folder."""
    known = set(paths)
    around = {"/".join(parts[:n]) for parts in (path.split("/") for path in known) for n in range(1, len(parts))}
    if len(known) < len(paths) or known & around:
        raise ValueError("two of its paths cannot be there at once")


def _path(path: object) -> str:
    """Return a path that stays within the folder it is joined to."""
    if not isinstance(path, str):
        raise TypeError(f"a path is {a(path)}")
    foreign = os.name == "nt" and re.search(r"[\\:]", path)
    if "\0" in path or foreign or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"{path!r} is no relative path")
    return path


def _digest(digest: object) -> str:
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise ValueError(f"{digest!r} is no sha256")
    return digest


def _damaged(snapshot_id: str, why: str) -> SnapshotException:
    return SnapshotException(
        f"snapshot {snapshot_id} is damaged: {why}; a new snapshot of a folder with the same content mends it"
    )


def _check_free(target: Path) -> None:
    try:
        taken = os.path.lexists(target) and (target.is_symlink() or not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise StoreError(str(target), error, doing="read") from error
    if taken:
        raise UserErrorException(f"{target} is there and not an empty folder; expected a folder for a new copy")


def _make_folders(root: Path, folder: str, made: set[str]) -> None:
    if folder not in made:
        _make_folders(root, folder.rpartition("/")[0], made)
        os.mkdir(f"{root}/{folder}")  # noqa: PTH102 - strings all the way
        made.add(folder)


def _spelt(path: str) -> str:
    """Return a name that a zip file can hold: bytes that are no text are written out."""
    return path.encode("utf-8", "backslashreplace").decode()
