"""SDK v1's ``azureml.core.experiment``."""

from azml_integrations.core.experiment import Experiment, ViewType

__all__ = ["Experiment", "ViewType"]
