"""Every error of ours, drawn as a tree.

::

    AzmlError (also named AzureMLException)
    ├── UserErrorException (ValueError)
    │   ├── AuthenticationException
    │   ├── MetricError             (TypeError) a value that no log verb can hold
    │   ├── NameRefusedError        a name that cannot be a metric, tag, file, experiment or run
    │   ├── ArtifactNotFoundError   (FileNotFoundError) no such file in the run
    │   ├── SourceNotFoundError     (FileNotFoundError) no such file to upload
    │   ├── ConfigNotFoundError     (FileNotFoundError) no config.json
    │   ├── ConfigError             a config.json that says too little
    │   ├── OptionError             an argument that nothing knows
    │   ├── FieldError              (AttributeError) a setting that a configuration does not have
    │   ├── SettingError            (TypeError) a setting of a submission that cannot be used
    │   ├── SpecificationError      a YAML or JSON file that is no configuration
    │   ├── ScriptNotFoundError     (FileNotFoundError) no such script in the source folder
    │   ├── InterpreterNotFoundError (FileNotFoundError) no such Python
    │   ├── ModelExistsError        (FileExistsError) the name is taken in this run
    │   ├── AmbiguousModelError     (LookupError) there are several, and none was named
    │   ├── ModelChangedError       the file is not the one that was stored
    │   ├── ModelFactsError         the .json beside a model cannot be believed
    │   ├── ModelFormatUnknownError (LookupError) no plugin here reads it
    │   ├── UntrustedModelError     (PermissionError) loading it would run what nobody has vouched for
    │   ├── DatasetNotFoundError    (KeyError) no dataset of that name, version or id
    │   ├── DatasetExistsError      (FileExistsError) the name has another definition
    │   ├── InputMissingError       (FileNotFoundError) data that a run wants are not there
    │   ├── DownloadError           (OSError) an address that cannot be read now
    │   ├── OfferError              (RuntimeError) what a plugin offers failed when it was asked for
    │   ├── PackageMissingError     (ImportError) a third-party package that only some calls need
    │   └── NeedsCloudError         (WebserviceException, NotImplementedError) what only a cloud can do
    ├── ServiceException (.status_code)
    │   ├── RunNotFoundError        (KeyError) 404
    │   ├── PropertyError           (ValueError) 409: a property never changes
    │   ├── RunExistsError          (FileExistsError) 409: a run id is taken
    │   ├── RunStateError           (RuntimeError) 409: a run that cannot be deleted now
    │   ├── TrashEntryNotFoundError (KeyError) 404
    │   └── EnvironmentNotFoundError (KeyError) 404
    ├── WorkspaceException
    │   └── WorkspaceNotFoundError  (KeyError)
    ├── RunEnvironmentException (RuntimeError)
    ├── ExperimentExecutionException (RuntimeError)
    │   ├── ExperimentStateError    archived, or not empty
    │   └── EnvironmentBuildError   pip could not build an environment
    ├── ActivityFailedException (RuntimeError)
    ├── ActivityCanceledException (RuntimeError)
    ├── SnapshotException
    │   ├── SnapshotTooLargeError   a folder with more in it than a snapshot may hold
    │   └── SnapshotNotFoundError   (KeyError) no snapshot of that id
    ├── StoreError (OSError)        the disk said no
    │   └── IndexUnavailableError   the index cannot be used now; the journals can
    ├── RunConfigurationException · TrainingException · ProjectSystemException
    ├── WebserviceException
    │   ├── ModelNotFoundException  (KeyError)
    │   │   ├── ModelNotFoundError  there is no such model in a run or folder
    │   │   └── RegisteredModelNotFoundError  nor in the registry
    │   ├── ModelPathNotFoundException (FileNotFoundError)
    │   │   └── ModelPathNotFoundError    no file to register
    │   ├── ModelNameRefusedError   (NameRefusedError) a name that no registered model can have
    │   └── ModelFileExistsError    (FileExistsError) a download would replace something
    ├── ComputeTargetException · HyperDriveConfigException · HyperDriveNotImplementedException
    └── DiscoveryUrlNotFoundException · DatasetTimestampMissingError · ParallelRunException
        AzureMLAggregatedException · WorkspacePrivateEndpointException

    UserWarning
    └── AzmlWarning
        ├── MetricWarning           a value was stored, but not as you may think
        ├── AutologWarning          an adapter stumbled; training went on
        ├── PluginWarning           a plugin stumbled; all else went on
        ├── StoreWarning            something was not stored, and ``on_error="warn"`` was asked for
        ├── IndexWarning            the index is out of use; runs are read from their folders
        └── SubmissionWarning       a submission was accepted, but not as you may think

The names without a remark are those of the SDK v1, so that old ``except`` clauses catch. Each finer error
keeps the culprit as an attribute and says what came, what was wanted, and the way out.
"""

