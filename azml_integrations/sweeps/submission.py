"""From a configuration to a sweep in the queue: its parent, its controller's ticket, the pattern of its children."""

import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import errors
from ..core import submission
from ..core.dataset_registry import Promise
from ..launch import ticket as tickets
from ..launch.queue import Queue
from ..launch.ticket import Ticket
from ..records import TERMINAL, Launcher, RunStatus
from . import handing_down, space
from .run import RUN_TYPE, HyperDriveRun

if TYPE_CHECKING:
    from ..core.experiment import Experiment
    from .runconfig import HyperDriveConfig

LOG = "azureml-logs/hyperdrive.txt"
LIVES = 4
"""So often a launcher starts a controller that a signal has ended."""

PATIENCE = 10.0
"""So long a new launcher has to settle what a dead one left [s]."""

TEMPLATE = "about/child.msgpack"
"""What every child is made of, in the parent's folder; readable by its owner only."""


class Template(msgspec.Struct, frozen=True):
    """What every child is made of.

    Attributes
    ----------
    ticket : bytes
        A ticket for a run that is never made, whose id stands wherever that of the child has to stand.
    definition : dict
        The run configuration.
    properties : dict of str to str
        What is known of the source.
    source_directory : str
        Folder that the snapshot was taken of.
    promises : list of Promise
        Which outputs are registered as datasets when a run has completed.
    """

    ticket: bytes
    definition: dict[str, Any]
    properties: dict[str, str]
    source_directory: str
    promises: list[Promise] = []

    def child(self, run_id: str, parameters: Mapping[str, Any]) -> tuple[Ticket, dict[str, Any]]:
        """Return the ticket and the definition of a child."""
        pattern = tickets.decode(self.ticket)
        before, after = os.fsencode(pattern.run_id), os.fsencode(run_id)
        words = space.arguments(parameters)
        ticket = msgspec.structs.replace(
            pattern,
            run_id=run_id,
            at=time.time(),
            arguments=[word.replace(before, after) for word in pattern.arguments]
            + [os.fsencode(word) for word in words],
            variables={name: value.replace(before, after) for name, value in pattern.variables.items()},
        )
        arguments = [str(word).replace(pattern.run_id, run_id) for word in self.definition.get("arguments") or []]
        return ticket, {**self.definition, "arguments": [*arguments, *words]}

    @property
    def run_id(self) -> str:
        """The id in place of which each child has its own."""
        return tickets.decode(self.ticket).run_id

    def properties_of(self, run_id: str) -> dict[str, str]:
        """Return the properties of a child's source and data."""
        return {name: value.replace(self.run_id, run_id) for name, value in self.properties.items()}

    def secrets(self) -> dict[bytes, bytes]:
        """Return the values of the variables that the ticket withholds, as far as this process has them."""
        wanted = [os.fsencode(name) for name in tickets.decode(self.ticket).withheld]
        return {name: os.environb[name] for name in wanted if name in os.environb}

    def keep(self, folder: Path) -> None:
        """Write this into the parent's folder."""
        path = folder / TEMPLATE
        try:
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(msgspec.msgpack.encode(self))
        except OSError as error:
            raise errors.StoreError(str(path), error) from error

    @classmethod
    def kept(cls, folder: Path) -> "Template":
        """Return what lies in a parent's folder.

        Raises
        ------
        UserErrorException
            If there is nothing that can be read.
        """
        path = folder / TEMPLATE
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise errors.UserErrorException(
                f"{path} cannot be read, so sweep {folder.name} has no script: {error}"
            ) from error


def begin(
    config: "HyperDriveConfig",
    experiment: "Experiment",
    tags: Mapping[str, str | None] | None = None,
    *,
    build: bool | None = None,
    **kwargs: object,
) -> HyperDriveRun:
    """Put a sweep into the queue of its compute target; returns at once.

    Parameters
    ----------
    config : HyperDriveConfig
        What to do.
    experiment : Experiment
        Where it belongs.
    tags : dict of str to str, default=None
        Tags of the sweep.
    build : bool, default=None
        Whether an environment that is not user-managed is built; as ``AZML_BUILD_ENVIRONMENTS`` says by default.

    Raises
    ------
    HyperDriveConfigException
        If what the sampling needs is not installed.
    UserErrorException
        If the script cannot be run.
    RunExistsError
        If the id is taken.
    """
    if kwargs:
        raise errors.OptionError(f"submit of a sweep does not know {', '.join(sorted(kwargs))}")
    sweep = config.sweep
    sweep.sampling.check_installed()
    sweep_id = config.custom_run_id or f"HD_{uuid.uuid4()}"
    with submission.prepared(experiment, config.run_config, f"{sweep_id}_any", build) as ready:
        ticket, secrets = controller_ticket(experiment, sweep_id, ready.ticket.target, ready.secrets)
        labels = sweep.labels()
        template = _template(experiment, ready)
        properties = {
            **handing_down.without_data(ready.properties),
            "azureml.runsource": "hyperdrive",
            "runTemplate": "HyperDrive",
            "primary_metric_config": labels["primary_metric_config"],
        }
        family = submission.Family(sweep_id, RUN_TYPE, tags={**labels, **(tags or {})})

        def keep(folder: Path) -> None:
            sweep.keep(folder)
            template.keep(folder)

        submission.enter(experiment, ticket, family, ready.definition, properties, secrets, keep)
    run = HyperDriveRun._handle(experiment, sweep_id)  # noqa: SLF001 - a constructor
    for source, message in ready.notes:
        run.note(source, message)
    return run


