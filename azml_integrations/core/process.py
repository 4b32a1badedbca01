"""The run that this process is part of, when nobody hands one over: a submission's, or one of its own."""

import os
import threading
import time
import uuid
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from .. import errors, host
from ..journal import Event
from ..records import ErrorInfo, ErrorNoted, RunRecord, RunStatus, RunStore
from ..store.sqlite import SqliteStore
from . import context, ending, facts
from .experiment import Experiment
from .run import Run, error_info
from .shared import SharedRun
from .workspace import Scope, Workspace

if TYPE_CHECKING:
    from ..records import ModelRecord
    from .model import Model

REQUIRED = (
    *("AZUREML_RUN_ID", "AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_ARM_WORKSPACE_NAME"),
    *("AZUREML_ARM_PROJECT_NAME", "AZUREML_RUN_TOKEN", "AZUREML_SERVICE_ENDPOINT"),
)
"""Environment variables that all stand around a submitted script."""


def run_of_process(*, allow_offline: bool = True) -> Run:
    """Return the submission's run, else the current one, else this process's own.

    Raises
    ------
    RunEnvironmentException
        If there is no submission and `allow_offline` is False.
    """
    submitted = _submitted()
    if submitted is not None:
        return submitted
    if not allow_offline:
        missing = [name for name in REQUIRED if name not in os.environ]
        raise errors.RunEnvironmentException(
            f"there is no submission around this process ({', '.join(missing)} not set); "
            f"with allow_offline=True a run of the process itself is used"
        )
    current = context.current()
    return current if isinstance(current, Run) else _offline()


def current_run() -> Run | None:
    """Return the run that calls in this context belong to.

    That is the innermost ``with run:``, else a run that was begun in this context and has not ended, else the run of
    the submission around this process or that of an earlier `Run.get_context`.

    Returns
    -------
    run : Run or None
        None when nobody began one.
    """
    current = context.current()
    if isinstance(current, Run):
        return current
    return _submitted() or next((run for run in _own if not run.over), None)


def implicit_experiment() -> Experiment:
    """Return the experiment of runs that nobody asked for by name; nothing is made on the disk.

    Returns
    -------
    experiment : Experiment
        ``AZML_EXPERIMENT``, else one named like the script or notebook.
    """
    return _experiment(_workspace(), os.environ.get("AZML_EXPERIMENT") or facts.stem())


def implicit_run(*, name: str | None = None, run_id: str | None = None, current: bool = True) -> Run:
    """Begin a run that nobody asked for by name: the one way for adapters.

    It belongs to the experiment ``AZML_EXPERIMENT``, else one named like the script or notebook. Nothing is made in
    or copied from the user's directory.

    Parameters
    ----------
    name : str, default=None
        A name beside the id.
    run_id : str, default=None
        Its id, computed from what is worked on, where several processes are to meet in one run; drawn by default.
    current : bool, default=True
        Whether it is the current run of this context until it ends; `azml_integrations.autologging.as_current` makes
        it so for a while.

    Returns
    -------
    run : Run
        Running; end it with `Run.complete` or `Run.fail`.

    Raises
    ------
    RunExistsError
        If `run_id` is taken: another process was quicker, and `Workspace.get_run` returns its run.
    """
    experiment = implicit_experiment()
    if _is_follower():
        run: Run = _SilentRun._handle(experiment, str(uuid.uuid4()))  # noqa: SLF001 - a constructor
    else:
        run = Run._create(experiment, run_id=run_id, name=name, fold=False)  # noqa: SLF001 - the one door; most end soon
    if current:
        context.enter(run)
    return run


def implicit_child(parent: Run, *, name: str | None = None, run_id: str | None = None) -> Run:
    """Begin a child of a run that nobody asked for by name, as `implicit_run` begins a run; not a current one.

    Parameters
    ----------
    parent : Run
        Whose child it is.
    name : str, default=None
        As `Run.child_run` has it.
    run_id : str, default=None
        Its id; a fresh one by default.

    Returns
    -------
    run : Run
        Running; end it with `Run.complete` or `Run.fail`.

    Raises
    ------
    RunExistsError
        If `run_id` is taken.
    """
    return parent._child(name, run_id, fold=False)  # noqa: SLF001 - as above


@cache
def _workspace_at(chosen: str | None, home: str | None, here: str) -> Workspace:  # noqa: ARG001 - what the answer hangs on
    return Workspace.from_config()


