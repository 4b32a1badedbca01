"""The registered models of a workspace: a folder for each version of each name.

::

    models/<name>/numbers/          one empty file for each version that was ever given
    models/<name>/<version>/
        model.json                  a `ModelRecord`
        files/                      the model, under its own names, not to be written to
        beside/                     what tells how to load it, where it is one file
        journal/*.jsonl             tags, properties and descriptions that came later

A version is prepared in a folder of its own beside them and takes its name with one rename: it is complete, or not
there. A process that is killed before leaves a number that is skipped, and a ``.partial`` folder for the doctor.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from .. import journal, names
from ..errors import AzmlWarning, ModelChangedError, ModelFactsError, NameRefusedError, StoreError, warn_outside
from ..records import Cursor, ModelDescribed, ModelFile, ModelRecord, PropertiesAdded, TagsRemoved, TagsSet
from . import files, numbers, trash

FOLDER, RECORD, FILES, BESIDE = "models", "model.json", "files", "beside"
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
_VERSION = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Content:
    """A file that is to become part of a model.

    Attributes
    ----------
    name : str
        Its name there.
    source : Path
        Where it lies.
    sha256 : str
        What its digest must be; empty where nobody knows.
    linkable : bool
        Whether a second name for it will do in place of a copy: nobody ever writes to it.
    """

    name: str
    source: Path
    sha256: str = ""
    linkable: bool = False


class Registry:
    """The registered models of a workspace.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root / FOLDER

    # -- in ------------------------------------------------------------------------------------------

    def add(self, draft: ModelRecord, contents: Sequence[Content], beside: Sequence[Content] = ()) -> ModelRecord:
        """Register a model.

        Parameters
        ----------
        draft : ModelRecord
            All that is known of it but the version and the files.
        contents, beside : sequence of Content
            The files.

        Returns
        -------
        record : ModelRecord
            With the version that it was given.

        Raises
        ------
        ModelChangedError
            If a file is not the one that it should be.
        StoreError
            If the disk refuses; there is no new version then.
        """
        home = self._home(draft.name)
        staged = home / f".{os.getpid()}.{os.urandom(4).hex()}.partial"
        try:
            (home / "numbers").mkdir(parents=True, exist_ok=True)
            staged.mkdir()
            taken = [_taken(staged / FILES, one, draft.name) for one in contents]
            aside = [_taken(staged / BESIDE, one, draft.name) for one in beside]
            return _published(home, staged, replace(draft, files=taken, beside=aside))
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(str(home), error) from error
        finally:
            _forget(staged)

    def append(self, name: str, version: int, *events: "journal.Event") -> None:
        """Write down what changed about a model."""
        book = journal.Journal(self.at(name, version))
        try:
            book.append(*events)
        finally:
            book.close()

    def delete(self, name: str, version: int) -> int:
        """Delete a version for good; its number is never given again.

        Returns
        -------
        freed : int
            Length of its files [bytes].

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        return trash.discard(self._root, self.at(name, version))

    # -- out -----------------------------------------------------------------------------------------

    def at(self, name: str, version: int) -> Path:
        """Return the folder of a version, whether it is there or not."""
        return self._home(name) / str(int(version))

    def versions(self, name: str) -> list[int]:
        """Return the versions of a name, whether they can be read or not, the newest first."""
        return [int(folder.name) for folder in version_folders(self._home(name))]

    def read(self, name: str, version: int) -> ModelRecord | None:
        """Return what is known of a version; None if there is none.

        Raises
        ------
        ModelFactsError
            If its model.json makes no sense.
        StoreError
            If it cannot be read.
        """
        return read(self.at(name, version))

    def records(self, name: str | None = None) -> Iterator[ModelRecord]:
        """Yield the versions of a name, or of all, the newest of each name first.

        Raises
        ------
        ModelFactsError, StoreError
            If one of the `name` cannot be read: an older one must not pass for the newest.

        Warns
        -----
        AzmlWarning
            If one of all cannot be read: it hides no other.
        """
        for home in self.homes() if name is None else [self._home(name)]:
            for folder in version_folders(home):
                try:
                    record = read(folder)
                except (ModelFactsError, StoreError) as error:
                    if name is not None:
                        raise
                    warn_outside(f"a model is left out: {error.message}", AzmlWarning)
                    continue
                if record is not None:
                    yield record

    def homes(self) -> list[Path]:
        """Return the folders of all names."""
        return [path for path in entries(self.folder) if path.is_dir()]

    def _home(self, name: str) -> Path:
        return self.folder / names.folder(names.model(name))


def entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted; nothing where there is none."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def version_folders(home: Path) -> list[Path]:
    """Return the folders of the versions of a name, the newest first."""
    found = [path for path in entries(home) if _VERSION.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name), reverse=True)


def read(folder: Path) -> ModelRecord | None:
    """Return what is known of a version from its folder, with what changed since; None if there is none."""
    try:
        text = (folder / RECORD).read_bytes()
    except FileNotFoundError:
        if not folder.exists():
            return None
        raise ModelFactsError(RECORD, str(folder), "it is not there") from None
    except OSError as error:
        raise StoreError(str(folder / RECORD), error, doing="read") from error
    try:
        record = msgspec.json.decode(text, type=ModelRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFactsError(RECORD, str(folder), str(error)) from error
    if (names.folder(record.name), str(record.version)) != (folder.parent.name, folder.name):
        raise ModelFactsError(RECORD, str(folder), f"it says that it is {record.id}")
    return _changed(record, folder)


def located(folder: Path, file: ModelFile, part: str = FILES) -> Path:
    """Return where a file of a version lies.

    Raises
    ------
    NameRefusedError
        If it leads out of the folder.
    """
    return files.below(folder / part, file.name)


# -- parts -------------------------------------------------------------------------------------------


def _taken(root: Path, content: Content, model: str) -> ModelFile:
    """Copy or link a file into a version that is being prepared."""
    target = root / names.artifact(content.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if content.linkable and files.linked_to(content.source, target):
        digest = files.sha256(target)
    else:
        digest = files.copy_hashing(content.source, target)
    if content.sha256 not in ("", digest):
        found, wanted = f"the sha256 {digest[:12]}...", f"{content.sha256[:12]}..."
        raise ModelChangedError(content.name, f"what was to become model {model}", found, wanted)
    about = target.stat()
    with contextlib.suppress(OSError):  # a slip must not change what was registered, nor the run that it is linked from
        target.chmod(about.st_mode & 0o7555)
    return ModelFile(content.name, about.st_size, digest)


def _published(home: Path, staged: Path, draft: ModelRecord) -> ModelRecord:
    """Give a prepared version its number and its name."""
    number = 0
    while True:
        number = numbers.claim(home / "numbers", number)
        record = replace(draft, version=number)
        text = msgspec.json.format(msgspec.json.encode(record), indent=2)
        (staged / RECORD).write_bytes(text + b"\n")
        try:
            staged.rename(home / str(number))
        except OSError as error:
            if error.errno not in _TAKEN:  # it is, where a registry was copied without its numbers
                raise
        else:
            return record


def _changed(record: ModelRecord, folder: Path) -> ModelRecord:
    """Return a record as it stands after what was written down since."""
    facts: dict[str, Any]
    try:
        batches = [batch for path in journal.files(folder) for batch in journal.read(path, Cursor())]
    except OSError as error:
        raise StoreError(str(folder), error, doing="read") from error
    if not batches:
        return record
    facts = {"tags": record.tags, "properties": record.properties}
    for event in sorted((event for batch in batches for event in batch.events), key=lambda event: event.at):
        match event:
            case TagsSet():
                facts["tags"] = {**facts["tags"], **event.tags}
            case TagsRemoved():
                facts["tags"] = {key: value for key, value in facts["tags"].items() if key not in event.keys}
            case PropertiesAdded():
                facts["properties"] = {**event.properties, **facts["properties"]}
            case ModelDescribed():
                told = msgspec.structs.asdict(event)
                facts |= {key: value for key, value in told.items() if key != "at" and value is not None}
    return replace(record, **facts)


def _forget(staged: Path) -> None:
    """Remove what was prepared, where it has not become a version."""
    import shutil  # 2 ms, only to register

    shutil.rmtree(staged, ignore_errors=True)


def removed(staged: Path) -> str:
    """Remove what a process that was killed has prepared; say so."""
    _forget(staged)
    return "removed it"


def wrong_with(folder: Path, record: ModelRecord, *, contents: bool = True) -> Iterator[tuple[str, str, str]]:
    """Yield which files of a version are not as they were registered: topic, path in the version, and what is wrong."""
    for part, several in ((FILES, record.files), (BESIDE, record.beside)):
        for file in several:
            if (wrong := _wrong_with(folder, file, part, contents=contents)) is not None:
                yield wrong[0], f"{part}/{file.name}", wrong[1]


def _wrong_with(folder: Path, file: ModelFile, part: str, *, contents: bool) -> tuple[str, str] | None:
    try:
        path = located(folder, file, part)
        size = path.stat().st_size
        if size != file.size:
            return "file changed", f"it has {size} bytes, {file.size} were registered"
        if contents and (found := files.sha256(path)) != file.sha256:
            return "file changed", f"its sha256 is {found}, {file.sha256} was registered"
    except NameRefusedError as error:
        return "file outside", error.message
    except (FileNotFoundError, NotADirectoryError):
        return "file gone", "its file is not there"
    except OSError as error:
        return "file unreadable", f"its file cannot be read: {error}"
    return None
