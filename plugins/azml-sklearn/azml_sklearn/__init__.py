"""scikit-learn records its own training: the adapter behind ``azml_integrations.autolog("sklearn")``.

This module is all that is loaded until scikit-learn is imported; it imports no framework.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from azml_integrations import Adapter, hookimpl

if TYPE_CHECKING:
    from azml_integrations import Run

__version__ = "0.1.0"

_LATE: dict[str, str] = {
    "AzmlCallback": "callback",
    "LoggedEstimator": "logged_estimator",
    "evaluate": "assessment",
    "load_model": "models",
    "save_model": "models",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer scikit-learn."""
    return [
        Adapter(
            framework="sklearn",
            import_name="sklearn",
            activate="azml_sklearn.activation:activate",
            versions=">=1.6,<1.10",
            distribution="scikit-learn",
            options=("log_input_examples", "max_child_runs", "max_metric_rows", "max_model_bytes", "model_format"),
        )
    ]


@hookimpl
def azml_run_ending(run: "Run") -> None:
    """Store the models of loops over ``partial_fit``, and tell about several fits of one run, if there were any."""
    if session := sys.modules.get(f"{__name__}.session"):
        for listening in list(session.LISTENING):
            listening.hear_end(run)
    if several := sys.modules.get(f"{__name__}.several"):  # loaded with the first fit that shares its run
        several.tell(run)
