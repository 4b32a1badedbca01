"""What a submitted script gets of data: objects of a submission become strings and environment variables.

All is checked before anything is written. What a script gets lies in the folders of the workspace: its inputs in
``inputs/<run id>/``, its outputs in a datastore. `take_back` removes the inputs of a run.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors, names
from . import used
from .abstract_dataset import AbstractDataset
from .data_reference import PREFIX, DataReference, path_below, reference_name
from .datapath import DataPath
from .dataset import dataset_of
from .dataset_consumption_config import DatasetConsumptionConfig, variable_name
from .dataset_definition import FileDefinition, LocalPath
from .dataset_files import DataFile, files_of, only_file, put
from .dataset_registry import Promise, Registry
from .datastore import Datastore
from .output_dataset_config import OutputFileDatasetConfig

if TYPE_CHECKING:
    from .workspace import Workspace

NAMED_INPUTS, NAMED_OUTPUTS = "AZUREML_DATASET_ENVIRONMENT_VARS", "AZUREML_DATASET_FILE_OUTPUTS"
"""Variables that name the inputs, as ``name:mode``, and the outputs, with commas between them."""


@dataclass(frozen=True)
class Handed:
    """What a script gets.

    Attributes
    ----------
    arguments : list of str
        On its command line.
    variables : dict of str to str
        In its environment.
    properties : dict of str to str
        For its run: which data it used. `Run.get_details` shows them.
    """

    arguments: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


def hand_over(
    arguments: Sequence[object],
    run_config: object,
    workspace: "Workspace",
    experiment_name: str,  # noqa: ARG001 - for a launcher elsewhere
    run_id: str,
) -> Handed:
    """Turn the data objects of a submission into what a script on this machine can use.

    Parameters
    ----------
    arguments : sequence of str, int, float or data object
        For the command line.
    run_config : RunConfiguration
        Its ``data``, ``output_data`` and ``data_references`` are dicts by name, or missing.
    workspace : Workspace
        Where the run belongs.
    experiment_name : str
        Likewise.
    run_id : str
        Of the run to come.

    Returns
    -------
    handed : Handed
        Inputs in direct mode are ids, all else is absolute paths.

    Raises
    ------
    InputMissingError
        If the data of inputs are not there; it names them all.
    UserErrorException
        If an argument is none, two data objects have one name, or a name is that of a variable of this process.
    DownloadError
        If an address cannot be read.
    RunExistsError
        If there is a run of this id that has inputs.
    StoreError
        If the disk refuses; nothing is left then.
    """
    asked = _Asked.of(arguments, run_config)
    desk = _Desk(workspace, names.run(run_id))
    desk.check(asked)
    desk.claim()
    try:
        desk.serve(asked)
        told = [desk.argument(one) for one in arguments]
    except BaseException:
        call_off(workspace, run_id)
        raise
    return Handed(told, desk.variables, desk.properties())


def take_back(workspace: "Workspace", run_id: str) -> None:
    """Remove the inputs that were brought together for a run; the data that they were made of stay."""
    shutil.rmtree(_inputs(workspace, run_id), ignore_errors=True)


def call_off(workspace: "Workspace", run_id: str) -> None:
    """Undo `hand_over` for a run that is not begun: its inputs go, and no output of it will be registered."""
    take_back(workspace, run_id)
    Registry(workspace).withdraw(run_id)


def _inputs(workspace: "Workspace", run_id: str) -> Path:
    return workspace.root / "inputs" / names.run(run_id)


# -- what is asked for -------------------------------------------------------------------------------


@dataclass
class _Asked:
    """The data objects of a submission, by name."""

    inputs: dict[str, DatasetConsumptionConfig] = field(default_factory=dict)
    outputs: dict[str, OutputFileDatasetConfig] = field(default_factory=dict)
    references: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, arguments: Sequence[object], run_config: object) -> "_Asked":
        asked = cls()
        for one in arguments:
            asked.add(one)
        for name, one in _pairs(run_config, "data"):
            asked.add(one if isinstance(one, DatasetConsumptionConfig) else _named(name, one))
        for _, one in _pairs(run_config, "output_data"):
            asked.add(one)
        for name, one in _pairs(run_config, "data_references"):
            asked.refer(name, one)
        return asked

    def add(self, one: object) -> None:
        """Take one argument or data object in.

        Raises
        ------
        OptionError
            If it is neither a string, nor a number, nor data.
        """
        match one:
            case DatasetConsumptionConfig():
                self._put(self.inputs, one.name, one)
            case OutputFileDatasetConfig():
                self._put(self.outputs, one.name, one)
            case DataReference():
                self.refer(one.data_reference_name, one)
            case AbstractDataset():
                raise errors.UserErrorException(
                    f"a dataset itself is no argument ({one!r}); pass dataset.as_named_input('name'), or of a file "
                    f"dataset as_mount() or as_download()"
                )
            case DataPath():
                _place_of(one)
            case str() | int() | float() | os.PathLike():
                pass
            case _:
                raise errors.OptionError(
                    f"{errors.a(one)} is no argument of a script; expected strings, numbers or data"
                )

    def refer(self, name: str, one: object) -> None:
        """Take a reference in; one of a run configuration names its datastore only."""
        self._put(self.references, reference_name(name), one)

    def _put(self, known: dict[str, Any], name: str, one: object) -> None:
        if name in known and repr(known[name]) != repr(one):
            raise errors.UserErrorException(f"two data objects of this submission are named {name!r}; name them apart")
        known[name] = one


def _pairs(run_config: object, field_name: str) -> list[tuple[str, Any]]:
    found = getattr(run_config, field_name, None) or {}
    if not isinstance(found, Mapping):
        raise errors.OptionError(f"run_config.{field_name} is {errors.a(found)}; expected a dict by name")
    return list(found.items())


def _named(name: str, one: object) -> DatasetConsumptionConfig:
    if not isinstance(one, AbstractDataset):
        raise errors.OptionError(
            f"run_config.data[{name!r}] is {errors.a(one)}; expected dataset.as_named_input({name!r})"
        )
    return one.as_named_input(name)


# -- what is given -----------------------------------------------------------------------------------


class _Desk:
    """Where the data of one run are handed over."""

    def __init__(self, workspace: "Workspace", run_id: str) -> None:
        self._workspace, self._run_id = workspace, run_id
        self._registry = Registry(workspace)
        self._files: dict[str, tuple[FileDefinition, list[DataFile]]] = {}
        self._values: dict[str, str] = {}
        self._used: list[dict[str, Any]] = []
        self._made: list[dict[str, Any]] = []
        self.variables: dict[str, str] = {}

    # -- before anything is written

    def check(self, asked: _Asked) -> None:
        """Make sure that all can be served.

        Raises
        ------
        InputMissingError
            If the data of inputs are not there.
        UserErrorException
            If a name is taken, or an output may not write where it wants to.
        """
        for name in (*asked.inputs, *asked.outputs):
            self._check_name(name)
        if both := asked.inputs.keys() & (asked.outputs.keys() | asked.references.keys()):
            raise errors.UserErrorException(
                f"{min(both)!r} names an input, and an output or a data reference; name them apart"
            )
        missing: dict[str, str] = {}
        for name, one in asked.inputs.items():
            self._look(name, one, missing)
        for name, ref in asked.references.items():
            self._look_behind(name, ref, missing)
        if missing:
            raise errors.InputMissingError(missing)
        for output in asked.outputs.values():
            self._check_output(output)

    def _check_name(self, name: str) -> None:
        """Refuse a name that would replace a variable of this process, but for an input of the run around it."""
        variable_name("name of an input or output", name)  # it may have been set since
        ours = os.environ.get(NAMED_INPUTS, "") + "," + os.environ.get(NAMED_OUTPUTS, "")
        around = {item.partition(":")[0] for item in ours.split(",")}
        if name in os.environ and name not in around:
            raise errors.NameRefusedError(
                "name of an input or output", name, "this environment variable is set already"
            )

    def _look(self, name: str, one: DatasetConsumptionConfig, missing: dict[str, str]) -> None:
        try:
            if one.mode == "direct":
                _dataset(one, self._workspace)._all_files()  # noqa: SLF001 - one of us
            else:
                definition, owner = self._definition(one)
                self._files[name] = definition, files_of(definition, owner)
        except errors.SourceNotFoundError as error:
            missing[name] = error.path

    def _definition(self, one: DatasetConsumptionConfig) -> "tuple[FileDefinition, Workspace]":
        definition = _dataset(one, self._workspace).within(self._workspace)
        if not isinstance(definition, FileDefinition):
            raise errors.UserErrorException(f"input {one.name!r} is tabular and has no files to {one.mode}")
        return definition, self._workspace

    def _look_behind(self, name: str, ref: Any, missing: dict[str, str]) -> None:
        checked = self._checked(ref)
        place = checked.datastore.locate(checked.path_on_datastore)
        if checked.mode != "upload" and checked.path_on_datastore and not place.exists():
            missing[name] = str(place)

    def _checked(self, ref: Any) -> DataReference:
        """Return a reference with its paths checked; one of a run configuration names its datastore only."""
        store = getattr(ref, "datastore", None)
        if not isinstance(store, Datastore):
            store = Datastore(self._workspace, getattr(ref, "datastore_name", None))
        return DataReference(store, "checked", ref.path_on_datastore, ref.mode, ref.path_on_compute)

    def _check_output(self, output: OutputFileDatasetConfig) -> None:
        store, relative = output.place(self._workspace, self._run_id)
        folder = store.locate_to_write(relative)
        if folder.is_file() or (output.mode == "upload" and not output.overwrite and _holds_something(folder)):
            raise errors.UserErrorException(
                f"output {output.name!r} would write into {relative or 'all'} of datastore {store.name}, which holds "
                f"something already; use as_upload(overwrite=True), or another destination"
            )

    # -- serving

    def serve(self, asked: _Asked) -> None:
        """Bring everything to its place, and note what the script is told about it."""
        for one in asked.inputs.values():
            self._serve_input(one)
        for output in asked.outputs.values():
            self._serve_output(output)
        for name, ref in asked.references.items():
            self._serve_reference(name, ref)
        if asked.inputs:
            self.variables[NAMED_INPUTS] = ",".join(f"{one.name}:{one.mode}" for one in asked.inputs.values())
        if asked.outputs:
            self.variables[NAMED_OUTPUTS] = ",".join(asked.outputs)

    def claim(self) -> None:
        """Make sure that what lies in the inputs' folder is of an attempt that was killed, and of no other run.

        Raises
        ------
        RunExistsError
            If there is a run of this id that has inputs.
        """
        if _inputs(self._workspace, self._run_id).exists():
            if self._workspace.view.folder(self._run_id).exists():
                raise errors.RunExistsError(self._run_id)
            take_back(self._workspace, self._run_id)

    def _serve_input(self, one: DatasetConsumptionConfig) -> None:
        dataset = _dataset(one, self._workspace)
        key = dataset.keep_in(self._workspace)
        value = key if one.mode == "direct" else self._bring(one)
        self.variables[one.name] = self._values[str(one)] = value
        if one.mode != "direct":
            self.variables[PREFIX + one.name] = value
        self._used.append(
            {"name": one.name, "id": key, "mode": one.mode, "dataset": dataset.name, "version": dataset.version}
        )

    def _bring(self, one: DatasetConsumptionConfig) -> str:
        definition, files = self._files[one.name]
        return self._put(one.name, one.path_on_compute, definition, files, linked=one.mode == "mount")

    def _put(
        self, name: str, below: str | None, definition: FileDefinition, files: Sequence[DataFile], *, linked: bool
    ) -> str:
        """Bring files together in a folder of the run; return its path, or that of the one file."""
        folder = _inputs(self._workspace, self._run_id) / names.folder(name) / (path_below(below) or "")
        _make(folder)
        put(files, folder, self._workspace, linked=linked)
        return str(folder / files[0].name if only_file(definition, self._workspace) else folder)

    def _serve_output(self, output: OutputFileDatasetConfig) -> None:
        store, relative = output.place(self._workspace, self._run_id)
        folder = store.locate_to_write(relative)
        _make(folder)
        definition = dataset_of(output.definition(self._workspace, self._run_id), store.workspace).within(
            self._workspace
        )
        key = self._registry.save(definition)
        self.variables[output.name] = self._values[str(output)] = str(folder)
        wanted = output.registration
        if wanted is not None:
            self._registry.promise(
                Promise(self._run_id, output.name, wanted.name, definition, wanted.description, wanted.tags)
            )
        self._made.append(
            {
                "name": output.name,
                "id": key,
                "mode": output.mode,
                "path": str(folder),
                "dataset": wanted and wanted.name,
            }
        )

    def _serve_reference(self, name: str, ref: Any) -> None:
        checked = self._checked(ref)
        store, relative = checked.datastore, checked.path_on_datastore
        path = store.locate_to_write(relative) if checked.mode == "upload" else store.locate(relative)
        if checked.mode == "upload" or not relative:
            _make(path)
        value = str(path)
        if checked.mode == "download":
            definition = FileDefinition((LocalPath(str(path)),))
            value = self._put(name, checked.path_on_compute, definition, files_of(definition, None), linked=False)
        self.variables[PREFIX + name] = self._values[f"${PREFIX}{name}"] = value

    # -- what the script and its run are told

    def argument(self, one: object) -> str:
        """Return one argument as the command line has it."""
        if isinstance(one, (DatasetConsumptionConfig, OutputFileDatasetConfig)):
            return self._values[str(one)]
        if isinstance(one, DataPath):
            return str(_place_of(one))
        text = os.fspath(one) if isinstance(one, os.PathLike) else str(one)
        return re.sub(rf"\${PREFIX}\w+", self._referred, self._values.get(text, text))

    def _referred(self, found: re.Match[str]) -> str:
        if found[0] not in self._values:
            raise errors.UserErrorException(
                f"an argument holds {found[0]}, but the submission has no such data reference; pass the reference "
                f"itself as an argument, or put it into run_config.data_references"
            )
        return self._values[found[0]]

    def properties(self) -> dict[str, str]:
        """Return which data the run uses and makes."""
        return used.properties(self._used, self._made)


def _dataset(one: DatasetConsumptionConfig, workspace: "Workspace") -> AbstractDataset:
    """Return the dataset of an input, also where it is the output of an earlier run."""
    if isinstance(one.dataset, AbstractDataset):
        return one.dataset
    store, _ = one.dataset.place(workspace, None)
    return dataset_of(one.dataset.definition(workspace, None), store.workspace)


def _place_of(path: DataPath) -> Path:
    """Return where a path in a datastore leads.

    Raises
    ------
    InputMissingError
        If nothing lies there.
    """
    place = path.datastore.locate(str(path.path_on_datastore))
    if not place.exists():
        raise errors.InputMissingError({path.name or str(path.path_on_datastore): str(place)})
    return place


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.StoreError(str(folder), error) from error
