"""What the user chose: the workspace, the form of output; and how the names that users type are found."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .words import FORMS

if TYPE_CHECKING:
    from ..core import Workspace
    from ..records import RunRecord

F = TypeVar("F", bound=Callable[..., Any])

MOST_NAMED = 5
"""Candidates named when a beginning of an id is not unique."""


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


# -- the workspace -----------------------------------------------------------------------------------


def place() -> Place:
    """Return the workspace that the user chose, and what decided it."""
    from ..core.workspace import Workspace, find_config

    named = click.get_current_context().meta.get("azml.workspace")
    if named is not None:
        return Place(_named(named), f"the argument --workspace {named}")
    if chosen := os.environ.get("AZML_WORKSPACE"):
        return Place(Workspace.from_config(), f"the environment variable AZML_WORKSPACE={chosen}")
    if (found := find_config(Path.cwd(), None)) is not None:
        return Place(Workspace.from_config(found), f"the file {found}")
    return Place(Workspace(), "default: there is no --workspace, no AZML_WORKSPACE and no config.json")


def workspace() -> "Workspace":
    """Return the workspace that the user chose."""
    return place().workspace


def _named(name: str) -> "Workspace":
    from ..core.workspace import Workspace, from_address

    if "://" in name:
        return from_address(name)
    path = Path(name).expanduser()
    if not (os.sep in name or name.startswith((".", "~")) or (path / "workspace.json").is_file()):
        return Workspace.get(name)
    if not ((path / "workspace.json").is_file() or (path / "runs").is_dir()):
        raise NotFoundError(f"no workspace in {path}: it has neither workspace.json nor runs/")
    return from_address(str(path.resolve()))


# -- runs --------------------------------------------------------------------------------------------


def found(workspace: "Workspace", text: str) -> "RunRecord":
    """Return the run that the user means.

    Parameters
    ----------
    workspace : Workspace
        Where to look.
    text : str
        An id, a beginning of it that no other run has, ``EXPERIMENT/NUMBER``, ``@latest`` or ``EXPERIMENT/@latest``.

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
        where = f"experiment {experiment}" if experiment else f"workspace {workspace.name}"
        raise NotFoundError(f"no run in {where} yet ({workspace.root})")
    return runs[0]


def _numbered(workspace: "Workspace", experiment: str, number: str) -> "RunRecord":
    from ..records import RunQuery

    runs = workspace.find_runs(RunQuery(experiment=experiment, include_children=True))
    numbered = [run for run in runs if str(run.number) == number.lstrip("#")]
    if not numbered:
        raise NotFoundError(f"no run {number} in experiment {experiment}, which has {len(runs)} runs")
    if len(numbered) > 1:
        raise click.UsageError(f"{experiment}/{number} names several runs: {_some([run.run_id for run in numbered])}")
    return numbered[0]


def _begun_with(workspace: "Workspace", text: str) -> "RunRecord":
    ids = run_ids(workspace)
    matching = [text] if text in ids else [run_id for run_id in ids if text and run_id.startswith(text)]
    if len(matching) > 1:
        raise click.UsageError(f"{text!r} begins the ids of several runs: {_some(matching)}")
    record = workspace.view.of(matching[0]).run(matching[0]) if matching else None
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


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")


# -- completion --------------------------------------------------------------------------------------


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return ids that begin so, for the shell."""
    with ctx:
        return [run_id for run_id in [*run_ids(workspace()), "@latest"] if run_id.startswith(incomplete)]


def complete_experiment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - likewise
    """Return experiments that begin so, for the shell."""
    with ctx:
        return [name for name in workspace().experiments if name.startswith(incomplete)]


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
