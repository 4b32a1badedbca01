"""A logger for Lightning and Fabric, and the adapter behind ``azml_integrations.autolog("lightning")``.

This module is all that is loaded until Lightning is imported; it imports no framework.

``azml_lightning.AzmlLogger`` is that of the Lightning that your program imports; `azml_lightning.lightning` and
`azml_lightning.pytorch_lightning` have both by name.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from azml_integrations import Adapter, hookimpl

__version__ = "0.1.0"

_NAMESPACES = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
"""Our module for each of the two packages, and what a program imports of it."""

_NAMES = frozenset({"AzmlLogger", "LogClassification", "Watch"})


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_namespace()}", __name__), name)


def _namespace() -> str:
    """Return which of the two packages is meant: the one that is imported, else the one that is installed."""
    for ours, theirs in _NAMESPACES.items():
        if theirs in sys.modules:
            return ours
    for ours in _NAMESPACES:
        if find_spec(ours) is not None:
            return ours
    raise ImportError(
        "azml_lightning needs Lightning, which is not installed; pip install lightning, or pytorch-lightning"
    )


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer both packages: they are two code trees, and a program may import either."""
    return [
        Adapter(
            framework=ours,
            import_name=theirs,
            activate=f"azml_lightning.activation:activate_{ours}",
            versions=">=2.4,<2.7",
            distribution=ours.replace("_", "-"),
        )
        for ours, theirs in _NAMESPACES.items()
    ]
