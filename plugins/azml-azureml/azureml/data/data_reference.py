"""SDK v1's ``azureml.data.data_reference``."""

from azml_integrations.core.data_reference import DataReference

__all__ = ["DataReference"]
