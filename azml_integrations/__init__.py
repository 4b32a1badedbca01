"""Records machine-learning runs with the Azure ML SDK v1 run-logging API, on your own machine.

>>> import azml_integrations
>>> azml_integrations.autolog()  # scikit-learn, PyTorch, Lightning: whatever has an adapter logs itself
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import errors
    from .autologging import autolog
    from .core import (
        Environment,
        Experiment,
        Model,
        Run,
        RunConfiguration,
        ScriptRunConfig,
        Workspace,
        current_run,
        get_run,
        implicit_child,
        implicit_experiment,
        implicit_run,
    )
    from .core.model_formats import load_model, save_model
    from .hookspecs import hookimpl
    from .pictures import log_classification, log_regression
    from .records import Adapter, AutologOptions, MetricOrder, Mirror, RunQuery, RunRecord, RunStatus

__all__ = [
    "Adapter",
    "AutologOptions",
    "Environment",
    "Experiment",
    "MetricOrder",
    "Mirror",
    "Model",
    "Run",
    "RunConfiguration",
    "RunQuery",
    "RunRecord",
    "RunStatus",
    "ScriptRunConfig",
    "Workspace",
    "__version__",
    "autolog",
    "current_run",
    "errors",
    "get_run",
    "hookimpl",
    "implicit_child",
    "implicit_experiment",
    "implicit_run",
    "load_model",
    "log_classification",
    "log_regression",
    "save_model",
]

_LATE = {
    **dict.fromkeys(["Environment", "Experiment", "Model", "Run", "RunConfiguration"], "core"),
    **dict.fromkeys(["ScriptRunConfig", "Workspace"], "core"),
    **dict.fromkeys(["current_run", "get_run", "implicit_child", "implicit_experiment", "implicit_run"], "core"),
    **dict.fromkeys(["Adapter", "AutologOptions", "MetricOrder", "Mirror", "RunQuery"], "records"),
    **dict.fromkeys(["RunRecord", "RunStatus"], "records"),
    **dict.fromkeys(["log_classification", "log_regression"], "pictures"),
    **dict.fromkeys(["load_model", "save_model"], "core.model_formats"),
    "autolog": "autologging",
    "hookimpl": "hookspecs",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(".errors", __name__)
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
