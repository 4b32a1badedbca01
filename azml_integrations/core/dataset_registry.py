"""The registered datasets of a workspace: folders, without a server and without an index.

::

    datasets/.saved/<id>.json                   definitions by id, for runs that used them
    datasets/.pending/*.json                    what is registered once a run is Completed
    datasets/<name>/<version>/dataset.json      claimed by exclusive creation
    datasets/<name>/<version>/journal/*.jsonl   tags and descriptions, as of an experiment

No dataset has a name that begins with a dot, so that nothing of the first two is ever taken for one.
"""

import fcntl
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from .. import errors, host, journal, names
from ..journal import Journal
from ..records import TERMINAL, Cursor, RunDescribed, RunStatus, TagsRemoved, TagsSet
from .dataset_definition import Definition, FileDefinition, TabularDefinition, decoded, encoded, identity
from .workspace import write_once

if TYPE_CHECKING:
    from .workspace import Workspace

_DESCRIPTION = "dataset.json"
_FORGOTTEN = 24 * 3600.0
"""Age at which a promise of a run that is not there is dropped [s]: until then the run may still be made."""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One registered version of a dataset.

    Attributes
    ----------
    name : str
        Name of the dataset.
    version : int
        Counts from 1.
    definition : Definition
        What it is.
    created : float
        Moment of registration [s since the epoch, UTC].
    description : str
        As first given; later ones stand in the journal.
    tags : dict of str to str
        Likewise.
    origin : str or None
        Output of a run that it is: ``<run id>/<output>``.
    """

    name: str
    version: int
    definition: FileDefinition | TabularDefinition
    created: float
    description: str = ""
    tags: dict[str, str] = {}
    origin: str | None = None


class Promise(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset that is registered once a run is Completed."""

    run_id: str
    output: str
    name: str
    definition: FileDefinition | TabularDefinition
    description: str = ""
    tags: dict[str, str] = {}


