"""SDK v1's ``azureml.core.dataset``."""

from azml_integrations.core.dataset import Dataset

__all__ = ["Dataset"]
