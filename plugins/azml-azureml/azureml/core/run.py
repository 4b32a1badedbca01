"""SDK v1's ``azureml.core.run``."""

from azml_integrations.core import get_run
from azml_integrations.core.process import _OfflineRun, _SubmittedRun
from azml_integrations.core.run import Run

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]