import json
import os
import sys
import warnings
from collections.abc import Sequence
from types import FrameType

MIB = 1 << 20


class AzmlError(Exception):
    """Root of all errors of ours.

    Attributes
    ----------
    message : str
        The sentence alone.
    inner_exception : BaseException or None
        What caused it.
    """

    def __init__(self, message: str = "", inner_exception: BaseException | None = None, **_: object) -> None:
        self.message = message
        self.inner_exception = inner_exception
        super().__init__(message)

    def __str__(self) -> str:
        """Return the lines that SDK v1's errors print."""
        response = json.dumps({"error": {"message": self.message}})
        return (
            f"{type(self).__name__}:\n\tMessage: {self.message}\n"
            f"\tInnerException {self.inner_exception}\n\tErrorResponse {response}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whatever the arguments of ``__init__`` were."""
        return _rebuild, (type(self), self.args, self.__dict__)


_LAYOUTS: tuple[type[Exception], ...] = (OSError, AttributeError, ImportError)  # builtins with fields of their own


def _rebuild(kind: type[AzmlError], args: tuple[object, ...], state: dict[str, object]) -> AzmlError:
    base = next((layout for layout in _LAYOUTS if issubclass(kind, layout)), Exception)
    error: AzmlError = base.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


AzureMLException = AzmlError

# -- SDK v1's names ----------------------------------------------------------------------------------


class UserErrorException(AzmlError, ValueError):
    """The caller asked for something that cannot be."""


class AuthenticationException(UserErrorException):
    """Kept for old ``except`` clauses: there is nobody to authenticate to."""


class ServiceException(AzmlError):
    """What the service would have answered.

    Attributes
    ----------
    status_code : int
        As in HTTP.
    """

    status_code = 400


class WorkspaceException(AzmlError):
    """A workspace that is not there, or that is there already."""


class RunEnvironmentException(AzmlError, RuntimeError):
    """No submitted run around this process."""


class ExperimentExecutionException(AzmlError, RuntimeError):
    """A submission that failed, or whose streaming was interrupted."""


class ActivityFailedException(AzmlError, RuntimeError):
    """The awaited run failed."""


class ActivityCanceledException(AzmlError, RuntimeError):
    """The awaited run was canceled."""


class SnapshotException(AzmlError):
    """A snapshot that cannot be taken or found."""


class RunConfigurationException(AzmlError):
    """A run configuration that contradicts itself."""


class TrainingException(AzmlError):
    """A training job that cannot be set up."""


class ProjectSystemException(AzmlError):
    """A project folder that cannot be used."""


class WebserviceException(AzmlError):
    """A model that cannot be registered or found."""


class ModelNotFoundException(WebserviceException, KeyError):
    """No model of that name."""


class ModelNotFoundError(ModelNotFoundException):
    """There is no such model in a run or folder.

    Attributes
    ----------
    name : str or None
        What was asked for.
    """

    def __init__(
        self, name: str | None, where: str, there: Sequence[str], why: str = "the notes of a run may say why"
    ) -> None:
        self.name = name
        what = "no model" if name is None else f"no model {name!r}"
        super().__init__(f"{where} has {what}; it has {few(there) or 'none'}; {why}")


class ModelPathNotFoundException(WebserviceException, FileNotFoundError):
    """No file for a model at that path."""


class RegisteredModelNotFoundError(ModelNotFoundException):
    """There is no such model in the registry of a workspace.

    Attributes
    ----------
    wanted : str
        What was asked for.
    """

    def __init__(self, wanted: str, workspace: str, there: Sequence[str]) -> None:
        self.wanted = wanted
        super().__init__(
            f"workspace {workspace} has no model {wanted}; it has {few(there) or 'none yet'}; "
            f"`azml model list` shows those that are there"
        )


class ModelPathNotFoundError(ModelPathNotFoundException):
    """No file to register.

    Attributes
    ----------
    path : str
        What was asked for.
    """

    def __init__(self, path: str, where: str, there: Sequence[str], way_out: str) -> None:
        self.path = path
        super().__init__(
            f"{where} has no file or folder {_short(path)}; it has {few(there) or 'no files yet'}; {way_out}"
        )


class ComputeTargetException(AzmlError):
    """A compute target that is not there."""


class HyperDriveConfigException(AzmlError, ValueError):
    """A sweep that cannot be sampled."""


class HyperDriveNotImplementedException(AzmlError, NotImplementedError):
    """A verb that a sweep does not have."""


class DiscoveryUrlNotFoundException(AzmlError):
    """Kept for old ``except`` clauses."""


class DatasetTimestampMissingError(AzmlError):
    """Kept for old ``except`` clauses."""


class ParallelRunException(AzmlError):
    """Kept for old ``except`` clauses."""


class AzureMLAggregatedException(AzmlError):
    """Kept for old ``except`` clauses."""


class WorkspacePrivateEndpointException(AzmlError):
    """Kept for old ``except`` clauses."""


# -- finer errors ------------------------------------------------------------------------------------


class MetricError(UserErrorException, TypeError):
    """A value that no log verb can hold.

    Attributes
    ----------
    name : str
        Metric name.
    value : object
        What came.
    """

    def __init__(self, name: str, value: object, wanted: str) -> None:
        self.name, self.value = name, value
        super().__init__(f"metric {_short(name)} got {a(value)}, expected {wanted}")


class OfferError(UserErrorException, RuntimeError):
    """What a plugin offers failed when it was asked for.

    Attributes
    ----------
    plugin : str
        Name of the plugin.
    """

    def __init__(self, what: str, plugin: str, cause: object, way_out: str) -> None:
        self.plugin = plugin
        said = f"{type(cause).__name__}: {cause}" if isinstance(cause, BaseException) else str(cause)
        super().__init__(f"{what} of plugin {plugin!r} failed: {said}; {way_out}")


class NameRefusedError(UserErrorException):
    """A name that cannot be what it was meant to be.

    Attributes
    ----------
    name : object
        What came.
    """

    def __init__(self, what: str, name: object, wanted: str) -> None:
        self.name = name
        super().__init__(f"{what} {_short(name)} is refused: {wanted}")


class ModelNameRefusedError(NameRefusedError, WebserviceException):
    """A name that no registered model can have."""


class ModelFileExistsError(WebserviceException, FileExistsError):
    """A download that would replace something.

    Attributes
    ----------
    path : str
        What is in the way.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} is there already, and nothing was downloaded; exist_ok=True replaces it")


class ArtifactNotFoundError(UserErrorException, FileNotFoundError):
    """No such file in the run.

    Attributes
    ----------
    name : str
        What was asked for.
    """

    def __init__(self, name: str, run_id: str, there: list[str]) -> None:
        self.name = name
        shown = ", ".join(there[:5]) + (", ..." if len(there) > len(there[:5]) else "")
        super().__init__(
            f"run {run_id} has no file {_short(name)}; it has {shown or 'no files yet'}; get_file_names() lists all"
        )


class SourceNotFoundError(UserErrorException, FileNotFoundError):
    """No such file to upload.

    Attributes
    ----------
    path : str
        What was asked for.
    """

    def __init__(self, path: str, wanted: str = "a file or folder that exists") -> None:
        self.path = path
        is_file = os.path.isfile(path)  # noqa: PTH113 - a Path raises for a name that is too long
        state = "is a file" if is_file and wanted.startswith("a folder") else "is not there"
        super().__init__(f"{_short(path, 500)} {state}; expected {wanted}")  # the end of a path tells most


class ConfigNotFoundError(UserErrorException, FileNotFoundError):
    """No config.json where one was asked for.

    Attributes
    ----------
    path : str
        Where the search began.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"no config.json at {path} or above it (.azureml/, aml_config/ and the folders themselves were searched); "
            f"write one with Workspace.write_config, or leave the path out for the local default workspace"
        )


