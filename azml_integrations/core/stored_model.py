"""A model as a file, and beside it a .json that says what it is: for adapters that store models and load them again.

The .json is written last, so a file without it was not stored to the end. It is read back with suspicion: of what it
says, only what is harmless is believed, and what was hashed is what is loaded. It lies in a run below ``outputs/``,
in a folder on the disk, or in a registered `Model`.

::

    write(run, "outputs/Ridge", MyFacts(class_="Ridge", ..., versions=versions(["scikit-learn"])), content)

    stored = find(source, name)                      # a Run, a Model, or a path
    facts = stored.facts(MyFacts, {"pickle": "model.pkl"})
    content = stored.content(facts)                  # bytes whose size and digest are those of the facts
"""

import hashlib
import io
import os
import platform
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import msgspec

from .. import errors, names
from ..store import files
from .model import Model
from .registering import MOST_FACT_BYTES

if TYPE_CHECKING:
    from .run import Run

FACTS = "model.json"
"""Name of the .json beside a model."""

_SHA256 = r"\A[0-9a-f]{64}\Z"


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"class_": "class"}):
    """What stands beside a stored file; adapters derive from it and add their own.

    Attributes
    ----------
    class_, module : str
        Class of the model.
    file : str
        Name of the file, in the same folder.
    format : str
        How it was written.
    load : str
        How to load it, for people.
    size : int
        Of the file [bytes].
    sha256 : str
        Of the file.
    versions : dict of str to str
        Of Python and the packages that made it; None where one is not installed.
    """

    class_: str
    module: str
    file: str
    format: str
    load: str = ""
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=_SHA256)]
    versions: dict[str, str | None]


F = TypeVar("F", bound=ModelFacts)


class Digested(Protocol):
    """A file whose size [bytes] and digest are known."""

    @property
    def file(self) -> str:
        """Its name, relative to the model's folder."""

    @property
    def size(self) -> int:
        """Its length [bytes]."""

    @property
    def sha256(self) -> str:
        """Its digest."""


D = TypeVar("D", bound=Digested)

# -- in ----------------------------------------------------------------------------------------------


