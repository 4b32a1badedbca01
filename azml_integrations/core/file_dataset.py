"""A dataset of files."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .. import errors
from .abstract_dataset import AbstractDataset
from .dataset_definition import FileDefinition
from .dataset_files import DataFile, Mounted, files_of, put

if TYPE_CHECKING:
    from .dataset_consumption_config import DatasetConsumptionConfig


class FileDataset(AbstractDataset):
    """Files of this machine, of a datastore or of the web; made by `Dataset.File.from_files`."""

    _definition: FileDefinition

    def _files(self) -> list[DataFile]:
        return files_of(self._definition, self._workspace)

    def to_path(self) -> list[str]:
        """Return the paths of the files within the dataset, each beginning with ``/``.

        Raises
        ------
        SourceNotFoundError
            If one of its sources is not there.
        """
        return [f"/{file.name}" for file in self._files()]

    def download(
        self,
        target_path: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        ignore_not_found: bool = False,
    ) -> list[str]:
        """Copy the files into a folder.

        Parameters
        ----------
        target_path : str or path-like, default=None
            The folder; a new temporary one by default, which is yours to remove.
        overwrite : bool, default=False
            Whether files that are there are replaced.
        ignore_not_found : bool, default=False
            Whether a dataset none of whose files is there gives an empty list in place of an error.

        Returns
        -------
        paths : list of str
            The copies, absolute, in the order of `to_path`.

        Raises
        ------
        SourceNotFoundError
            If one of its sources is not there and not `ignore_not_found`.
        UserErrorException
            If a file is there already and not `overwrite`; nothing is copied then.
        DownloadError
            If an address cannot be read.
        """
        try:
            files = self._files()
        except errors.SourceNotFoundError:
            if not ignore_not_found:
                raise
            files = []
        folder = Path(target_path if target_path is not None else tempfile.mkdtemp(prefix="azml-")).absolute()
        taken = [] if overwrite else [file.name for file in files if os.path.lexists(folder / file.name)]
        if taken:
            raise errors.UserErrorException(
                f"{folder} holds {errors.few(taken, 3)} already; pass overwrite=True to replace what is there"
            )
        return [str(path) for path in put(files, folder, self._workspace, linked=False)]

    def mount(self, mount_point: str | os.PathLike[str] | None = None, **kwargs: object) -> Mounted:
        """Return the files as a folder, for as long as a ``with`` block lasts; for reading.

        Nothing of this machine is copied: the folder holds symbolic links. Addresses are fetched.

        Parameters
        ----------
        mount_point : str or path-like, default=None
            The folder, which is empty or not there; a temporary one by default.
        **kwargs : object
            Ignored.

        Examples
        --------
        >>> with dataset.mount() as mounted:  # doctest: +SKIP
        ...     os.listdir(mounted.mount_point)
        """
        return Mounted(self._files(), mount_point, self._workspace)

    def as_mount(self, path_on_compute: str | None = None) -> "DatasetConsumptionConfig":
        """Return the dataset as an input of a script that gets a path to the files, uncopied.

        Of a dataset made of exactly one file path that is the path of the file, else of a folder.

        Parameters
        ----------
        path_on_compute : str, default=None
            Where below the run's inputs.
        """
        return self._as_input().as_mount(path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> "DatasetConsumptionConfig":
        """Return the dataset as an input of a script that gets a path to copies of the files.

        Of a dataset made of exactly one file path that is the path of the file, else of a folder.

        Parameters
        ----------
        path_on_compute : str, default=None
            Where below the run's inputs.
        """
        return self._as_input().as_download(path_on_compute)

    def _as_input(self) -> "DatasetConsumptionConfig":
        return self.as_named_input(f"input_{self.id[:8]}")

    def __getitem__(self, key: object) -> NoReturn:
        """Refuse: files have no columns."""
        raise errors.OptionError(f"a FileDataset has no column {key!r}; to_path() lists its files")
