"""``azml dataset``: list, show, register."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from . import words
from .choices import NotFoundError, form, pairs, shared, workspace
from .runs import short_ids
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace
    from ..core.dataset_registry import Registry, Version

_LISTED = (
    Column("name", "dataset", "name"),
    Column("version", "version", "number"),
    Column("type", "type", rank=1),
    Column("registered_at", "registered (UTC)", "time", rank=2),
    Column("tags", "tags", rank=3),
    Column("description", "description", rank=4),
)
_SOURCES = (Column("kind", "source"), Column("path", "path", "name"))

FORMATS = ("file", "delimited", "parquet", "json-lines")


@click.group()
def dataset() -> None:
    """List, show and register datasets.

    A DATASET is NAME:VERSION, or NAME for the newest version.
    """


def complete_dataset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return datasets that begin so, for the shell."""
    with ctx, contextlib.suppress(NotFoundError):
        return [name for name in _registry(workspace()).names() if name.startswith(incomplete)]
    return []


def _registry(space: "Workspace") -> "Registry":
    """Return the registered datasets, those of runs that have just ended among them."""
    from ..core.dataset_registry import Registry

    registry = Registry(space)
    registry.settle()
    return registry


# -- list --------------------------------------------------------------------------------------------


@dataset.command("list")
@click.option("--name", metavar="NAME", help="All versions of this dataset.")
@shared
def list_(name: str | None) -> None:
    """List the newest version of each dataset, by name."""
    space = workspace()
    registry = _registry(space)
    found = registry.latest() if name is None else [registry.get(name, one) for one in registry.versions(name)]
    if not found and form() == "table":
        click.echo(f"no such datasets in workspace {words.visible(space.name)} ({space.root})", err=True)
        return
    told = [_brief(registry, version) for version in found]
    words.listing(form(), _LISTED, [_row(registry, version) for version in found], told)


def _row(registry: "Registry", version: "Version") -> dict[str, Any]:
    told = _brief(registry, version)
    tags = ", ".join(f"{key}={value}" if value else key for key, value in told["tags"].items())
    return {**told, "registered_at": version.created, "tags": tags}


def _brief(registry: "Registry", version: "Version") -> dict[str, Any]:
    """Return a dataset as a listing has it; the keys are documented in docs/reference/command-line.md and stay."""
    from ..core.dataset_definition import identity

    return {
        "name": version.name,
        "version": version.version,
        "id": identity(version.definition),
        "type": msgspec.to_builtins(version.definition)["type"],
        "registered_at": words.iso(version.created),
        "description": registry.description(version),
        "tags": registry.tags(version),
    }


# -- show --------------------------------------------------------------------------------------------


@dataset.command("show")
@click.argument("dataset", shell_complete=complete_dataset)
@shared
def show(dataset: str) -> None:
    """Show one dataset: where its files lie, what is done to them, and which runs used it."""
    space = workspace()
    registry = _registry(space)
    version = _meant(registry, dataset)
    told = _everything(space, registry, version)
    match form():
        case "json":
            words.document(told)
        case "table":
            _print(space, told)
        case _:
            words.listing(form(), _SOURCES, told["sources"])


def _meant(registry: "Registry", text: str) -> "Version":
    """Return the version that the user means; a name may hold a colon itself."""
    name, colon, number = text.rpartition(":")
    if colon and number.isdecimal() and not registry.versions(text):
        return registry.get(name, number)
    return registry.get(text)


def _everything(space: "Workspace", registry: "Registry", version: "Version") -> dict[str, Any]:
    from ..core.dataset_files import place

    definition = msgspec.to_builtins(version.definition)
    told = _brief(registry, version)
    return {
        **told,
        "versions": registry.versions(version.name),
        "sources": [{"kind": one["kind"], "path": place(one)} for one in definition["sources"]],
        "reading": definition.get("reading"),
        "steps": definition.get("steps", []),
        "made_by": version.origin and version.origin.partition("/")[0],
        "used_by": _users(space, told["id"]),
    }


def _users(space: "Workspace", dataset_id: str) -> list[str]:
    """Return the ids of the runs that had a dataset as an input, newest first."""
    from ..core import used
    from ..records import RunQuery

    runs = space.find_runs(RunQuery(properties={used.INPUTS: None}, include_children=True))
    return [run.run_id for run in runs if any(one.get("id") == dataset_id for one in used.inputs(run.properties))]


def _print(space: "Workspace", told: dict[str, Any]) -> None:
    ids = short_ids(space)
    screen = words.console()
    for key, value in {
        "dataset": f"{told['name']}, version {told['version']}",
        "versions": len(told["versions"]) > 1 and ", ".join(map(str, told["versions"])),
        "type": told["type"] + (f" ({told['reading']['form']})" if told["reading"] else ""),
        "id": told["id"],
        "registered": f"{told['registered_at']}",
        "description": told["description"],
        "tags": ", ".join(f"{key}={value}" if value else key for key, value in told["tags"].items()),
        "steps": ", ".join(step["do"] for step in told["steps"]),
        "made by": told["made_by"] and ids.get(told["made_by"], told["made_by"]),
        "used by": ", ".join(ids.get(run_id, run_id) for run_id in told["used_by"]),
    }.items():
        if value:
            screen.print(words.text(f"{key:<11} {value}"))
    screen.print()
    words.print_table(screen, _SOURCES, told["sources"])


# -- register ----------------------------------------------------------------------------------------


@dataset.command("register")
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--type",
    "kind",
    type=click.Choice(FORMATS),
    default="file",
    show_default=True,
    help="What the files are: just files, or rows in columns.",
)
@click.option("--datastore", metavar="NAME", help="The paths lie in this datastore.")
@click.option("--description", metavar="TEXT", help="What it is.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="A label of this version. Repeatable.")
@click.option("--new-version", is_flag=True, help="Begin a new version where the name is there.")
@shared
def register(
    name: str,
    paths: Sequence[str],
    kind: str,
    datastore: str | None,
    description: str | None,
    tags: tuple[str, ...],
    new_version: bool,
) -> None:
    """Register files, folders, patterns or addresses of the web as a dataset; they stay where they are."""
    from ..core import Dataset, Datastore

    space = workspace()
    makers: dict[str, Any] = {
        "file": Dataset.File.from_files,
        "delimited": Dataset.Tabular.from_delimited_files,
        "parquet": Dataset.Tabular.from_parquet_files,
        "json-lines": Dataset.Tabular.from_json_lines_files,
    }
    meant: list[Any] = list(paths) if datastore is None else [(Datastore(space, datastore), one) for one in paths]
    labels = {key: value or "" for key, value in pairs(tags).items()}
    made = makers[kind](meant if len(meant) > 1 else meant[0]).register(space, name, description, labels, new_version)
    registry = _registry(space)
    told = _brief(registry, registry.get(name, made.version))
    if form() == "json":
        words.document(told)
    else:
        click.echo(f"registered {words.visible(name)}, version {made.version}")
