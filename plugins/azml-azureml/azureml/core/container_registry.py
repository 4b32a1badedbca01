"""SDK v1's ``azureml.core.container_registry``."""

from azml_integrations.core.environment import ContainerRegistry

__all__ = ["ContainerRegistry"]
