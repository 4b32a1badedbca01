"""SDK v1's ``azureml.core.script_run``."""

from azml_integrations.core.run import Run

__all__ = ["ScriptRun"]


class ScriptRun(Run):
    """A submitted script's run; every `Run` is one here, so `isinstance` answers by the run's type."""

    RUN_TYPE = "azureml.scriptrun"
