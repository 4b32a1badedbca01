"""How a script that is submitted gets a dataset: as the dataset itself, or as a path to its files."""

import re
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from .. import errors
from .abstract_dataset import AbstractDataset
from .data_reference import path_below
from .file_dataset import FileDataset

if TYPE_CHECKING:
    from .output_dataset_config import OutputFileDatasetConfig

ConsumptionMode: TypeAlias = Literal["direct", "mount", "download"]

_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,254}")
_RESERVED = ("AZUREML_", "AZML_")


class DatasetConsumptionConfig:
    """A named input of a script.

    Parameters
    ----------
    name : str
        Letters, digits and ``_``, the first no digit: a key of `run.input_datasets`, and an environment variable that
        holds the dataset's id or the path.
    dataset : TabularDataset, FileDataset or OutputFileDatasetConfig
        What it is.
    mode : {"direct", "mount", "download"}, default="direct"
        Whether the script gets the dataset itself, a path to its files as they lie, or a path to copies.
    path_on_compute : str, default=None
        Where the path lies below the run's inputs.

    Raises
    ------
    NameRefusedError
        If the name cannot be a variable's, or the path holds ``..``.
    OptionError
        If `mode` is none, or `dataset` no dataset.
    UserErrorException
        If a tabular dataset is to be mounted or downloaded: it has rows, not files.
    """

    def __init__(
        self,
        name: str,
        dataset: "AbstractDataset | OutputFileDatasetConfig",
        mode: str = "direct",
        path_on_compute: str | None = None,
    ) -> None:
        from .output_dataset_config import OutputFileDatasetConfig

        if not isinstance(dataset, (AbstractDataset, OutputFileDatasetConfig)):
            raise errors.OptionError(f"input {name!r} expects a dataset, got {errors.a(dataset)}")
        self.name = variable_name("name of an input", name)
        self.dataset = dataset
        self.mode: ConsumptionMode = "direct"
        self._set(mode, path_on_compute)

    def _set(self, mode: str, path_on_compute: str | None) -> Self:
        if mode not in ("direct", "mount", "download"):
            raise errors.OptionError(f"mode is {mode!r}; expected 'direct', 'mount' or 'download'")
        if mode != "direct" and isinstance(self.dataset, AbstractDataset) and not isinstance(self.dataset, FileDataset):
            raise errors.UserErrorException(
                f"input {self.name!r} is tabular and has no files to {mode}; leave it direct, or use "
                f"dataset.to_csv_files()"
            )
        self.mode, self.path_on_compute = mode, path_below(path_on_compute)  # type: ignore[assignment]  # just checked
        return self

    def as_mount(self, path_on_compute: str | None = None) -> Self:
        """Give the script a path to the files as they lie; return this input."""
        return self._set("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> Self:
        """Give the script a path to copies of the files; return this input."""
        return self._set("download", path_on_compute)

    def as_definition(self) -> dict[str, Any]:
        """Return the input as the definition of a run has it."""
        registered = isinstance(self.dataset, AbstractDataset)
        named = {key: getattr(self.dataset, key) for key in ("id", "name", "version")} if registered else None
        return {
            "dataLocation": {"dataset": named, "dataPath": None},
            "mechanism": self.mode.capitalize(),
            "environmentVariableName": self.name,
            "pathOnCompute": self.path_on_compute,
            "overwrite": False,
        }

    def __str__(self) -> str:
        """Return what stands for the input in the arguments of a submission."""
        return f"DatasetConsumptionConfig:{self.name}"

    def __repr__(self) -> str:
        """Return the input in one line."""
        return f"DatasetConsumptionConfig(name={self.name!r}, dataset={self.dataset!r}, mode={self.mode!r})"


def variable_name(what: str, name: object) -> str:
    """Return a name that an environment variable may have and that is none of ours.

    Raises
    ------
    NameRefusedError
        If it holds others than letters, digits and ``_``, begins with a digit, or as our own variables do.
    """
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        raise errors.NameRefusedError(what, name, "expected letters, digits and _, the first no digit")
    if name.upper().startswith(_RESERVED):
        raise errors.NameRefusedError(what, name, "variables of submitted scripts begin so")
    return name
