"""What SDK v1 keeps in ``azureml._restclient``."""

from azml_azureml import neighbours

neighbours.refuse()
