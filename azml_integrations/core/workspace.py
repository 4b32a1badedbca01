"""A workspace: a folder on this machine that holds experiments and runs."""

import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import errors, host, names
from ..launch.queue import Queue
from ..records import RunQuery, RunRecord
from ..store.files import Shared
from ..store.opening import open_view
from ..store.view import View
from . import cloud
from .pages import address, escape, link_html, table_html

if TYPE_CHECKING:
    from ..launch.snapshot import Snapshots
    from .abstract_dataset import AbstractDataset
    from .compute import ComputeTarget, ComputeTargets
    from .datastore import Datastore
    from .environment import Environment
    from .experiment import Experiment
    from .model import Model
    from .run import Run
    from .trash import Trash

LOCAL = "local"
DEFAULT = "default"
SHOWN = 50
"""Experiments that a notebook's table of a workspace links to."""
_DESCRIPTION = "workspace.json"
_SCOPE = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"


class Scope(NamedTuple):
    """What tells workspaces of one name apart."""

    subscription_id: str
    resource_group: str
    name: str


class Workspace:
    """A workspace; made on this machine when it is not there yet.

    Parameters
    ----------
    subscription_id, resource_group : str, default=None
        Only tell workspaces of one name apart; ``local`` by default.
    workspace_name : str, default=None
        3 to 33 letters, digits, ``-`` and ``_``; ``default`` by default.
    auth, _location, sku, tags, ... : optional
        Kept as data or ignored: there is nobody to authenticate to.

    Raises
    ------
    NameRefusedError
        If the name cannot be one.
    StoreError
        If the folder cannot be made.
    """

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        auth: object = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        scope = Scope(subscription_id or LOCAL, resource_group or LOCAL, names.workspace(workspace_name or DEFAULT))
        self._settle(folder_of(scope) or _make(_new_folder(scope), scope, _location, sku, dict(tags or {})))

    @classmethod
    def _at(cls, root: Path, index_url: str | None = None) -> "Workspace":
        """Return the workspace in a folder, made when it is not there."""
        workspace = cls.__new__(cls)
        if not (root / _DESCRIPTION).exists():
            name = root.name if len(root.name) > 2 else DEFAULT  # noqa: PLR2004 - the rule of names
            _make(root, Scope(LOCAL, LOCAL, name), None, "basic", {})
        workspace._settle(root, index_url)  # noqa: SLF001 - a constructor
        return workspace

    def _settle(self, root: Path, index_url: str | None = None) -> None:
        self.root = root
        self._index_url = index_url
        try:
            self._facts: dict[str, Any] = json.loads((root / _DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise errors.StoreError(str(root / _DESCRIPTION), error, doing="read") from error

    # -- finding and making --------------------------------------------------------------------------

    @staticmethod
    def from_config(
        path: str | os.PathLike[str] | None = None,
        auth: object = None,  # noqa: ARG004 - SDK v1's signature
        _logger: object = None,
        _file_name: str | None = None,
    ) -> "Workspace":
        """Return the workspace that a config.json names, or the local default one.

        Parameters
        ----------
        path : str or path-like, default=None
            A config file, or a folder to begin the search in; the working directory by default. In it and all folders
            above, ``.azureml/``, then ``aml_config/``, then the folders themselves are searched.

        Returns
        -------
        workspace : Workspace
            Made on this machine when it is not there yet.

        Raises
        ------
        ConfigNotFoundError
            If `path` is given and nothing is found.
        ConfigError
            If the file says too little.
        """
        chosen = os.environ.get("AZML_WORKSPACE")
        if path is None and chosen:
            return from_address(chosen)
        found = find_config(Path(path) if path is not None else Path.cwd(), _file_name)
        if found is not None:
            return _from_file(found)
        if path is not None:
            raise errors.ConfigNotFoundError(os.fspath(path))
        return Workspace._default()

    @staticmethod
    def _default() -> "Workspace":
        workspace = Workspace()
        _announce(str(workspace.root))
        return workspace

    @staticmethod
    def create(
        name: str,
        auth: object = None,  # noqa: ARG004 - SDK v1's signature, to the end
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,  # noqa: ARG004
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        friendly_name: str | None = None,  # noqa: ARG004
        storage_account: object = None,  # noqa: ARG004
        key_vault: object = None,  # noqa: ARG004
        app_insights: object = None,  # noqa: ARG004
        container_registry: object = None,  # noqa: ARG004
        exist_ok: bool = False,
        show_output: bool = True,  # noqa: ARG004
        **_ignored: object,
    ) -> "Workspace":
        """Make a workspace.

        Parameters
        ----------
        name : str
            Its name.
        subscription_id, resource_group : str, default=None
            Tell workspaces of one name apart.
        exist_ok : bool, default=False
            Whether one that is there is returned.
        location, sku, tags : optional
            Kept as data; everything else is ignored.

        Raises
        ------
        WorkspaceException
            If it is there and not `exist_ok`.
        """
        scope = Scope(subscription_id or LOCAL, resource_group or LOCAL, names.workspace(name))
        if folder_of(scope) is not None and not exist_ok:
            raise errors.WorkspaceException(f"workspace {name!r} is there already; pass exist_ok=True to use it")
        return Workspace(subscription_id, resource_group, name, None, location, sku=sku, tags=tags)

    @staticmethod
    def get(
        name: str,
        auth: object = None,  # noqa: ARG004 - SDK v1's signature
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,  # noqa: ARG004
        cloud: str = "AzureCloud",  # noqa: ARG004
        id: str | None = None,  # noqa: ARG004
    ) -> "Workspace":
        """Return a workspace that is there.

        Raises
        ------
        WorkspaceNotFoundError
            If there is none of that name in that scope; without a scope, any one of that name is taken.
        """
        checked = names.workspace(name)
        for workspace in _all():
            wanted = (subscription_id or workspace.subscription_id, resource_group or workspace.resource_group, checked)
            if workspace.scope == wanted:
                return workspace
        raise errors.WorkspaceNotFoundError(name, sorted({workspace.name for workspace in _all()}))

    @staticmethod
    def list(
        subscription_id: str | None = None,
        auth: object = None,  # noqa: ARG004 - SDK v1's signature
        resource_group: str | None = None,
    ) -> "dict[str, _Workspaces]":
        """Return the workspaces of this machine: a dict of name to list of workspaces."""
        found: dict[str, _Workspaces] = {}
        for workspace in _all():
            scope = workspace.scope
            if subscription_id in (None, scope.subscription_id) and resource_group in (None, scope.resource_group):
                found.setdefault(workspace.name, []).append(workspace)
        return found

    def write_config(self, path: str | os.PathLike[str] | None = None, file_name: str | None = None) -> None:
        """Write a config.json that `from_config` finds.

        Parameters
        ----------
        path : str or path-like, default=None
            Folder to write below: into its ``.azureml``, or its ``aml_config`` where that is there. The working
            directory by default.
        file_name : str, default=None
            ``config.json`` by default.
        """
        start = Path(path) if path is not None else Path.cwd()
        named = (start / ".azureml", start / "aml_config")  # in the order in which `from_config` looks
        folder = next((folder for folder in named if folder.is_dir()), named[0])
        config = {"Id": None, "Scope": _SCOPE.format(*self.scope)}
        target = folder / Path(file_name or "config.json").name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(config, indent=4) + "\n", encoding="utf-8")
        except OSError as error:
            raise errors.StoreError(str(target), error) from error

    # -- facts ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the name."""
        return str(self._facts["name"])

    @property
    def subscription_id(self) -> str:
        """Return the subscription; ``local`` where nobody named one."""
        return str(self._facts["subscription_id"])

    @property
    def resource_group(self) -> str:
        """Return the resource group; ``local`` where nobody named one."""
        return str(self._facts["resource_group"])

    @property
    def scope(self) -> Scope:
        """Return what tells this workspace apart."""
        return Scope(self.subscription_id, self.resource_group, self.name)

    @property
    def location(self) -> str:
        """Return the location; ``local`` where nobody named one."""
        return str(self._facts.get("location") or LOCAL)

    @property
    def sku(self) -> str:
        """Return the SKU, as it was given."""
        return str(self._facts.get("sku") or "basic")

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags, as they were given."""
        return dict(self._facts.get("tags") or {})

    @property
    def discovery_url(self) -> str:
        """Return the address of the workspace's folder."""
        return self.root.as_uri()

    @property
    def service_context(self) -> "Workspace":
        """Return the workspace itself: there is no service behind it."""
        return self

    def get_details(self) -> dict[str, Any]:
        """Return what is known about the workspace, in SDK v1's words."""
        return {
            "id": _SCOPE.format(*self.scope),
            "name": self.name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": self._facts.get("id"),
            "description": "",
            "friendlyName": self.name,
            "creationTime": self._facts.get("created"),
            "storageAccount": str(self.root),
        }

    # -- contents ------------------------------------------------------------------------------------

    @property
    def experiments(self) -> "dict[str, Experiment]":
        """Return the experiments that are not archived, by name."""
        from .experiment import Experiment

        return {experiment.name: experiment for experiment in Experiment.list(self)}

    @property
    def compute_targets(self) -> "ComputeTargets":
        """Return the compute targets, by name: this machine, which answers to every other name too."""
        from .compute import ComputeTargets

        return ComputeTargets(self)

    @property
    def datastores(self) -> "dict[str, Datastore]":
        """Return the datastores, by name."""
        from .datastore import Datastore, all_names

        return {name: Datastore(self, name) for name in all_names(self)}

    @property
    def datasets(self) -> "dict[str, AbstractDataset]":
        """Return the latest version of each registered dataset, by name."""
        from .dataset import Dataset

        return Dataset.get_all(self)

    @property
    def images(self) -> dict[str, object]:
        """Return nothing."""
        return {}

    @property
    def models(self) -> "dict[str, Model]":
        """Return the newest version of each registered model, by name."""
        from .model import latest

        return latest(self)

    webservices = linked_services = private_endpoints = images

    @property
    def trash(self) -> "Trash":
        """Return the runs that were deleted and can be restored."""
        from .trash import Trash

        return Trash(self)

    @property
    def environments(self) -> "dict[str, Environment]":
        """Return the latest version of each registered environment, by name."""
        from .environment import Environment

        return Environment.list(self)

    def get_default_datastore(self) -> "Datastore":
        """Return the default datastore: a folder of the workspace."""
        from .datastore import Datastore

        return Datastore(self)

    def set_default_datastore(self, name: str) -> None:
        """Make another datastore the default one.

        Raises
        ------
        UserErrorException
            If there is none of that name.
        """
        from .datastore import Datastore

        Datastore(self, name).set_as_default()

    def get_default_compute_target(self, type: str = "CPU") -> "ComputeTarget":
        """Return the target that every workspace has: this machine."""
        from .compute import ComputeTarget

        return ComputeTarget(self, LOCAL)

    setup = cloud.verb("Workspace", "setup")
    update = cloud.verb("Workspace", "update")
    delete = cloud.verb("Workspace", "delete")
    list_keys = cloud.verb("Workspace", "list_keys")
    sync_keys = cloud.verb("Workspace", "sync_keys")
    set_connection = cloud.verb("Workspace", "set_connection")
    get_connection = cloud.verb("Workspace", "get_connection")
    list_connections = cloud.verb("Workspace", "list_connections")
    delete_connection = cloud.verb("Workspace", "delete_connection")
    diagnose_workspace = cloud.verb("Workspace", "diagnose_workspace")
    add_private_endpoint = cloud.verb("Workspace", "add_private_endpoint")
    get_default_keyvault = cloud.verb("Workspace", "get_default_keyvault")

    def get_run(self, run_id: str) -> "Run":
        """Return a run of any experiment.

        Raises
        ------
        RunNotFoundError
            If there is none.
        """
        from .run import _revived

        record = self.view.of(names.run(run_id)).run(run_id)
        if record is None:
            raise errors.RunNotFoundError(run_id, f"workspace {self.name}")
        return _revived(self, record)

    def find_runs(self, query: RunQuery | None = None) -> "_Records":
        """Return the runs that a query asks for.

        Parameters
        ----------
        query : RunQuery, default=None
            Every run by default; ``RunQuery(order=MetricOrder("mse"), limit=1)`` is the one with the lowest mse.

        Returns
        -------
        records : list of RunRecord
            As they stand now.
        """
        return self.view.all().find(query or RunQuery(include_children=True))

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Return the address of a folder that MLflow can track into, beside our runs."""
        return (self.root / "mlflow").as_uri()

    @host.computed_once
    def view(self) -> View:
        """Return what can be asked about the runs."""
        return open_view(self.root, self._index_url)

    def queue(self, target: str = LOCAL) -> Queue:
        """Return the queue of a compute target."""
        return Queue(self.root, target)

    @host.computed_once
    def snapshots(self) -> "Snapshots":
        """Return what the source folders of runs held."""
        from ..launch.snapshot import Snapshots  # 20 ms, only where a snapshot is wanted

        return Snapshots(self.root / "snapshots")

    def _snapshots_in_use(self) -> set[str]:
        """Return the ids of the snapshots that runs refer to.

        Raises
        ------
        StoreError
            If a run cannot be read: nobody knows which snapshot it needs.
        """
        from ..store import trash
        from .snapshot_verbs import SNAPSHOT_ID

        with trash.held(self.root):  # a run that is restored meanwhile must not be overlooked
            used: set[str] = set()
            for runs in (self.view.runs, *(place / trash.RUNS for place in trash.places(self.root))):
                used |= {record.properties.get(SNAPSHOT_ID, "") for record in _truth(runs)}
        return used - {""}

    @host.computed_once
    def texts(self) -> Shared:
        """Return the writer of texts that many runs hold."""
        return Shared()

    def _claim_folder(self, run_id: str) -> None:
        """Make the folder of a new run.

        Raises
        ------
        RunExistsError
            If the id is taken.
        """
        folder = self.view.folder(run_id)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise errors.RunExistsError(run_id) from None
        except OSError as error:
            raise errors.StoreError(str(folder), error) from error

    def __repr__(self) -> str:
        """Return the line that SDK v1 prints."""
        return (
            f"Workspace.create(name={self.name!r}, subscription_id={self.subscription_id!r}, "
            f"resource_group={self.resource_group!r})"
        )

    def _repr_html_(self) -> str:
        facts = {"Name": self.name, "Location": self.location, "Folder": str(self.root)}
        first = sorted(self.experiments.items())
        linked = [link_html(address(f"experiments/{name}", self), name) for name, _ in first[:SHOWN]]
        more = [f"and {len(first) - SHOWN} more"] if len(first) > SHOWN else []
        return table_html(
            {key: escape(value) for key, value in facts.items()} | {"Experiments": ", ".join([*linked, *more])}
        )

    def __eq__(self, other: object) -> bool:
        """Two handles on one folder are equal."""
        return isinstance(other, Workspace) and self.root == other.root

    def __hash__(self) -> int:
        """Hash by address."""
        return hash(self.root)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address."""
        return Workspace._at, (self.root, self._index_url)


def _truth(runs: Path) -> Iterator[RunRecord]:
    """Yield the runs of a folder, read from their own folders; the doctor asks, who makes no index by looking.

    Raises
    ------
    StoreError
        If one cannot be read.
    """
    truth = View(runs, None)
    try:
        for folder in sorted(path for path in runs.iterdir() if path.is_dir()):
            record = truth.of(folder.name).run(folder.name)
            truth.forget(folder.name)
            if record is None:
                raise errors.StoreError(str(folder), OSError("what it says is gone"), doing="read")
            yield record
    finally:
        truth.close()


_Workspaces = list[Workspace]
_Records = list[RunRecord]


def home() -> Path:
    """Return the folder of all workspaces: ``AZML_HOME``, or the user's data folder."""
    if chosen := os.environ.get("AZML_HOME"):
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_data_path

    return user_data_path("azml_integrations", appauthor=False)


def folder_of(scope: Scope) -> Path | None:
    """Return the folder of a workspace that is there."""
    candidates = (home() / scope.name, home() / f"{scope.name}-{_digest(scope)}")
    return next((folder for folder in candidates if _scope_at(folder) == scope), None)


def _new_folder(scope: Scope) -> Path:
    """Return the folder for a new workspace: its name, or its name and scope where another has the name."""
    taken = (home() / scope.name / _DESCRIPTION).exists()
    return home() / (f"{scope.name}-{_digest(scope)}" if taken else scope.name)


def _digest(scope: Scope) -> str:
    return sha256("/".join(scope[:2]).encode()).hexdigest()[:8]


def _scope_at(folder: Path) -> Scope | None:
    try:
        facts = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        return Scope(*(str(facts[key]) for key in ("subscription_id", "resource_group", "name")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make(folder: Path, scope: Scope, location: str | None, sku: str, tags: dict[str, str]) -> Path:
    """Make a workspace's folder; of many processes that try at once, the first describes it."""
    facts = {
        **scope._asdict(),
        "id": str(uuid.uuid4()),
        "location": location,
        "sku": sku,
        "tags": tags,
        "created": _now(),
    }
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        (folder / "experiments").mkdir(exist_ok=True)
        write_once(folder / _DESCRIPTION, json.dumps(facts, indent=2) + "\n")
    except OSError as error:
        raise errors.StoreError(str(folder), error) from error
    if _scope_at(folder) != scope and folder.name == scope.name:  # another scope was first to take the name
        return _make(folder.with_name(f"{scope.name}-{_digest(scope)}"), scope, location, sku, tags)
    return folder


def write_once(path: Path, content: str) -> bool:
    """Create a file, complete, unless it is there; False when somebody else was first."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        partial.write_text(content, encoding="utf-8")
        os.link(partial, path)
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


def _all() -> Iterator[Workspace]:
    """Yield the workspaces of this machine, by name."""
    try:
        folders = sorted(home().iterdir())
    except OSError:
        return
    for folder in folders:
        if _scope_at(folder) is not None:
            yield Workspace._at(folder)  # noqa: SLF001 - a constructor


@cache
def _announce(root: str) -> None:
    """Say once where runs go when nobody chose."""
    print(f"azml_integrations: no config.json found, so runs are kept in {root}", file=sys.stderr)  # noqa: T201


# -- config.json -------------------------------------------------------------------------------------


def find_config(start: Path, file_name: str | None) -> Path | None:
    """Search as SDK v1 did: kinds of folder first, then file names, then upwards."""
    if start.is_file():
        return start
    begin = start.resolve()
    for kind in (".azureml", "aml_config", ""):
        for name in [file_name] if file_name else ["config.json", "project.json"]:
            for folder in (begin, *begin.parents):
                if (candidate := folder / kind / name).is_file():
                    return candidate
    return None


def _from_file(path: Path) -> Workspace:
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise errors.StoreError(str(path), error, doing="read") from error
    except ValueError as error:
        raise errors.ConfigError(str(path), f"is no JSON ({error})") from error
    if not isinstance(facts, dict):
        raise errors.ConfigError(str(path), f"holds a JSON {type(facts).__name__}")
    if isinstance(store := facts.get("store"), str):
        return from_address(store, path.parent, scope_in(facts))
    scope = scope_in(facts)
    if scope is None:
        wanted = ("subscription_id", "resource_group", "workspace_name")
        empty = [key for key in wanted if key in facts and not (facts[key] and isinstance(facts[key], str))]
        found = (
            f"has no text as {', '.join(empty)}"
            if empty
            else f"has only the keys {', '.join(sorted(facts)) or '(none)'}"
        )
        raise errors.ConfigError(str(path), found)
    return Workspace(*scope)


def scope_in(facts: dict[str, object]) -> Scope | None:
    """Return the workspace that either shape of config.json names."""
    named = tuple(facts.get(key) for key in ("subscription_id", "resource_group", "workspace_name"))
    if all(isinstance(value, str) and value for value in named):
        return Scope(*map(str, named))
    parts = str(facts.get("Scope") or "").strip("/").split("/")
    pairs = dict(zip(parts[::2], parts[1::2], strict=False))
    found = [pairs.get(key) for key in ("subscriptions", "resourceGroups", "workspaces")]
    return Scope(*map(str, found)) if all(found) else None


def from_address(address: str, relative_to: Path | None = None, scope: Scope | None = None) -> Workspace:
    """Return the workspace in a folder, or one whose index a plugin keeps elsewhere."""
    if address.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        address = unquote(urlsplit(address).path)
    if "://" not in address:
        place = Path(address).expanduser()
        return Workspace._at((relative_to / place if relative_to else place).resolve())  # noqa: SLF001
    local = Workspace(*(scope or Scope(LOCAL, LOCAL, DEFAULT)))
    return Workspace._at(local.root, address)  # noqa: SLF001 - a constructor
