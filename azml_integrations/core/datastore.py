"""A datastore: a folder of the workspace that scripts upload data to and download it from."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import errors, names
from ..store.files import copy, tree

if TYPE_CHECKING:
    from .data_reference import DataReference
    from .workspace import Workspace

DEFAULT = "workspaceblobstore"
"""Name of the datastore that every workspace has."""

_CHOSEN = ".default"
"""File that names the default datastore; no datastore has a name that begins so."""


def _in_the_cloud(kind: str) -> Callable[..., NoReturn]:
    """Return a verb that says that only a cloud has this kind of datastore."""

    def register(*_: object, **__: object) -> NoReturn:
        raise errors.NeedsCloudError(
            f"Datastore.{kind}",
            "Datastore.register_local(workspace, name) makes a folder of that name, and Datastore.get() finds it",
        )

    register.__name__ = register.__qualname__ = kind
    register.__doc__ = """Refuse: this kind of datastore is kept in a cloud; see `register_local`."""
    return register


class Datastore:
    """A folder of the workspace under SDK v1's verbs.

    Parameters
    ----------
    workspace : Workspace
        Where it belongs.
    name : str, default=None
        Its name; the workspace's default by default.

    Raises
    ------
    UserErrorException
        If there is none of that name.
    """

    datastore_type = "Local"
    account_name = "local"

    def __init__(self, workspace: "Workspace", name: str | None = None) -> None:
        self.workspace = workspace
        self.name = names.experiment(name or _chosen(workspace))
        self.root = _folder(workspace, self.name)
        if self.name != DEFAULT and not self.root.is_dir():
            there = ", ".join(map(repr, all_names(workspace)))
            raise errors.UserErrorException(
                f"no datastore {self.name!r} in workspace {workspace.name}; there are: {there}; "
                f"Datastore.register_local(workspace, name) makes one"
            )

    @staticmethod
    def get(workspace: "Workspace", datastore_name: str) -> "Datastore":
        """Return a datastore by its name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: "Workspace") -> "Datastore":
        """Return the default datastore."""
        return Datastore(workspace)

    @staticmethod
    def register_local(workspace: "Workspace", datastore_name: str) -> "Datastore":
        """Make a datastore: a folder of the workspace, beside the default one; one that is there is returned.

        Parameters
        ----------
        workspace : Workspace
            Where it belongs.
        datastore_name : str
            Letters, digits, ``-`` and ``_``, the first a letter or digit.

        Raises
        ------
        NameRefusedError
            If it cannot be a name, on whatever platform.
        StoreError
            If the disk refuses.
        """
        folder = _folder(workspace, names.experiment(datastore_name))
        if folder.name != datastore_name:
            raise errors.NameRefusedError("datastore name", datastore_name, "no folder can have it on every platform")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.StoreError(str(folder), error) from error
        return Datastore(workspace, datastore_name)

    register_azure_blob_container = staticmethod(_in_the_cloud("register_azure_blob_container"))
    register_azure_file_share = staticmethod(_in_the_cloud("register_azure_file_share"))
    register_azure_data_lake = staticmethod(_in_the_cloud("register_azure_data_lake"))
    register_azure_data_lake_gen2 = staticmethod(_in_the_cloud("register_azure_data_lake_gen2"))
    register_azure_sql_database = staticmethod(_in_the_cloud("register_azure_sql_database"))
    register_azure_postgre_sql = staticmethod(_in_the_cloud("register_azure_postgre_sql"))
    register_azure_my_sql = staticmethod(_in_the_cloud("register_azure_my_sql"))
    register_dbfs = staticmethod(_in_the_cloud("register_dbfs"))
    register_hdfs = staticmethod(_in_the_cloud("register_hdfs"))

    def set_as_default(self) -> None:
        """Make this the default datastore of its workspace.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        chosen = self.root.parent / _CHOSEN
        partial = chosen.with_name(f"{_CHOSEN}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            chosen.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(self.name, encoding="utf-8")
            partial.replace(chosen)
        except OSError as error:
            raise errors.StoreError(str(chosen), error) from error

    # -- referring to what is in it ------------------------------------------------------------------

    def locate(self, relative: str) -> Path:
        """Return where something lies in the datastore, be it there or not.

        Raises
        ------
        NameRefusedError
            If the name leads out of the datastore.
        """
        return self.root / relative_path(relative)

    def locate_to_write(self, relative: str) -> Path:
        """Return where something is to be written in the datastore.

        Raises
        ------
        NameRefusedError
            If the name, or a symbolic link on its way, leads out of the datastore.
        """
        path = self.locate(relative)
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise errors.NameRefusedError("path in a datastore", relative, "a symbolic link on its way leads elsewhere")
        return path

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> "DataReference":
        """Return a reference to a file or folder in the datastore, for a script that is submitted.

        Parameters
        ----------
        path : str, default=None
            Relative path; all of the datastore by default.
        data_reference_name : str, default=None
            Letters, digits and ``_``; drawn by default.

        Raises
        ------
        NameRefusedError
            If the path leads out of the datastore.
        """
        from .data_reference import DataReference

        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> "DataReference":
        """Return a reference to all of the datastore: the script works in its folder."""
        return self.path().as_mount()

    def as_download(self, path_on_compute: str | None = None) -> "DataReference":
        """Return a reference to all of the datastore: the script gets a copy."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: str | None = None) -> "DataReference":
        """Return a reference to all of the datastore: the script writes into its folder."""
        return self.path().as_upload(path_on_compute)

    # -- moving files --------------------------------------------------------------------------------

    @property
    def container_name(self) -> str:
        """Return the folder, where a cloud would name its container."""
        return str(self.root)

    def upload(
        self,
        src_dir: str | os.PathLike[str],
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> "DataReference":
        """Copy a folder into the datastore, with all below it.

        Parameters
        ----------
        src_dir : str or path-like
            The folder.
        target_path : str, default=None
            Folder in the datastore; its root by default.
        overwrite : bool, default=False
            Whether files that are there are replaced; else they are left as they are.
        show_progress : bool, default=True
            Whether each file is named on standard output.

        Returns
        -------
        reference : DataReference
            What was uploaded.

        Raises
        ------
        SourceNotFoundError
            If `src_dir` is no folder.
        """
        source = Path(src_dir)
        if not source.is_dir():
            raise errors.SourceNotFoundError(os.fspath(src_dir), "a folder that exists")
        pairs = [(path, _joined(target_path, relative)) for relative, path in tree(source, self.root.resolve())]
        self._copy_in(pairs, overwrite=overwrite, show=show_progress)
        return self.path(target_path)

    def upload_files(
        self,
        files: Iterable[str | os.PathLike[str]],
        relative_root: str | os.PathLike[str] | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> "DataReference":
        """Copy files into the datastore.

        Parameters
        ----------
        files : list of str or path-like
            What to copy.
        relative_root : str or path-like, default=None
            Folder that the names are relative to; by default each file keeps its last name only.
        target_path, overwrite, show_progress : optional
            As in `upload`.

        Returns
        -------
        reference : DataReference
            Where they were uploaded to.

        Raises
        ------
        SourceNotFoundError
            If one is not there, or not below `relative_root`; nothing is copied then.
        """
        pairs = [(Path(path), _joined(target_path, _relative(Path(path), relative_root))) for path in files]
        self._copy_in(pairs, overwrite=overwrite, show=show_progress)
        return self.path(target_path)

    def download(
        self,
        target_path: str | os.PathLike[str],
        prefix: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
        """Copy files out of the datastore.

        Parameters
        ----------
        target_path : str or path-like
            Folder to copy to.
        prefix : str, default=None
            Folder in the datastore; all of it by default.
        overwrite, show_progress : optional
            As in `upload`.

        Returns
        -------
        count : int
            Files copied.
        """
        count = 0
        for relative, path in tree(self.root / _joined(prefix, "") if prefix else self.root):
            name = _joined(prefix, relative)
            count += _copy(path, Path(target_path) / name, overwrite=overwrite, show=show_progress, name=name)
        return count

    def _copy_in(self, pairs: Iterable[tuple[Path, str]], *, overwrite: bool, show: bool) -> None:
        checked = [(path, self.locate_to_write(name), name) for path, name in pairs]
        for path, target, name in checked:
            _copy(path, target, overwrite=overwrite, show=show, name=name)

    def __repr__(self) -> str:
        """Return the datastore in one line."""
        return f"Datastore(name={self.name!r}, workspace={self.workspace.name!r})"

    def __eq__(self, other: object) -> bool:
        """Two handles on one folder are equal."""
        return isinstance(other, Datastore) and self.root == other.root

    def __hash__(self) -> int:
        """Hash by address."""
        return hash(self.root)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address."""
        return Datastore, (self.workspace, self.name)


def all_names(workspace: "Workspace") -> list[str]:
    """Return the names of the datastores, sorted; the one that every workspace has is always among them."""
    try:
        folders = [entry.name for entry in os.scandir(workspace.root / "datastores") if entry.is_dir()]
    except OSError:
        folders = []
    return sorted({DEFAULT, *folders})


def relative_path(path: str | os.PathLike[str] | None) -> str:
    """Return a path in a datastore as a relative POSIX path; empty for all of it.

    Raises
    ------
    NameRefusedError
        If it leads out of the datastore.
    """
    bare = os.fspath(path or "").replace("\\", "/").strip("/")
    return names.artifact(bare) if bare not in ("", ".") else ""


def _folder(workspace: "Workspace", name: str) -> Path:
    return workspace.root / "datastores" / names.folder(name)


def _chosen(workspace: "Workspace") -> str:
    """Return the name of the default datastore."""
    try:
        name = (workspace.root / "datastores" / _CHOSEN).read_text(encoding="utf-8").strip()
        return name if _folder(workspace, names.experiment(name)).is_dir() else DEFAULT
    except (OSError, ValueError):
        return DEFAULT


def _joined(folder: str | None, relative: str) -> str:
    """Return a name in the datastore; it never leads out of it."""
    parts = [part for part in ((folder or "").strip("/"), relative) if part]
    return names.artifact("/".join(parts))


def _relative(path: Path, root: str | os.PathLike[str] | None) -> str:
    if not path.is_file():
        raise errors.SourceNotFoundError(str(path), "a file that exists")
    if root is None:
        return path.name
    try:
        return path.resolve().relative_to(Path(root).resolve()).as_posix()
    except ValueError:
        raise errors.SourceNotFoundError(str(path), f"a file below {os.fspath(root)}") from None


def _copy(source: Path, target: Path, *, overwrite: bool, show: bool, name: str) -> bool:
    """Copy one file unless it is there already; return whether it was copied."""
    if target.exists() and not overwrite:
        return False
    copy(source, target)
    if show:
        print(f"copied {name}")  # noqa: T201 - asked for
    return True
