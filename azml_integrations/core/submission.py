"""Submitting a script: from a checked plan to a ticket in the queue of its compute target."""

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import errors, host, names
from ..launch.local import LocalLauncher
from ..launch.queue import Queue
from ..launch.ticket import Distribution, Ticket
from ..records import Launcher, PropertiesAdded, RunCreated, RunStatus, StatusChanged, TagsSet
from . import facts
from .compute import LOCAL
from .detail_verbs import DEFINITION

if TYPE_CHECKING:
    from ..launch.snapshot import Snapshot
    from .experiment import Experiment
    from .hand_over import Handed
    from .run import Run
    from .script_run import ScriptRun
    from .script_run_config import Plan, ScriptRunConfig
    from .workspace import Workspace

SCRIPT_RUN = "azureml.scriptrun"
_NOTEBOOK_BACKEND = b"module://"
_RANKS = (b"RANK", b"LOCAL_RANK", b"WORLD_SIZE", b"LOCAL_WORLD_SIZE", b"NODE_RANK", b"GROUP_RANK", b"MASTER_PORT")


@dataclass(frozen=True)
class Family:
    """Which run a submission becomes.

    Attributes
    ----------
    run_id : str
        Its id.
    type : str
        Kind of run.
    parent_id : str or None
        Run that it is a child of.
    name, display_name : str or None
        Names beside the id.
    tags, properties : dict
        What stands in the run from its first moment.
    """

    run_id: str
    type: str = SCRIPT_RUN
    parent_id: str | None = None
    name: str | None = None
    display_name: str | None = None
    tags: Mapping[str, str | None] | None = None
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Ready:
    """A script that can be submitted: all checks are behind it, its source is kept, its data are handed over.

    Attributes
    ----------
    ticket : Ticket
        What the launcher has to do.
    definition : dict
        Its run configuration.
    properties : dict of str to str
        What is known of its source and its data.
    secrets : dict of bytes to bytes
        Values of the variables that the ticket withholds.
    notes : tuple of (str, str)
        Who has something to say about it, and what.
    source_directory : Path
        Where the snapshot was taken.
    """

    ticket: Ticket
    definition: dict[str, Any]
    properties: dict[str, str]
    secrets: dict[bytes, bytes]
    notes: tuple[tuple[str, str], ...]
    source_directory: Path


def submit(
    experiment: "Experiment",
    config: "ScriptRunConfig",
    tags: Mapping[str, str | None] | None = None,
    *,
    run_id: str | None = None,
    parent: "Run | None" = None,
    credential_passthrough: object = None,  # noqa: ARG001 - SDK v1's signature
    name: str | None = None,
    properties: Mapping[str, str] | None = None,
    build: bool | None = None,
) -> "ScriptRun":
    """Put a script into the queue of its compute target; returns at once.

    Parameters
    ----------
    experiment : Experiment
        Where the run belongs.
    config : ScriptRunConfig
        What to run; later changes of it do not reach the run.
    tags : dict of str to str, default=None
        Tags of the run.
    run_id : str, default=None
        Its id; ``<experiment>_<seconds>_<8 hexadecimal digits>`` by default.
    parent : Run, default=None
        Run that it is a child of.
    credential_passthrough : optional
        Ignored.
    name : str, default=None
        A name beside the id.
    properties : dict of str to str, default=None
        Properties of the run.
    build : bool, default=None
        Whether an environment that is not user-managed is built; as ``AZML_BUILD_ENVIRONMENTS`` says by default.

    Returns
    -------
    run : ScriptRun
        Queued.

    Raises
    ------
    UserErrorException
        If the configuration cannot be run: see `ScriptRunConfig`.
    SnapshotException
        If the source folder is larger than a snapshot may be.
    ExperimentStateError
        If the experiment is archived.
    RunExistsError
        If `run_id` is taken.
    """
    from .script_run import ScriptRun

    chosen = names.run(run_id or new_id(experiment.name))
    parent_id = None if parent is None else parent.id
    family = Family(chosen, parent_id=parent_id, name=name, tags=tags, properties=properties)
    with prepared(experiment, config, chosen, build) as ready:
        enter(experiment, ready.ticket, family, ready.definition, ready.properties, ready.secrets)
    run = ScriptRun._handle(experiment, chosen)  # noqa: SLF001 - a constructor
    for source, message in ready.notes:
        run.note(source, message)
    return run


