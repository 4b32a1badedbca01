"""Which run a study stands in: the user's, one of its own, or a child of another."""

import hashlib
import time
from typing import TYPE_CHECKING

from azml_integrations import implicit_child, implicit_experiment, implicit_run
from azml_integrations.errors import RunExistsError, RunNotFoundError, UserErrorException

from .wording import SOURCE

if TYPE_CHECKING:
    from optuna import Study

    from azml_integrations import Run

ENDED = ("Completed", "Failed", "Canceled")
PATIENCE = 1.0
"""How long a run that another process has just claimed may take to appear [s]."""


def key_of(study: "Study") -> str:
    """Return what a study is called in every process that works on it, and nowhere else.

    It is made of the study's name and the moment at which its first trial began, so nothing has to be written into
    the study, and two studies of one name are told apart. The study has a trial by now.
    """
    moments = (trial.datetime_start for trial in study.get_trials(deepcopy=False))
    began = next((moment for moment in moments if moment is not None), None)
    return hashlib.sha256(f"{study.study_name}\n{began}".encode()).hexdigest()[:24]


def place_of(study: "Study", key: str, within: "Run | None") -> "tuple[Run, bool]":
    """Return the run for a study, and whether it is the study's own, to be ended with it.

    Parameters
    ----------
    study : Study
        Which.
    key : str
        What `key_of` calls it.
    within : Run or None
        The current run. The first study of a user's run stands in that run; a second one, and one inside a trial, in
        a child. Without a run it has one of its own, the same in every process.
    """
    name = None if study.study_name.startswith("no-name-") else study.study_name
    if within is None:
        return _run_of_its_own(key, name), True
    properties = within.get_properties()
    if "trial" not in properties and properties.get("study.key", key) == key:
        return within, False
    return _child(within, f"{within.id}_{key}", name), True


def begin_again(run: "Run") -> "Run":
    """Return a handle that owns a run which has ended, so that it is Running again; a guest's if another was first."""
    try:
        return run.experiment.resume_logging(run.id, current=False)
    except UserErrorException:  # another process has begun it again
        return run.experiment.workspace.get_run(run.id)
    except RunNotFoundError:  # that of a worker which is not the first of its group, and stores nothing
        return implicit_run(current=False)


def _run_of_its_own(key: str, name: str | None) -> "Run":
    run_id = f"optuna_{key}"
    try:
        return implicit_run(name=name, run_id=run_id, current=False)
    except RunExistsError:
        return _joined(run_id) or implicit_run(name=name, current=False)


def _child(parent: "Run", run_id: str, name: str | None) -> "Run":
    try:
        return implicit_child(parent, name=name, run_id=run_id)
    except RunExistsError:
        return _joined(run_id) or implicit_child(parent, name=name)


def _joined(run_id: str) -> "Run | None":
    """Return the run that this study has had before, or has in another process."""
    workspace = implicit_experiment().workspace
    given_up = time.monotonic() + PATIENCE
    while True:
        try:
            run = workspace.get_run(run_id)
        except RunNotFoundError:  # claimed a moment ago
            if time.monotonic() > given_up:
                return None
            time.sleep(0.02)
            continue
        return begin_again(run) if run.get_status() in ENDED else run


def child_of(parent: "Run", number: int) -> "Run":
    """Begin the run of a trial; its id is computed, so that whoever tells its value finds it."""
    try:
        return implicit_child(parent, name=f"trial {number}", run_id=child_id(parent, number))
    except RunExistsError:
        child = implicit_child(parent, name=f"trial {number}")
        child.note(SOURCE, f"another study has a trial {number} in this run's parent: a copy of this one, perhaps")
        return child


def child_id(parent: "Run", number: int) -> str:
    """Return the id of a trial's run."""
    return f"{parent.id}_{number}"
