"""PyTorch training loops record themselves: the adapter behind ``azml_integrations.autolog("torch")``.

This module is all that is loaded until PyTorch is imported; it imports no framework.
"""

from importlib import import_module
from typing import Any

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
