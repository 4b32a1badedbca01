"""The state of a run as lines of text, until it has ended."""

import sys
import time
from typing import Any

from .. import errors
from ..core import Run
from ..records import TERMINAL


class RunDetails:
    """Shows the state of a run as text; pictures and live tables are not drawn yet.

    Parameters
    ----------
    run_instance : Run
        The run.

    Raises
    ------
    OptionError
        If it is no run.
    """

    def __init__(self, run_instance: Run) -> None:
        if not isinstance(run_instance, Run):
            raise errors.OptionError(f"RunDetails expects a Run, got {errors.a(run_instance)}")
        self._run = run_instance

    def show(self, render_lib: object = None, widget_settings: object = None) -> None:
        """Print where the run stands, a line for each change, until it has ended.

        In a notebook, and for a run of this very process, one line is printed and nothing is awaited: what follows,
        cell or line, is what goes on.

        Parameters
        ----------
        render_lib, widget_settings : optional
            Ignored.
        """
        status = self._tell(None)
        pause = 0.05
        while status not in TERMINAL and not self._run.owned and not _in_notebook():
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)
            status = self._tell(status)

    def _tell(self, before: str | None) -> str:
        """Print the state of the run if it has changed, and return it."""
        status = self._run.get_status()
        if status != before:
            print(f"{self._run.experiment.name} {self._run.id}: {status}", flush=True)  # noqa: T201 - asked for
        return status

    def get_widget_data(self, widget_settings: object = None) -> dict[str, Any]:
        """Return what a page about the run would show: its state, its metrics, its logs.

        Parameters
        ----------
        widget_settings : optional
            Handed back as it came.
        """
        run, details = self._run, self._run.get_details_with_logs()
        return {
            "status": details["status"],
            "workbench_run_details_uri": run._portal_address(),  # noqa: SLF001 - without its warning
            "run_id": run.id,
            "run_properties": {
                "run_id": run.id,
                "run_number": run.number,
                "status": details["status"],
                "created_utc": details["startTimeUtc"],
                "start_time_utc": details["startTimeUtc"],
                "end_time_utc": details.get("endTimeUtc"),
                "arguments": " ".join(map(str, (details.get("runDefinition") or {}).get("arguments") or ())),
            },
            "child_runs": [{"run_id": child.id, "status": child.get_status()} for child in run.get_children()],
            "children_metrics": {child.id: child.get_metrics() for child in run.get_children()},
            "run_metrics": [
                {"name": name, "run_id": run.id, "series": [value]} for name, value in run.get_metrics().items()
            ],
            "run_logs": "".join(details["logFiles"].values()),
            "graph": {},
            "widget_settings": widget_settings or {},
        }


def _in_notebook() -> bool:
    """Tell whether somebody's front end shows what this process prints."""
    return "ipykernel" in sys.modules
