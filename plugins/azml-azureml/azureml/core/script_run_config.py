"""SDK v1's ``azureml.core.script_run_config``."""

from azml_integrations.core.script_run_config import ScriptRunConfig

__all__ = ["ScriptRunConfig"]
