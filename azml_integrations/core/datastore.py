"""A datastore: a folder of the workspace that scripts upload data to and download it from."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors, names
from ..store.files import copy, tree

if TYPE_CHECKING:
    from .workspace import Workspace

DEFAULT = "workspaceblobstore"
"""Name of the datastore that every workspace has."""


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
        self.name = names.experiment(name or DEFAULT)
        self.root = workspace.root / "datastores" / names.folder(self.name)
        if self.name != DEFAULT and not self.root.is_dir():
            raise errors.UserErrorException(
                f"no datastore {self.name!r} in workspace {workspace.name}; the default one is {DEFAULT!r}"
            )

    @staticmethod
    def get(workspace: "Workspace", datastore_name: str) -> "Datastore":
        """Return a datastore by its name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: "Workspace") -> "Datastore":
        """Return the datastore that every workspace has."""
        return Datastore(workspace)

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
    ) -> int:
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
        count : int
            Files copied.

        Raises
        ------
        SourceNotFoundError
            If `src_dir` is no folder.
        """
        source = Path(src_dir)
        if not source.is_dir():
            raise errors.SourceNotFoundError(os.fspath(src_dir), "a folder that exists")
        pairs = ((path, _joined(target_path, relative)) for relative, path in tree(source))
        return self._copy_in(pairs, overwrite=overwrite, show=show_progress)

    def upload_files(
        self,
        files: Iterable[str | os.PathLike[str]],
        relative_root: str | os.PathLike[str] | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
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
        count : int
            Files copied.

        Raises
        ------
        SourceNotFoundError
            If one is not there, or not below `relative_root`; nothing is copied then.
        """
        pairs = [(Path(path), _joined(target_path, _relative(Path(path), relative_root))) for path in files]
        return self._copy_in(pairs, overwrite=overwrite, show=show_progress)

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

    def _copy_in(self, pairs: Iterable[tuple[Path, str]], *, overwrite: bool, show: bool) -> int:
        checked = [(path, self.root / names.artifact(name), name) for path, name in pairs]
        return sum(_copy(path, target, overwrite=overwrite, show=show, name=name) for path, target, name in checked)

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
