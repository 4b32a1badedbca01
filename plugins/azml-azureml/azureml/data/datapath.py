"""SDK v1's ``azureml.data.datapath``."""

from azml_integrations.core.datapath import DataPath

__all__ = ["DataPath"]
