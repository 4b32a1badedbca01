"""Compute targets: whatever name is asked for, it is this machine that answers, unless a plugin takes the name.

Old scripts look a cluster up and make it where it is missing. The look-up succeeds for every name, and making one
succeeds too, so that both halves of such a script pass; what it prints says that nothing is rented.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import errors, names

if TYPE_CHECKING:
    from .workspace import Workspace

LOCAL = "local"


@dataclass(frozen=True)
class Provisioning:
    """What a script asked of a cluster; kept as data, because nothing is rented.

    Attributes
    ----------
    vm_size : str
        The machine asked for.
    min_nodes, max_nodes : int
        Fewest and most machines asked for.
    settings : Mapping
        All else that was asked for, as it came, but for what looks like a secret.
    """

    vm_size: str = ""
    min_nodes: int = 0
    max_nodes: int = 1
    settings: Mapping[str, object] | None = None


@dataclass(frozen=True)
class ComputeStatus:
    """The state of a target: ready, because this machine is.

    Attributes
    ----------
    name : str
        The target.
    asked : Provisioning
        What a script asked for.
    at : datetime
        Moment of the question.
    """

    name: str
    asked: Provisioning
    at: datetime

    provisioning_state = "Succeeded"
    allocation_state = "Steady"
    current_node_count = 1
    target_node_count = 1
    errors = None

    def serialize(self) -> dict[str, Any]:
        """Return the state in the words that notebooks print."""
        return {
            "name": self.name,
            "provisioningState": self.provisioning_state,
            "allocationState": self.allocation_state,
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": {"runningNodeCount": 0, "idleNodeCount": self.current_node_count},
            "vmSize": self.asked.vm_size or LOCAL,
            "errors": self.errors,
            "creationTime": self.at.isoformat(),
        }


class ComputeTarget:
    """A compute target by its name; it is this machine, whatever the name.

    Parameters
    ----------
    workspace : Workspace
        Where it belongs.
    name : str
        Any name; ``local`` is a `LocalTarget`, every other one an `AmlCompute`: scripts ask for its type.

    Raises
    ------
    ComputeTargetException
        If the name is no string, or cannot be the name of anything.
    """

    type = "AmlCompute"
    location = LOCAL
    provisioning_state = "Succeeded"
    provisioning_errors = None

    def __new__(cls, workspace: "Workspace", name: str, *args: object, **kwargs: object) -> "ComputeTarget":  # noqa: ARG004, PYI034 - arguments of `__init__`; the class that fits
        """Answer with the class that fits the name."""
        if cls is ComputeTarget:
            return super().__new__(LocalTarget if name == LOCAL else AmlCompute)
        return super().__new__(cls)

    def __init__(self, workspace: "Workspace", name: str, _asked: Provisioning | None = None) -> None:
        self.workspace = workspace
        try:
            self.name = names.label("compute target", name)
        except errors.NameRefusedError as error:
            raise errors.ComputeTargetException(error.message) from error
        if not name:
            raise errors.ComputeTargetException("a compute target needs a name; expected a string that is not empty")
        self._asked = _asked or Provisioning()

    @property
    def id(self) -> str:
        """Return an address that is unique in the workspace."""
        return f"{self.workspace.get_details()['id']}/computes/{self.name}"

    @property
    def vm_size(self) -> str:
        """Return the machine that was asked for; ``local`` where nobody asked."""
        return self._asked.vm_size or LOCAL

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags that were asked for."""
        tags = (self._asked.settings or {}).get("tags")
        return {str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}

    # -- making ----------------------------------------------------------------------------------

    @staticmethod
    def create(workspace: "Workspace", name: str, provisioning_configuration: object = None) -> "ComputeTarget":
        """Return the target of that name: nothing is rented, so there is nothing to make.

        Parameters
        ----------
        workspace : Workspace
            Where it belongs.
        name : str
            Any name.
        provisioning_configuration : Provisioning, default=None
            What `AmlCompute.provisioning_configuration` returned; kept as data.
        """
        asked = provisioning_configuration if isinstance(provisioning_configuration, Provisioning) else None
        kind = LocalTarget if name == LOCAL else AmlCompute
        return kind(workspace, name, asked)

    @staticmethod
    def attach(workspace: "Workspace", name: str, attach_configuration: object = None) -> "ComputeTarget":
        """Return the target of that name, as `create` does."""
        return ComputeTarget.create(workspace, name, attach_configuration)

    @staticmethod
    def list(workspace: "Workspace") -> "_Targets":
        """Return the targets of a workspace: this machine, and the names under which runs were sent to it."""
        folder = workspace.root / "queues"
        used = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
        return [ComputeTarget(workspace, name) for name in dict.fromkeys((LOCAL, *used))]

    def wait_for_completion(
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float | None = None,
        is_delete_operation: bool = False,
    ) -> None:
        """Return at once: this machine is there.

        Parameters
        ----------
        show_output : bool, default=False
            Whether to say so.
        min_node_count, timeout_in_minutes, is_delete_operation : optional
            Ignored.
        """
        if show_output:
            print(f"{self.name}: scripts run on this machine; nothing is rented")  # noqa: T201 - asked for

    def refresh_state(self) -> None:
        """Do nothing: the state never changes."""

    def update(self, *args: object, **kwargs: object) -> None:
        """Do nothing: there is nothing to scale."""

    def delete(self) -> None:
        """Do nothing: nothing was made."""

    detach = delete

    # -- facts -----------------------------------------------------------------------------------

    def get_status(self) -> ComputeStatus:
        """Return the state of the target."""
        return ComputeStatus(self.name, self._asked, datetime.now(UTC))

    status = property(get_status)

    def list_nodes(self) -> "_Nodes":
        """Return the machines: this one."""
        return [{"nodeId": LOCAL, "nodeState": "idle", "cores": os.cpu_count() or 1}]

    def serialize(self) -> dict[str, Any]:
        """Return what is known about the target, in SDK v1's words."""
        return {
            "id": self.id,
            "name": self.name,
            "location": self.location,
            "type": self.type,
            "provisioningState": self.provisioning_state,
            "tags": self.tags,
            "properties": {"vmSize": self.vm_size, "status": self.get_status().serialize()},
        }

    def __repr__(self) -> str:
        """Return the target in one line."""
        return f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r})"

    def __eq__(self, other: object) -> bool:
        """Two handles on one name are equal."""
        return isinstance(other, ComputeTarget) and (self.workspace, self.name) == (other.workspace, other.name)

    def __hash__(self) -> int:
        """Hash by address."""
        return hash((self.workspace, self.name))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address."""
        return type(self), (self.workspace, self.name, self._asked)


_Targets = list[ComputeTarget]
_Nodes = list[dict[str, Any]]


class LocalTarget(ComputeTarget):
    """The machine under its own name."""

    type = "Local"


class AmlCompute(ComputeTarget):
    """A cluster's name; what is sent to it runs on this machine."""

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = None,
        **settings: object,
    ) -> Provisioning:
        """Return what is asked of a cluster.

        Parameters
        ----------
        vm_size, vm_priority, min_nodes, max_nodes, idle_seconds_before_scaledown : optional
            As in the cloud; kept as data.
        **settings
            All else; what looks like a password or a key is left out.
        """
        kept = {
            "vm_priority": vm_priority,
            "idle_seconds_before_scaledown": idle_seconds_before_scaledown,
            **{key: value for key, value in settings.items() if not _is_secret(key)},
        }
        return Provisioning(vm_size, min_nodes, max_nodes or 1, kept)

    @staticmethod
    def supported_vmsizes(workspace: "Workspace", location: str | None = None) -> "_Nodes":  # noqa: ARG004 - SDK v1's signature
        """Return the machines that there are: this one."""
        return [{"name": LOCAL, "vCPUs": os.cpu_count() or 1}]


class ComputeInstance(ComputeTarget):
    """A personal machine of the cloud by its name; it is this machine."""

    type = "ComputeInstance"

    provisioning_configuration = staticmethod(AmlCompute.provisioning_configuration)


class ComputeTargets(dict[str, ComputeTarget]):
    """The targets of a workspace, by name: this machine is listed, and answers to every other name too.

    ``name in targets`` and ``targets.get(name)`` find ``local`` and the names that runs were sent to, so that a script
    which makes a missing cluster makes it; ``targets[name]`` finds every name, so that one which takes its cluster for
    granted goes on.

    Parameters
    ----------
    workspace : Workspace
        Where they belong.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        super().__init__({target.name: target for target in ComputeTarget.list(workspace)})

    def __missing__(self, name: str) -> ComputeTarget:
        """Answer with this machine under that name."""
        return ComputeTarget(self._workspace, name)


def _is_secret(key: str) -> bool:
    return any(word in key for word in ("password", "ssh_key", "secret"))
