"""A file in a run beside a .json that says what it is: written in this order, read back only when both agree."""

import contextlib
import hashlib
import io
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from azml_integrations.errors import (
    AmbiguousModelError,
    ModelChangedError,
    ModelFactsError,
    ModelNotFoundError,
    UserErrorException,
)

if TYPE_CHECKING:
    from azml_integrations import Run

MOST_FACT_BYTES = 1 << 26
"""A larger .json is none of ours [bytes]; that of a model of a million tensors is smaller."""
CHUNK = 1 << 20
_SHA256 = r"\A[0-9a-f]{64}\Z"


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"class_": "class"}):
    """What stands beside a stored file.

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
    parameters : int
        Numbers that the model learns.
    tensors : dict of str to list
        Type and shape of each tensor of the state, by name.
    shared : dict of str to str
        Names of tensors that are stored under another name, with it.
    epoch : int or None
        Of a checkpoint.
    """

    class_: str
    module: str
    file: str
    format: str
    load: str = ""
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=_SHA256)]
    versions: dict[str, str | None]
    parameters: int = 0
    tensors: dict[str, tuple[str, list[int]]] = {}
    shared: dict[str, str] = {}
    epoch: int | None = None

    @property
    def path(self) -> str:
        """Where the class is to be found."""
        return f"{self.module}.{self.class_}"


@dataclass(frozen=True)
class Place:
    """Where a stored file lies.

    Attributes
    ----------
    folder : str
        In the run, ``outputs/Net``, or on the disk.
    run : Run or None
        The run; None for a folder on the disk.
    """

    folder: str
    run: "Run | None" = None

    @property
    def where(self) -> str:
        """Say it in words."""
        return self.folder if self.run is None else f"run {self.run.id}"

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """Give a file's path; one of a run is copied to where nobody else writes."""
        if self.run is None:
            yield Path(self.folder, name)
            return
        with tempfile.TemporaryDirectory(prefix="azml-model-") as folder:
            path = Path(folder, name)
            self.run.download_file(f"{self.folder}/{name}", path)
            yield path

    def facts(self, name: str, files: dict[str, str]) -> Facts:
        """Read a .json, which may have been changed: of what it says, only what is harmless is believed.

        Parameters
        ----------
        name : str
            Of the .json.
        files : dict of str to str
            The only file of each format.
        """
        with self.opened(name) as path:
            if path.stat().st_size > MOST_FACT_BYTES:
                raise ModelFactsError(name, self.where, f"it is larger than {MOST_FACT_BYTES:,} bytes")
            text = path.read_bytes()
        try:
            facts = msgspec.json.decode(text, type=Facts)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ModelFactsError(name, self.where, str(error)) from error
        if facts.format not in files:
            raise ModelFactsError(name, self.where, f"the format {facts.format!r} is unknown")
        if facts.file != files[facts.format]:  # no path, and no other file of the run
            raise ModelFactsError(name, self.where, f"the file of a {facts.format} is not {facts.file!r}")
        return facts

    @contextlib.contextmanager
    def checked(self, facts: Facts) -> Iterator[io.BytesIO]:
        """Give the content of the file; what was hashed is what will be loaded."""
        with self.opened(facts.file) as path:
            size = path.stat().st_size
            if size != facts.size:  # before a file of any size is read into memory
                raise ModelChangedError(facts.file, self.where, f"{size:,} bytes", f"{facts.size:,}")
            content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != facts.sha256:
            found, wanted = f"the sha256 {digest[:12]}...", f"{facts.sha256[:12]}..."
            raise ModelChangedError(facts.file, self.where, found, wanted)
        yield io.BytesIO(content)


def store(run: "Run", folder: str, path: Path, name: str, facts: dict[str, Any], packages: tuple[str, ...]) -> None:
    """Copy a file into a run, and after it what is to be known of it.

    Parameters
    ----------
    run : Run
        Where to.
    folder : str
        Folder in the run, ``outputs/Net``.
    path : Path
        The file.
    name : str
        Of the .json.
    facts : dict of str to object
        What `Facts` has beside size, digest and versions.
    packages : tuple of str
        Whose versions matter.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    versions: dict[str, str | None] = {"python": platform.python_version()} | {one: _version(one) for one in packages}
    told = Facts(file=path.name, size=path.stat().st_size, sha256=digest, versions=versions, **facts)
    run.upload_file(f"{folder}/{path.name}", path)
    text = msgspec.json.format(msgspec.json.encode(told), indent=2)
    run.upload_file(f"{folder}/{name}", io.BytesIO(text))  # last: a file without it was not stored to the end


def found(source: Any, name: str | None, file: str) -> Place:
    """Return where a model lies: in a run, or in a folder on the disk.

    Parameters
    ----------
    source : Run, str or path-like
        The run, or a folder, or a file in it.
    name : str or None
        Folder below ``outputs/``; may be left out where there is one only.
    file : str
        Name of the .json that makes a folder one.

    Raises
    ------
    ModelNotFoundError
        If there is none.
    AmbiguousModelError
        If there are several and none is named.
    UserErrorException
        If `source` is something else.
    """
    if isinstance(source, (str, os.PathLike)):
        given = Path(source)
        folder = given.parent if given.is_file() else given / (name or "")
        if not (folder / file).is_file():
            raise ModelNotFoundError(name, str(source), [])
        return Place(str(folder))
    if not hasattr(source, "get_file_names"):
        raise UserErrorException(f"got {type(source).__name__} to load from; expected a Run, or the path of a folder")
    matches = (re.fullmatch(rf"outputs/([^/]+)/{re.escape(file)}", each) for each in source.get_file_names())
    there = [match[1] for match in matches if match]
    if (name is None and not there) or (name is not None and name not in there):
        raise ModelNotFoundError(name, f"run {source.id}", there)
    if name is None and len(there) > 1:
        raise AmbiguousModelError(f"run {source.id}", there)
    return Place(f"outputs/{name or there[0]}", source)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
