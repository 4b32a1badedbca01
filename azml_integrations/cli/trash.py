"""``azml trash``: list, restore, purge."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from .. import units
from . import words
from .choices import NotFoundError, form, shared, workspace
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace
    from ..core.trash import Outcome
    from ..records import TrashEntry

_LISTED = (
    Column("entry_id", "entry", "id"),
    Column("experiment", "experiment"),
    Column("number", "#", "number"),
    Column("label", "name", rank=3),
    Column("status", "status", "status", rank=2),
    Column("runs", "runs", "number"),
    Column("size", "bytes", "number"),
    Column("deleted_at", "deleted (UTC)", "time"),
    Column("deleted_by", "by", rank=1),
)


@click.group("trash")
def trash() -> None:
    """List, restore and purge runs that were deleted.

    An ENTRY is an entry's id, the id of its run or a beginning of one that no other has, or EXPERIMENT/NUMBER.
    """


def complete_entry(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return entries that begin so, for the shell."""
    with ctx, contextlib.suppress(NotFoundError):
        return [entry.entry_id for entry in workspace().trash if entry.entry_id.startswith(incomplete)]
    return []


def meant(space: "Workspace", text: str) -> "TrashEntry":
    """Return the entry that the user means.

    Raises
    ------
    NotFoundError
        If there is none.
    click.UsageError
        If there are several.
    """
    there = space.trash.list()
    found = [one for one in there if text in (one.entry_id, one.run_id, f"{one.experiment}/{one.number}")]
    if not found and text:
        found = [one for one in there if one.entry_id.startswith(text) or one.run_id.startswith(text)]
    if not found:
        raise NotFoundError(f"no {words.visible(text)} in the trash; `azml trash list` shows what is there")
    if len(found) > 1:
        ids = words.some([one.entry_id for one in found])
        raise click.UsageError(f"{words.visible(text)} may mean each of {ids}; give the id of an entry")
    return found[0]


# -- list ----------------------------------------------------------------------------------------------


@trash.command("list")
@shared
def list_() -> None:
    """List what was deleted and can be restored, the last first."""
    space = workspace()
    found = space.trash.list()
    if not found and form() == "table":
        click.echo(f"the trash of workspace {words.visible(space.name)} is empty ({space.root})", err=True)
        return
    words.listing(form(), _LISTED, [_row(entry) for entry in found], [_told(entry) for entry in found])


def _row(entry: "TrashEntry") -> dict[str, Any]:
    return {**msgspec.structs.asdict(entry), "runs": len(entry.run_ids)}


def _told(entry: "TrashEntry") -> dict[str, Any]:
    """Return an entry as JSON has it; the keys are documented in docs/reference/command-line.md and stay."""
    return {**msgspec.structs.asdict(entry), "deleted_at": words.iso(entry.deleted_at)}


# -- restore -------------------------------------------------------------------------------------------


@trash.command("restore")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...", shell_complete=complete_entry)
@shared
def restore(entries: Sequence[str]) -> None:
    """Put runs back with their children, under their ids and numbers."""
    put_back(entries)


def put_back(texts: Sequence[str]) -> None:
    """Restore what the user names, and say so.

    Raises
    ------
    click.ClickException
        If one of them cannot be.
    """
    space = workspace()
    outcome = space.trash.restore(*(meant(space, text) for text in texts))
    click.echo(f"restored {words.count(len(outcome.run_ids), 'run')}")
    raise_refused(outcome)


def raise_refused(outcome: "Outcome") -> None:
    """Raise when something was refused, with the first reasons.

    Raises
    ------
    click.ClickException
        If so.
    """
    if outcome.refused:
        several = len(outcome.refused) - 1
        more = f", and {words.count(several, 'other')}" if several else ""
        raise click.ClickException(next(iter(outcome.refused.values())) + more)


# -- purge ---------------------------------------------------------------------------------------------


@trash.command("purge")
@click.argument("entries", nargs=-1, metavar="[ENTRY]...", shell_complete=complete_entry)
@click.option("--older-than", "days", type=click.FloatRange(min=0), metavar="DAYS", help="All deleted so long ago.")
@click.option("--all", "all_", is_flag=True, help="Everything in the trash.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def purge(entries: Sequence[str], days: float | None, all_: bool, yes: bool) -> None:
    """Delete runs in the trash for good, and say how much that frees."""
    if bool(entries) + (days is not None) + all_ != 1:
        raise click.UsageError("give either entries, or --older-than DAYS, or --all")
    space = workspace()
    chosen = _chosen(space, entries, days)
    if not chosen:
        click.echo("nothing to purge", err=True)
        return
    erase(space, chosen, yes=yes)


def _chosen(space: "Workspace", texts: Sequence[str], days: float | None) -> "list[TrashEntry]":
    if texts:
        return list({entry.entry_id: entry for entry in (meant(space, text) for text in texts)}.values())
    return space.trash.list() if days is None else space.trash.older_than(days)


def erase(space: "Workspace", chosen: "Sequence[TrashEntry]", *, yes: bool) -> None:
    """Purge entries after a question, and say what that freed.

    Raises
    ------
    click.ClickException
        If one of them cannot be.
    """
    runs = [run_id for entry in chosen for run_id in entry.run_ids]
    for sentence in space.trash.origins(runs):
        click.echo(f"note: {words.visible(sentence)}", err=True)
    named = words.some([f"{entry.experiment}/{entry.number}" for entry in chosen])
    words.asked(f"Purge {words.count(len(runs), 'run')} ({named}) for good?", "nothing purged", yes=yes)
    outcome = space.trash.purge(*chosen)
    freed = f"{outcome.freed} bytes ({units.size(outcome.freed)})"
    click.echo(f"purged {words.count(len(outcome.run_ids), 'run')}, freed {freed}")
    raise_refused(outcome)
