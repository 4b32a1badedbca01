"""``azml plugin``: list, new."""

import contextlib
import warnings
from typing import TYPE_CHECKING

import click

from ..offers import Panel, Renderer
from ..records import Adapter, Mirror
from . import words
from .choices import NotFoundError, form, shared, workspace
from .plugin_writing import new
from .words import Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..plugins import PluginFact
    from ..records import RunRecord

RECENT = 50
"""So many runs are looked through for what plugins did in them, the newest first."""

_COLUMNS = (
    Column("name", "plugin", "name"),
    Column("state", "state"),
    Column("distribution", "distribution", "name", 2),
    Column("version", "version", "id", 1),
    Column("hooks", "hooks", "text", 3),
    Column("fault", "fault"),
)

_OFFERED: "dict[str, type]" = {
    "azml_adapters": Adapter,
    "azml_figure_renderers": Renderer,
    "azml_mirrors": Mirror,
    "azml_panels": Panel,
}
"""Hooks that answer with nouns of ours, and which."""


@click.group()
def plugin() -> None:
    """List plugins, and begin new ones: adapters for frameworks, mirrors, and whatever else extends azml."""


plugin.add_command(new)


@plugin.command("list")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@shared
def list_(as_json: bool) -> None:
    """List the installed plugins: whether each is in use, what it implements, and what is wrong with it.

    Faults are those of loading it here, those of what it offers, and those that the newest runs of the workspace have
    noted.
    """
    from ..errors import PluginWarning
    from ..plugins import plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table says the same
        _look_at_offers()
        facts = plugins().facts()
    noted = _noted(_recent())
    rows = [_row(fact, noted.pop(fact.name, None)) for fact in facts]
    rows += [_gone(name, fault) for name, fault in noted.items()]
    words.listing("json" if as_json else form(), _COLUMNS, [_flat(row) for row in rows], rows)


def _look_at_offers() -> None:
    """Ask for all that plugins offer, so that what is wrong with it becomes known; nothing of it is imported."""
    from ..core.model_formats import formats
    from ..plugins import plugins
    from .offered import offers

    root = click.get_current_context().find_root().command
    offers(root.commands if isinstance(root, click.Group) else {})
    formats()
    for hook, kind in _OFFERED.items():
        plugins().offered(hook, kind)


def _recent() -> "list[RunRecord]":
    from ..records import RunQuery

    with contextlib.suppress(NotFoundError):  # no run yet, so none that says anything
        return workspace().find_runs(RunQuery(include_children=True, limit=RECENT))
    return []


def _noted(runs: "Iterable[RunRecord]") -> dict[str, Row]:
    """Return what the newest run that speaks of a plugin says of it, by its name."""
    from ..plugins import SOURCE

    found: dict[str, Row] = {}
    for record in runs:
        said: dict[str, list[str]] = {}
        for note in record.notes:
            if note.source.startswith(SOURCE):
                said.setdefault(note.source.removeprefix(SOURCE), []).append(note.message)
        for name, messages in said.items():
            found.setdefault(name, {"run_id": record.run_id, "at": words.iso(record.created_at), "messages": messages})
    return found


def _row(fact: "PluginFact", noted: Row | None) -> Row:
    distribution, _, version = fact.distribution.rpartition(" ")
    return {
        "name": fact.name,
        "state": fact.state,
        "distribution": distribution or fact.distribution,
        "version": version if distribution else "",
        "origin": fact.origin,
        "hooks": list(fact.hooks),
        "fault": fact.reason or None,
        "last_run": noted,
    }


def _gone(name: str, noted: Row) -> Row:
    """Return a plugin of which only runs know: it was registered by a script, or is installed no more."""
    unknown: Row = {"distribution": "", "version": "", "origin": "", "hooks": [], "fault": None}
    return {"name": name, "state": "not here", **unknown, "last_run": noted}


def _flat(row: Row) -> Row:
    noted = row["last_run"]
    told = f"run {noted['run_id']}: {'; '.join(noted['messages'])}" if noted else ""
    return {**row, "hooks": ", ".join(row["hooks"]), "fault": "; ".join(filter(None, [row["fault"], told])) or None}
