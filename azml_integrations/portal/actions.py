"""The few things that a page may do: cancel, tag, describe and name a run, archive an experiment, keep a view."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..core import Experiment, Run
from ..core.experiment import ViewType
from ..errors import AzmlError
from .studio import Studio, of
from .views import Views


async def act_on_run(request: Request) -> Response:
    """Do what a JSON body says: ``{"action": "tag", "key": "stage", "value": "draft"}``."""
    return await _acting(request, _on_run)


async def act_on_experiment(request: Request) -> Response:
    """Do what a JSON body says: ``{"action": "archive"}`` or ``{"action": "reactivate"}``."""
    return await _acting(request, _on_experiment)


async def act_on_views(request: Request) -> Response:
    """Do what a JSON body says: save (name, page, query), rename (name, to), delete (name), default (name)."""
    return await _acting(request, _on_views)


async def _acting(request: Request, act: Any) -> Response:
    try:
        wanted = json.loads(await request.body())
    except ValueError:
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(wanted, dict) or not all(isinstance(value, (str, type(None))) for value in wanted.values()):
        raise HTTPException(400, "expected a JSON object of texts")
    try:
        await run_in_threadpool(act, of(request), request, wanted)
    except AzmlError as error:
        raise HTTPException(getattr(error, "status_code", 400), error.message) from None
    return JSONResponse({"done": wanted.get("action")})


def _on_run(studio: Studio, request: Request, wanted: dict[str, str | None]) -> None:
    run = studio.workspace.get_run(studio.entry(request).record.run_id)
    try:
        _do(run, wanted)
    finally:
        run._journal.close()  # noqa: SLF001 - a page keeps no journal open
        studio.workspace.view.fold(run.id)


def _do(run: Run, wanted: dict[str, str | None]) -> None:
    match wanted:
        case {"action": "cancel"}:
            run.cancel()
        case {"action": "tag", "key": str(key)}:
            run.tag(key, wanted.get("value") or None)
        case {"action": "untag", "key": str(key)}:
            run.remove_tags([key])
        case {"action": "describe", "text": str(text)}:
            run.description = text
        case {"action": "name", "text": str(text)}:
            run.display_name = text
        case _:
            raise HTTPException(
                400, "expected an action: cancel, tag (key, value), untag (key), describe or name (text)"
            )


def _on_experiment(studio: Studio, request: Request, wanted: dict[str, str | None]) -> None:
    found = _experiment(studio, request)
    match wanted:
        case {"action": "archive"}:
            found.archive()
        case {"action": "reactivate"}:
            found.reactivate()
        case _:
            raise HTTPException(400, "expected an action: archive or reactivate")


def _experiment(studio: Studio, request: Request) -> Experiment:
    name = request.path_params["name"]
    found = [one for one in Experiment.list(studio.workspace, view_type=ViewType.All) if one.name == name]
    if not found:
        raise HTTPException(404, f"there is no experiment {name}")
    return found[0]


def _on_views(studio: Studio, request: Request, wanted: dict[str, str | None]) -> None:
    views = Views(studio.workspace, _experiment(studio, request).name)
    match wanted:
        case {"action": "save", "name": str(name), "page": str(page), "query": str(query)}:
            views.save(name, page, query)
        case {"action": "rename", "name": str(name), "to": str(to)}:
            views.rename(name, to)
        case {"action": "delete", "name": str(name)}:
            views.delete(name)
        case {"action": "default", "name": str(name)}:
            views.choose(name)
        case _:
            raise HTTPException(
                400, "expected an action: save (name, page, query), rename (name, to), delete (name), default (name)"
            )
