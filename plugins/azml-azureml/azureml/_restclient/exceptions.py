"""SDK v1's ``azureml._restclient.exceptions``."""

from azml_integrations.errors import ServiceException

__all__ = ["ServiceException"]
