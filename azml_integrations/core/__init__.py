"""The classes of ``azureml.core`` that record and submit runs, under the same names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._version import __version__

if TYPE_CHECKING:
    from .compute import ComputeTarget
    from .data_reference import DataReference
    from .datapath import DataPath
    from .dataset import Dataset
    from .dataset_consumption_config import DatasetConsumptionConfig
    from .dataset_factory import DataType
    from .datastore import Datastore
    from .environment import Environment
    from .experiment import Experiment
    from .model import Model
    from .output_dataset_config import OutputFileDatasetConfig
    from .process import current_run, implicit_child, implicit_experiment, implicit_run
    from .run import Run
    from .runconfig import RunConfiguration
    from .script_run import ScriptRun
    from .script_run_config import ScriptRunConfig
    from .workspace import Workspace

VERSION = __version__

__all__ = [
    "VERSION",
    "ComputeTarget",
    "DataPath",
    "DataReference",
    "DataType",
    "Dataset",
    "DatasetConsumptionConfig",
    "Datastore",
    "Environment",
    "Experiment",
    "Model",
    "OutputFileDatasetConfig",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Workspace",
    "__version__",
    "current_run",
    "get_run",
    "implicit_child",
    "implicit_experiment",
    "implicit_run",
]

_LATE = {
    "ComputeTarget": "compute",
    "DataPath": "datapath",
    "DataReference": "data_reference",
    "DataType": "dataset_factory",
    "Dataset": "dataset",
    "DatasetConsumptionConfig": "dataset_consumption_config",
    "Datastore": "datastore",
    "Environment": "environment",
    "Experiment": "experiment",
    "Model": "model",
    "OutputFileDatasetConfig": "output_dataset_config",
    "Run": "run",
    "RunConfiguration": "runconfig",
    "ScriptRun": "script_run",
    "ScriptRunConfig": "script_run_config",
    "Workspace": "workspace",
    "current_run": "process",
    "implicit_child": "process",
    "implicit_experiment": "process",
    "implicit_run": "process",
}


def get_run(experiment: "Experiment", run_id: str, rehydrate: bool = True, clean_up: bool = True) -> "Run":  # noqa: ARG001 - SDK v1's signature
    """Return a run of an experiment by its id.

    Parameters
    ----------
    experiment : Experiment
        Where it belongs.
    run_id : str
        Its id.
    rehydrate, clean_up : bool, default=True
        Ignored.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    from .run import Run

    plain = Run(experiment, run_id)
    return plain._relative(plain._record())  # noqa: SLF001 - of the class that stands for its type


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