class Registry:
    """The registered datasets of one workspace.

    Parameters
    ----------
    workspace : Workspace
        Whose.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._root = workspace.root / "datasets"

    # -- by id ---------------------------------------------------------------------------------------

    def save(self, definition: Definition) -> str:
        """Keep a definition under its id, for whoever has only that; return the id.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        key = identity(definition)
        path = self._root / ".saved" / f"{key}.json"
        if not path.exists():
            _write(path, encoded(definition))
        return key

    def saved(self, dataset_id: str) -> Definition:
        """Return the definition with an id.

        Raises
        ------
        DatasetNotFoundError
            If it was never registered and no run has used it.
        """
        try:
            path = self._root / ".saved" / f"{uuid.UUID(dataset_id)}.json"
        except (ValueError, AttributeError, TypeError):
            raise errors.DatasetNotFoundError(str(dataset_id), self._workspace.name, self.names()) from None
        if not path.exists():
            raise errors.DatasetNotFoundError(dataset_id, self._workspace.name, self.names())
        return _read(path, decoded)

    # -- by name -------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of the registered datasets, sorted."""
        return sorted(version.name for version in self.latest())

    def registered(self, dataset_id: str) -> Version | None:
        """Return the newest registration of the definition with an id, or None where only runs have used it."""
        found = [
            version
            for name in self.names()
            for number in self.versions(name)
            if identity((version := self.get(name, number)).definition) == dataset_id
        ]
        return max(found, key=lambda version: version.created, default=None)

    def latest(self) -> list[Version]:
        """Return the latest version of each dataset, by name; one that cannot be read hides no other."""
        found = []
        for folder in _folders(self._root):
            try:
                if numbers := _numbers(folder):
                    found.append(_read(folder / str(numbers[-1]) / _DESCRIPTION, _version.decode))
            except errors.StoreError as error:
                print(f"azml_integrations: {folder} is no readable dataset: {error.message}", file=sys.stderr)  # noqa: T201
        return sorted(found, key=lambda version: version.name)

    def versions(self, name: str) -> list[int]:
        """Return the numbers of a dataset's versions, ascending."""
        return _numbers(self._folder(name))

    def get(self, name: str, version: int | str | None = "latest") -> Version:
        """Return a version of a dataset.

        Raises
        ------
        DatasetNotFoundError
            If there is no such dataset, or no such version of it.
        OptionError
            If `version` is neither a number nor ``latest``.
        """
        numbers = self.versions(name)
        if not numbers:
            raise errors.DatasetNotFoundError(name, self._workspace.name, self.names())
        number = numbers[-1] if version in (None, "latest") else _number(version)
        if number not in numbers:
            there = [f"{name} version {one}" for one in numbers]
            raise errors.DatasetNotFoundError(f"{name} version {version}", self._workspace.name, there)
        return _read(self._folder(name) / str(number) / _DESCRIPTION, _version.decode)

    def register(
        self,
        name: str,
        definition: Definition,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        create_new_version: bool = False,
        origin: str | None = None,
    ) -> Version:
        """Register a definition under a name; of many processes that do so at once, each gets a number of its own.

        Raises
        ------
        DatasetExistsError
            If the latest version is another definition and no new one is asked for.
        NameRefusedError
            If it cannot be a name.
        StoreError
            If the disk refuses.
        """
        folder = self._folder(name)
        self.save(definition)
        texts = {names.label("tag", key): names.text("tag", str(value)) for key, value in (tags or {}).items()}
        said = names.text("description", str(description or ""))
        while True:
            numbers = _numbers(folder)
            if numbers and not create_new_version:
                return self._same(self.get(name, numbers[-1]), definition)
            number = numbers[-1] + 1 if numbers else 1
            version = Version(name, number, definition, time.time(), said, texts, origin)
            if _write(folder / str(number) / _DESCRIPTION, msgspec.json.encode(version)):
                return version

    def _same(self, known: Version, definition: Definition) -> Version:
        if identity(known.definition) != identity(definition):
            raise errors.DatasetExistsError(known.name, known.version)
        return known

    def unregister(self, name: str) -> None:
        """Forget all versions of a dataset; what runs have used is still found by its id.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        folder = self._folder(name)
        gone = folder.with_name(f".gone.{os.urandom(8).hex()}")
        try:
            folder.rename(gone)  # at once: nobody meets half of the versions
            shutil.rmtree(gone)
        except FileNotFoundError:
            return
        except OSError as error:
            raise errors.StoreError(str(folder), error) from error

    def _folder(self, name: str) -> Path:
        return self._root / names.folder(dataset_name(name))

    # -- tags and description ------------------------------------------------------------------------

    def tags(self, version: Version) -> dict[str, str]:
        """Return the tags as they are now."""
        tags = dict(version.tags)
        for event in self._events(version):
            if isinstance(event, TagsSet):
                tags |= {key: value or "" for key, value in event.tags.items()}
            elif isinstance(event, TagsRemoved):
                tags = {key: value for key, value in tags.items() if key not in event.keys}
        return tags

    def description(self, version: Version) -> str:
        """Return the description as it is now."""
        said = [event.description for event in self._events(version) if isinstance(event, RunDescribed)]
        return next((text for text in reversed(said) if text is not None), version.description)

    def change(
        self,
        version: Version,
        tags: Mapping[str, str] | None = None,
        removed: Sequence[str] = (),
        description: str | None = None,
    ) -> None:
        """Add tags, take tags away, and describe anew.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        now = time.time()
        texts: dict[str, str | None] = {
            names.label("tag", key): names.text("tag", str(value)) for key, value in (tags or {}).items()
        }
        gone = [names.label("tag", key) for key in removed]
        said = None if description is None else names.text("description", str(description))
        book = Journal(self._folder(version.name) / str(version.version))
        try:
            if gone:
                book.append(TagsRemoved(gone, now))
            if texts:
                book.append(TagsSet(texts, now))
            if said is not None:
                book.append(RunDescribed(now, description=said))
        finally:
            book.close()

    def _events(self, version: Version) -> "list[journal.Event]":
        folder = self._folder(version.name) / str(version.version)
        batches = [batch for path in journal.files(folder) for batch in journal.read(path, Cursor())]
        return sorted((event for batch in batches for event in batch.events), key=lambda event: event.at)

    # -- what a run will have made -------------------------------------------------------------------

    def promise(self, promise: Promise) -> None:
        """Register something once a run is Completed: by whoever looks next, as nothing waits for the run here.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        dataset_name(promise.name)
        stem = f"{_key(promise.run_id)}.{names.digest(promise.output)[:16]}"
        _write(self._root / ".pending" / f"{stem}.json", msgspec.json.encode(promise))

    def withdraw(self, run_id: str) -> None:
        """Forget what was promised for a run."""
        for path in self._promises():
            if path.name.startswith(f"{_key(run_id)}."):
                path.unlink(missing_ok=True)

    def promised(self, run_id: str) -> list[Promise]:
        """Return what was promised for a run."""
        mine = [path for path in self._promises() if path.name.startswith(f"{_key(run_id)}.")]
        return [_read(path, _promise.decode) for path in mine]

    def _promises(self) -> list[Path]:
        try:
            found = sorted((self._root / ".pending").iterdir())
        except FileNotFoundError:
            return []
        return [path for path in found if path.suffix == ".json" and not path.name.startswith(".")]

    def settle(self) -> None:
        """Keep the promises of runs that have ended well, and drop those of runs that have not."""
        if not host.writable(self._workspace.root):  # left to somebody who may
            return
        for path in self._promises():
            self._settle(path)

    def _settle(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # whoever looks at the same moment finds it done
                if path.exists() and self._kept(_read(path, _promise.decode), path):
                    path.unlink(missing_ok=True)
        except FileNotFoundError:  # somebody else was quicker
            return
        except (OSError, errors.AzmlError) as error:  # one that cannot be kept stands in nobody's way
            print(f"azml_integrations: {path} cannot be settled: {error}", file=sys.stderr)  # noqa: T201

    def _kept(self, promise: Promise, path: Path) -> bool:
        """Keep one promise if its run has ended; return whether nothing is left to do."""
        record = self._workspace.view.of(names.run(promise.run_id)).run(promise.run_id)
        if record is None:
            return time.time() - path.stat().st_mtime > _FORGOTTEN
        if record.status == RunStatus.COMPLETED:
            self._register_output(promise)
        return record.status in TERMINAL

    def _register_output(self, promise: Promise) -> None:
        origin = f"{promise.run_id}/{promise.output}"
        if any(self.get(promise.name, number).origin == origin for number in self.versions(promise.name)):
            return  # a process that was killed had come so far
        self.register(
            promise.name,
            promise.definition,
            promise.description,
            promise.tags,
            create_new_version=True,
            origin=origin,
        )


T = TypeVar("T")

_version, _promise = msgspec.json.Decoder(Version), msgspec.json.Decoder(Promise)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 255


def dataset_name(name: object) -> str:
    """Return the name of a dataset.

    Raises
    ------
    NameRefusedError
        If it is empty, longer than 255 characters, begins or ends with a blank, or holds a control character.
    """
    checked = names.label("dataset name", name)
    if not 0 < len(checked) <= _LONGEST or checked != checked.strip() or _CONTROL.search(checked):
        raise errors.NameRefusedError(
            "dataset name", name, "expected 1 to 255 characters, no blank at its ends, no control character"
        )
    return checked


def _key(run_id: str) -> str:
    """Return what stands for a run in the names of files; an id may be as long as a name of a file can be."""
    return names.digest(names.run(run_id))


def _folders(root: Path) -> Iterator[Path]:
    try:
        yield from sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return


def _numbers(folder: Path) -> list[int]:
    """Return the versions below a dataset's folder, ascending."""
    try:
        found = [entry for entry in folder.iterdir() if re.fullmatch(r"[1-9]\d{0,17}", entry.name)]
    except OSError:
        return []
    return sorted(int(entry.name) for entry in found if (entry / _DESCRIPTION).exists())


def _number(version: object) -> int:
    try:
        return int(str(version))
    except ValueError:
        raise errors.OptionError(f"version is {version!r}; expected a number or 'latest'") from None


def _write(path: Path, content: bytes) -> bool:
    """Create a file, complete, unless it is there; False when somebody else was first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_once(path, content.decode())
    except OSError as error:
        raise errors.StoreError(str(path), error) from error


def _read(path: Path, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise errors.StoreError(str(path), error, doing="read") from error
