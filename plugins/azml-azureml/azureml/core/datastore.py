"""SDK v1's ``azureml.core.datastore``."""

from azml_integrations.core.datastore import Datastore

__all__ = ["Datastore"]
