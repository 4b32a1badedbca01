"""SDK v1's ``azureml.data.output_dataset_config``."""

from azml_integrations.core.output_dataset_config import OutputFileDatasetConfig

__all__ = ["OutputFileDatasetConfig"]
