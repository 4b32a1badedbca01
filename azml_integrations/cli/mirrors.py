"""``azml mirror``: how far the mirrors are, and giving them what they lack."""

import time
from typing import TYPE_CHECKING, Any

import click

from . import words
from .choices import NotFoundError, form, shared, workspace
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace
    from ..mirroring import Follower
    from ..store.mirrors import Ledger

PATIENCE = 30.0
"""Time that ``--once`` waits for another process that follows the mirror [s]."""

AGAIN = 10.0
"""Pause between two comparisons of all runs while ``--follow`` goes on [s]."""

_COLUMNS = (
    Column("name", "mirror", "name"),
    Column("state", "state"),
    Column("runs", "runs under way", "number"),
    Column("behind", "behind", "size"),
    Column("fault", "fault"),
)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--once", is_flag=True, help="Give them what they lack of all runs, and end; 1 where one has failed.")
@click.option("--follow", is_flag=True, help="The same, and go on until interrupted.")
@shared
def mirror(names: tuple[str, ...], once: bool, follow: bool) -> None:
    """Show the mirrors that plugins bring: how far each is, and why the last try failed."""
    if once and follow:
        raise click.UsageError("--once and --follow exclude each other")
    space = workspace()
    chosen = _chosen(space, names)
    if once or follow:
        _feed(space, chosen, forever=follow)
    else:
        _show(space, list(names))


def _chosen(space: "Workspace", names: tuple[str, ...]) -> "list[Follower]":
    from ..mirroring import Follower, ledgers

    installed = ledgers(space)
    strange = [name for name in names if name not in installed]
    if strange:
        raise NotFoundError(f"no plugin brings a mirror {strange[0]!r}; there are: {', '.join(installed) or 'none'}")
    return [Follower(space, *one) for name, one in installed.items() if not names or name in names]


def _show(space: "Workspace", names: list[str]) -> None:
    from ..mirroring import ledgers
    from ..store.mirrors import known

    installed = {name: ledger for name, (_, ledger) in ledgers(space).items()}
    there = {ledger.name: ledger for ledger in known(space.root)} | installed
    rows = [_row(there[name], installed=name in installed) for name in sorted(there) if not names or name in names]
    if not rows and form() == "table":
        click.echo("no plugin brings a mirror", err=True)
        return
    words.listing(form(), _COLUMNS, rows, rows)


def _row(ledger: "Ledger", *, installed: bool) -> dict[str, Any]:
    live = ledger.live()
    behind = sum(ledger.behind(run_id) for run_id in live)
    state = ledger.state()
    fault = state.fault if state is not None and behind else None
    standing = "not installed" if not installed else "failing" if fault else "behind" if behind else "up to date"
    failures = state.failures if state is not None else 0
    tried = words.iso(state.at) if state is not None else None
    numbers = {"runs": len(live), "behind": behind, "failures": failures}
    return {"name": ledger.name, "state": standing, **numbers, "tried": tried, "fault": fault}


def _feed(space: "Workspace", chosen: "list[Follower]", *, forever: bool) -> None:
    if not chosen:
        click.echo(f"no plugin brings a mirror; nothing to do in {words.visible(space.name)}", err=True)
    faults = [_caught_up(follower) for follower in chosen]
    while forever:
        compared = time.monotonic()
        while time.monotonic() - compared < AGAIN:
            pauses = [follower.look() for follower in chosen]
            time.sleep(min([pause for pause in pauses if pause is not None], default=1.0))
        for follower in chosen:
            follower.ledger.open_all()
    if any(faults):
        click.get_current_context().exit(1)


def _caught_up(follower: "Follower") -> bool:
    """Give a mirror what it lacks, and tell whether something stood against it."""
    ledger = follower.ledger
    ledger.open_all()
    until = time.monotonic() + PATIENCE
    while not ledger.acquire():
        if time.monotonic() > until:
            click.echo(f"mirror {words.visible(ledger.name)}: another process has followed it all the time", err=True)
            return True
        time.sleep(0.1)
    follower.look()
    follower.release()
    return follower.failing
