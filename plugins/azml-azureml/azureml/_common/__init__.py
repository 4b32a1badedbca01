"""What SDK v1 keeps in ``azureml._common``."""

from azml_azureml import neighbours

neighbours.refuse()
