"""The verbs of a run about its snapshot: what its source folder held."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .. import errors
from .label_verbs import LabelVerbs

if TYPE_CHECKING:
    from ..launch.snapshot import Snapshot

SNAPSHOT_ID = "ContentSnapshotId"
"""The property that holds the id, as in SDK v1."""


class SnapshotVerbs(LabelVerbs):
    """What a run's source folder held when it began."""

    def take_snapshot(self, file_or_folder_path: str | os.PathLike[str]) -> str:
        """Keep what a file or folder holds now, as this run's snapshot.

        Parameters
        ----------
        file_or_folder_path : str or path-like
            ``.amlignore`` in the folder, else ``.gitignore`` in it, says what does not belong to it; version control,
            virtual environments, caches and files that may hold secrets are left out.

        Returns
        -------
        snapshot_id : str
            The same for the same content.

        Raises
        ------
        SnapshotException
            If the run has a snapshot already, the folder is too large, or a file cannot be read.
        SourceNotFoundError
            If there is no such file or folder.
        """
        self._expect_no_snapshot()
        if not isinstance(file_or_folder_path, (str, os.PathLike)):
            raise errors.OptionError(f"take_snapshot got {errors.a(file_or_folder_path)}; expected a path")
        return self._add_snapshot(self._workspace.snapshots.take(Path(file_or_folder_path)))

    def _expect_no_snapshot(self) -> None:
        if there := self.properties.get(SNAPSHOT_ID):
            raise errors.SnapshotException(
                f"run {self.id} has the snapshot {there} already, and a run has one; take the next one in another run"
            )

    def _add_snapshot(self, snapshot: "Snapshot") -> str:
        """Write down that a snapshot is this run's."""
        try:
            self.add_properties({SNAPSHOT_ID: snapshot.id})
        except errors.PropertyError:
            self._expect_no_snapshot()
            raise
        return snapshot.id

    def _set_source(self, directory: Path, snapshot: "Snapshot | None", trouble: str) -> None:
        """Write down where the program of a run that begins lies, and its snapshot, or why there is none."""
        where = {"azml.snapshot_directory": _told(str(directory.resolve()))}
        self.add_properties(where if snapshot is None else {**where, SNAPSHOT_ID: snapshot.id})
        if trouble:
            self.note("snapshot", f"no snapshot was taken: {_told(trouble)}; snapshot_directory names another folder")

    def get_snapshot_id(self) -> str:
        """Return the id of the run's snapshot.

        Raises
        ------
        SnapshotException
            If it has none.
        """
        found = self.properties.get(SNAPSHOT_ID)
        if found is None:
            raise errors.SnapshotException(
                f"run {self.id} has no snapshot; take_snapshot(folder) takes one, and a note of the run may say why "
                f"there is none"
            )
        return found

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | os.PathLike[str] | None = None) -> str:
        """Write a snapshot as a zip file.

        Parameters
        ----------
        snapshot_id : str, default=None
            That of the run by default.
        path : str or path-like, default=None
            Folder for the file, made when it is not there; the working directory by default.

        Returns
        -------
        path : str
            Of the file, ``<snapshot id>.zip``.

        Raises
        ------
        SnapshotException
            If the run has no snapshot, or there is none of that id.
        StoreError
            If the disk refuses.
        """
        folder = Path.cwd() if path is None else Path(path)
        wanted = self.get_snapshot_id() if snapshot_id is None else snapshot_id
        return str(self._workspace.snapshots.zip(wanted, folder / f"{wanted}.zip"))


def _told(text: str) -> str:
    """Return a text that any journal can hold: a folder may have a name that is none."""
    return text.encode("utf-8", "backslashreplace").decode()
