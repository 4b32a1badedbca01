"""SDK v1's ``azureml.core.workspace``."""

from azml_integrations.core.workspace import Workspace

__all__ = ["Workspace"]
