"""SDK v1's ``azureml.data.dataset_consumption_config``."""

from azml_integrations.core.dataset_consumption_config import DatasetConsumptionConfig

__all__ = ["DatasetConsumptionConfig"]
