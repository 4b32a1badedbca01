"""SDK v1's ``azureml.core.script_run``."""

from azml_integrations.core.script_run import ScriptRun

__all__ = ["ScriptRun"]