@contextlib.contextmanager
def prepared(
    experiment: "Experiment", config: "ScriptRunConfig", run_id: str, build: bool | None = None
) -> Iterator[Ready]:
    """Check a script configuration, keep its source and hand its data over, for a run that is begun in the block.

    Parameters
    ----------
    experiment : Experiment
        Where the run will belong.
    config : ScriptRunConfig
        What to run.
    run_id : str
        Id of the run.
    build : bool, default=None
        As `submit` has it.

    Raises
    ------
    UserErrorException
        If the configuration cannot be run: see `ScriptRunConfig`.
    SnapshotException
        If the source folder is larger than a snapshot may be.
    ExperimentStateError
        If the experiment is archived.
    """
    from .script_run_config import plan

    checked = plan(config)
    experiment._open()  # noqa: SLF001 - an archived experiment takes no run
    snapshot = experiment.workspace.snapshots.take(checked.source_directory)
    wished = builds_environments() if build is None else build
    requirements = list(checked.wanted.requirements) if checked.managed and wished else []
    if checked.managed and not requirements:
        _announce_interpreter(str(checked.interpreter))
    with data_handed_over(experiment, checked, run_id) as handed:
        yield _ready(experiment, checked, run_id, snapshot, requirements, handed)


@contextlib.contextmanager
def data_handed_over(experiment: "Experiment", checked: "Plan", run_id: str) -> "Iterator[Handed]":
    """Give the script of a run its data; where the run is not begun in the block, they are taken away again.

    Raises
    ------
    InputMissingError
        If data are not there.
    """
    from .hand_over import call_off, hand_over

    workspace = experiment.workspace
    if workspace.view.folder(run_id).exists():
        raise errors.RunExistsError(run_id)
    handed = hand_over(checked.arguments, checked.run_config, workspace, experiment.name, run_id)
    try:
        yield handed
    except BaseException:
        call_off(workspace, run_id)
        raise


def _ready(
    experiment: "Experiment",
    checked: "Plan",
    run_id: str,
    snapshot: "Snapshot",
    requirements: list[str],
    handed: "Handed",
) -> Ready:
    """Make the ticket."""
    variables, secrets = environment(experiment, run_id, checked.variables | handed.variables)
    ticket = Ticket(
        run_id,
        experiment.name,
        checked.target,
        submitter(),
        time.time(),
        str(checked.interpreter),
        snapshot.id,
        checked.script,
        None,
        checked.command,
        [os.fsencode(word) for word in handed.arguments],
        variables,
        sorted(os.fsdecode(key) for key in secrets),
        Distribution(checked.processes, _kind(checked)),
        requirements,
        checked.max_seconds,
    )
    definition = checked.run_config.as_definition() | {"arguments": [str(one) for one in checked.arguments]}
    told = _facts(checked.source_directory) | {"ContentSnapshotId": snapshot.id} | handed.properties
    notes = [("snapshot", _told(snapshot.left_out))] if snapshot.left_out else []
    notes += [("environment", note) for note in (checked.wanted.notes if requirements else ())]
    return Ready(ticket, definition, told, secrets, tuple(notes), checked.source_directory)


def enter(
    experiment: "Experiment",
    ticket: Ticket,
    family: Family,
    definition: Mapping[str, Any],
    properties: Mapping[str, str],
    secrets: Mapping[bytes, bytes],
    keep: Callable[[Path], object] | None = None,
) -> None:
    """Make a run that waits, put its ticket into the queue, and wake the launcher.

    Parameters
    ----------
    experiment : Experiment
        Where the run belongs.
    ticket : Ticket
        What the launcher has to do.
    family : Family
        Which run it is.
    definition : mapping
        What `Run.get_details` shows as ``runDefinition``.
    properties : mapping of str to str
        What is known of its source.
    secrets : mapping of bytes to bytes
        Values of the variables that the ticket withholds; handed over in memory.
    keep : callable, default=None
        Gets the run's folder before anybody can see the run, to write more into its ``about/``.

    Raises
    ------
    RunExistsError
        If the id is taken.
    StoreError
        If the disk refuses; no run is left in the queue then.
    """
    from .run import Run

    workspace = experiment.workspace
    queue, target = workspace.queue(ticket.target), launcher(workspace, ticket.target)
    run = Run._handle(experiment, family.run_id)  # noqa: SLF001 - a constructor
    tags = run._texts("tag", family.tags, nothing=True) if family.tags else {}  # noqa: SLF001 - one rule for tags
    given = run._texts("property", dict(properties) | dict(family.properties or {}), nothing=False)  # noqa: SLF001
    with queue.entering(ticket):
        target.receive(ticket, secrets)
        workspace._claim_folder(family.run_id)  # noqa: SLF001 - two runs of one id must not meet
        now = time.time()
        created = RunCreated(
            family.run_id,
            experiment.name,
            experiment._next_number(),  # noqa: SLF001 - as every run
            now,
            family.name,
            family.display_name,
            family.parent_id,
            family.type,
            ticket.target,
            host.user(),
        )
        run._record_texts({Path(DEFINITION).name: msgspec.json.encode(cleaned(definition)).decode()})  # noqa: SLF001
        if keep is not None:
            keep(run._folder)  # noqa: SLF001 - family
        run._append(  # noqa: SLF001 - the one way to write
            created,
            *([TagsSet(tags, now)] if tags else []),
            *([PropertiesAdded(given, now)] if given else []),  # type: ignore[arg-type]  # `nothing` is off
            StatusChanged(RunStatus.QUEUED, now),
        )
        run._journal.close()  # noqa: SLF001 - the launcher writes now
    target.attend(family.run_id)


