"""Optuna records its own studies: the adapter behind ``azml_integrations.autolog("optuna")``.

This module is all that is loaded until Optuna is imported; it imports no framework.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from azml_integrations import Adapter, hookimpl

if TYPE_CHECKING:
    from azml_integrations import Run

__version__ = "0.1.0"

_LATE: dict[str, str] = {"AzmlCallback": "callback"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer Optuna."""
    return [
        Adapter(
            framework="optuna",
            import_name="optuna",
            activate="azml_optuna.activation:activate",
            versions=">=4,<6",
            options=("max_child_runs",),
        )
    ]


@hookimpl
def azml_run_ending(run: "Run") -> None:
    """Sum up the studies that end with their run: those of an ask-and-tell loop, which nobody says the end of."""
    if recorded := sys.modules.get(f"{__name__}.recorded_study"):
        recorded.hear_end(run)
