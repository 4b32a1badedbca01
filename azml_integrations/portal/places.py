"""The pages beside experiments and runs: compute targets, models, search."""

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..core import Model
from ..errors import AzmlError
from .filtering import FilterError, parsed
from .studio import Studio, of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..launch.queue import Queue

LOCAL = "local"
MOST_FOUND = 100


# -- compute targets -----------------------------------------------------------------------------------


def computes(request: Request) -> Response:
    """Show the compute targets."""
    studio = of(request)
    return studio.page(request, "computes.html", targets=targets(studio), version=studio.catalogue.refresh())


def compute(request: Request) -> Response:
    """Show what runs on a compute target, and what waits."""
    studio = of(request)
    name = request.path_params["name"]
    found = next((one for one in targets(studio) if one["name"] == name), None)
    if found is None:
        raise HTTPException(404, f"no compute target {name} was used in workspace {studio.workspace.name}")
    return studio.page(request, "compute.html", target=found, version=studio.catalogue.refresh())


def targets(studio: Studio) -> list[dict[str, Any]]:
    """Return each compute target with the runs that run or wait there, the first submitted first."""
    live = [entry for entry in studio.catalogue.runs() if not entry.record.ended]
    names = dict.fromkeys([LOCAL, *(queue.target for queue in _queues(studio)), *(one.record.target for one in live)])
    found = []
    for name in names:
        queue = studio.workspace.queue(name)
        here = sorted((one for one in live if one.record.target == name), key=lambda one: one.record.created_at)
        waiting = {place.ticket.run_id: n for n, place in enumerate(queue.waiting(), 1)}
        found.append({"name": name, "slots": queue.slots, "runs": here, "waiting": waiting})
    return found


def _queues(studio: Studio) -> "Sequence[Queue]":
    folder = studio.workspace.root / "queues"
    used = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [studio.workspace.queue(name) for name in used]


# -- models --------------------------------------------------------------------------------------------


def models(request: Request) -> Response:
    """Show the registered models, those that were registered last first."""
    studio = of(request)
    return studio.page(request, "models.html", models=[model._record for model in Model.list(studio.workspace)])  # noqa: SLF001 - a page shows the record


def model(request: Request) -> Response:
    """Show one version of a model, or the newest."""
    studio = of(request)
    name, version = request.path_params["name"], request.path_params.get("version")
    try:
        found = Model(studio.workspace, name, version=version)
        record = found._record  # noqa: SLF001 - as above
    except AzmlError as error:
        raise HTTPException(404, error.message) from None
    versions = [one.version for one in Model.list(studio.workspace, name=name)]
    return studio.page(request, "model.html", model=record, versions=versions)


# -- search --------------------------------------------------------------------------------------------


def search(request: Request) -> Response:
    """Show the runs of all experiments that a filter lets pass."""
    studio = of(request)
    words = request.query_params.get("q", "").strip()
    problem, found = "", []
    try:
        test = parsed(words)
        found = [entry for entry in studio.catalogue.runs() if test(entry)] if words else []
    except FilterError as error:
        problem = str(error)
    shown = found[:MOST_FOUND]
    return studio.page(request, "search.html", words=words, found=shown, count=len(found), problem=problem)
