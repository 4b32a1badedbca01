"""An experiment: a name under which runs are counted."""

import json
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors, journal, names
from ..records import TERMINAL, Cursor, ExperimentArchived, RunQuery, TagsRemoved, TagsSet
from ..store import numbers
from .handle import OnError, checked_on_error
from .pages import DOCS, address, escape, link_html, served, table_html
from .run import Run
from .workspace import Workspace, write_once

if TYPE_CHECKING:
    from ..journal import Event
    from ..launch.snapshot import Snapshot

_DESCRIPTION = "experiment.json"
_UNASKED_BYTES = 25_000_000
_UNASKED_FILES = 2_000
"""What is kept of a working directory though nobody asked for a snapshot: a program, not a home folder; once, this
takes half a second."""


class _Here(str):
    """The working directory, as the default of an argument: not the same as one that was given."""

    __slots__ = ()


_HERE = _Here(".")


class ViewType:
    """Which experiments `Experiment.list` shows."""

    ActiveOnly = "ActiveOnly"
    All = "All"
    ArchivedOnly = "ArchivedOnly"


class Experiment:
    """A named collection of runs; made when it is not there yet.

    Parameters
    ----------
    workspace : Workspace
        Where it belongs.
    name : str
        Letters, digits, ``-`` and ``_``, the first a letter or digit; 1 to 255.
    workspace_object : Workspace, default=None
        The name of 2018 for `workspace`.

    Raises
    ------
    NameRefusedError
        If the name cannot be one.
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        name: str | None = None,
        _skip_name_validation: bool = False,
        _id: str | None = None,
        _archived_time: object = None,
        _create_in_cloud: bool = True,
        _experiment_dto: object = None,
        workspace_object: Workspace | None = None,
        **kwargs: object,
    ) -> None:
        if kwargs:
            raise errors.OptionError(f"Experiment does not know {', '.join(sorted(kwargs))}")
        home = workspace if workspace is not None else workspace_object
        if not isinstance(home, Workspace):
            raise errors.OptionError(f"Experiment expects a Workspace first, got {errors.a(home)}")
        self._workspace = home
        self._name = names.label("experiment name", name) if _skip_name_validation else names.experiment(name)
        self._folder = home.root / "experiments" / names.folder(self._name)
        self._number = 0  # the one that a run was given last through this handle: where the next search begins
        if _create_in_cloud:
            self._make()

    @classmethod
    def _known(cls, workspace: Workspace, name: str) -> "Experiment":
        """Return a handle without making anything."""
        return cls(workspace, name, _create_in_cloud=False)

    @classmethod
    def _told(cls, workspace: Workspace, name: str) -> "Experiment":
        """Return a handle on the experiment that a run says it belongs to; a damaged journal may say anything."""
        return cls(workspace, name, _skip_name_validation=True, _create_in_cloud=False)

    def _make(self) -> None:
        path = self._folder / _DESCRIPTION
        if path.exists():
            return
        facts = {"name": self._name, "id": str(uuid.uuid4()), "created": time.time()}
        try:
            (self._folder / "numbers").mkdir(parents=True, exist_ok=True)
            write_once(path, json.dumps(facts, indent=2) + "\n")
        except OSError as error:
            raise errors.StoreError(str(self._folder), error) from error

    # -- facts ---------------------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        """Return the workspace."""
        return self._workspace

    workspace_object = workspace

    @property
    def name(self) -> str:
        """Return the name."""
        return self._name

    @property
    def id(self) -> str:
        """Return the id, drawn when the experiment was made."""
        self._make()
        return str(json.loads((self._folder / _DESCRIPTION).read_text(encoding="utf-8"))["id"])

    @property
    def archived_time(self) -> datetime | None:
        """Return when it was archived, or None."""
        archived = None
        for event in self._events():
            if isinstance(event, ExperimentArchived):
                archived = datetime.fromtimestamp(event.at, UTC) if event.archived else None
        return archived

    @property
    def tags(self) -> dict[str, str | None]:
        """Return the tags."""
        tags: dict[str, str | None] = {}
        for event in self._events():
            if isinstance(event, TagsSet):
                tags.update(event.tags)
            elif isinstance(event, TagsRemoved):
                tags = {key: value for key, value in tags.items() if key not in event.keys}
        return tags

    def _events(self) -> "list[Event]":
        """Return what the experiment's journals say, in order of time."""
        batches = [batch for path in journal.files(self._folder) for batch in journal.read(path, Cursor())]
        return sorted((event for batch in batches for event in batch.events), key=lambda event: event.at)

    def _append(self, event: "Event") -> None:
        self._make()
        book = journal.Journal(self._folder)
        try:
            book.append(event)
        finally:
            book.close()

    # -- tags and archive ----------------------------------------------------------------------------

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag, or overwrite it."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set several tags, or overwrite them; values of other types are stored as their strings."""
        texts = {
            names.label("tag", key): None if value is None else names.text("tag", str(value))
            for key, value in tags.items()
        }
        self._append(TagsSet(texts, time.time()))

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags away; unknown ones are no error."""
        keys = [tags] if isinstance(tags, str) else tags
        self._append(TagsRemoved([names.label("tag", key) for key in keys], time.time()))

    def archive(self) -> None:
        """Put the experiment away: it takes no new runs and is not listed."""
        self._append(ExperimentArchived(archived=True, at=time.time()))

    def reactivate(self, new_name: str | None = None) -> None:
        """Take the experiment out of the archive.

        Parameters
        ----------
        new_name : str, default=None
            Refused unless it is the old one: runs know their experiment by its name.

        Raises
        ------
        ExperimentStateError
            If `new_name` is another name.
        """
        if new_name not in (None, self._name):
            raise errors.ExperimentStateError(self._name, f"cannot be renamed to {new_name!r}: its runs carry its name")
        self._append(ExperimentArchived(archived=False, at=time.time()))

    def refresh(self) -> None:
        """Do nothing: everything is read afresh."""

    # -- runs ----------------------------------------------------------------------------------------

    def start_logging(
        self,
        name: str | None = None,
        run_id: str | None = None,
        outputs: str | bool | None = None,
        snapshot_directory: str | None = _HERE,
        *,
        display_name: str | None = None,
        on_error: str | None = None,
        **kwargs: object,
    ) -> Run:
        """Begin an interactive run.

        Parameters
        ----------
        name : str, default=None
            A name beside the id.
        run_id : str, default=None
            Its id; drawn by default.
        outputs : str or bool, default=None
            Folder whose files are copied into the run at its end; made at once. None and True are ``./outputs``, False
            is none.
        snapshot_directory : str, default="."
            Folder, or file, whose content is kept as the run's snapshot; None for none. A folder that was asked for
            must be there and not too large. Where nobody asked, the working directory is kept if it is small (25 MB,
            2,000 files); else a note says why it is not.
        display_name : str, default=None
            Name shown on pages.
        on_error : {"raise", "warn"}, default=None
            What a log verb does when the disk refuses; ``AZML_ON_ERROR``, else raise, by default.

        Returns
        -------
        run : Run
            Running; the current run of this context until it ends. Usable as a context manager.

        Raises
        ------
        ExperimentStateError
            If the experiment is archived.
        RunExistsError
            If `run_id` is taken.
        SnapshotException, SourceNotFoundError
            If a `snapshot_directory` was given and cannot be kept; no run is begun then.
        """
        from . import context

        if kwargs:
            raise errors.OptionError(f"start_logging does not know {', '.join(sorted(kwargs))}")
        folder = (
            None if outputs is False else Path("outputs" if outputs in (None, True, "") else str(outputs)).resolve()
        )
        snapshot, trouble = None, ""
        if snapshot_directory is not None:
            snapshot, trouble = self._source_of_run(snapshot_directory, folder, checked_on_error(on_error))
        run = Run._create(  # noqa: SLF001 - the one door
            self, run_id=run_id, name=name, display_name=display_name, outputs=folder, on_error=on_error
        )
        if snapshot_directory is not None:
            run._set_source(Path(snapshot_directory), snapshot, trouble)  # noqa: SLF001 - one of us
        context.enter(run)
        return run

    def _source_of_run(self, directory: str, outputs: Path | None, on_error: OnError) -> "tuple[Snapshot | None, str]":
        """Take the snapshot of a run that is about to begin, or tell why there is none.

        Its outputs are no part of it: they are copied into the run itself, and would make each snapshot another.
        """
        from ..launch.snapshot import allowed

        asked = directory is not _HERE
        without = () if outputs is None else (outputs,)
        try:
            limit, most = (None, None) if asked else (min(_UNASKED_BYTES, allowed()), _UNASKED_FILES)
            return self._workspace.snapshots.take(Path(directory), limit, without=without, most=most), ""
        except (errors.SnapshotException, errors.UserErrorException) as error:
            if asked:
                way_out = "pass snapshot_directory=None to begin a run without a snapshot"
                error.message = f"{error.message}; or {way_out}"
                raise
            return None, error.message
        except errors.StoreError as error:
            if asked and on_error == "raise":
                raise
            return None, error.message

    def resume_logging(self, run_id: str, *, on_error: str | None = None, current: bool = True) -> Run:
        """Go on with a run that has ended, or whose process has died: training that starts again from a checkpoint.

        What follows is added to what the run has; nothing of it is lost or replaced.

        Parameters
        ----------
        run_id : str
            Its id.
        on_error : {"raise", "warn"}, default=None
            What a log verb does when the disk refuses; ``AZML_ON_ERROR``, else raise, by default.
        current : bool, default=True
            Whether it is the current run of this context until it ends.

        Returns
        -------
        run : Run
            Running, and this process's own. Usable as a context manager.

        Raises
        ------
        RunNotFoundError
            If the experiment has no such run.
        ExperimentStateError
            If the experiment is archived.
        UserErrorException
            If the run has not ended: two processes cannot own it.
        """
        from . import context

        status = Run(self, run_id).get_status()
        if status not in TERMINAL:
            raise errors.UserErrorException(
                f"run {run_id} is {status}, so it cannot be resumed; to add to it while it lives, use "
                f"Run(experiment, {run_id!r})"
            )
        self._open()
        run = Run._resume(self, run_id, on_error)  # noqa: SLF001 - the one door
        if current:
            context.enter(run)
        return run

    def submit(self, config: object, tags: Mapping[str, str | None] | None = None, **kwargs: Any) -> Run:
        """Submit a script, a sweep, or whatever else can be submitted; returns at once.

        Parameters
        ----------
        config : ScriptRunConfig, HyperDriveConfig, ...
            What to run. It is copied: later changes do not reach the run.
        tags : dict of str to str, default=None
            Tags of the run.
        **kwargs
            What the kind of config knows beside it: ``run_id`` of a script. With ``show_output=True``, the run is
            followed to its end, as `Run.wait_for_completion` shows it; one that fails does not raise.

        Returns
        -------
        run : Run
            Queued.

        Raises
        ------
        UserErrorException
            If the config cannot be run.
        ExperimentExecutionException
            If it is nothing that can be submitted.
        ExperimentStateError
            If the experiment is archived.
        """
        enter = getattr(config, "_submit", None)
        if not callable(enter):
            raise errors.ExperimentExecutionException(
                f"{errors.a(config)} cannot be submitted; expected a ScriptRunConfig or a HyperDriveConfig"
            )
        show_output = kwargs.pop("show_output", False)
        run: Run = enter(self, tags, **kwargs)
        if show_output:
            run.wait_for_completion(show_output=True, raise_on_error=False)
        return run

    def get_runs(
        self,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """Yield the runs, newest first.

        Parameters
        ----------
        type : str, default=None
            Only runs of this type.
        tags, properties : str or dict, default=None
            Only runs with this key, or with these keys and values.
        include_children : bool, default=False
            Whether child runs are among them.
        """
        return Run.list(self, type, tags, properties, None, include_children)

    def _open(self) -> None:
        """Make sure that runs may begin here.

        Raises
        ------
        ExperimentStateError
            If the experiment is archived.
        """
        self._make()
        if self.archived_time is not None:
            raise errors.ExperimentStateError(self._name, "is archived and takes no new runs; reactivate() it first")

    def _next_number(self) -> int:
        """Claim the next number of a run."""
        folder = self._folder / "numbers"
        try:
            self._number = numbers.claim(folder, self._number)
        except OSError as error:
            raise errors.StoreError(str(folder), error) from error
        return self._number

    def _given(self, number: int) -> bool:
        """Tell whether a number belongs to a run already."""
        return (self._folder / "numbers" / str(number)).exists()

    def _give_up_to(self, number: int) -> None:
        """Mark the numbers up to this one as given."""
        try:
            for one in range(1, number + 1):
                (self._folder / "numbers" / str(one)).touch()
        except OSError as error:
            raise errors.StoreError(str(self._folder), error) from error

    # -- all of them ---------------------------------------------------------------------------------

    @staticmethod
    def list(
        workspace: Workspace,
        experiment_name: str | None = None,
        view_type: str = ViewType.ActiveOnly,
        tags: str | Mapping[str, str] | None = None,
    ) -> "_Experiments":
        """Return experiments of a workspace, by name.

        Parameters
        ----------
        workspace : Workspace
            Where to look.
        experiment_name : str, default=None
            Only this one.
        view_type : {"ActiveOnly", "All", "ArchivedOnly"}
            Whether archived ones are shown.
        tags : str or dict, default=None
            Only experiments with this key, or with these keys and values.
        """
        wanted = {tags: None} if isinstance(tags, str) else dict(tags or {})
        found = [
            experiment
            for experiment in _all(workspace)
            if experiment_name in (None, experiment.name)
            and (
                view_type == ViewType.All
                or (experiment.archived_time is not None) == (view_type == ViewType.ArchivedOnly)
            )
            and all(key in experiment.tags and value in (None, experiment.tags[key]) for key, value in wanted.items())
        ]
        return sorted(found, key=lambda experiment: experiment.name)

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        """Delete an experiment that has no runs.

        Raises
        ------
        ExperimentStateError
            If it has runs, also in the trash, or is not there.
        """
        import shutil

        found = [experiment for experiment in _all(workspace) if experiment.id == experiment_id]
        if not found:
            raise errors.ExperimentStateError(experiment_id, f"is not in workspace {workspace.name}")
        runs = workspace.find_runs(RunQuery(experiment=found[0].name, include_children=True))
        if runs:
            raise errors.ExperimentStateError(found[0].name, f"still has {len(runs)} runs; delete them first")
        trashed = sum(entry.experiment == found[0].name for entry in workspace.trash)
        if trashed:
            why = f"has {trashed} deleted {'run' if trashed == 1 else 'runs'} in the trash; restore or purge them first"
            raise errors.ExperimentStateError(found[0].name, why)
        shutil.rmtree(found[0]._folder)  # noqa: SLF001 - one of us

    @staticmethod
    def from_directory(path: str, auth: object = None) -> "Experiment":  # noqa: ARG004 - SDK v1's signature
        """Return the experiment named like a folder, in the workspace that the folder's config.json names."""
        return Experiment(Workspace.from_config(path), names.experiment(Path(path).resolve().name))

    def get_portal_url(self) -> str:
        """Return the address of the experiment's page."""
        return served(f"experiments/{self._name}", self._workspace, start=True) or self._page()

    def _page(self) -> str:
        return address(f"experiments/{self._name}", self._workspace)

    @classmethod
    def get_docs_url(cls) -> str:
        """Return the address of the documentation of this class's verbs."""
        return DOCS.replace("run.run", "experiment.experiment")

    def __repr__(self) -> str:
        """Return the two lines that SDK v1 prints."""
        return f"Experiment(Name: {self._name},\nWorkspace: {self._workspace.name})"

    def _repr_html_(self) -> str:
        return table_html(
            {
                "Name": escape(self._name),
                "Workspace": escape(self._workspace.name),
                "Report Page": link_html(
                    address(f"experiments/{self._name}", self._workspace), "Link to the experiment's page"
                ),
                "Docs Page": link_html(self.get_docs_url(), "Link to Documentation"),
            }
        )

    def __eq__(self, other: object) -> bool:
        """Two handles on one experiment are equal."""
        return isinstance(other, Experiment) and self._folder == other._folder

    def __hash__(self) -> int:
        """Hash by address."""
        return hash(self._folder)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address."""
        return _known, (self._workspace, self._name)


_Experiments = list[Experiment]


def _known(workspace: Workspace, name: str) -> Experiment:
    return Experiment._known(workspace, name)  # noqa: SLF001 - unpickling


def _all(workspace: Workspace) -> Iterator[Experiment]:
    """Yield every experiment; one that cannot be read hides no other."""
    try:
        folders = sorted((workspace.root / "experiments").iterdir())
    except OSError:
        return
    for folder in folders:
        try:
            name = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))["name"]
            yield Experiment._known(workspace, name)  # noqa: SLF001 - a constructor
        except (OSError, ValueError, KeyError) as error:
            print(f"azml_integrations: {folder} is no readable experiment: {error}", file=sys.stderr)  # noqa: T201
