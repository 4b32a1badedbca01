"""From a definition to files: which there are, where they lie, and how they come into a folder."""

import contextlib
import glob
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

from .. import errors, names
from ..store.files import CHUNK, copy, tree
from .dataset_definition import (
    DatastorePath,
    FileDefinition,
    FileStep,
    LocalPath,
    Part,
    Skip,
    Source,
    Take,
    WebAddress,
    Written,
)

if TYPE_CHECKING:
    from urllib.request import Request

    from .workspace import Workspace

T = TypeVar("T")

PATIENCE = 30.0
"""How long an address may take to answer [s]."""


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset.

    Attributes
    ----------
    name : str
        Relative POSIX path by which the dataset knows it.
    origin : Path, WebAddress or Written
        Where its content is.
    """

    name: str
    origin: Path | WebAddress | Written


# -- which there are ---------------------------------------------------------------------------------


def files_of(definition: FileDefinition, workspace: "Workspace | None") -> list[DataFile]:
    """Return the files of a dataset, after all its steps.

    Raises
    ------
    SourceNotFoundError
        If a file, a folder or anything that a pattern fits is not there.
    """
    found = listed(definition.sources, workspace)
    for step in definition.steps:
        found = stepped(found, step)
    return found


def listed(sources: Sequence[Source], workspace: "Workspace | None") -> list[DataFile]:
    """Return the files of several sources, in their order, each once.

    Names are relative to the folder, or to the fixed part of the pattern; of several sources, to what their folders
    have in common. A file of the web is named ``<scheme>/<host>/<path>``.
    """
    local = {source: _found(located(source, workspace)) for source in sources if _is_local(source)}
    root = os.path.commonpath([base for base, _ in local.values()]) if local else ""
    files: dict[str, DataFile] = {}
    for source in sources:
        match source:
            case WebAddress():
                found: Iterable[DataFile] = [DataFile(_web_name(source.url), source)]
            case Written():
                found = [DataFile(f"part-00000.{source.form}", source)]
            case _:
                found = (DataFile(path.relative_to(root).as_posix(), path) for path in local[source][1])
        for file in found:
            files.setdefault(file.name, file)
    return list(files.values())


def _is_local(source: Source) -> bool:
    return isinstance(source, (LocalPath, DatastorePath))


def located(source: Source, workspace: "Workspace | None") -> Path:
    """Return where a local source lies.

    Raises
    ------
    UserErrorException
        If it lies in a datastore, and there is no workspace or no such datastore.
    """
    match source:
        case LocalPath(path=path):
            return Path(path)
        case DatastorePath(datastore=name, path=path):
            if workspace is None:
                raise errors.UserErrorException(f"the dataset lies in datastore {name!r}, but in no known workspace")
            from .datastore import Datastore

            return Datastore(workspace, name).locate(path)
        case _:
            raise TypeError(source)


def _found(path: Path) -> tuple[Path, list[Path]]:
    """Return the files at a path or pattern, and the folder that they are relative to."""
    if path.is_dir():
        return path, [file for _, file in tree(path)]
    if path.is_file():
        return path.parent, [path]
    if not is_pattern(path):
        raise errors.SourceNotFoundError(str(path), "a file, a folder or a pattern of them that exists")
    fitting = (Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207 - a pattern may be absolute
    found = sorted(one for one in fitting if one.is_file())
    if not found:
        raise errors.SourceNotFoundError(str(path), "a pattern that some file fits")
    return _fixed(path), found


def is_pattern(path: Path) -> bool:
    """Tell whether a path holds what stands for several names."""
    return glob.has_magic(str(path))


def _fixed(pattern: Path) -> Path:
    """Return the folder before the first part that stands for several names."""
    folder = pattern
    while is_pattern(folder):
        folder = folder.parent
    return folder


def _web_name(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):  # a definition from elsewhere may say anything
        raise errors.DownloadError(shown(url), "it is no address of the web")
    return names.artifact(f"{parts.scheme}/{parts.netloc.rpartition('@')[2]}{unquote(parts.path)}")


def only_file(definition: FileDefinition, workspace: "Workspace | None") -> bool:
    """Tell whether a dataset is made of exactly one file path: a script then gets the file's path, not a folder's."""
    if len(definition.sources) != 1 or definition.steps:
        return False
    source = definition.sources[0]
    return not _is_local(source) or located(source, workspace).is_file()


def stepped(items: Sequence[T], step: FileStep) -> list[T]:
    """Return what one step leaves of some items."""
    match step:
        case Take(count=count):
            return list(items[:count])
        case Skip(count=count):
            return list(items[count:])
        case Part():
            return [item for item, chosen in zip(items, drawn(step, len(items)), strict=True) if chosen]


def drawn(part: Part, count: int) -> list[bool]:
    """Return which of `count` items a part of a random split holds."""
    random = Random(part.seed)  # noqa: S311 - for sampling, and the user's generators are left alone
    return [(random.random() < part.percentage) == part.first for _ in range(count)]


# -- keys in their paths -----------------------------------------------------------------------------


class PartitionFormat:
    """Which parts of paths are keys: ``/{country}/{day:yyyy/MM/dd}/*.csv``.

    Parameters
    ----------
    text : str
        ``{name}`` is a key of strings, ``{name:yyyy/MM/dd/HH/mm/ss}`` one of moments; it fits the end of a path.

    Raises
    ------
    OptionError
        If it holds no key, or one that cannot be.
    """

    _KEY = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}|(\*)|([^{}*]+)|([{}])")
    _PARTS: Mapping[str, str] = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: dict[str, str | None] = {}
        pattern = ""
        for name, moment, star, plain, stray in self._KEY.findall(text):
            if stray or name in self.keys or (moment and not self._time_parts(moment)):
                raise errors.OptionError(
                    f"partition_format is {text!r}; expected keys as {{name}} or {{name:yyyy/MM/dd}}, each once"
                )
            if name:
                self.keys[name] = re.sub("|".join(self._PARTS), lambda part: self._PARTS[part[0]], moment) or None
                digits = re.sub("|".join(self._PARTS), lambda part: rf"\d{{{len(part[0])}}}", re.escape(moment))
                pattern += f"({digits})" if moment else "([^/]+)"
            pattern += "[^/]*" if star else re.escape(plain)
        if not self.keys:
            raise errors.OptionError(f"partition_format is {text!r}; expected at least one key as {{name}}")
        self._pattern = re.compile(pattern + "$")

    def _time_parts(self, moment: str) -> bool:
        return any(part in moment for part in self._PARTS)

    def values(self, name: str) -> dict[str, str | datetime]:
        """Return the keys of one file.

        Raises
        ------
        UserErrorException
            If its path does not fit.
        """
        fitting = self._pattern.search("/" + name)
        if fitting is None:
            raise errors.UserErrorException(f"the path /{name} does not fit partition_format {self.text!r}")
        return {
            key: value if moment is None else datetime.strptime(value, moment)  # noqa: DTZ007 - as the path has it
            for (key, moment), value in zip(self.keys.items(), fitting.groups(), strict=True)
        }


# -- into a folder -----------------------------------------------------------------------------------


def put(files: Sequence[DataFile], folder: Path, workspace: "Workspace | None", *, linked: bool) -> list[Path]:
    """Bring files into a folder under their names; each is complete or was never touched.

    Parameters
    ----------
    files : sequence of DataFile
        What to bring.
    folder : Path
        Where to; made when needed.
    workspace : Workspace or None
        Whose datastores are meant.
    linked : bool
        Whether files of this machine become symbolic links in place of copies.

    Raises
    ------
    DownloadError
        If an address cannot be read.
    StoreError
        If the disk refuses.
    """
    return [_put(file, folder / file.name, workspace, linked=linked) for file in files]


def _put(file: DataFile, target: Path, workspace: "Workspace | None", *, linked: bool) -> Path:
    match file.origin:
        case WebAddress(url=url):
            fetch(url, target)
        case Written():
            from .dataset_rows import write

            write(file.origin, target, workspace)
        case path if linked:
            _link(path, target)
        case path:
            copy(path, target)
    return target


def _link(path: Path, target: Path) -> None:
    """Make a symbolic link; the folder is made only where it is missing, since ten thousand links may go into one."""
    try:
        try:
            target.symlink_to(path.absolute())
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path.absolute())
    except OSError as error:
        raise errors.StoreError(str(target), error) from error


@contextlib.contextmanager
def on_disk(file: DataFile, workspace: "Workspace | None") -> Iterator[Path]:
    """Give a file a path for as long as the block lasts."""
    if isinstance(file.origin, Path):
        yield file.origin
        return
    with tempfile.TemporaryDirectory(prefix="azml-") as folder:
        yield _put(file, Path(folder, Path(file.name).name), workspace, linked=False)


def fetch(url: str, target: Path) -> None:
    """Copy a file of the web to a path, so that the target is complete or was never touched.

    Raises
    ------
    DownloadError
        If it cannot be read, or comes shorter than announced.
    StoreError
        If the disk refuses.
    """
    partial = target.with_name(f".azml-{os.urandom(4).hex()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as out:
            for chunk in _chunks(url):
                out.write(chunk)
        partial.replace(target)
    except errors.DownloadError:
        raise
    except OSError as error:
        raise errors.StoreError(str(target), error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _chunks(url: str) -> Iterator[bytes]:
    """Yield the content of an address."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    got = 0
    try:
        with urlopen(_asking(url), timeout=PATIENCE) as answer:  # noqa: S310 - http or https
            announced = answer.headers.get("Content-Length")
            while chunk := answer.read(CHUNK):
                got += len(chunk)
                yield chunk
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is the answer, with its connection
        raise errors.DownloadError(shown(url), error) from error
    if announced not in (None, str(got)):
        raise errors.DownloadError(shown(url), f"got {got} of {announced} bytes")


def _asking(url: str) -> "Request":
    """Return the request for an address; a name and password in it go to its host, and to no other one."""
    from base64 import b64encode
    from urllib.request import Request

    parts = urlsplit(url)
    who, _, host = parts.netloc.rpartition("@")
    asked = Request(parts._replace(netloc=host).geturl(), headers={"User-Agent": "azml_integrations"})  # noqa: S310 - as above
    if who:
        asked.add_unredirected_header("Authorization", "Basic " + b64encode(unquote(who).encode()).decode())
    return asked


def shown(url: str) -> str:
    """Return an address without what may be secret in it: name, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" + ("?..." if parts.query else "")


def place(source: Mapping[str, Any]) -> str:
    """Return in one line where a source of a definition lies, without what may be secret in an address."""
    match source["kind"]:
        case "web":
            return shown(source["url"])
        case "datastore":
            return f"{source['datastore']}:{source.get('path', '')}"
        case "written":
            return f"{source['form']} of the rows of another dataset"
        case _:
            return str(source["path"])


class Mounted:
    """The files of a dataset as a folder, for as long as a ``with`` block lasts; for reading.

    Files of this machine are symbolic links, so that nothing is copied; what a script writes beside them never
    comes into the folders of their owners.

    Parameters
    ----------
    files : sequence of DataFile
        What is in it.
    mount_point : str or path-like, default=None
        The folder, which is empty or not there; a temporary one by default.
    workspace : Workspace or None
        Whose datastores are meant.
    """

    def __init__(
        self, files: Sequence[DataFile], mount_point: str | os.PathLike[str] | None, workspace: "Workspace | None"
    ) -> None:
        self._files, self._workspace = files, workspace
        self._chosen = None if mount_point is None else Path(mount_point).absolute()
        self._within = contextlib.ExitStack()

    @cached_property
    def mount_point(self) -> str:
        """Return the folder."""
        if self._chosen is not None:
            return str(self._chosen)
        return self._within.enter_context(tempfile.TemporaryDirectory(prefix="azml-"))

    def start(self) -> None:
        """Fill the folder.

        Raises
        ------
        UserErrorException
            If it holds something already.
        """
        folder = Path(self.mount_point)
        if self._chosen is not None:
            if self._chosen.is_file() or (self._chosen.is_dir() and any(self._chosen.iterdir())):
                raise errors.UserErrorException(f"{folder} is not an empty folder; mount where nothing lies")
            self._within.callback(_empty, folder, [file.name for file in self._files])
        put(self._files, folder, self._workspace, linked=True)

    def stop(self) -> None:
        """Take the files away again; what else came into a folder that was named stays."""
        self._within.close()
        self.__dict__.pop("mount_point", None)

    def __enter__(self) -> Self:
        """Fill the folder."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the files away again."""
        self.stop()


def _empty(folder: Path, relatives: Sequence[str]) -> None:
    """Remove files of a folder, and the folders that are empty then."""
    for relative in relatives:
        (folder / relative).unlink(missing_ok=True)
    parents = {parent for relative in relatives for parent in Path(relative).parents if parent != Path()}
    for parent in sorted(parents, key=lambda parent: len(parent.parts), reverse=True):
        with contextlib.suppress(OSError):
            (folder / parent).rmdir()