def launcher(workspace: "Workspace", target: str) -> Launcher:
    """Return what has the scripts of a compute target run; for ``local`` nobody is asked."""
    if target == LOCAL:
        return LocalLauncher(workspace.queue(target), workspace._index_url)  # noqa: SLF001 - family
    from ..plugins import CORE, plugins

    for who, found in plugins().offers("azml_launcher", target=target, workspace=workspace):
        return found if who == CORE else Theirs(who, target, found)
    raise errors.ComputeTargetException(f"nobody runs scripts for the compute target {target!r}")


class Theirs:
    """A plugin's launcher: what goes wrong in it becomes one error that names the plugin.

    Parameters
    ----------
    plugin, target : str
        Whose it is, and for what.
    launcher : Launcher
        What the plugin returned.
    """

    def __init__(self, plugin: str, target: str, launcher: Launcher) -> None:
        self._plugin, self._what, self._launcher = plugin, f"launcher of target {target!r}", launcher

    def receive(self, ticket: Ticket, secrets: Mapping[bytes, bytes]) -> None:
        """Let it hear of a ticket."""
        self._call("receive", "nothing was submitted", ticket, secrets)

    def attend(self, run_id: str) -> None:
        """Let it see to a run."""
        self._call("attend", "the run waits in the queue, and waiting for it asks again", run_id)

    def cancel(self, run_id: str) -> None:
        """Let it hear that a run is to end."""
        self._call("cancel", "the run is marked, and ends when somebody works on it", run_id)

    def _call(self, verb: str, way_out: str, *words: object) -> None:
        from ..plugins import plugins

        try:
            getattr(self._launcher, verb)(*words)
        except errors.AzmlError:
            raise
        except Exception as error:
            plugins().blame(self._plugin, self._what, error, warn=False)
            raise errors.OfferError(self._what, self._plugin, error, way_out) from error


def see_to(launcher: Launcher, run_id: str) -> None:
    """Have a run worked on; who only waits for it is told of a plugin's trouble, and waits on."""
    try:
        launcher.attend(run_id)
    except errors.OfferError as error:
        errors.warn_outside(error.message, errors.PluginWarning)


