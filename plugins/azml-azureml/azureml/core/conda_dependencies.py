"""SDK v1's ``azureml.core.conda_dependencies``."""

from azml_integrations.core.conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies

__all__ = ["PYTHON_DEFAULT_VERSION", "CondaDependencies"]