def write(run: "Run", folder: str, facts: ModelFacts, content: object, name: str = FACTS) -> None:
    """Copy a file into a run, and after it what is to be known of it.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    facts : ModelFacts
        What is to be known; their size and digest are those of the content.
    content : str, path-like or binary stream
        The file.
    name : str, default="model.json"
        Of the .json.
    """
    run.upload_file(f"{folder}/{facts.file}", content)
    text = msgspec.json.format(msgspec.json.encode(facts), indent=2)
    run.upload_file(f"{folder}/{name}", io.BytesIO(text))


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Return the versions of Python and of distributions; None for one that is not installed."""
    return {"python": platform.python_version(), **{name: version_of(name) for name in packages}}


@cache
def version_of(package: str) -> str | None:
    """Return the version of a distribution; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def checked_name(name: object) -> str:
    """Return a name that a folder below ``outputs/`` can have.

    Raises
    ------
    NameRefusedError
        If it is none.
    """
    if not isinstance(name, str) or not name.strip(". ") or "/" in name or "\\" in name:
        raise errors.NameRefusedError("model name", name, "expected the plain name of a folder below outputs/")
    return name


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name, or the first after it that is not taken: ``Ridge``, ``Ridge_2`` ..."""
    candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def free_place(run: "Run", default: str, name: str | None = None) -> str:
    """Return the folder below ``outputs/`` that a model to come has for itself.

    Parameters
    ----------
    run : Run
        Where the model goes.
    default : str
        What it is called where nobody says: a class; where that is taken, the first free name after it.
    name : str, default=None
        What the user wants it to be called.

    Raises
    ------
    ModelExistsError
        If the run has files under `name`.
    NameRefusedError
        If `name` is no plain folder name.
    """
    taken = {file.split("/")[1] for file in run.get_file_names() if file.startswith("outputs/") and file.count("/") > 1}
    if name is None:
        return free_name(default, taken)
    if checked_name(name) in taken:
        raise errors.ModelExistsError(name, f"run {run.id}", "choose another name, or leave it out")
    return name


# -- out ---------------------------------------------------------------------------------------------


def find(source: "Run | Model | str | os.PathLike[str]", name: str | None = None, facts: str = FACTS) -> "StoredModel":
    """Return where a model lies: in a run, in the registry, or on the disk.

    Parameters
    ----------
    source : Run, Model, str or path-like
        The run; the registered model; a folder with the model in it, or in a folder in it; or the file.
    name : str, default=None
        The folder: of a run, below ``outputs/``. May be left out where there is one only.
    facts : str, default="model.json"
        Name of the .json that makes a folder one.

    Raises
    ------
    ModelNotFoundError
        If there is none.
    AmbiguousModelError
        If there are several and none is named.
    OptionError
        If `source` is something else.
    """
    from .run import Run

    if isinstance(source, Run):
        return _in_run(source, name, facts)
    if isinstance(source, Model):
        return _in_registry(source, name, facts)
    if isinstance(source, (str, os.PathLike)):
        return _on_disk(Path(source), name, facts)
    raise errors.OptionError(f"got {errors.a(source)} to load from; expected a Run, a Model, or the path of a folder")


class StoredModel(ABC):
    """A model that was found; made by `find`.

    Parameters
    ----------
    where : str
        Where it lies, in words.
    folder : str
        First part of the names of its files there.
    name : str
        Of its .json.
    only : str, default=""
        The one file that was asked for.

    Attributes
    ----------
    where : str
        Where it lies, in words: ``run 2f6a...``, ``model ridge:3``, a path.
    """

    def __init__(self, where: str, folder: str, name: str, only: str = "") -> None:
        self.where = where
        self._folder = folder
        self._name = name
        self._only = only

    def name_of(self, file: str) -> str:
        """Return a file's name as messages have it: ``outputs/Ridge/model.pkl``."""
        return f"{self._folder}/{file}" if self._folder else file

    def facts(self, kind: type[F], files: Mapping[str, str], most_bytes: int = MOST_FACT_BYTES) -> F:
        """Read the .json, which may have been changed: of what it says, only what is harmless is believed.

        Parameters
        ----------
        kind : type of ModelFacts
            What it must hold.
        files : dict of str to str
            The formats that are known, and the name of the file of each.
        most_bytes : int
            A larger .json is none of ours [bytes].

        Returns
        -------
        facts : ModelFacts
            Of that kind.

        Raises
        ------
        ModelFactsError
            If it makes no sense.
        ModelNotFoundError
            If it tells of another file than the one that was asked for.
        """
        facts = self.told(kind, most_bytes)
        name = self.name_of(self._name)
        if facts.format not in files:
            raise errors.ModelFactsError(name, self.where, f"the format {facts.format!r} is unknown")
        if facts.file != files[facts.format]:  # no path, and no other file
            raise errors.ModelFactsError(name, self.where, f"the file of a {facts.format} is not {facts.file!r}")
        if self._only not in ("", facts.file, self._name):
            raise _bare(self._only, self.where)
        return facts

    def told(self, kind: type[F], most_bytes: int = MOST_FACT_BYTES) -> F:
        """Read the .json, and believe nothing of it yet.

        Parameters
        ----------
        kind, most_bytes
            As in `facts`.

        Raises
        ------
        ModelFactsError
            If it makes no sense.
        """
        name = self.name_of(self._name)
        if (size := self._size(self._name)) > most_bytes:
            raise errors.ModelFactsError(
                name, self.where, f"with {size:,} bytes it is larger than {errors.in_words(most_bytes)}"
            )
        try:
            return msgspec.json.decode(self._read(self._name), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise errors.ModelFactsError(name, self.where, str(error)) from error

    def checked_files(self, facts: ModelFacts, several: Sequence[D]) -> Sequence[D]:
        """Return the files that the .json names, once each of them is known to lie in the model's folder.

        Raises
        ------
        ModelFactsError
            If a name leads elsewhere, or stands there twice.
        ModelNotFoundError
            If they are others than the one that was asked for.
        """
        name, named = self.name_of(self._name), [one.file for one in several]
        for file in named:
            try:
                harmless = names.artifact(file) == file != self._name
            except errors.NameRefusedError:
                harmless = False
            if not harmless or named.count(file) > 1:
                raise errors.ModelFactsError(name, self.where, f"no file of a {facts.format} is {file!r}")
        if self._only not in ("", self._name) and [self._only] != named:
            raise _bare(self._only, self.where)
        return several

    def content(self, facts: "Digested") -> bytes:
        """Read the file once; what was hashed is what will be loaded.

        Raises
        ------
        ModelChangedError
            If it is not the one that was stored.
        """
        name = self.name_of(facts.file)
        size = self._size(facts.file)
        if size != facts.size:  # before a file of any size is read into memory
            raise errors.ModelChangedError(name, self.where, f"{size:,} bytes", f"{facts.size:,}")
        content = self._read(facts.file)
        digest = hashlib.sha256(content).hexdigest()
        if digest != facts.sha256:
            found, wanted = f"the sha256 {digest[:12]}...", f"{facts.sha256[:12]}..."
            raise errors.ModelChangedError(name, self.where, found, wanted)
        return content

    def _size(self, file: str) -> int:
        try:
            return self._path(file).stat().st_size
        except OSError as error:
            raise errors.StoreError(f"{self.name_of(file)} of {self.where}", error, doing="read") from error

    def _read(self, file: str) -> bytes:
        try:
            return self._path(file).read_bytes()
        except OSError as error:
            raise errors.StoreError(f"{self.name_of(file)} of {self.where}", error, doing="read") from error

    @abstractmethod
    def _path(self, file: str) -> Path:
        """Return where a file of the model lies."""


def _bare(file: str, where: str) -> errors.ModelNotFoundError:
    why = f"no .json beside {file} says what it is, so load it with what wrote it"
    return errors.ModelNotFoundError(None, where, [file], why)


def _chosen(where: str, name: str | None, there: list[str], why: str) -> str:
    """Return the one that is meant of several; no name becomes a path that is not among them."""
    if (name is None and not there) or (name is not None and name not in there):
        raise errors.ModelNotFoundError(name, where, there, why)
    if name is None and len(there) > 1:
        raise errors.AmbiguousModelError(where, there)
    return there[0] if name is None else name


# -- in a run ----------------------------------------------------------------------------------------


class _InRun(StoredModel):
    def __init__(self, run: "Run", folder: str, name: str) -> None:
        super().__init__(f"run {run.id}", folder, name)
        self._run = run

    def _path(self, file: str) -> Path:
        artifact = self._run._artifact(self.name_of(file))  # noqa: SLF001 - one of us
        return files.locate(self._run.experiment.workspace.view.folder(self._run.id), artifact)


def _in_run(run: "Run", name: str | None, facts: str) -> StoredModel:
    matches = (re.fullmatch(rf"outputs/([^/]+)/{re.escape(facts)}", each) for each in run.get_file_names())
    there = [match[1] for match in matches if match]
    chosen = _chosen(f"run {run.id}", name, there, "the notes of the run may say why")
    return _InRun(run, f"outputs/{chosen}", facts)


# -- on the disk -------------------------------------------------------------------------------------


class _OnDisk(StoredModel):
    def _path(self, file: str) -> Path:
        return Path(self.where, names.artifact(file))


def _on_disk(given: Path, name: str | None, facts: str) -> StoredModel:
    if given.is_file():
        if name is not None or not (given.parent / facts).is_file():
            raise _bare(given.name, str(given.parent))
        return _OnDisk(str(given.parent), "", facts, given.name)
    if name is None and (given / facts).is_file():
        return _OnDisk(str(given), "", facts)
    there = sorted(path.parent.name for path in given.glob(f"*/{facts}"))
    chosen = _chosen(str(given), name, there, f"a folder with a model has a {facts}")
    return _OnDisk(str(given / chosen), "", facts)


# -- in the registry ---------------------------------------------------------------------------------


class _InRegistry(StoredModel):
    """Files whose digests the registry knows; each of them is checked against it, the .json too."""

    def __init__(self, model: Model, folder: str, name: str, only: str = "") -> None:
        super().__init__(f"model {model.id}", folder, name, only)
        self._model = model

    def _path(self, file: str) -> Path:
        return self._model._locate(*self._model._file(self.name_of(file)))  # noqa: SLF001 - one of us

    def _read(self, file: str) -> bytes:
        return self._model.read_file(self.name_of(file))


def _in_registry(model: Model, name: str | None, facts: str) -> StoredModel:
    there = [PurePosixPath(each) for each in model.get_file_names()]
    if not there:
        raise errors.ModelNotFoundError(name, f"model {model.id}", [], "its model.json names no files")
    if there == [PurePosixPath(there[0].name)]:  # one file, with what was written beside it
        file = there[0].name
        beside = [one.name for one in model._registered.beside]  # noqa: SLF001 - one of us
        if name is not None or facts not in beside:
            raise _bare(file, f"model {model.id}")
        return _InRegistry(model, "", facts, file)
    folders = {path.parent.as_posix(): len(path.parts) for path in there if path.name == facts}
    top = there[0].parts[0]
    if name is None and top in folders:
        return _InRegistry(model, top, facts)
    below = sorted(PurePosixPath(folder).name for folder, parts in folders.items() if parts == 3)  # noqa: PLR2004 - top/name/facts
    chosen = _chosen(f"model {model.id}", name, below, f"a folder with a model has a {facts}")
    return _InRegistry(model, f"{top}/{chosen}", facts)
