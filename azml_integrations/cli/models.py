"""``azml model``: list, show, register, download, delete."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import names, units
from . import words
from .choices import NotFoundError, complete_run, form, found, pairs, shared, workspace
from .runs import short_ids
from .words import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core import Model, Workspace
    from ..records import ModelRecord

_LISTED = (
    Column("name", "model", "name"),
    Column("version", "version", "number"),
    Column("registered_at", "registered (UTC)", "time", rank=2),
    Column("framework", "framework", "name", rank=3),
    Column("size", "size", "size", rank=4),
    Column("run_id", "run", "id", rank=1),
    Column("tags", "tags", rank=5),
)
_FILES = (
    Column("name", "file", "name"),
    Column("size", "size", "size"),
    Column("sha256", "sha256", rank=1),
)


@click.group()
def model() -> None:
    """List, show, register, download and delete models.

    A MODEL is NAME:VERSION, or NAME for the newest version.
    """


# -- list --------------------------------------------------------------------------------------------


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return models that begin so, for the shell."""
    with ctx, contextlib.suppress(NotFoundError):
        known = [one.id for one in _models(workspace())]
        return [
            one for one in sorted({*known, *(each.partition(":")[0] for each in known)}) if one.startswith(incomplete)
        ]
    return []


@model.command("list")
@click.option("--name", metavar="NAME", help="Only versions of this model.")
@click.option("--run", "run_id", metavar="ID", shell_complete=complete_run, help="Only models of this run.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only models with this tag. Repeatable.")
@click.option(
    "--property", "properties", multiple=True, metavar="KEY[=VALUE]", help="Only models with this property. Repeatable."
)
@click.option("--framework", metavar="NAME", help="Only models of this framework.")
@click.option("--latest", is_flag=True, help="Only the newest version of each, of those that fit.")
@shared
def list_(
    name: str | None,
    run_id: str | None,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    framework: str | None,
    latest: bool,
) -> None:
    """List models, those that were registered last first."""
    space = workspace()
    shown = _models(
        space,
        name=name,
        run_id=found(space, run_id).run_id if run_id else None,
        tags=pairs(tags),
        properties=pairs(properties),
        model_framework=framework,
        latest=latest,
    )
    if not shown and form() == "table":
        click.echo(f"no such models in workspace {words.visible(space.name)} ({space.root})", err=True)
        return
    records = [_record(one) for one in shown]
    ids = short_ids(space)
    words.listing(form(), _LISTED, [_row(one, ids) for one in records], [_brief(one) for one in records])


def _models(space: "Workspace", **asked: Any) -> "list[Model]":
    from ..core import Model

    return Model.list(space, **asked)


def _record(one: "Model") -> "ModelRecord":
    return one._record  # noqa: SLF001 - the command line looks under the skin


def _row(record: "ModelRecord", ids: dict[str, str]) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "registered_at": record.at,
        "framework": record.framework,
        "size": record.size,
        "run_id": record.run_id and ids.get(record.run_id, record.run_id),
        "tags": _tags(record),
    }


def _tags(record: "ModelRecord") -> str:
    return ", ".join(key if value is None else f"{key}={value}" for key, value in record.tags.items())


def _brief(record: "ModelRecord") -> dict[str, Any]:
    """Return a model as a listing has it; the keys are documented in docs/reference/command-line.md and stay."""
    return {
        "name": record.name,
        "version": record.version,
        "registered_at": words.iso(record.at),
        "framework": record.framework,
        "framework_version": record.framework_version,
        "size": record.size,
        "run_id": record.run_id,
        "experiment": record.experiment,
        "tags": record.tags,
        "properties": record.properties,
    }


# -- show --------------------------------------------------------------------------------------------


@model.command("show")
@click.argument("model", shell_complete=complete_model)
@shared
def show(model: str) -> None:
    """Show one model: what is said of it, where it is from, and its files."""
    space = workspace()
    one = _meant(space, model)
    match form():
        case "json":
            words.document(_everything(one))
        case "table":
            _print(space, one)
        case other:
            words.listing(other, _FILES, _everything(one)["files"])


def _meant(space: "Workspace", text: str) -> "Model":
    """Return the model that the user means."""
    from ..core import Model

    name, colon, version = text.partition(":")
    return Model(space, name, version=version if colon else None)


def _everything(one: "Model") -> dict[str, Any]:
    record = _record(one)
    return {
        **_brief(record),
        "description": record.description,
        "user": record.user,
        "path": one.path,
        "datasets": one.datasets,
        "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in record.files],
    }