class ConfigError(UserErrorException):
    """A config.json that cannot be used.

    Attributes
    ----------
    path : str
        The file.
    """

    def __init__(self, path: str, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path} {why}; expected a JSON object with subscription_id, resource_group and workspace_name, "
            f"or with Id and Scope"
        )


class OptionError(UserErrorException, TypeError):
    """An argument that nothing knows."""


class FieldError(UserErrorException, AttributeError):
    """A setting that a configuration does not have.

    Attributes
    ----------
    field : str
        What came.
    """

    def __init__(self, owner: str, field: str, there: Sequence[str]) -> None:
        self.field = field
        meant = guess(field, there)
        super().__init__(f"{owner} has no {_short(field)}{meant or f'; it has {few(there, 40)}'}")


class SettingError(UserErrorException, TypeError):
    """A setting of a submission that cannot be used.

    Attributes
    ----------
    name : str
        The setting.
    value : object
        What came.
    """

    def __init__(self, name: str, value: object, wanted: str, came: str | None = None) -> None:
        self.name, self.value = name, value
        super().__init__(f"{name} got {came or f'{a(value)} {_short(value)}'}, expected {wanted}")


class SpecificationError(UserErrorException):
    """A file that is no configuration.

    Attributes
    ----------
    path : str
        The file.
    """

    def __init__(self, path: str, why: str, wanted: str) -> None:
        self.path = path
        super().__init__(f"{path} {why}; expected {wanted}")


