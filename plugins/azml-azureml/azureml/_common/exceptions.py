"""SDK v1's ``azureml._common.exceptions``."""

from azml_integrations.errors import AzureMLException

__all__ = ["AzureMLException"]
