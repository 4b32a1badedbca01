"""SDK v1's ``azureml.core.compute_target``."""

from azml_integrations.core.compute import ComputeTarget, LocalTarget
from azml_integrations.errors import ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "LocalTarget"]
