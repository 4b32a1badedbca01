"""How a script is run: target, interpreter, processes, variables, and much that only a cloud reads."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import errors
from .conda_dependencies import DEFAULT_FILE, CondaDependencies, write
from .environment import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    ContainerRegistry,
    DockerBuildContext,
    DockerSection,
    Environment,
    PythonSection,
)
from .sections import Section, read_yaml, to_yaml

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "LONGEST",
    "AmlComputeConfiguration",
    "CondaDependencies",
    "ContainerRegistry",
    "DataReferenceConfiguration",
    "DockerBuildContext",
    "DockerConfiguration",
    "DockerSection",
    "Environment",
    "HdiConfiguration",
    "HistoryConfiguration",
    "KubernetesComputeConfiguration",
    "MpiConfiguration",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "PythonSection",
    "RunConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
]

LONGEST = 2592000
"""Longest time that a run may take by default [s]: 30 days."""

_FOLDERS = (".azureml", "aml_config")
_SUFFIX = ".runconfig"
_WANTED = "a run configuration: a mapping as RunConfiguration.save writes it"


# -- sections ----------------------------------------------------------------------------------------


@dataclass
class HistoryConfiguration(Section):
    """What is captured of a run.

    Attributes
    ----------
    output_collection : bool
        Whether ``./outputs`` is captured at the end.
    snapshot_project : bool
        Whether the source folder is kept.
    directories_to_watch : list of str
        Folders that are captured while the script runs.
    enable_mlflow_tracking : bool
        Kept as data.
    """

    output_collection: bool = True
    snapshot_project: bool = True
    directories_to_watch: list[str] = field(default_factory=lambda: ["logs"])
    enable_mlflow_tracking: bool = field(default=True, metadata={"key": "enableMLflowTracking"})


@dataclass
class SparkConfiguration(Section):
    """Settings for Spark; kept as data.

    Attributes
    ----------
    configuration : dict
        By Spark's names.
    """

    configuration: dict[str, Any] = field(
        default_factory=lambda: {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}
    )


@dataclass
class DockerConfiguration(Section):
    """Whether and how a container is used; kept as data: scripts run on this machine as it is.

    Attributes
    ----------
    use_docker, shared_volumes : bool
        Whether there is a container, and whether it sees the machine's folders.
    arguments : list of str
        For ``docker run``.
    shm_size : str
        Size of its shared memory.
    """

    use_docker: bool = False
    shared_volumes: bool = True
    arguments: list[str] = field(default_factory=list)
    shm_size: str | None = "2g"


@dataclass
class MpiConfiguration(Section):
    """Run the script in several processes, as MPI starts them.

    Attributes
    ----------
    process_count_per_node : int
        Processes on each machine.
    node_count : int
        Machines; here all processes run on this one.
    """

    process_count_per_node: int = 1
    node_count: int = 1


@dataclass
class PyTorchConfiguration(Section):
    """Run the script in several processes, as ``torch.distributed`` wants them.

    Attributes
    ----------
    communication_backend : {"nccl", "gloo"}
        Kept in lower case.
    process_count : int or None
        Processes in all; `node_count` by default.
    node_count : int
        Machines; here all processes run on this one.

    Raises
    ------
    RunConfigurationException
        If the backend is another.
    """

    communication_backend: str = "Nccl"
    process_count: int | None = None
    node_count: int = 1

    def __setattr__(self, name: str, value: object) -> None:
        """Set a field, the backend in lower case."""
        if name == "communication_backend":
            if not isinstance(value, str) or value.lower() not in {"nccl", "gloo"}:
                raise errors.RunConfigurationException(
                    f"communication_backend got {value!r}, expected 'nccl' or 'gloo'; for MPI use MpiConfiguration"
                )
            value = value.lower()
        super().__setattr__(name, value)


@dataclass
class TensorflowConfiguration(Section):
    """Run the script in several processes, as TensorFlow's parameter servers want them.

    Attributes
    ----------
    worker_count, parameter_server_count : int
        Processes of each kind; here workers alone are started.
    """

    worker_count: int = 1
    parameter_server_count: int = 1


@dataclass
class ParallelTaskConfiguration(Section):
    """Settings of a parallel task; kept as data.

    Attributes
    ----------
    max_retries_per_worker, worker_count_per_node : int
        As SDK v1 has them.
    terminal_exit_codes : list of int or None
        Likewise.
    """

    max_retries_per_worker: int = 0
    worker_count_per_node: int = 1
    terminal_exit_codes: list[int] | None = None


@dataclass
class HdiConfiguration(Section):
    """Settings for HDInsight; kept as data.

    Attributes
    ----------
    yarn_deploy_mode : str
        As SDK v1 has it.
    """

    yarn_deploy_mode: str = "cluster"


@dataclass
class AmlComputeConfiguration(Section):
    """The cluster of a cloud; kept as data.

    Attributes
    ----------
    vm_size, vm_priority, location : str or None
        As SDK v1 has them.
    retain_cluster : bool
        Likewise.
    cluster_max_node_count : int or None
        Likewise.
    """

    vm_size: str | None = None
    vm_priority: str | None = None
    location: str | None = None
    retain_cluster: bool = False
    cluster_max_node_count: int | None = None


@dataclass
class KubernetesComputeConfiguration(Section):
    """The instances of a cluster; kept as data.

    Attributes
    ----------
    instance_type : str or None
        As SDK v1 has it.
    """

    instance_type: str | None = None


@dataclass
class DataReferenceConfiguration(Section):
    """Data of a datastore that a script reads.

    Attributes
    ----------
    datastore_name : str or None
        Where it lies.
    mode : {"mount", "download", "upload"}
        How the script gets it.
    path_on_datastore, path_on_compute : str or None
        Its place there, and here.
    overwrite : bool
        Whether what is there already is replaced.
    """

    datastore_name: str | None = None
    mode: str = "mount"
    path_on_datastore: str | None = None
    path_on_compute: str | None = None
    overwrite: bool = False


# -- the configuration -------------------------------------------------------------------------------


@dataclass(init=False, repr=False, eq=False)
class RunConfiguration(Section):
    """How a script is run.

    Parameters
    ----------
    script : str, default=None
        Path of the script, relative to its source folder.
    arguments : list, default=None
        What it is called with.
    framework : {"Python", "PyTorch", "TensorFlow", "PySpark"}, default=None
        "Python" by default.
    communicator : {"None", "Nccl", "Gloo", "IntelMpi", "OpenMpi", "ParameterServer"}, default=None
        How its processes talk; "None", which is one process, by default.
    conda_dependencies : CondaDependencies, default=None
        Packages of its environment.
    command : str or list, default=None
        A command line, instead of a script.

    Attributes
    ----------
    target : str or object
        Where it runs: "local", a name, or a compute target.
    environment : Environment
        Its Python, packages and variables.
    max_run_duration_seconds : float or None
        After which it is stopped [s].
    node_count : int
        Machines; here all processes run on this one.
    mpi, pytorch, tensorflow : Section
        Its processes, by communicator.
    history : HistoryConfiguration
        What is captured.
    data_references : dict
        Data of datastores, by name; `data` and `output_data` likewise.

    Raises
    ------
    FieldError
        If an attribute is set that does not exist.
    """

    script: str | None
    command: str | list[str]
    arguments: list[Any]
    target: Any
    framework: str
    communicator: str
    max_run_duration_seconds: float | None
    node_count: int
    priority: int | None
    environment: Environment
    history: HistoryConfiguration
    spark: SparkConfiguration
    docker: DockerConfiguration
    hdi: HdiConfiguration
    tensorflow: TensorflowConfiguration
    mpi: MpiConfiguration
    pytorch: PyTorchConfiguration = field(metadata={"key": "pyTorch"})
    paralleltask: ParallelTaskConfiguration = field(metadata={"key": "parallelTask"})
    data_references: dict[str, Any]
    data: dict[str, Any]
    datacaches: list[Any]
    output_data: dict[str, Any]
    amlcompute: AmlComputeConfiguration = field(metadata={"key": "amlCompute"})
    kubernetescompute: KubernetesComputeConfiguration = field(metadata={"key": "kubernetesCompute"})
    services: dict[str, Any]
    credential_passthrough: bool
    source_directory_data_store: str | None
    auto_prepare_environment: bool

    def __init__(
        self,
        script: str | None = None,
        arguments: Iterable[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        _history_enabled: bool | None = None,
        _path: str | None = None,
        _name: str | None = None,
        command: str | list[str] | None = None,
    ) -> None:
        self.script = script
        self.command = command or ""
        self.arguments = arguments if isinstance(arguments, str) else list(arguments or ())  # type: ignore[assignment]  # a string is refused by submit
        self.target = "local"
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.max_run_duration_seconds = LONGEST
        self.node_count = 1
        self.priority = None
        self.environment = Environment("default-environment")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.history = HistoryConfiguration()
        if _history_enabled is not None:
            self.history.output_collection = bool(_history_enabled)
        self.spark = SparkConfiguration()
        self.docker = DockerConfiguration()
        self.hdi = HdiConfiguration()
        self.tensorflow = TensorflowConfiguration()
        self.mpi = MpiConfiguration()
        self.pytorch = PyTorchConfiguration()
        self.paralleltask = ParallelTaskConfiguration()
        self.data_references, self.data, self.output_data = {}, {}, {}
        self.datacaches = []
        self.amlcompute = AmlComputeConfiguration()
        self.kubernetescompute = KubernetesComputeConfiguration()
        self.services = {}
        self.credential_passthrough = False
        self.source_directory_data_store = None
        self.auto_prepare_environment = False

    @property
    def environment_variables(self) -> dict[str, str]:
        """Return the variables of the environment; they may be changed and set."""
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: dict[str, str]) -> None:
        self.environment.environment_variables = variables

    def as_definition(self) -> dict[str, Any]:
        """Return the configuration as JSON can hold it, in camelCase, as run details show it."""
        return super().as_definition() | {"target": target_name(self.target)}

    def _read(self, field: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
        """Return a field's value from what a file holds for it."""
        match field.name, value:
            case "data_references", Mapping():
                return {
                    str(name): DataReferenceConfiguration.from_definition(part, f"{where}, {name}")
                    for name, part in value.items()
                }
            case (("data_references" | "data" | "output_data" | "services"), None):
                return {}
            case (("arguments" | "datacaches"), None):
                return []
            case "command", None:
                return ""
            case "arguments", list():
                return list(value)
        return super()._read(field, value, where)

    # -- files ---------------------------------------------------------------------------------------

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        separate_environment_yaml: bool = False,
    ) -> None:
        """Write the configuration as YAML, and the packages of its environment beside it.

        Parameters
        ----------
        path : str or path-like, default=None
            Folder to write below: into its ``.azureml``; or a folder of that name. The working directory by default.
        name : str, default=None
            Name of the file.
        separate_environment_yaml : bool, default=False
            Whether the environment gets a file of its own.

        Raises
        ------
        UserErrorException
            If there is no name.
        SourceNotFoundError
            If the folder is not there; it is a FileNotFoundError.
        StoreError
            If the disk refuses.
        """
        if not name or Path(name).name != name:
            raise errors.UserErrorException(f"RunConfiguration.save got the name {name!r}, expected the name of a file")
        root = Path(path) if path is not None else Path.cwd()
        if not root.is_dir():
            raise errors.SourceNotFoundError(str(root), "a folder that exists")
        folder = root if root.name in _FOLDERS else root / _FOLDERS[0]
        definition = self.as_definition()
        stem = name.removesuffix(_SUFFIX)
        python = definition["environment"]["python"]
        if packages := python.pop("condaDependencies"):
            python["condaDependenciesFile"] = _save_beside(folder, DEFAULT_FILE, stem, to_yaml(packages))
        if separate_environment_yaml:
            environment = to_yaml(definition["environment"])
            definition["environment"] = _save_beside(folder, "environment.yml", stem, environment)
        write(folder / name, to_yaml(definition))

    @staticmethod
    def load(path: str | os.PathLike[str], name: str | None = None) -> "RunConfiguration":
        """Return the configuration that a file holds.

        Parameters
        ----------
        path : str or path-like
            The file, or the folder that it was saved below.
        name : str, default=None
            Name of the file, with or without ``.runconfig``.

        Raises
        ------
        UserErrorException
            If there is no such file, or it is no configuration; the former is a FileNotFoundError too.
        """
        found = _find(Path(path), name)
        content = read_yaml(found, _WANTED)
        environment = content.get("environment")
        if isinstance(environment, str):
            content["environment"] = environment = read_yaml(found.parent / environment, "an environment")
        _load_packages(environment, found.parent)
        return RunConfiguration.from_definition(content, str(found))

    @staticmethod
    def delete(path: str | os.PathLike[str], name: str) -> None:
        """Delete the file that holds a configuration; its packages stay.

        Parameters
        ----------
        path : str or path-like
            The folder that it was saved below.
        name : str
            Name of the file.

        Raises
        ------
        UserErrorException
            If there is none.
        """
        _find(Path(path), name).unlink()

    def __repr__(self) -> str:
        """Return the definition as YAML."""
        return to_yaml(self.as_definition())


