"""SDK v1's ``azureml.core.compute``."""

from typing import Any

from azml_azureml import absent
from azml_integrations.core.compute import AmlCompute, ComputeInstance, ComputeTarget
from azml_integrations.errors import ComputeTargetException

__all__ = ["AmlCompute", "ComputeInstance", "ComputeTarget", "ComputeTargetException"]


def __getattr__(name: str) -> Any:
    return absent.of_module(__name__, name)