def _workspace() -> Workspace:
    return _workspace_at(os.environ.get("AZML_WORKSPACE"), os.environ.get("AZML_HOME"), str(Path.cwd()))


@lru_cache(maxsize=8)
def _experiment(workspace: Workspace, name: str) -> Experiment:
    """Return one handle for all runs of a process: it knows the last number."""
    return Experiment._known(workspace, name)  # noqa: SLF001 - nothing is made


# -- inside a submission -----------------------------------------------------------------------------


class _SubmittedRun(Run):
    """The run of the submission around this process; whoever submitted it sets its status."""

    @property
    def input_datasets(self) -> dict[str, Any]:
        """Return the named inputs: datasets in direct mode, else paths."""
        from .dataset import Dataset

        found: dict[str, Any] = {}
        for item in filter(None, os.environ.get("AZUREML_DATASET_ENVIRONMENT_VARS", "").split(",")):
            name, _, mode = item.partition(":")
            value = os.environ.get(name)
            direct = value is not None and mode.lower() == "direct"
            found[name] = Dataset.get_by_id(self._workspace, value) if direct and value else value
        return found

    @property
    def output_datasets(self) -> dict[str, Any]:
        """Return the named outputs: the paths of folders to write into."""
        named = filter(None, os.environ.get("AZUREML_DATASET_FILE_OUTPUTS", "").split(","))
        return {name: os.environ.get(name) for name in named}

    def _working_outputs(self) -> Path:
        """Return the working copy's folder; whoever submitted the script collects it at the end."""
        return Path("outputs")

    def complete(self, _set_status: bool = True) -> None:
        """Leave the status to the exit code."""

    def cancel(self) -> None:
        """Do nothing but warn: a script cannot cancel its own submission."""
        self._warn_once("", "cancel() inside a submitted script does nothing; use sys.exit()", errors.AzmlWarning)

    def fail(self, error_details: str | BaseException | None = None, error_code: str | None = None) -> None:
        """Record why; the status is left to the exit code."""
        if (error := error_info(error_details, error_code)) is not None:
            self._append(ErrorNoted(error, time.time()))

    def __enter__(self) -> Self:
        """Make this the current run; output is captured by whoever submitted the script."""
        context.enter(self)
        return self


def _submitted() -> Run | None:
    if "AZUREML_RUN_ID" not in os.environ:  # nearly always: who asks does so at every step of a training
        return None
    values = tuple(os.environ.get(name) for name in REQUIRED)
    return _submitted_run(os.environ.get("AZML_WORKSPACE"), *values) if all(values) else None


@cache
def _submitted_run(
    store: str | None, run_id: str, subscription: str, group: str, name: str, project: str, *_: str
) -> Run:
    workspace = Workspace.from_config() if store else Workspace(*Scope(subscription, group, name))
    return _SubmittedRun._handle(Experiment._known(workspace, project), run_id)  # noqa: SLF001


# -- outside one -------------------------------------------------------------------------------------


class _OfflineRun(Run):
    """The run of a process that nobody submitted: stored like any other, it appears with the first verb."""

    def _prepare(self) -> None:
        super()._prepare()
        self._born = self._bearing = False
        self._birth = threading.RLock()
        host.abandon_in_child(self)

    def abandon(self) -> None:
        """In a forked child: go on with a lock that no other thread holds."""
        self._birth = threading.RLock()

    @property
    def owned(self) -> bool:
        """Whether this very process owns the run; one that nobody has logged to has nothing to own."""
        return super().owned and self._exists()

    def _exists(self) -> bool:
        return self._born or self._folder.exists()

    def _append(self, *events: Event) -> None:
        if not self._born:
            self._be_born()
        super()._append(*events)

    def _put(self, name: str, source: BinaryIO, original: Path | None = None) -> None:
        if not self._born:  # before the file makes the folder
            self._be_born()
        super()._put(name, source, original)

    def _store(self) -> RunStore:
        if not self._born:
            self._be_born()
        return super()._store()

    def __enter__(self) -> Self:
        """Make this the current run, and copy what is printed; the run appears."""
        self._be_born()
        return super().__enter__()

    def _be_born(self) -> None:
        """Make the run's folder, once, whichever thread or forked child logs first."""
        with self._birth:
            if self._born or self._bearing:  # what makes the run logs through this very handle
                return
            self._bearing = True
            outputs = Path("outputs").resolve()
            try:
                self._begin(None, None, None, None, outputs)
            except errors.RunExistsError:  # a forked relative was first
                self._outputs = outputs
            finally:
                self._bearing = False
            self._born = True

    def complete(self, _set_status: bool = True) -> None:
        """End the run well; one that logged nothing leaves nothing."""
        if self._exists():
            super().complete(_set_status)

    def get_status(self) -> str:
        """Return where the run stands now; a run that has logged nothing yet is Running too."""
        return super().get_status() if self._exists() else str(RunStatus.RUNNING)

    def __str__(self) -> str:
        """Return a line in which scripts look for the class's name."""
        return f"_OfflineRun(Experiment: {self._experiment.name},\nId: {self.id},\nStatus: {self.get_status()})"

    __repr__ = __str__

    def _child(
        self, name: str | None, run_id: str | None = None, outputs: Path | None = None, *, fold: bool = True
    ) -> Run:
        """Create a child whose id begins with this run's, as in SDK v1."""
        return super()._child(name, run_id or f"{self.id}.{uuid.uuid4()}", outputs, fold=fold)

    def shared_child(
        self, run_id: str, name: str | None = None, properties: Mapping[str, str] | None = None
    ) -> SharedRun:
        """Return the child run with this id; this run appears with it."""
        if not self._exists():
            self._be_born()
        return super().shared_child(run_id, name, properties)


