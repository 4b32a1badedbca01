"""What the user chose: the workspace, the form of output; and how the names that users type are found."""

import contextlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote

import click

from .words import FORMS, some

if TYPE_CHECKING:
    from ..core import Experiment, Workspace
    from ..records import RunRecord

F = TypeVar("F", bound=Callable[..., Any])

_DRAWN = re.compile(r"(?:.*[_.])?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""An id that was drawn, as a whole or at its end: ``OfflineRun_<guid>``."""


class NotFoundError(click.ClickException):
    """Something that the user named is not there."""

    exit_code = 3


class Place(NamedTuple):
    """A workspace, and what decided that it is this one."""

    workspace: "Workspace"
    source: str


# -- options that every command takes ----------------------------------------------------------------


def shared(command: F) -> F:
    """Give a command ``--workspace`` and ``--output``; the last one given, globally or here, wins."""
    for option in (
        click.option(
            "--output",
            type=click.Choice(FORMS),
            expose_value=False,
            callback=_remember,
            help="How to print it; a table by default.",
        ),
        click.option(
            "--workspace",
            metavar="NAME|PATH",
            expose_value=False,
            callback=_remember,
            help="By default as AZML_WORKSPACE or a config.json says, else `default`.",
        ),
    ):
        command = option(command)
    return command


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[f"azml.{param.name}"] = value


def form() -> str:
    """Return the form of output that the user chose."""
    return str(click.get_current_context().meta.get("azml.output", "table"))


# -- the workspace: a reader makes none --------------------------------------------------------------


def place() -> Place:
    """Return the workspace that the user chose, and what decided it.

    Raises
    ------
    NotFoundError
        If it is not there: what only reads makes no folder.
    """
    from ..core.workspace import DEFAULT, find_config

    named = click.get_current_context().meta.get("azml.workspace")
    if named is not None:
        return Place(_named(named), f"the argument --workspace {named}")
    if chosen := os.environ.get("AZML_WORKSPACE"):
        return Place(_from_environment(chosen), f"the environment variable AZML_WORKSPACE={chosen}")
    if (found := find_config(Path.cwd(), None)) is not None:
        return Place(_configured(found), f"the file {found}")
    return Place(_begun(DEFAULT), "default: there is no --workspace, no AZML_WORKSPACE and no config.json")


def workspace() -> "Workspace":
    """Return the workspace that the user chose."""
    return place().workspace


def _named(name: str) -> "Workspace":
    from ..core import Workspace

    if "://" in name or os.sep in name or name.startswith((".", "~")) or (Path(name) / "workspace.json").is_file():
        return _at(name)
    return Workspace.get(name)


def _from_environment(address: str) -> "Workspace":
    if "://" in address:
        return _at(address)
    try:
        return _at(address)
    except NotFoundError as error:
        raise NotFoundError(
            f"AZML_WORKSPACE={address} is a path, and there is {error.message}{_by_name(address)}"
        ) from None


def _by_name(name: str) -> str:
    """Say how a workspace is chosen whose name was given where a path is wanted."""
    from ..core import Workspace

    roots = [str(one.root) for one in Workspace.list().get(name, [])]
    return f"; for the workspace of that name use --workspace {name} or AZML_WORKSPACE={roots[0]}" if roots else ""


def _configured(path: Path) -> "Workspace":
    from ..core.workspace import Workspace, folder_of, scope_in

    try:
        facts = dict(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, TypeError):
        facts = {}  # `from_config` says what is wrong with it
    if isinstance(store := facts.get("store"), str):
        _at(store, path.parent)
    elif (scope := scope_in(facts)) is not None and folder_of(scope) is None:
        raise _nothing_yet(scope.name)
    return Workspace.from_config(path)


def _begun(name: str) -> "Workspace":
    """Return a workspace that scripts make when they need it."""
    from ..core.workspace import LOCAL, Workspace
    from ..errors import WorkspaceNotFoundError

    try:
        return Workspace.get(name, subscription_id=LOCAL, resource_group=LOCAL)
    except WorkspaceNotFoundError:
        raise _nothing_yet(name) from None


def _nothing_yet(name: str) -> NotFoundError:
    from ..core.workspace import home

    return NotFoundError(f"no runs yet: the first one makes the workspace {name} in {home()}")


def _at(address: str, relative_to: Path | None = None) -> "Workspace":
    """Return the workspace in a folder, or one whose index a plugin keeps elsewhere."""
    from ..core.workspace import DEFAULT, from_address

    scheme, ours, rest = address.rpartition("://")
    if scheme not in ("", "file"):
        _begun(DEFAULT)  # the folders of its runs lie there
        return from_address(address)
    path = (relative_to or Path.cwd()) / Path(unquote(rest) if ours else address).expanduser()
    if not ((path / "workspace.json").is_file() or (path / "runs").is_dir()):
        raise NotFoundError(f"no workspace in {path}: it has neither workspace.json nor runs/")
    return from_address(str(path))


# -- experiments -------------------------------------------------------------------------------------


def known_experiments(workspace: "Workspace") -> "dict[str, Experiment]":
    """Return the experiments that have a folder, archived ones too, by name."""
    from ..core.experiment import Experiment, ViewType

    return {one.name: one for one in Experiment.list(workspace, view_type=ViewType.All)}


def check_experiment(workspace: "Workspace", name: str) -> None:
    """Go on if there is such an experiment.

    Raises
    ------
    NotFoundError
        If it has neither a folder nor a run.
    """
    from ..records import RunQuery

    known = known_experiments(workspace)
    if name in known or workspace.view.all().find(RunQuery(experiment=name, include_children=True, limit=1)):
        return
    raise NotFoundError(
        f"no experiment {name!r} in workspace {workspace.name}; there are: {', '.join(known) or 'none yet'}"
    )


# -- runs --------------------------------------------------------------------------------------------


def found(workspace: "Workspace", text: str) -> "RunRecord":
    """Return the run that the user means.

    Parameters
    ----------
    workspace : Workspace
        Where to look.
    text : str
        An id, a beginning of it that no other run has, ``EXPERIMENT/NUMBER``, ``@latest`` or ``EXPERIMENT/@latest``.
        Of an id that ends in a drawn part, this part is taken too. A beginning of a run's id and of the ids that
        were made of it means the run itself.

    Raises
    ------
    NotFoundError
        If there is none.
    click.UsageError
        If there are several.
    """
    experiment, slash, last = text.rpartition("/")
    if last == "@latest":
        return _latest(workspace, experiment or None)
    if slash:
        return _numbered(workspace, experiment, last)
    return _begun_with(workspace, text)


def _latest(workspace: "Workspace", experiment: str | None) -> "RunRecord":
    from ..records import RunQuery

    runs = workspace.find_runs(RunQuery(experiment=experiment, limit=1))
    if not runs:
        if experiment:
            check_experiment(workspace, experiment)
        where = f"experiment {experiment}" if experiment else f"workspace {workspace.name}"
        raise NotFoundError(f"no run in {where} yet ({workspace.root})")
    return runs[0]


def _numbered(workspace: "Workspace", experiment: str, number: str) -> "RunRecord":
    from ..records import RunQuery

    runs = workspace.find_runs(RunQuery(experiment=experiment, include_children=True))
    numbered = [run for run in runs if str(run.number) == number.lstrip("#")]
    if not numbered:
        check_experiment(workspace, experiment)
        raise NotFoundError(f"no run {number} in experiment {experiment}, which has {len(runs)} runs")
    if len(numbered) > 1:
        raise click.UsageError(f"{experiment}/{number} names several runs: {some([run.run_id for run in numbered])}")
    return numbered[0]


def _begun_with(workspace: "Workspace", text: str) -> "RunRecord":
    ids = run_ids(workspace)
    matching = [run_id for run_id in ids if text and any(one.startswith(text) for one in spellings(run_id))]
    meant = text if text in ids else _root(matching)
    if matching and meant is None:
        raise click.UsageError(f"{text!r} begins the ids of several runs: {some(matching)}")
    record = workspace.view.of(meant).run(meant) if meant else None
    if record is None:
        raise NotFoundError(
            f"no run {text!r} in workspace {workspace.name}; `azml run list` shows those that are there"
        )
    return record


def run_ids(workspace: "Workspace") -> list[str]:
    """Return the ids of all runs, sorted: the names of their folders."""
    try:
        return sorted(entry.name for entry in os.scandir(workspace.root / "runs") if entry.is_dir())
    except FileNotFoundError:
        return []


def spellings(run_id: str) -> list[str]:
    """Return what users may type for an id: itself, and the drawn part at its end."""
    return [run_id] if drawn(run_id) in (None, run_id) else [run_id, str(drawn(run_id))]


def drawn(run_id: str) -> str | None:
    """Return the part of an id that was drawn, if any."""
    found = _DRAWN.fullmatch(run_id)
    return found and found[1]


def descends(run_id: str, other: str) -> bool:
    """Tell whether an id was made of another one: ``<id>_1`` of ``<id>``, and not ``sweep-10`` of ``sweep-1``."""
    return run_id.startswith(other) and not run_id[len(other) :][:1].isalnum()


def _root(ids: list[str]) -> str | None:
    """Return the id of which all the others were made, if there is one."""
    shortest = min(ids, key=len, default=None)
    return shortest if shortest and all(descends(run_id, shortest) for run_id in ids) else None


# -- completion --------------------------------------------------------------------------------------


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return ids that begin so, for the shell."""
    with ctx, contextlib.suppress(NotFoundError):
        return [run_id for run_id in [*run_ids(workspace()), "@latest"] if run_id.startswith(incomplete)]
    return []


def complete_experiment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - likewise
    """Return experiments that begin so, for the shell."""
    with ctx, contextlib.suppress(NotFoundError):
        return [name for name in workspace().experiments if name.startswith(incomplete)]
    return []


# -- pairs -------------------------------------------------------------------------------------------


def pairs(texts: tuple[str, ...]) -> dict[str, str | None]:
    """Return ``key=value`` arguments as a dict; a key alone has the value None.

    Raises
    ------
    click.UsageError
        If a key is empty.
    """
    split = [text.partition("=") for text in texts]
    if any(not key for key, _, _ in split):
        raise click.UsageError("expected key or key=value, got a text that begins with =")
    return {key: value if equals else None for key, equals, value in split}
