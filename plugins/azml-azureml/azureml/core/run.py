"""SDK v1's ``azureml.core.run``."""

from typing import TYPE_CHECKING, Any

from azml_integrations.core import get_run
from azml_integrations.core.run import Run

if TYPE_CHECKING:
    from azml_integrations.core.process import _OfflineRun, _SubmittedRun

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]


def __getattr__(name: str) -> Any:
    if name not in ("_OfflineRun", "_SubmittedRun"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from azml_integrations.core import process  # with all that a run of one's own needs

    return getattr(process, name)
