"""Runs the controller of a sweep: ``python -m azml_integrations.sweeps WORKSPACE RUN_ID``."""

import os
import sys
from pathlib import Path

from ..core.experiment import Experiment
from ..core.workspace import Workspace
from .controller import Controller
from .ground import Runs, alone


def drive(root: Path, sweep_id: str) -> int:
    """Drive a sweep to its end and return the exit code.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    sweep_id : str
        The sweep.
    """
    address = os.environ.get("AZML_WORKSPACE", "")
    workspace = Workspace._at(root, address if "://" in address else None)  # noqa: SLF001 - a constructor
    experiment = workspace.get_run(sweep_id).experiment
    lock = alone(workspace.view.folder(sweep_id))
    try:
        ground = Runs(Experiment._known(workspace, experiment.name), sweep_id)  # noqa: SLF001 - a constructor
        ground.hear()
        ground.settle_in()
        return ground.finish(Controller(ground.sweep, sweep_id, ground).run())
    finally:
        os.close(lock)


if __name__ == "__main__":
    sys.exit(drive(Path(sys.argv[1]), sys.argv[2]))
