"""SDK v1's ``azureml.train.hyperdrive.runconfig``."""

from azml_integrations.sweeps import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal

__all__ = ["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]
