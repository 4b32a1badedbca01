"""A folder that a submitted script writes, and what becomes of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from .. import errors, names
from .datapath import DataPath
from .dataset_consumption_config import DatasetConsumptionConfig, variable_name
from .dataset_definition import DatastorePath, FileDefinition
from .dataset_registry import dataset_name
from .datastore import Datastore, relative_path

if TYPE_CHECKING:
    from .workspace import Workspace

DESTINATION = "dataset/{run-id}/{output-name}"
"""Where an output lies in the default datastore when nobody says where."""


@dataclass(frozen=True)
class Registration:
    """Under which name an output is registered once its run is Completed."""

    name: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


class OutputFileDatasetConfig:
    """A folder of a datastore that a submitted script writes.

    The script gets its path as an argument and as an environment variable, and finds it empty unless it was used
    before. It writes into the datastore itself: nothing has to be uploaded on this machine.

    Parameters
    ----------
    name : str, default=None
        Letters, digits and ``_``, the first no digit; drawn by default.
    destination : (Datastore, str), DataPath or Datastore, default=None
        Where it lies. ``{run-id}`` and ``{output-name}`` stand for those; ``dataset/{run-id}/{output-name}`` of the
        default datastore by default.
    source : str, default=None
        Refused: the script writes to the path that it is given.
    partition_format : str, default=None
        Which parts of the paths are keys.

    Raises
    ------
    NameRefusedError
        If the name cannot be a variable's, or the destination leads out of the datastore.
    OptionError
        If `destination` is none, or `source` is given.
    """

    def __init__(
        self,
        name: str | None = None,
        destination: object = None,
        source: str | None = None,
        partition_format: str | None = None,
    ) -> None:
        if source is not None:
            raise errors.OptionError(
                f"source is {source!r}; a script writes to the path that it is given as argument or in the variable "
                f"of the output's name, so leave source out"
            )
        self.name = variable_name("name of an output", name or f"output_{uuid.uuid4().hex[:8]}")
        self.destination = _destination(destination)
        self.partition_format = partition_format
        self.mode: Literal["mount", "upload"] = "mount"
        self.overwrite = False
        self.source_globs: tuple[str, ...] = ()
        self.registration: Registration | None = None

    def as_mount(self) -> Self:
        """Let the script write into the folder, whatever is in it; return this output."""
        self.mode = "mount"
        return self

    def as_upload(self, overwrite: bool = False, source_globs: str | Sequence[str] | None = None) -> Self:
        """Let the script write into the folder, which must be empty; return this output.

        Parameters
        ----------
        overwrite : bool, default=False
            Whether the folder may hold something already.
        source_globs : str or list of str, default=None
            Only files that fit one of these patterns belong to the dataset that is registered.

        Raises
        ------
        NameRefusedError
            If a pattern leads out of the folder.
        """
        globs = [source_globs] if isinstance(source_globs, str) else list(source_globs or [])
        self.mode, self.overwrite = "upload", bool(overwrite)
        self.source_globs = tuple(relative_path(one) for one in globs)
        return self

    def register_on_complete(
        self, name: str, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Self:
        """Register the folder as the next version of a dataset once the run is Completed; return this output.

        Raises
        ------
        NameRefusedError
            If it cannot be the name of a dataset.
        """
        texts = {names.label("tag", key): names.text("tag", str(value)) for key, value in (tags or {}).items()}
        self.registration = Registration(dataset_name(name), names.text("description", str(description or "")), texts)
        return self

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """Return the folder as the mounted input of a later script.

        Parameters
        ----------
        name : str, default=None
            The input's name; the output's by default.
        """
        return DatasetConsumptionConfig(name or self.name, self, "mount")

    # -- for whoever submits -------------------------------------------------------------------------

    def place(self, workspace: "Workspace", run_id: str | None) -> tuple[Datastore, str]:
        """Return where a run writes.

        Parameters
        ----------
        workspace : Workspace
            Whose default datastore is meant.
        run_id : str or None
            The run; None where it is not known, as for `as_input`.

        Raises
        ------
        UserErrorException
            If the place depends on the run and `run_id` is None.
        """
        store, path = self.destination or (Datastore(workspace), DESTINATION)
        if "{run-id}" in path and run_id is None:
            raise errors.UserErrorException(
                f"output {self.name!r} lies in another folder for each run, so it cannot be an input yet; give it a "
                f"destination without {{run-id}}, or use register_on_complete() and Dataset.get_by_name()"
            )
        return store, relative_path(path.replace("{run-id}", run_id or "").replace("{output-name}", self.name))

    def definition(self, workspace: "Workspace", run_id: str | None) -> FileDefinition:
        """Return what the folder is as a dataset; parameters as in `place`."""
        store, path = self.place(workspace, run_id)
        paths = ["/".join(part for part in (path, one) if part) for one in self.source_globs] or [path]
        return FileDefinition(tuple(DatastorePath(store.name, one) for one in paths), self.partition_format)

    def as_definition(self) -> dict[str, Any]:
        """Return the output as the definition of a run has it."""
        where = (
            None if self.destination is None else {"datastore": self.destination[0].name, "path": self.destination[1]}
        )
        return {
            "outputLocation": {"dataPath": where},
            "mechanism": self.mode.capitalize(),
            "additionalOptions": {
                "pathOnCompute": None,
                "registrationOptions": self.registration and {"name": self.registration.name},
                "uploadOptions": {"overwrite": self.overwrite, "sourceGlobs": list(self.source_globs)},
            },
            "environmentVariableName": self.name,
        }

    def __str__(self) -> str:
        """Return what stands for the output in the arguments of a submission."""
        return f"DatasetOutputConfig:{self.name}"

    def __repr__(self) -> str:
        """Return the output in one line."""
        where = None if self.destination is None else f"{self.destination[0].name}:{self.destination[1]}"
        return f"OutputFileDatasetConfig(name={self.name!r}, destination={where!r}, mode={self.mode!r})"


def _destination(destination: object) -> tuple[Datastore, str] | None:
    match destination:
        case None:
            return None
        case DataPath(datastore=store, path_on_datastore=path):
            return store, str(path)
        case Datastore():
            return destination, DESTINATION
        case (Datastore() as store, str() | None as path):
            return store, relative_path(path) or DESTINATION
        case _:
            raise errors.OptionError(
                f"destination expects (datastore, path) or a DataPath, got {errors.a(destination)}"
            )
