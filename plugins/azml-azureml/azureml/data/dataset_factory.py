"""SDK v1's ``azureml.data.dataset_factory``."""

from azml_integrations.core.dataset_factory import DataType, FileDatasetFactory, TabularDatasetFactory

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]
