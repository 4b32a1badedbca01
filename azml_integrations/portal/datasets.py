"""The pages of datasets: what is registered, its files and first rows, the runs that used and made it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..core import used
from ..core.dataset_definition import Definition, FileDefinition, TabularDefinition, Take, identity
from ..core.dataset_files import DataFile, files_of, place
from ..core.dataset_registry import Registry, Version
from ..core.dataset_rows import frame, table_files
from ..errors import AzmlError
from ..records import RunRecord
from ..store.registry import Registry as Models
from . import artifacts
from .catalogue import Entry
from .studio import Studio, of, query, quoted

if TYPE_CHECKING:
    from ..records import ModelRecord

ROWS = 50
"""Rows that a page shows."""

FILES = 200
"""Files that a page names; the others are counted."""

COLUMNS = 60
LONGEST = 200
"""Of a cell [characters]."""

LARGEST = 64 << 20
"""A parquet file, which is read whole, is shown up to this length [bytes]."""


@dataclass(frozen=True)
class Rows:
    """The first rows of a dataset, or why none are shown."""

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    why: str = ""


@dataclass(frozen=True)
class File:
    """A file of a dataset.

    Attributes
    ----------
    name : str
        As the dataset knows it.
    size : int or None
        [bytes]; None where nobody knows without fetching it.
    path : Path or None
        Where it lies, if it lies on this machine.
    """

    name: str
    size: int | None
    path: Path | None


def _shelf(studio: Studio) -> Registry:
    """Return the registered datasets, those of runs that have just ended among them."""
    found = Registry(studio.workspace)
    found.settle()
    return found


# -- pages ---------------------------------------------------------------------------------------------


def datasets(request: Request) -> Response:
    """Show the registered datasets; with ``id`` the one of that id, which may have been used by runs only."""
    studio = of(request)
    if dataset_id := request.query_params.get("id"):
        return _page(studio, request, *_by_id(studio, dataset_id))
    return studio.page(request, "datasets.html", datasets=listed(studio))


def listed(studio: Studio) -> list[dict[str, Any]]:
    """Return what is to say of each dataset."""
    shelf = _shelf(studio)
    uses = _uses(studio)
    return [
        brief(shelf, version) | {"used_by": len(uses.get(identity(version.definition), ()))}
        for version in shelf.latest()
    ]


def brief(shelf: Registry, version: Version) -> dict[str, Any]:
    """Return what is known of a version without looking at its files."""
    return {
        "name": version.name,
        "version": version.version,
        "id": identity(version.definition),
        "type": _kind(version.definition),
        "registered_at": version.created,
        "description": shelf.description(version),
        "tags": shelf.tags(version),
        "made_by": version.origin.partition("/")[0] if version.origin else None,
    }


def _kind(definition: Definition) -> str:
    return "files" if isinstance(definition, FileDefinition) else definition.reading.form.replace("_", " ")


def dataset(request: Request) -> Response:
    """Show one version of a dataset, or the newest."""
    studio = of(request)
    version = _registered(studio, request.path_params["name"], request.path_params.get("version"))
    return _page(studio, request, version, version.definition)


def _registered(studio: Studio, name: str, number: object) -> Version:
    try:
        return _shelf(studio).get(name, "latest" if number is None else int(str(number)))
    except (AzmlError, ValueError) as error:
        raise HTTPException(404, getattr(error, "message", f"{number!r} is no version")) from None


def _by_id(studio: Studio, dataset_id: str) -> tuple[Version | None, Definition]:
    shelf = _shelf(studio)
    try:
        definition = shelf.saved(dataset_id)
    except AzmlError as error:
        raise HTTPException(404, error.message) from None
    return shelf.registered(identity(definition)), definition


def _page(studio: Studio, request: Request, version: Version | None, definition: Definition) -> Response:
    shelf = _shelf(studio)
    several, trouble = files(studio, definition)
    chosen = next((one for one in several if one.name == request.query_params.get("file")), None)
    made_by = studio.catalogue.run(version.origin.partition("/")[0]) if version and version.origin else None
    return studio.page(
        request,
        "dataset.html",
        about=brief(shelf, version) if version else None,
        name=version.name if version else identity(definition),
        versions=shelf.versions(version.name) if version else [],
        dataset_id=identity(definition),
        kind=_kind(definition),
        sources=sources(definition),
        steps=[step["do"] for step in msgspec.to_builtins(definition.steps)],
        files=several[:FILES],
        count=len(several),
        trouble=trouble,
        rows=None if chosen else rows(studio, definition),
        chosen=chosen,
        preview=_preview(chosen),
        users=_uses(studio).get(identity(definition), []),
        made_by=made_by,
        models=_models(studio, definition, version),
    )


def _preview(chosen: File | None) -> artifacts.Preview | None:
    if chosen is None:
        return None
    if chosen.path is None:
        return artifacts.Preview("none", "it is fetched or written when it is read; the studio does neither")
    file = artifacts.File(chosen.name, chosen.size or 0, None, chosen.path)
    return artifacts.Preview("none", "a picture; open it where it lies") if file.picture else artifacts.preview(file)


# -- links ---------------------------------------------------------------------------------------------


def _uses(studio: Studio) -> dict[str, list[Entry]]:
    """Return the runs that had each dataset as an input, newest first, by the dataset's id."""
    found: dict[str, list[Entry]] = {}
    for entry in studio.catalogue.runs():
        if used.INPUTS in entry.record.properties:
            for dataset_id in dict.fromkeys(str(one.get("id")) for one in used.inputs(entry.record.properties)):
                found.setdefault(dataset_id, []).append(entry)
    return found


