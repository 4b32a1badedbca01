"""The ``azml`` command: reads, and repairs, what scripts have recorded.

A plugin that adds a command (hook `azml_commands`) takes the user's choices from here: `shared`, `workspace`, `form`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .choices import form, shared, workspace

__all__ = ["form", "main", "shared", "workspace"]


def main() -> None:
    """Run the command line."""
    from .app import azml

    azml(prog_name="azml")


def __getattr__(name: str) -> Any:
    if name not in ("form", "shared", "workspace"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import choices

    return getattr(choices, name)
