"""SDK v1's ``azureml.widgets``."""

from azml_azureml import neighbours
from azml_integrations.widgets import RunDetails

neighbours.refuse()

__all__ = ["RunDetails"]