def of_run(studio: Studio, record: RunRecord) -> list[dict[str, str]]:
    """Return the datasets that a run used and made: how, name, and the address of the page of each."""
    told = [
        {"how": "input", "name": str(one.get("name") or one["id"]), "page": "datasets" + query({"id": str(one["id"])})}
        for one in used.inputs(record.properties)
        if one.get("id")
    ]
    if used.OUTPUTS in record.properties:
        shelf = _shelf(studio)
        for version in _versions(shelf):
            if version.origin and version.origin.partition("/")[0] == record.run_id:
                page = f"datasets/{quoted(version.name)}/{version.version}"
                told.append({"how": "output", "name": f"{version.name}:{version.version}", "page": page})
    return told


def _versions(shelf: Registry) -> Iterable[Version]:
    return (shelf.get(name, number) for name in shelf.names() for number in shelf.versions(name))


def _models(studio: Studio, definition: Definition, version: Version | None) -> "list[ModelRecord]":
    """Return the models that name a dataset."""
    dataset_id = identity(definition)
    named = (version.name, str(version.version)) if version else None
    return [
        model
        for model in Models(studio.workspace.root).records()
        if any(one.id == dataset_id or (named and (one.name, one.version) == named) for one in model.datasets)
    ]


# -- contents ------------------------------------------------------------------------------------------


def sources(definition: Definition) -> list[dict[str, str]]:
    """Return where the files of a dataset lie, without what may be secret in an address."""
    return [{"kind": one["kind"], "path": place(one)} for one in msgspec.to_builtins(definition.sources)]


def files(studio: Studio, definition: Definition) -> tuple[list[File], str]:
    """Return the files of a dataset, and why they cannot be told."""
    tell: Callable[..., list[DataFile]] = files_of if isinstance(definition, FileDefinition) else table_files
    try:
        return [_file(one) for one in tell(definition, studio.workspace)], ""
    except (AzmlError, OSError) as error:
        return [], getattr(error, "message", str(error))


def _file(file: DataFile) -> File:
    if not isinstance(file.origin, Path):
        return File(file.name, None, None)
    try:
        return File(file.name, file.origin.stat().st_size, file.origin)
    except OSError:
        return File(file.name, None, None)


def rows(studio: Studio, definition: Definition) -> Rows:
    """Return the first rows of a dataset; nothing is fetched, and nothing large is read for it."""
    if not isinstance(definition, TabularDefinition):
        return Rows()
    several, trouble = files(studio, definition)
    if trouble:
        return Rows(why=trouble)
    if any(file.path is None for file in several):
        return Rows(why="a file of it is fetched or written when it is read; the studio does neither")
    if definition.reading.form == "parquet" and several and (several[0].size or 0) > LARGEST:
        return Rows(why="its first file is too large to be read for a page")
    try:
        first = msgspec.structs.replace(definition, steps=(Take(ROWS), *definition.steps))
        found = frame(first, studio.workspace)
    except (AzmlError, OSError, ValueError) as error:
        return Rows(why=getattr(error, "message", str(error)))
    columns = [str(name) for name in found.columns[:COLUMNS]]
    return Rows(
        columns, [[_cell(value) for value in row[:COLUMNS]] for row in found.itertuples(index=False, name=None)]
    )


def _cell(value: Any) -> object:
    """Return a cell as JSON and a page have it."""
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or plain != plain:  # noqa: PLR0124 - NaN, and NaT
        return None
    return plain if isinstance(plain, (bool, int, float)) else str(plain)[:LONGEST]


# -- answers -------------------------------------------------------------------------------------------


def list_datasets(request: Request) -> Response:
    """List the registered datasets: the newest version of each."""
    return JSONResponse(listed(of(request)))


def get_dataset(request: Request) -> Response:
    """Return all that is known of a dataset (``version``, by default the newest), its files and first rows."""
    studio = of(request)
    version = _registered(studio, request.path_params["name"], request.query_params.get("version"))
    shelf, definition = _shelf(studio), version.definition
    several, trouble = files(studio, definition)
    first = rows(studio, definition)
    return Response(
        msgspec.json.encode(
            brief(shelf, version)
            | {
                "versions": shelf.versions(version.name),
                "sources": sources(definition),
                "files": [{"name": one.name, "size": one.size} for one in several[:FILES]],
                "count": len(several),
                "trouble": trouble or first.why,
                "columns": first.columns,
                "rows": first.rows,
                "used_by": [entry.record.run_id for entry in _uses(studio).get(identity(definition), ())],
                "models": [model.id for model in _models(studio, definition, version)],
            }
        ),
        media_type="application/json",
    )
