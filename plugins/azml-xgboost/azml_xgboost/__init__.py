"""XGBoost records its own training: the adapter behind ``azml_integrations.autolog("xgboost")``.

This module is all that is loaded until XGBoost is imported; it imports no framework.
"""

from importlib import import_module
from typing import Any

from azml_integrations import Adapter, hookimpl

__version__ = "0.1.0"

_LATE: dict[str, str] = {"AzmlCallback": "callback", "load_model": "models", "save_model": "models"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer XGBoost: its native functions, and its estimators for scikit-learn."""
    return [
        Adapter(
            framework="xgboost",
            import_name="xgboost",
            activate="azml_xgboost.activation:activate",
            versions=">=3.0,<3.3",
            distribution="xgboost",
            options=("max_model_bytes",),
        )
    ]