def _template(experiment: "Experiment", ready: submission.Ready) -> Template:
    """Return what the children of a sweep are made of."""
    return Template(
        tickets.encode(ready.ticket),
        submission.cleaned(ready.definition),
        ready.properties,
        str(ready.source_directory),
        handing_down.taken_promises(experiment.workspace, ready.ticket.run_id, ready.properties),
    )


def controller_ticket(
    experiment: "Experiment", sweep_id: str, target: str, of_children: Mapping[bytes, bytes]
) -> tuple[Ticket, dict[bytes, bytes]]:
    """Return the ticket of a sweep's controller, and the secrets of its environment: its children's are among them."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    variables, own = submission.environment(experiment, sweep_id, {"PYTHONPATH": path})
    secrets = {**own, **of_children}
    ticket = Ticket(
        sweep_id,
        experiment.name,
        target,
        submission.submitter(),
        time.time(),
        sys.executable,
        module=f"{__package__}",
        arguments=[os.fsencode(experiment.workspace.root), os.fsencode(sweep_id)],
        variables=variables,
        withheld=sorted(os.fsdecode(key) for key in secrets),
        slotless=True,
        log=LOG,
        lives=LIVES,
    )
    return ticket, secrets


def resume(run: HyperDriveRun) -> None:
    """Begin the controller of a sweep again that has ended before its time; its children are not begun twice.

    Parameters
    ----------
    run : HyperDriveRun
        A sweep that failed or was canceled, or whose controller died.

    Raises
    ------
    UserErrorException
        If it has not ended, or has completed.
    """
    record = run._record()  # noqa: SLF001 - family
    queue = run._workspace.queue(record.target)  # noqa: SLF001 - family
    target = submission.launcher(run._workspace, record.target)  # noqa: SLF001 - family
    if record.status == RunStatus.COMPLETED:
        raise errors.UserErrorException(f"sweep {run.id} has completed; submit a new one with resume_from=[run]")
    if record.status not in TERMINAL:
        raise errors.UserErrorException(f"sweep {run.id} is {record.status}, so there is nothing to resume")
    if not _let_go(queue, run, target):
        return
    of_children = Template.kept(run._folder).secrets()  # noqa: SLF001 - family
    ticket, secrets = controller_ticket(run.experiment, run.id, record.target, of_children)
    queue.canceled(run.id)
    with queue.entering(ticket):
        target.receive(ticket, secrets)
        run._set_status(RunStatus.QUEUED)  # noqa: SLF001 - family
        run._journal.close()  # noqa: SLF001 - the launcher writes now
    target.attend(run.id)


def _let_go(queue: Queue, run: HyperDriveRun, target: Launcher) -> bool:
    """Have a launcher look after a sweep whose launcher died with it; False where it has begun the controller again.

    Raises
    ------
    UserErrorException
        If no launcher does so in time.
    """
    until = time.monotonic() + PATIENCE
    while queue.find(run.id) is not None:
        if run.get_status() not in TERMINAL:
            return False
        if time.monotonic() > until:
            raise errors.UserErrorException(
                f"no launcher looks after sweep {run.id}; {queue.folder / 'launcher.log'} may say why"
            )
        target.attend(run.id)
        time.sleep(0.1)
    return True


def script_of(folder: Path) -> Any:
    """Return the script configuration that a sweep was submitted with."""
    from ..core.script_run_config import ScriptRunConfig

    template = Template.kept(folder)
    pattern = tickets.decode(template.ticket)
    return ScriptRunConfig(
        template.source_directory,
        pattern.script,
        [os.fsdecode(word) for word in pattern.arguments],
        command=pattern.command,
    )
