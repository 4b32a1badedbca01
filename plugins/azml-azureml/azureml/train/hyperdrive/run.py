"""SDK v1's ``azureml.train.hyperdrive.run``."""

from azml_integrations.sweeps import HyperDriveRun, PrimaryMetricGoal

__all__ = ["HyperDriveRun", "PrimaryMetricGoal"]
