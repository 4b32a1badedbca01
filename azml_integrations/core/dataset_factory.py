"""What makes datasets: of paths, of addresses, of data frames."""

import codecs
import fnmatch
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias
from urllib.parse import unquote, urlsplit

from .. import errors
from ..store.files import tree
from .data_reference import DataReference
from .datapath import DataPath
from .dataset_definition import (
    ColumnType,
    DatastorePath,
    FileDefinition,
    LocalPath,
    Reading,
    Source,
    TabularDefinition,
    WebAddress,
)
from .dataset_files import PartitionFormat, listed
from .datastore import Datastore, relative_path
from .file_dataset import FileDataset
from .tabular_dataset import TabularDataset

if TYPE_CHECKING:
    from .workspace import Workspace

OnePath: TypeAlias = str | os.PathLike[str] | DataPath | DataReference | tuple[Datastore, str]
Paths: TypeAlias = OnePath | Sequence[OnePath]
Target: TypeAlias = Datastore | DataPath | tuple[Datastore, str]

_ENCODINGS = {"utf8bom": "utf-8-sig", "iso88591": "iso-8859-1", "windows1252": "windows-1252"}
"""SDK v1's names that Python does not know."""


class PromoteHeadersBehavior:
    """Which of several delimited files begin with the names of the columns."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3


_HEADERS: Mapping[int, Any] = {0: "none", 1: "first", 2: "each", 3: "each"}


class DataType:
    """What a column's values are turned into, for ``set_column_types``; what cannot be turned becomes null."""

    @staticmethod
    def to_string() -> ColumnType:
        """Keep the text as it is."""
        return ColumnType("string")

    @staticmethod
    def to_long() -> ColumnType:
        """Turn into whole numbers."""
        return ColumnType("long")

    @staticmethod
    def to_float(decimal_mark: str = ".") -> ColumnType:
        """Turn into floating-point numbers, written with a point."""
        if decimal_mark != ".":
            raise errors.OptionError(f"decimal_mark is {decimal_mark!r}; only '.' is read")
        return ColumnType("float")

    @staticmethod
    def to_bool() -> ColumnType:
        """Turn ``true``, ``1`` and ``yes``, ``false``, ``0`` and ``no`` into booleans."""
        return ColumnType("bool")

    @staticmethod
    def to_datetime(formats: str | Sequence[str] | None = None) -> ColumnType:
        """Turn into moments, by the first of several formats of strftime that fits."""
        return ColumnType("datetime", (formats,) if isinstance(formats, str) else tuple(formats or ()))