class ScriptNotFoundError(UserErrorException, FileNotFoundError):
    """No such script in the source folder.

    Attributes
    ----------
    script : str
        What was asked for.
    """

    def __init__(self, script: str, folder: str, there: Sequence[str]) -> None:
        self.script = script
        meant = guess(script, there) or f"; it has {few(there) or 'no Python files'}"
        separate = ""
        if " " in script.strip():
            separate = "; arguments of the script go into arguments=[...], a whole command line into command="
        super().__init__(f"there is no script {_short(script)} in {folder}{meant}{separate}")


class InterpreterNotFoundError(UserErrorException, FileNotFoundError):
    """No such Python.

    Attributes
    ----------
    path : str
        What was asked for.
    """

    def __init__(self, path: str, where: str) -> None:
        self.path = path
        super().__init__(
            f"there is no interpreter {_short(path)} {where}; expected the path of a Python that can be executed, or "
            f"its name on PATH; python.interpreter_path = 'python' is the one that submits"
        )


class RunNotFoundError(ServiceException, KeyError):
    """No run of that id.

    Attributes
    ----------
    run_id : str
        What was asked for.
    """

    status_code = 404

    def __init__(self, run_id: str, where: str) -> None:
        self.run_id = run_id
        super().__init__(f"no run {_short(run_id)} in {where}; `azml run list` shows those that are there")


class PropertyError(ServiceException, ValueError):
    """A property never changes.

    Attributes
    ----------
    key : str
        The property.
    """

    status_code = 409

    def __init__(self, key: str, old: str, new: str) -> None:
        self.key = key
        super().__init__(
            f"property {_short(key)} is {_short(old)} and cannot become {_short(new)}: properties are set once; "
            f"use a tag for what changes"
        )


class RunExistsError(ServiceException, FileExistsError):
    """A run id that is taken.

    Attributes
    ----------
    run_id : str
        The id.
    """

    status_code = 409

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {_short(run_id)} is there already; attach to it with Run(experiment, run_id)")