class _SilentRun(_OfflineRun):
    """The run of a worker that is not the first of its group: it takes every verb and stores nothing."""

    def _be_born(self) -> None:
        self._born = True

    def _append(self, *events: Event) -> None:
        """Store nothing."""

    def _put(self, name: str, source: BinaryIO, original: Path | None = None) -> None:
        """Store nothing."""

    def _registered(self, model_path: object, told: "ModelRecord") -> "Model":
        """Return a handle on a version 0, which is registered nowhere."""
        from .model import Model

        return Model._of(self._workspace, told)  # noqa: SLF001 - a constructor

    def _store(self) -> RunStore:
        return SqliteStore(None)

    def _record(self) -> RunRecord:
        return RunRecord(self.id, self._experiment.name, 0, RunStatus.RUNNING, time.time())

    def _fold(self) -> None:
        """Show nothing."""

    def _end(self, status: str | None, error: ErrorInfo | None = None) -> None:
        self._over = True

    def __enter__(self) -> Self:
        """Make this the current run."""
        context.enter(self)
        return self

    def _child(
        self, name: str | None, run_id: str | None = None, outputs: Path | None = None, *, fold: bool = True
    ) -> Run:
        """Return another run that stores nothing."""
        return _SilentRun._handle(self._experiment, f"{self.id}.{uuid.uuid4()}")

    def shared_child(
        self, run_id: str, name: str | None = None, properties: Mapping[str, str] | None = None
    ) -> SharedRun:
        """Return another run that stores nothing."""
        return _SilentChild._handle(self._experiment, run_id)  # noqa: SLF001 - a constructor


class _SilentChild(_SilentRun, SharedRun):
    """A candidate in a worker that is not the first of its group."""

    def finish_part(
        self, number: int, of: int | None, error: str | BaseException | None = None, trace: str | None = None
    ) -> bool:
        """Store nothing."""
        return False

    def fail(self, error_details: str | BaseException | None = None, error_code: str | None = None) -> None:
        """Store nothing."""

    def settle(self) -> None:
        """Store nothing."""


def _is_follower() -> bool:
    """Tell whether this process is a worker of a group and not its first, with no run handed down to it."""
    rank = os.environ.get("RANK", "0")
    return rank.isdigit() and int(rank) > 0 and "AZUREML_RUN_ID" not in os.environ


_own: list[_OfflineRun] = []
"""This process's own run, once `Run.get_context` has made it; a forked child goes on with its parent's."""


def _offline() -> _OfflineRun:
    """Return this process's own run; a new one where the last has ended."""
    if not _own or _own[-1].over:
        kind = _SilentRun if _is_follower() else _OfflineRun
        experiment = Experiment._known(_workspace(), os.environ.get("AZML_EXPERIMENT") or facts.stem())  # noqa: SLF001
        _own[:] = [kind._handle(experiment, f"OfflineRun_{uuid.uuid4()}", "owner")]  # noqa: SLF001 - a constructor
        ending.watch().add(_own[0])  # forked children may log to it before this process does
    return _own[0]


def forget() -> None:
    """Forget which run this process is part of, as in a process just begun; for tests and notebooks."""
    _own.clear()
    context.clear()
