"""SDK v1's ``azureml.data.abstract_dataset``."""

from azml_integrations.core.abstract_dataset import AbstractDataset

__all__ = ["AbstractDataset"]