class RunStateError(ServiceException, RuntimeError):
    """A run that cannot be deleted as it stands.

    Attributes
    ----------
    run_id : str
        The run.
    why : str
        The reason, and the way out.
    """

    status_code = 409

    def __init__(self, run_id: str, why: str) -> None:
        self.run_id, self.why = run_id, why
        super().__init__(f"run {_short(run_id)} {why}")


class TrashEntryNotFoundError(ServiceException, KeyError):
    """Nothing of that id in the trash.

    Attributes
    ----------
    entry : str
        What was asked for.
    """

    status_code = 404

    def __init__(self, entry: str) -> None:
        self.entry = entry
        super().__init__(f"no {_short(entry)} in the trash; `azml trash list` shows what is there")


class EnvironmentNotFoundError(ServiceException, KeyError):
    """No environment of that name or version.

    Attributes
    ----------
    name : str
        What was asked for.
    """

    status_code = 404

    def __init__(self, name: str, what: str, there: Sequence[str]) -> None:
        self.name = name
        super().__init__(f"there is no {what}{guess(name, there)}; there are: {few(there) or 'none yet'}")


class WorkspaceNotFoundError(WorkspaceException, KeyError):
    """No workspace of that name.

    Attributes
    ----------
    name : str
        What was asked for.
    """

    def __init__(self, name: str, there: list[str]) -> None:
        self.name = name
        shown = ", ".join(there) or "none yet"
        super().__init__(f"no workspace {_short(name)}; there are: {shown}; Workspace.create makes one")


class ExperimentStateError(ExperimentExecutionException):
    """An experiment that is archived, or that still has runs.

    Attributes
    ----------
    name : str
        The experiment.
    """

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"experiment {_short(name)} {why}")


class EnvironmentBuildError(ExperimentExecutionException):
    """Pip could not build an environment.

    Attributes
    ----------
    requirements : list of str
        What was wanted.
    output : str
        Its last lines.
    """

    def __init__(self, requirements: Sequence[str], doing: str, output: str) -> None:
        self.requirements, self.output = list(requirements), output
        super().__init__(
            f"the environment with {few(list(requirements)) or 'no packages'} could not be built: {doing} failed and "
            f"said:\n{output}\nNothing of it was kept; change the packages, or set user_managed_dependencies = True to "
            f"use an interpreter that has them"
        )


_LOG_AGAIN = (
    "what was logged before is safe; free space or fix the folder and log again, or set AZML_ON_ERROR=warn to go on "
    "without"
)


class SnapshotTooLargeError(SnapshotException, ValueError):
    """A folder with more in it than a snapshot may hold.

    Attributes
    ----------
    path : str
        The folder.
    size : int
        What it holds [bytes].
    limit : int
        What would be taken [bytes].
    largest : list of (str, int)
        Its largest files with their sizes [bytes].
    """

    def __init__(self, path: str, size: int, limit: int, largest: Sequence[tuple[str, int]]) -> None:
        self.path, self.size, self.limit, self.largest = path, size, limit, list(largest)
        shown = few([f"{name} ({length / 1e6:,.1f} MB)" for name, length in largest])
        super().__init__(
            f"{path} holds {size / 1e6:,.1f} MB, a snapshot at most {limit / 1e6:,.1f} MB; its largest files: {shown}; "
            f"name what the program does not need in a file .amlignore there (in the syntax of .gitignore, and in its "
            f"place), or raise the limit with AZML_SNAPSHOT_MAX_MB"
        )


class SnapshotNotFoundError(SnapshotException, KeyError):
    """No snapshot of that id.

    Attributes
    ----------
    snapshot_id : object
        What was asked for.
    """

    def __init__(self, snapshot_id: object, where: str) -> None:
        self.snapshot_id = snapshot_id
        super().__init__(f"no snapshot {_short(snapshot_id)} in {where}; Run.get_snapshot_id() tells that of a run")


class StoreError(AzmlError, OSError):
    """The disk said no; what was logged before is still there.

    Attributes
    ----------
    path : str
        The file or folder.
    """

    def __init__(self, path: str, cause: BaseException, doing: str = "write to") -> None:
        self.path = path
        way_out = _LOG_AGAIN if doing == "write to" else "see who may read it, and whether the disk is sound"
        super().__init__(f"cannot {doing} {path}: {cause}; {way_out}", cause)
        self.errno = getattr(cause, "errno", None)  # OSError's own `__init__` sets it too


