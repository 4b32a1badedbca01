"""SDK v1's ``azureml.data.file_dataset``."""

from azml_integrations.core.file_dataset import FileDataset

__all__ = ["FileDataset"]
