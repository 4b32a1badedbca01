"""``azml compute``: list, show, update."""

import time
from typing import TYPE_CHECKING, Any

import click

from . import words
from .choices import NotFoundError, form, shared, workspace
from .runs import short_ids
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace
    from ..launch.queue import Place, Queue

LOCAL = "local"


@click.group()
def compute() -> None:
    """List and show compute targets: what runs there, and what waits."""


@compute.command("list")
@shared
def list_() -> None:
    """List the compute targets with their slots, and how many runs run and wait."""
    space = workspace()
    rows = [_facts(queue) for queue in _queues(space)]
    columns = [
        Column("name", "target", "name"),
        Column("slots", "slots", "number"),
        Column("running", "running", "number"),
        Column("waiting", "waiting", "number"),
        Column("launcher", "launcher's process", "number"),
    ]
    words.listing(form(), columns, rows)


@compute.command("show")
@click.argument("target", default=LOCAL)
@shared
def show(target: str) -> None:
    """Show the runs of one compute target, in the order in which they run."""
    from ..core.submission import launcher

    space = workspace()
    queue = _queue(space, target)
    places = [*queue.running(), *queue.waiting()]
    for place in places[:1]:
        launcher(space, queue.target).attend(place.ticket.run_id)  # one that died has left work behind
    rows = [_row(space, place) for place in places]
    if form() == "json":
        words.document({**_facts(queue), "runs": [{**row, "since": words.iso(row["since"])} for row in rows]})
        return
    columns = [
        Column("run_id", "run", "id"),
        Column("experiment", "experiment", "name"),
        Column("status", "status"),
        Column("since", "submitted (UTC)", "time"),
        Column("slots", "slots", "number"),
        Column("script", "script"),
    ]
    if form() != "table":
        words.listing(form(), columns, rows)
        return
    facts = _facts(queue)
    words.console().print(
        words.text(f"{target}: {facts['slots']} slots, {facts['running']} running, {facts['waiting']} waiting")
    )
    if rows:
        ids = short_ids(space)
        words.print_table(
            words.console(), columns, [{**row, "run_id": ids.get(row["run_id"], row["run_id"])} for row in rows]
        )


@compute.command("update")
@click.argument("target", default=LOCAL)
@click.option("--slots", metavar="N|auto", required=True, help="Processes that may run at once; auto: the cores.")
@shared
def update(target: str, slots: str) -> None:
    """Choose how many processes of a compute target may run at once."""
    from ..launch import channel

    if slots != "auto" and not slots.isdecimal():
        raise click.UsageError(f"--slots takes a number or `auto`, got {slots!r}")
    space = workspace()
    queue = space.queue(target)
    queue.choose_slots(None if slots == "auto" else int(slots))
    channel.send(queue, channel.Message())
    click.echo(f"{target} has {queue.slots} slots")


def _queues(space: "Workspace") -> "list[Queue]":
    """Return the queues that were used, the local one first."""
    folder = space.root / "queues"
    used = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [space.queue(name) for name in dict.fromkeys([LOCAL, *used])]


def _queue(space: "Workspace", target: str) -> "Queue":
    queues = {queue.target: queue for queue in _queues(space)}
    if target not in queues:
        raise NotFoundError(f"no compute target {target!r} was used here; there are: {', '.join(queues)}")
    return queues[target]


def _facts(queue: "Queue") -> dict[str, Any]:
    from ..launch import channel

    return {
        "name": queue.target,
        "slots": queue.slots,
        "running": len(queue.running()),
        "waiting": len(queue.waiting()),
        "launcher": channel.launcher(queue),
    }


def _row(space: "Workspace", place: "Place") -> dict[str, Any]:
    ticket = place.ticket
    record = space.view.of(ticket.run_id).run(ticket.run_id)
    return {
        "run_id": ticket.run_id,
        "experiment": ticket.experiment,
        "status": "Queued" if record is None else str(record.status),
        "since": ticket.at or time.time(),
        "slots": ticket.slots,
        "script": ticket.command or ticket.script or ticket.module or "",
    }
