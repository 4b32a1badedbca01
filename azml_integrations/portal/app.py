"""The application: every route of the studio, behind one gate."""

import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import AzmlError
from . import actions, api, bulk, comparing, datasets, experiments, places, runs, sending
from .security import LOOPBACK, Gate
from .studio import Studio, of

if TYPE_CHECKING:
    from ..core import Workspace


def create_app(workspace: "Workspace", *, token: str | None = None, hosts: Collection[str] = LOOPBACK) -> Starlette:
    """Return the studio of a workspace as an ASGI application.

    Parameters
    ----------
    workspace : Workspace
        Whose runs it shows.
    token : str, default=None
        What a first visit must bring as ``?token=``; drawn by default, and kept in ``app.state.token``.
    hosts : collection of str
        Names under which it is reached, without port, or with one where a proxy stands before it.

    Returns
    -------
    app : Starlette
        Serve it with uvicorn; ``azml studio`` does.

    Examples
    --------
    >>> from azml_integrations import Workspace
    >>> from azml_integrations.portal import create_app
    >>> app = create_app(Workspace.from_config())  # doctest: +SKIP
    """
    token = token or secrets.token_urlsafe(24)
    middleware = [Middleware(Gate, token=token, hosts=tuple(hosts)), Middleware(GZipMiddleware, compresslevel=5)]
    app = Starlette(
        routes=_routes(), middleware=middleware, exception_handlers={HTTPException: _told, AzmlError: _failed}
    )
    app.state.studio = Studio(workspace)
    app.state.token = token
    return app


def _routes() -> list[Route]:
    pages = [
        Route("/", experiments.experiments),
        Route("/experiments/{name}", experiments.experiment),
        Route("/runs/{run_id}", runs.details),
        Route("/runs/{run_id}/metrics", runs.metrics),
        Route("/runs/{run_id}/images", runs.images),
        Route("/runs/{run_id}/children", runs.children),
        Route("/runs/{run_id}/outputs", runs.outputs),
        Route("/runs/{run_id}/logs", runs.logs),
        Route("/runs/{run_id}/snapshot", runs.snapshot),
        Route("/runs/{run_id}/panels/{name}", runs.panel),
        Route("/compare", comparing.compare),
        Route("/bulk", bulk.page),
        Route("/trash", bulk.trash),
        Route("/trash/action", bulk.trash_page),
        Route("/compute", places.computes),
        Route("/compute/{name}", places.compute),
        Route("/models", places.models),
        Route("/models/{name}", places.model),
        Route("/models/{name}/{version:int}", places.model),
        Route("/datasets", datasets.datasets),
        Route("/datasets/{name}", datasets.dataset),
        Route("/datasets/{name}/{version:int}", datasets.dataset),
        Route("/search", places.search),
    ]
    files = [
        Route("/static/{name}", sending.static),
        Route("/runs/{run_id}/snapshot.zip", sending.snapshot),
        Route("/runs/{run_id}/files/{name:path}", sending.file),
    ]
    answers = [
        Route("/api/openapi.json", api.openapi),
        Route("/api/revision", api.workspace_revision),
        Route("/api/experiments", api.list_experiments),
        Route("/api/experiments/{name}", actions.act_on_experiment, methods=["POST"]),
        Route("/api/experiments/{name}/views", api.list_views),
        Route("/api/experiments/{name}/views", actions.act_on_views, methods=["POST"]),
        Route("/api/experiments/{name}/runs", api.list_runs),
        Route("/api/experiments/{name}/runs.csv", api.export_runs),
        Route("/api/experiments/{name}/runs.parquet", api.export_parquet),
        Route("/api/runs", bulk.act_on_runs, methods=["POST"]),
        Route("/api/runs/{run_id}", api.get_run),
        Route("/api/runs/{run_id}", actions.act_on_run, methods=["POST"]),
        Route("/api/runs/{run_id}/metric", api.get_metric),
        Route("/api/runs/{run_id}/revision", api.revision),
        Route("/api/runs/{run_id}/log", api.log),
        Route("/api/runs/{run_id}/panels", api.list_panels),
        Route("/api/runs/{run_id}/panels/{name}", api.get_panel),
        Route("/api/compute", api.list_computes),
        Route("/api/models", api.list_models),
        Route("/api/datasets", datasets.list_datasets),
        Route("/api/datasets/{name}", datasets.get_dataset),
        Route("/api/search", api.search),
        Route("/api/trash", bulk.list_trash),
        Route("/api/trash", bulk.act_on_trash, methods=["POST"]),
    ]
    charts = [Route("/api/charts", api.several_charts)]
    charts += [Route(f"/api{path}", api.chart(spec)) for path, (spec, _) in api.CHARTS.items()]
    charts += [Route(f"/api{path}.csv", api.data(export)) for path, (_, export) in api.CHARTS.items()]
    pictures = [Route(f"{path}.svg", api.picture(spec)) for path, (spec, _) in api.CHARTS.items()]
    return [*files, *answers, *charts, *pictures, *pages]


async def _told(request: Request, error: Exception) -> Response:
    """Say what is wrong in the form that was asked for."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = str(error.detail if isinstance(error, HTTPException) else error)
    if request.url.path.startswith("/api/"):
        return api.answer({"error": message}, status)
    return of(request).page(request, "error.html", status, message=message, code=status)


async def _failed(request: Request, error: Exception) -> Response:
    """Say what an error of ours says: a disk that refuses is no reason to show nothing."""
    return await _told(request, HTTPException(500, getattr(error, "message", str(error))))