def _print(space: "Workspace", one: "Model") -> None:
    record, screen = _record(one), words.console()
    newest = one.version == _meant(space, one.name).version
    made = " ".join(filter(None, (record.framework, record.framework_version)))
    run = record.run_id and f"{short_ids(space).get(record.run_id, record.run_id)} of experiment {record.experiment}"
    for key, value in {
        "model": f"{one.name}, version {one.version}" + (" (the newest)" if newest else ""),
        "about": record.description,
        "registered": f"{words.minute(record.at)} UTC" + (f" by {record.user}" if record.user else ""),
        "framework": made,
        "run": run,
        "tags": _tags(record),
        "properties": ", ".join(f"{key}={value}" for key, value in record.properties.items()),
        "path": one.path,
    }.items():
        if value:
            screen.print(words.text(f"{key:<11} {value}"))
    screen.print()
    words.print_table(screen, _FILES[:2], [{"name": file.name, "size": file.size} for file in record.files])


# -- register ----------------------------------------------------------------------------------------


@model.command("register")
@click.argument("name")
@click.argument("path")
@click.option("--run", "run_id", metavar="ID", shell_complete=complete_run, help="PATH is that of a file of this run.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Repeatable.")
@click.option("--property", "properties", multiple=True, metavar="KEY=VALUE", help="Repeatable.")
@click.option("--description", metavar="TEXT")
@click.option("--framework", metavar="NAME", help="What it was made with: ScikitLearn, PyTorch, Onnx ...")
@click.option("--framework-version", metavar="VERSION")
@shared
def register(
    name: str,
    path: str,
    run_id: str | None,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    description: str | None,
    framework: str | None,
    framework_version: str | None,
) -> None:
    """Register a file or folder as the next version of the model NAME: of this machine, or of a run."""
    from ..core import Model

    space = workspace()
    about: dict[str, Any] = {
        "tags": pairs(tags),
        "properties": {key: "" if value is None else value for key, value in pairs(properties).items()},
        "description": description,
        "model_framework": framework,
        "model_framework_version": framework_version,
    }
    if run_id is None:
        with contextlib.redirect_stdout(None):  # SDK v1's line; what follows says more
            one = Model.register(space, path, name, **about)
    else:
        one = space.get_run(found(space, run_id).run_id).register_model(name, path, **about)
    if form() == "json":
        words.document(_everything(one))
        return
    record = _record(one)
    click.echo(f"registered {one.id}: {words.count(len(record.files), 'file')}, {units.size(record.size)}")


# -- download ----------------------------------------------------------------------------------------


@model.command("download")
@click.argument("model", shell_complete=complete_model)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where to; the working directory by default.",
)
@click.option("--yes", is_flag=True, help="Replace files that are there, without asking.")
@shared
def download(model: str, to: Path, yes: bool) -> None:
    """Copy the files of a model, after their digests were found to be those of the registration."""
    one = _meant(workspace(), model)
    obstacles = [name for name in one.get_file_names() if (to / names.artifact(name)).exists()]
    if obstacles:
        question = f"{words.count(len(obstacles), 'file')} in {to} would be replaced, {obstacles[0]} first. Go on?"
        words.asked(question, "nothing copied", yes=yes)
    path = one.download(to, exist_ok=bool(obstacles))
    record = _record(one)
    click.echo(f"{words.count(len(record.files), 'file')}, {units.size(record.size)}, in {words.visible(path)}")


# -- delete ------------------------------------------------------------------------------------------


@model.command("delete")
@click.argument("models", nargs=-1, required=True, shell_complete=complete_model, metavar="NAME:VERSION...")
@click.option("--all", "all_", is_flag=True, help="A NAME alone stands for all of its versions.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def delete(models: tuple[str, ...], all_: bool, yes: bool) -> None:
    """Delete versions of models for good; their numbers are never given again."""
    space = workspace()
    chosen = {one.id: one for text in models for one in _to_delete(space, text, all_=all_)}
    words.asked(
        f"Delete {words.count(len(chosen), 'model')} ({words.some(list(chosen))}) for good?", "nothing deleted", yes=yes
    )
    for one in chosen.values():
        one.delete()
    click.echo(f"deleted {words.count(len(chosen), 'model')}")


def _to_delete(space: "Workspace", text: str, *, all_: bool) -> "Sequence[Model]":
    """Return the versions that the user means.

    Raises
    ------
    click.UsageError
        If it is a name alone, and that was not asked for.
    """
    one = _meant(space, text)
    if ":" in text:
        return [one]
    versions = _models(space, name=one.name)
    if not all_:
        ids = words.some([each.id for each in versions])
        raise click.UsageError(f"{text} has {words.count(len(versions), 'version')} ({ids}): name one, or pass --all")
    return versions
