"""The classes of ``azureml.core`` that record and submit runs, under the same names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._version import __version__

if TYPE_CHECKING:
    from .datastore import Datastore
    from .environment import Environment
    from .experiment import Experiment
    from .process import current_run, implicit_child, implicit_experiment, implicit_run
    from .run import Run
    from .runconfig import RunConfiguration
    from .script_run_config import ScriptRunConfig
    from .workspace import Workspace

VERSION = __version__

__all__ = [
    "VERSION",
    "Datastore",
    "Environment",
    "Experiment",
    "Run",
    "RunConfiguration",
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
    "Datastore": "datastore",
    "Environment": "environment",
    "Experiment": "experiment",
    "Run": "run",
    "RunConfiguration": "runconfig",
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

    return Run(experiment, run_id)


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