class IndexUnavailableError(StoreError):
    """The index cannot be used now; the journals can.

    Attributes
    ----------
    path : str
        The index file.
    passing : bool
        Whether it is only busy.
    """

    def __init__(self, path: str, cause: BaseException, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(path, cause, doing="use the index")
        self.message = f"the index {path} cannot be used: {cause}; `azml doctor --repair` rebuilds it from the runs"


# -- warnings ----------------------------------------------------------------------------------------


class AzmlWarning(UserWarning):
    """Root of all warnings of ours."""


class MetricWarning(AzmlWarning):
    """A value was stored, but not as you may think."""


class AutologWarning(AzmlWarning):
    """An adapter stumbled; training went on."""


class PluginWarning(AzmlWarning):
    """A plugin stumbled; all else went on."""


class StoreWarning(AzmlWarning):
    """Something was not stored, and ``on_error="warn"`` was asked for."""


class IndexWarning(AzmlWarning):
    """The index is out of use; runs are read from their folders."""


class SubmissionWarning(AzmlWarning):
    """A submission was accepted, but not as you may think."""


class ModelExistsError(UserErrorException, FileExistsError):
    """A name that is taken in this run.

    Attributes
    ----------
    name : str
        The name.
    """

    def __init__(self, name: str, where: str, way_out: str) -> None:
        self.name = name
        super().__init__(f"{where} has files in outputs/{name} already; {way_out}")


class AmbiguousModelError(UserErrorException, LookupError):
    """There are several models, and none was named.

    Attributes
    ----------
    names : list of str
        What there is.
    """

    def __init__(self, where: str, there: list[str]) -> None:
        self.names = there
        super().__init__(f"{where} has {len(there)} models: {few(there)}; name one: name={there[0]!r}")


class ModelChangedError(UserErrorException):
    """A file that is not the one that was stored.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, where: str, found: str, wanted: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of {where} is not the file that was stored: it has {found}, and had {wanted} then; "
            f"nothing of it was used; `azml doctor` finds what else has changed"
        )


class ModelFactsError(UserErrorException):
    """A .json beside a model that cannot be believed.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, where: str, why: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of {where} cannot be used: {why}; expected what was written beside a model when it was stored; "
            f"nothing was loaded"
        )


class ModelFormatUnknownError(UserErrorException, LookupError):
    """A model of a format that no plugin here reads.

    Attributes
    ----------
    format : str
        What its model.json says.
    """

    def __init__(self, format: str, name: str, where: str, there: list[str], how: str) -> None:
        self.format = format
        said = f"; its model.json says: {_short(how)}" if how else ""
        super().__init__(
            f"{name} of {where} tells of the format {_short(format)}, which no plugin here reads; "
            f"there are: {few(there) or 'none'}{said}"
        )


class UntrustedModelError(UserErrorException, PermissionError):
    """A model whose loading would run what nobody has vouched for.

    Attributes
    ----------
    name : str
        The file.
    types : list of str
        Types that the file wants and nobody has vouched for, where they are known.
    """

    def __init__(self, name: str, where: str, why: str, types: Sequence[str] = ()) -> None:
        self.name, self.types = name, list(types)
        super().__init__(f"{name} of {where} {why}; nothing was loaded")


class DatasetNotFoundError(UserErrorException, KeyError):
    """No dataset of that name, version or id.

    Attributes
    ----------
    wanted : str
        What was asked for.
    """

    def __init__(self, wanted: str, workspace: str, there: Sequence[str]) -> None:
        self.wanted = wanted
        super().__init__(
            f"no dataset {_short(wanted)} in workspace {workspace}; there are: {few(there) or 'none yet'}; "
            f"register(workspace, name) makes one"
        )


