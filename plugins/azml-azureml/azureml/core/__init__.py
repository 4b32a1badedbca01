"""SDK v1's ``azureml.core``; each name is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from azml_azureml import absent, neighbours

neighbours.refuse()
absent.install()  # the namespace's own file may be another distribution's

if TYPE_CHECKING:
    from .compute import ComputeTarget
    from .container_registry import ContainerRegistry
    from .dataset import Dataset
    from .datastore import Datastore
    from .environment import Environment
    from .experiment import Experiment
    from .model import Model
    from .run import Run, get_run
    from .runconfig import RunConfiguration
    from .script_run import ScriptRun
    from .script_run_config import ScriptRunConfig
    from .workspace import Workspace

    VERSION: str
    __version__: str

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Workspace",
    "__version__",
    "diagnostic_log",
    "get_run",
]

_LATE = {
    "ComputeTarget": "compute",
    "ContainerRegistry": "container_registry",
    "Dataset": "dataset",
    "Datastore": "datastore",
    "Environment": "environment",
    "Experiment": "experiment",
    "Model": "model",
    "Run": "run",
    "RunConfiguration": "runconfig",
    "ScriptRun": "script_run",
    "ScriptRunConfig": "script_run_config",
    "Workspace": "workspace",
    "get_run": "run",
}
_MODULES = frozenset(_LATE.values()) | {"authentication", "compute_target", "conda_dependencies"}


def diagnostic_log(*args: object, **kwargs: object) -> Any:  # noqa: ARG001 - SDK v1's signature
    """Return a context in which nothing is written: there is nobody to send a diagnosis to."""
    from contextlib import nullcontext

    return nullcontext()


def __getattr__(name: str) -> Any:
    if name in ("VERSION", "__version__"):
        from azml_integrations import __version__

        return __version__
    if name in _LATE:
        return getattr(import_module(f".{_LATE[name]}", __name__), name)
    if name in _MODULES:  # `import azureml.core` alone gave them all
        return import_module(f".{name}", __name__)
    return absent.of_module(__name__, name)


def __dir__() -> list[str]:
    return sorted(__all__)
