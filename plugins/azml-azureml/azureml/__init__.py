"""The namespace that all distributions named azureml-* share."""

from importlib import import_module
from pkgutil import extend_path
from typing import Any

from azml_azureml import absent

__path__ = extend_path(__path__, __name__)
absent.install()

_WITH_CORE = frozenset(("_common", "_restclient", "core", "data", "exceptions"))


def __getattr__(name: str) -> Any:
    if name in _WITH_CORE:  # the SDK's packages import each other: whoever imported one had these
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