class TabularDatasetFactory:
    """Makes `TabularDataset`; known as `Dataset.Tabular`."""

    @staticmethod
    def from_delimited_files(
        path: Paths,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, ColumnType] | None = None,
        separator: str = ",",
        header: bool | int = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,  # noqa: ARG004 - SDK v1's signature
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        r"""Make a dataset of csv files and their like.

        Parameters
        ----------
        path : str, path-like, DataPath, (Datastore, str) or a list of them
            Files, folders, patterns, or addresses of the web, which are fetched only when rows are read. Relative
            ones of this machine are meant from the working directory of this call.
        validate : bool, default=True
            Whether files of this machine must be there now.
        include_path : bool, default=False
            Whether a column ``Path`` names each row's file.
        infer_column_types : bool, default=True
            Whether numbers, booleans and moments in ISO 8601 are found; else all columns are strings.
        set_column_types : dict of str to ColumnType, default=None
            As `DataType` makes them, by column.
        separator : str, default=","
            Between columns.
        header : bool or PromoteHeadersBehavior, default=True
            Which files begin with the names of the columns; without any they are ``Column1``, ``Column2`` ...
        partition_format : str, default=None
            Which parts of the paths become columns: ``/{country}/{day:yyyy/MM/dd}/*.csv``.
        support_multi_line : bool, default=False
            Ignored: a line break in quotes never ends a row.
        empty_as_string : bool, default=False
            Whether an empty field of a column of strings is ``""`` and not null.
        encoding : str, default="utf8"
            SDK v1's names (``iso88591``, ``utf8bom`` ...) and Python's.

        Raises
        ------
        SourceNotFoundError
            If nothing is there and `validate`.
        OptionError
            If an argument says nothing that can be done.
        NeedsCloudError
            If a path is an address of a cloud's storage.
        """
        reading = Reading(
            "delimited",
            include_path=bool(include_path),
            infer=bool(infer_column_types),
            types=_types(set_column_types),
            separator=_separator(separator),
            header=_header(header),
            partition_format=_checked_format(partition_format),
            empty_as_string=bool(empty_as_string),
            encoding=_encoding(encoding),
        )
        return _tabular(path, reading, validate=validate)

    @staticmethod
    def from_parquet_files(
        path: Paths,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, ColumnType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Make a dataset of parquet files; parameters as in `from_delimited_files`. Reading them needs pyarrow."""
        reading = Reading(
            "parquet",
            include_path=bool(include_path),
            types=_types(set_column_types),
            partition_format=_checked_format(partition_format),
        )
        return _tabular(path, reading, validate=validate)

    @staticmethod
    def from_json_lines_files(
        path: Paths,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, ColumnType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Make a dataset of files with one JSON object a line; parameters as in `from_delimited_files`.

        Parameters
        ----------
        invalid_lines : {"error", "drop"}
            What becomes of lines that are no JSON.
        """
        if invalid_lines not in ("error", "drop"):
            raise errors.OptionError(f"invalid_lines is {invalid_lines!r}; expected 'error' or 'drop'")
        reading = Reading(
            "json_lines",
            include_path=bool(include_path),
            types=_types(set_column_types),
            partition_format=_checked_format(partition_format),
            invalid_lines=invalid_lines,  # type: ignore[arg-type]  # just checked
            encoding=_encoding(encoding),
        )
        return _tabular(path, reading, validate=validate)

    @staticmethod
    def from_sql_query(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG004 - likewise
        """Refuse: no database of a cloud is asked here.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        raise errors.NeedsCloudError(
            "Dataset.Tabular.from_sql_query", "read the rows with pandas.read_sql and use register_pandas_dataframe"
        )

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Target,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_progress: bool = True,
        row_group_size: int | None = None,  # noqa: ARG004 - likewise
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Write a data frame into a datastore as a parquet file, and register it as the next version of a dataset.

        Parameters
        ----------
        dataframe : pandas.DataFrame
            The rows; its index is not kept.
        target : Datastore, DataPath or (Datastore, str)
            Folder of the file.
        name, description, tags : optional
            As in `AbstractDataset.register`.
        show_progress : bool, default=True
            Whether a line says where the rows went.
        row_group_size : int, default=None
            Ignored.
        make_target_path_unique : bool, default=True
            Whether the file lies in a new folder of its own; else it replaces one that is there.

        Raises
        ------
        PackageMissingError
            If pyarrow is not installed.
        OptionError
            If `dataframe` is none.
        """
        from .dataset_rows import write_frame

        if not hasattr(dataframe, "to_parquet"):
            raise errors.OptionError(f"expected a pandas DataFrame, got {errors.a(dataframe)}")
        store, folder = _target(target)
        unique = [str(uuid.uuid4())] if make_target_path_unique else []
        relative = "/".join(part for part in (folder, *unique, "part-00000.parquet") if part)
        write_frame(dataframe, store.locate_to_write(relative), "parquet")
        if show_progress:
            print(f"wrote {len(dataframe)} rows to {relative} in datastore {store.name}")  # noqa: T201 - asked for
        made = TabularDatasetFactory.from_parquet_files((store, relative))
        return made.register(store.workspace, name, description, tags, create_new_version=True)


class FileDatasetFactory:
    """Makes `FileDataset`; known as `Dataset.File`."""

    @staticmethod
    def from_files(
        path: Paths,
        validate: bool = True,
        partition_format: str | None = None,
        is_file: bool = False,  # noqa: ARG004 - likewise
    ) -> FileDataset:
        """Make a dataset of files.

        Parameters
        ----------
        path : str, path-like, DataPath, (Datastore, str) or a list of them
            Files, folders, patterns, or addresses of the web, which are fetched only when they are read. Symbolic links
            to folders within a folder are not followed.
        validate : bool, default=True
            Whether files of this machine must be there now.
        partition_format : str, default=None
            Which parts of the paths are keys, as in `TabularDatasetFactory.from_delimited_files`.
        is_file : bool, default=False
            Ignored: the disk tells whether a path is a file.

        Raises
        ------
        SourceNotFoundError
            If nothing is there and `validate`.
        NeedsCloudError
            If a path is an address of a cloud's storage.
        """
        sources, workspace = sources_of(path)
        if validate:
            listed(sources, workspace)
        return FileDataset(FileDefinition(sources, _checked_format(partition_format)), workspace)

    @staticmethod
    def upload_directory(
        src_dir: str | os.PathLike[str],
        target: Target,
        pattern: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> FileDataset:
        """Copy a folder into a datastore, and make a dataset of the copy.

        Parameters
        ----------
        src_dir : str or path-like
            The folder.
        target : Datastore, DataPath or (Datastore, str)
            Folder to copy to.
        pattern : str, default=None
            Only files whose relative paths fit this pattern, such as ``*.jpg``.
        overwrite : bool, default=False
            Whether files that are there are replaced; else they are left as they are.
        show_progress : bool, default=True
            Whether each file is named on standard output.

        Raises
        ------
        SourceNotFoundError
            If `src_dir` is no folder, or no file fits the pattern.
        """
        store, folder = _target(target)
        root = Path(src_dir)
        if not root.is_dir():
            raise errors.SourceNotFoundError(os.fspath(src_dir), "a folder that exists")
        chosen = [path for relative, path in tree(root) if fnmatch.fnmatch(relative, pattern or "*")]
        if not chosen:
            raise errors.SourceNotFoundError(os.fspath(src_dir), "a folder with a file that fits the pattern")
        store.upload_files(chosen, root, folder, overwrite, show_progress)
        return FileDatasetFactory.from_files((store, folder))


# -- paths -------------------------------------------------------------------------------------------


def sources_of(path: Paths) -> "tuple[tuple[Source, ...], Workspace | None]":
    """Return the sources that a `path` of SDK v1 means, and the workspace of the datastores among them.

    Raises
    ------
    OptionError
        If something is no path, or datastores of several workspaces are meant.
    """
    several: Iterable[object] = path if isinstance(path, (list, tuple)) and not _is_pair(path) else [path]
    found = [_source(one) for one in several]
    spaces = {store.workspace for _, store in found if store is not None}
    if len(spaces) > 1:
        raise errors.OptionError("one dataset cannot lie in datastores of several workspaces")
    if not found:
        raise errors.OptionError("expected a path or a list of them, got an empty list")
    return tuple(source for source, _ in found), next(iter(spaces), None)


def _is_pair(path: object) -> bool:
    """Tell whether something is a datastore and a path in it."""
    return isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore)  # noqa: PLR2004 - a pair


def _source(path: object) -> tuple[Source, Datastore | None]:
    match path:
        case (
            DataPath(datastore=store, path_on_datastore=relative)
            | DataReference(datastore=store, path_on_datastore=relative)
        ):
            return DatastorePath(store.name, str(relative)), store
        case (Datastore() as store, str() | os.PathLike() | None as relative):
            return DatastorePath(store.name, relative_path(relative)), store
        case Datastore() as store:
            return DatastorePath(store.name), store
        case str() | os.PathLike():
            return _of_text(os.fspath(path)), None
        case _:
            raise errors.OptionError(
                f"expected a path, an address, a DataPath or (datastore, path), or a list of them, got {errors.a(path)}"
            )


def _of_text(text: str) -> Source:
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme in ("http", "https"):
        if not urlsplit(text).netloc or urlsplit(text).path.endswith("/") or not urlsplit(text).path:
            raise errors.OptionError(f"the address {text!r} names no file")
        return WebAddress(text)
    if scheme not in ("", "file"):
        raise errors.NeedsCloudError(
            f"a dataset at {scheme}://", "copy the files to this machine or into a datastore, and give their path"
        )
    if not text or "\0" in text:
        raise errors.OptionError(f"{text!r} is no path")
    return LocalPath(os.path.abspath(Path(unquote(urlsplit(text).path) if scheme else text).expanduser()))  # noqa: PTH100 - without `..`, and links kept


def _target(target: object) -> tuple[Datastore, str]:
    match target:
        case Datastore():
            return target, ""
        case DataPath(datastore=store, path_on_datastore=relative):
            return store, str(relative)
        case (Datastore() as store, str() | os.PathLike() | None as relative):
            return store, relative_path(relative)
        case _:
            raise errors.OptionError(
                f"target expects a Datastore, (datastore, path) or DataPath, got {errors.a(target)}"
            )


# -- options -----------------------------------------------------------------------------------------


def _tabular(path: Paths, reading: Reading, *, validate: bool) -> TabularDataset:
    sources, workspace = sources_of(path)
    if validate:
        listed(sources, workspace)
    return TabularDataset(TabularDefinition(sources, reading), workspace)


def _types(types: Mapping[str, Any] | None) -> dict[str, ColumnType]:
    if wrong := [name for name, kind in (types or {}).items() if not isinstance(kind, ColumnType)]:
        raise errors.OptionError(f"set_column_types[{wrong[0]!r}] expects one of DataType, such as DataType.to_float()")
    return dict(types or {})


def _separator(separator: object) -> str:
    if not isinstance(separator, str) or not separator:
        raise errors.OptionError(f"separator is {separator!r}; expected a string such as ',' or '\\t'")
    return separator


def _header(header: Any) -> Any:
    behaviour = {True: 3, False: 0}[header] if isinstance(header, bool) else getattr(header, "value", header)
    if behaviour not in _HEADERS:
        raise errors.OptionError(f"header is {header!r}; expected True, False or one of PromoteHeadersBehavior")
    return _HEADERS[behaviour]


def _checked_format(text: str | None) -> str | None:
    return PartitionFormat(text).text if text else None


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(_ENCODINGS.get(name, name)).name
    except (LookupError, TypeError):
        raise errors.OptionError(f"encoding is {name!r}; expected one such as utf8, iso88591 or windows1252") from None
