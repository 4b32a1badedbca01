"""LightGBM records its own training: the adapter behind ``azml_integrations.autolog("lightgbm")``.

This module is all that is loaded until LightGBM is imported; it imports no framework.
"""

from importlib import import_module
from typing import Any

from azml_integrations import Adapter, hookimpl

__version__ = "0.1.0"

_LATE: dict[str, str] = {
    "AzmlCallback": "callback",
    "load_model": "models",
    "log_booster": "report",
    "save_model": "models",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer LightGBM: its native functions, and its estimators for scikit-learn."""
    return [
        Adapter(
            framework="lightgbm",
            import_name="lightgbm",
            activate="azml_lightgbm.activation:activate",
            versions=">=4.6,<4.8",
            distribution="lightgbm",
            options=("max_model_bytes",),
        )
    ]
