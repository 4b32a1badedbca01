"""A reference to data for a script that is submitted: the script gets a path, as argument and as variable."""

import re
import uuid
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

from .. import errors, names
from .datastore import Datastore, relative_path

if TYPE_CHECKING:
    from .runconfig import DataReferenceConfiguration

PREFIX = "AZUREML_DATAREFERENCE_"
"""Where the name of a reference's environment variable begins."""

Mode = Literal["mount", "download", "upload"]

_NAME = re.compile(r"[a-zA-Z0-9_]{1,255}")


class DataReference:
    """A file or folder in a datastore that a submitted script works with.

    Parameters
    ----------
    datastore : Datastore
        Where it lies.
    data_reference_name : str, default=None
        Letters, digits and ``_``; the datastore's name for all of it, else drawn, by default.
    path_on_datastore : str, default=None
        Relative path; all of the datastore by default.
    mode : {"mount", "download", "upload"}
        Whether the script works in the datastore's folder, gets a copy, or writes into that folder.
    path_on_compute : str, default=None
        Where a copy lies below the run's inputs.
    overwrite : bool, default=False
        Kept as data.

    Raises
    ------
    OptionError
        If `datastore` is none, or `mode` no mode.
    NameRefusedError
        If the name cannot be part of a variable's name, or a path leads out of its folder.
    """

    def __init__(
        self,
        datastore: Datastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        if not isinstance(datastore, Datastore):
            raise errors.OptionError(f"DataReference expects a Datastore first, got {errors.a(datastore)}")
        self.datastore = datastore
        self.path_on_datastore = relative_path(path_on_datastore)
        self.data_reference_name = reference_name(data_reference_name or self._drawn())
        self.mode = checked_mode(mode)
        self.path_on_compute = path_below(path_on_compute)
        self.overwrite = overwrite

    def _drawn(self) -> str:
        return uuid.uuid4().hex if self.path_on_datastore else re.sub(r"\W|-", "_", self.datastore.name)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> "DataReference":
        """Return a reference to something below this one."""
        joined = "/".join(part for part in (self.path_on_datastore, relative_path(path)) if part)
        return DataReference(self.datastore, data_reference_name, joined, self.mode)

    def as_mount(self) -> "DataReference":
        """Return the same reference: the script works in the datastore's folder."""
        return self._as("mount", None, self.overwrite)

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> "DataReference":
        """Return the same reference: the script gets a copy."""
        return self._as("download", path_on_compute, overwrite)

    def as_upload(self, path_on_compute: str | None = None, overwrite: bool = False) -> "DataReference":
        """Return the same reference: the script writes into the datastore's folder."""
        return self._as("upload", path_on_compute, overwrite)

    def _as(self, mode: Mode, path_on_compute: str | None, overwrite: bool) -> "DataReference":
        other = copy(self)
        other.mode, other.path_on_compute, other.overwrite = mode, path_below(path_on_compute), overwrite
        return other

    def to_config(self) -> "DataReferenceConfiguration":
        """Return the reference as run configurations had it in 2018: ``run_config.data_references[name]``."""
        from .runconfig import DataReferenceConfiguration

        return DataReferenceConfiguration(
            self.datastore.name, self.mode, self.path_on_datastore or None, self.path_on_compute, self.overwrite
        )

    def as_definition(self) -> dict[str, Any]:
        """Return the reference as the definition of a run has it."""
        return self.to_config().as_definition()

    @property
    def variable(self) -> str:
        """Return the name of the environment variable that holds the path in the script."""
        return PREFIX + self.data_reference_name

    def __str__(self) -> str:
        """Return what stands for the path in the arguments of a submission."""
        return f"${self.variable}"

    def __repr__(self) -> str:
        """Return the reference in one line."""
        return (
            f"DataReference(name={self.data_reference_name!r}, datastore={self.datastore.name!r}, "
            f"path={self.path_on_datastore!r}, mode={self.mode!r})"
        )


def reference_name(name: object) -> str:
    """Return the name of a reference.

    Raises
    ------
    NameRefusedError
        If it holds others than letters, digits and ``_``.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise errors.NameRefusedError("data reference name", name, "expected letters, digits and _")
    return name


def checked_mode(mode: str) -> Mode:
    """Return a mode of a reference.

    Raises
    ------
    OptionError
        If it is none.
    """
    if mode not in ("mount", "download", "upload"):
        raise errors.OptionError(f"mode is {mode!r}; expected 'mount', 'download' or 'upload'")
    return mode  # type: ignore[return-value]  # just checked


def path_below(path_on_compute: str | None) -> str | None:
    """Return a path of SDK v1's compute as one below the run's inputs, where nothing of the machine can be hit.

    Raises
    ------
    NameRefusedError
        If it holds ``..``.
    """
    bare = (path_on_compute or "").replace("\\", "/").strip("/")
    return names.artifact(bare) if bare not in ("", ".") else None
