"""SDK v1's ``azureml.data.tabular_dataset``."""

from azml_integrations.core.tabular_dataset import TabularDataset

__all__ = ["TabularDataset"]
