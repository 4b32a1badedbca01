"""RunDetails, under the name and with the verbs that SDK v1 gave it."""

import sys
import time
from typing import Any

from .. import errors
from ..core import Run
from ..records import TERMINAL
from .facts import widget_data
from .pace import Pace

AWAITING = 5.0
"""Between two looks at whether somebody works on a submitted run [s]."""


class RunDetails:
    """Shows a run while it goes on, and after: status, metrics with charts, children, the end of its log.

    Parameters
    ----------
    run_instance : Run
        Any run, also one of the past: ``RunDetails(Run(experiment, run_id))``.

    Raises
    ------
    OptionError
        If it is no run.

    Examples
    --------
    >>> RunDetails(run).show()  # doctest: +SKIP
    """

    def __init__(self, run_instance: Run) -> None:
        if not isinstance(run_instance, Run):
            raise errors.OptionError(f"RunDetails expects a Run, got {errors.a(run_instance)}")
        self._run = run_instance

    def show(self, render_lib: object = None, widget_settings: object = None) -> None:
        """Show the run.

        In a notebook the call returns at once: what it shows is brought up to date from the background, every 2 s at
        first, then every 10 s, until the run has ended; the saved notebook keeps the last picture. In a terminal, and
        where the output goes to a file, the call returns when the run has ended; that of a run of this very
        process, which nobody else could end, at once.

        Parameters
        ----------
        render_lib, widget_settings : optional
            Ignored: what is shown needs no front-end extension.
        """
        if _kernel() is not None:
            from . import notebook

            notebook.show(self._run)
        elif sys.stdout.isatty():
            from . import terminal

            terminal.show(self._run, Pace(0.5, 2.0))
        else:
            _print_changes(self._run)

    def get_widget_data(self, widget_settings: object = None) -> dict[str, Any]:
        """Return what is shown as a dict, under the keys of SDK v1.

        Parameters
        ----------
        widget_settings : optional
            Handed back as it came.

        Returns
        -------
        data : dict
            ``status``, ``workbench_run_details_uri``, ``run_id``, ``run_properties``, ``child_runs``,
            ``children_metrics`` (metrics by the child's id), ``run_metrics`` (``name``, ``run_id``, ``categories``,
            ``series``), ``run_logs``, ``graph`` and ``widget_settings``.
        """
        return widget_data(self._run, widget_settings)


def _kernel() -> object | None:
    """Return the shell of a notebook's kernel, if this process is one; IPython is never imported for the question."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell if getattr(shell, "kernel", None) is not None else None


def _print_changes(run: Run) -> None:
    """Print where the run stands, a line for each change, until it has ended."""
    status, pause, awaited = _tell(run, None), 0.05, 0.0
    while not (run.owned or (status in TERMINAL and run._final())):  # noqa: SLF001 - a floor above
        if time.monotonic() - awaited > AWAITING:
            run._await()  # noqa: SLF001 - likewise
            awaited = time.monotonic()
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
        status = _tell(run, status)


def _tell(run: Run, before: str | None) -> str:
    """Print the state of the run if it has changed, and return it."""
    status = run.get_status()
    if status != before:
        print(f"{run.experiment.name} {run.id}: {status}", flush=True)  # noqa: T201 - asked for
    return status
