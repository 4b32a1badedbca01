"""The studio: pages that show a workspace's runs, served on the user's own machine.

`create_app` returns the ASGI application, ``azml studio`` serves it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """Import late: the command line and the hook look into this package without starlette."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(".app", __name__), name)