def environment(
    experiment: "Experiment", run_id: str, own: Mapping[str, str]
) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return the environment of a submitted script: what may be stored, and what looks like a secret.

    Parameters
    ----------
    experiment : Experiment
        Where its run belongs.
    run_id : str
        The run.
    own : mapping of str to str
        What its `Environment` adds to that of this process.
    """
    nested = b"AZUREML_RUN_ID" in os.environb
    found = {
        name: value
        for name, value in os.environb.items()
        if not name.startswith(b"AZUREML_")
        and not (nested and name in _RANKS)
        and not (name == b"MPLBACKEND" and value.startswith(_NOTEBOOK_BACKEND))
    }
    workspace = experiment.workspace
    address = workspace.root.as_uri()
    ours = {
        "AZUREML_RUN_ID": run_id,
        "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
        "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
        "AZUREML_ARM_PROJECT_NAME": experiment.name,
        "AZUREML_RUN_TOKEN": "local",
        "AZUREML_RUN_TOKEN_EXPIRY": "4102444800",
        "AZUREML_SERVICE_ENDPOINT": address,
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": address,
        "AZUREML_WORKSPACE_ID": str(workspace.get_details()["workspaceid"]),
        "AZUREML_EXPERIMENT_ID": experiment.id,
        "AZUREML_OUTPUT_DIRECTORY": "./outputs",
        "AZUREML_LOGDIRECTORY_PATH": "./logs",
        "AZUREML_DATA_CONTAINER_ID": f"dcid.{run_id}",
        "AZUREML_TARGET_TYPE": "local",
        "AZUREML_NODE_COUNT": "1",
        "AZML_WORKSPACE": workspace._index_url or str(workspace.root),  # noqa: SLF001 - family
    }
    found |= {os.fsencode(name): os.fsencode(value) for name, value in (*own.items(), *ours.items())}
    secret = {name for name in found if facts.is_secret(os.fsdecode(name)) and os.fsdecode(name) not in ours}
    return (
        {name: value for name, value in found.items() if name not in secret},
        {name: found[name] for name in secret},
    )


def new_id(experiment: str) -> str:
    """Return an id as SDK v1 made them: the experiment, the second, and 8 hexadecimal digits."""
    return f"{experiment[:200]}_{int(time.time())}_{uuid.uuid4().hex[:8]}"


@cache
def submitter() -> str:
    """Return what tells this process from others that submit."""
    return f"{host.name()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def cleaned(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition without the values of what looks like a secret."""
    found = dict(definition)
    found["arguments"] = facts.redacted(_printable(str(word)) for word in found.get("arguments") or [])
    surroundings = dict(found.get("environment") or {})
    variables = surroundings.get("environmentVariables") or {}
    surroundings["environmentVariables"] = {
        name: facts.REDACTED if facts.is_secret(name) else value for name, value in variables.items()
    }
    found["environment"] = surroundings
    return found


def _printable(word: str) -> str:
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _facts(source: Path) -> dict[str, str]:
    """Return what git knows of the source folder."""
    found, dirtiness = facts.at(source)
    dirty = dirtiness.answer(patience=0.05)
    return found | ({} if dirty is None else {"azureml.git.dirty": dirty}) | {"_azureml.ComputeTargetType": "local"}


def _kind(checked: "Plan") -> str:
    """Return whose variables tell the ranks."""
    if checked.backend is None:
        return "none"
    return "mpi" if checked.backend == "mpi" else "pytorch"


def builds_environments() -> bool:
    """Tell whether environments that are not user-managed are built: ``AZML_BUILD_ENVIRONMENTS``."""
    return os.environ.get("AZML_BUILD_ENVIRONMENTS", "").lower() in ("1", "true", "yes")


@cache
def _announce_interpreter(python: str) -> None:
    """Say once that an environment is not built."""
    print(  # noqa: T201 - the line that the design asks for
        f"azml_integrations: scripts run in {python} as it is; the packages that their environment asks for are "
        f"recorded, and installed only with AZML_BUILD_ENVIRONMENTS=1",
        file=sys.stderr,
    )


def _told(left_out: "tuple[Any, ...]") -> str:
    """Return what a snapshot left out, in a sentence."""
    listed = ", ".join(f"{_printable(str(one.path))} ({one.reason})" for one in left_out[:20])
    more = f" and {len(left_out) - 20} more" if len(left_out) > 20 else ""  # noqa: PLR2004 - as above
    return f"left out of the snapshot: {listed}{more}"


# -- afterwards --------------------------------------------------------------------------------------


def _queue(run: "Run") -> Queue:
    return run._workspace.queue(run._record().target)  # noqa: SLF001 - family


def in_queue(run: "Run") -> bool:
    """Tell whether a launcher has to do with a run, now or when one comes."""
    return _queue(run).find(run.id) is not None


def ask_to_cancel(run: "Run") -> bool:
    """Ask the launcher of a submitted run to end it; False where no launcher has to do with the run."""
    queue = _queue(run)
    if queue.find(run.id) is None:
        return False
    queue.ask_to_cancel(run.id)
    launcher(run._workspace, queue.target).cancel(run.id)  # noqa: SLF001 - family
    return True


def attend(run: "Run") -> None:
    """Make sure that a launcher works on a submitted run that has not ended."""
    queue = _queue(run)
    if queue.find(run.id) is not None:
        see_to(launcher(run._workspace, queue.target), run.id)  # noqa: SLF001 - family


def position(run: "Run") -> int | None:
    """Return how many runs wait before this one, or None when it does not wait."""
    waiting = [place.ticket.run_id for place in _queue(run).waiting()]
    return waiting.index(run.id) if run.id in waiting else None
