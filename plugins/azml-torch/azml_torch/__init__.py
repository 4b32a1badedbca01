"""PyTorch training loops record themselves: the adapter behind ``azml_integrations.autolog("torch")``.

This module is all that is loaded until PyTorch is imported; it imports no framework.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from azml_integrations import Adapter, hookimpl

if TYPE_CHECKING:
    from azml_integrations import Run

__version__ = "0.1.0"

_LATE: dict[str, str] = {
    "evaluate": "assessment",
    "load_checkpoint": "checkpoints",
    "load_model": "models",
    "save_checkpoint": "checkpoints",
    "save_model": "models",
    "trace_handler": "profiling",
    "watch": "watching",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer PyTorch."""
    return [
        Adapter(
            framework="torch",
            import_name="torch",
            activate="azml_torch.activation:activate",
            versions=">=2.4",
            distribution="torch",
            options=("log_grad_norm",),
        )
    ]


@hookimpl
def azml_run_ending(run: "Run") -> None:
    """Write what was seen and not yet written of a run, and say in one line what was logged."""
    if session := sys.modules.get(f"{__name__}.session"):
        for listening in list(session.LISTENING):
            listening.hear_end(run)