class DatasetExistsError(UserErrorException, FileExistsError):
    """A name under which another definition is registered.

    Attributes
    ----------
    name : str
        The name.
    """

    def __init__(self, name: str, version: int) -> None:
        self.name = name
        super().__init__(
            f"dataset {_short(name)} is registered already, and its version {version} is defined otherwise; "
            f"pass create_new_version=True, or use update() to change its description and tags"
        )


class InputMissingError(UserErrorException, FileNotFoundError):
    """Data that a run wants are not there.

    Attributes
    ----------
    paths : dict of str to str
        What was looked for, by the name of the input.
    """

    def __init__(self, paths: dict[str, str]) -> None:
        self.paths = paths
        shown = few([f"input {name!r}: {path}" for name, path in paths.items()])
        super().__init__(
            f"the run was not begun, because data that it wants are not there: {shown}; bring them there, or for a "
            f"folder that the script itself writes use OutputFileDatasetConfig"
        )


class DownloadError(UserErrorException, OSError):
    """An address that cannot be read now.

    Attributes
    ----------
    address : str
        Where from, without what may be secret in it.
    """

    def __init__(self, address: str, cause: BaseException | str) -> None:
        self.address = address
        super().__init__(
            f"cannot fetch {address}: {cause}; see whether this machine has a network, or fetch the file once by "
            f"other means and make the dataset from its path",
            cause if isinstance(cause, BaseException) else None,
        )


class PackageMissingError(UserErrorException, ImportError):
    """A third-party package that only some calls need.

    Attributes
    ----------
    package : str
        What is missing.
    """

    def __init__(self, package: str, what: str, cause: BaseException | None = None) -> None:
        self.package = package
        super().__init__(f"{what} needs {package}, which is not installed; `pip install {package}`", cause)


class NeedsCloudError(UserErrorException, WebserviceException, NotImplementedError):
    """What only a cloud can do.

    Attributes
    ----------
    what : str
        What was asked for.
    """

    def __init__(self, what: str, way_out: str) -> None:
        self.what = what
        super().__init__(f"{what} needs the cloud, and everything here stays on this machine; {way_out}")


def few(names: Sequence[str], most: int = 10) -> str:
    """Return names as a list that is not too long."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def in_words(size: int) -> str:
    """Return a number of bytes as people say it: ``1,000 bytes``, ``256 MiB``."""
    return f"{size / MIB:,.0f} MiB" if size >= MIB else f"{size:,} bytes"


def guess(name: str, there: Sequence[str], least: float = 0.6) -> str:
    """Return ``; did you mean ...?`` for a name that is nearly one of those that are there, else nothing.

    Parameters
    ----------
    name : str
        What came.
    there : list of str
        What there is.
    least : float, default=0.6
        How alike they must be, from 0 to 1.
    """
    from difflib import get_close_matches

    lowered = {candidate.lower(): candidate for candidate in there}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=least)
    return f"; did you mean {lowered[near[0]]!r}?" if near else ""


def a(value: object) -> str:
    """Return the name of a value's type with its article: ``an int``, ``a ndarray``."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _short(value: object, most: int = 80) -> str:
    text = repr(value)
    length = len(value) if isinstance(value, str) else len(text)
    return text if len(text) <= most else f"{text[:most]}... ({length} characters)"


def warn_outside(message: str, kind: type[Warning], framework: str = "") -> None:
    """Warn at the innermost line that is neither ours, nor an adapter's, nor the framework's.

    Parameters
    ----------
    message : str
        What to say.
    kind : type of Warning
        Its category.
    framework : str, default=""
        Package whose lines are passed too: the user called it, and it called us.
    """
    passed = {"contextlib", "importlib", framework} - {""}
    frame = sys._getframe(1)  # noqa: SLF001 - a stack level does not count the frames of an import
    while frame.f_back is not None and _is_passed(frame, passed):
        frame = frame.f_back
    where = frame.f_globals
    warnings.warn_explicit(
        message,
        kind,
        frame.f_code.co_filename,
        frame.f_lineno,
        where.get("__name__"),
        where.setdefault("__warningregistry__", {}),
    )


def _is_passed(frame: FrameType, passed: set[str]) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in passed or package.startswith("azml_")  # azml_integrations, and adapters as azml_sklearn