def target_name(target: object) -> str:
    """Return the name of a target: "local", a name, or that of a compute target.

    Raises
    ------
    SettingError
        If it has none.
    """
    name = "local" if target is None else target if isinstance(target, str) else getattr(target, "name", None)
    if not isinstance(name, str) or not name.strip():
        raise errors.SettingError("target", target, "'local', a name, or a compute target")
    return name


def _save_beside(folder: Path, usual: str, stem: str, text: str) -> str:
    """Write a part of a configuration beside it; another one's part of the usual name is left alone."""
    present = folder / usual
    name = usual if not present.exists() or present.read_text(encoding="utf-8") == text else f"{stem}_{usual}"
    write(folder / name, text)
    return name


def _find(path: Path, name: str | None) -> Path:
    if name is None and path.is_file():
        return path
    if name is None:
        raise errors.UserErrorException(f"{path} is no file; expected a file, or a folder and name=")
    places = [folder / file for folder in _places(path) for file in (name, name + _SUFFIX)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        there = sorted(
            file.name for folder in _places(path) if folder.is_dir() for file in folder.iterdir() if file.is_file()
        )
        raise errors.SourceNotFoundError(
            str(path / name), f"a run configuration{errors.guess(name, there) or f' among {errors.few(there) or None}'}"
        )
    return found


def _places(path: Path) -> Iterator[Path]:
    """Yield the folders in which a configuration may lie, for the folder that it was saved below."""
    yield from (path / folder for folder in _FOLDERS)
    yield path


def _load_packages(environment: object, folder: Path) -> None:
    """Take in the packages that lie in a file beside a configuration."""
    python = environment.get("python") if isinstance(environment, dict) else None
    file = python.get("condaDependenciesFile") if isinstance(python, dict) else None
    if not file or not isinstance(python, dict):
        return
    for base in (folder, folder.parent):
        if (base / str(file)).is_file():
            python["condaDependencies"] = CondaDependencies(base / str(file)).as_dict()
            python["condaDependenciesFile"] = None
            return
    raise errors.SourceNotFoundError(str(folder / str(file)), "the conda specification that a run configuration names")
