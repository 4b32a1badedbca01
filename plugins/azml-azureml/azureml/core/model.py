"""SDK v1's ``azureml.core.model``."""

from typing import Any

from azml_azureml import absent
from azml_integrations.core.model import Model

__all__ = ["Model"]


def __getattr__(name: str) -> Any:
    return absent.of_module(__name__, name)
