"""The addresses of the page, its numbers and its downloads."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from rcvae_tf.serving.explorer.about import about
from rcvae_tf.serving.explorer.asked import Asked, FieldError, asked_of
from rcvae_tf.serving.explorer.downloads import Download, bdf_download, csv_download
from rcvae_tf.serving.explorer.drawn import Drawn, draw
from rcvae_tf.serving.explorer.explorable import Explorable
from rcvae_tf.serving.explorer.static_files import PAGE, SOURCES, static_file
from rcvae_tf.serving.explorer.view import view_of

NO_STORE = {"Cache-Control": "no-store"}

Current = Callable[[], Explorable]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class FieldRoute(APIRoute):
    """Answers a fault of a field with its name, so that the page can show it there."""

    def get_route_handler(self) -> Handler:
        """The handler of the route, with that."""
        handler = super().get_route_handler()

        async def with_fields(request: Request) -> Response:
            try:
                return await handler(request)
            except FieldError as error:
                return _json({"error": str(error), "field": error.field}, 400)

        return with_fields


def explorer_routes(current: Current) -> APIRouter:
    """The page at `/` and what it loads.

    Args:
        current: Gives the newest version that is loaded; what it raises is let through.
    """
    router = APIRouter(route_class=FieldRoute, include_in_schema=False)
    _add_files(router)

    @router.get("/explorer/facts")
    async def facts() -> Response:
        return _json(about(current()))

    @router.get("/explorer/charges")
    async def charges(request: Request) -> Response:
        model, asked, drawn = await _drawn(current, request)
        view = await run_in_threadpool(view_of, asked, drawn, model.facts, model.measured)
        return _json({"model": {"name": model.name, "version": model.version}, **view})

    @router.get("/explorer/download.csv")
    async def download_csv(request: Request) -> Response:
        return _file(await run_in_threadpool(csv_download, *await _drawn(current, request)))

    @router.get("/explorer/download.bdf.csv")
    async def download_bdf(request: Request) -> Response:
        return _file(await run_in_threadpool(bdf_download, *await _drawn(current, request)))

    return router


def _add_files(router: APIRouter) -> None:
    @router.get("/")
    def page(request: Request) -> Response:
        return _static(PAGE, request)

    @router.get("/explorer/static/{name}")
    def static(name: str, request: Request) -> Response:
        if name not in SOURCES:
            return _json({"error": "no such file of the page."}, 404)
        return _static(name, request)


async def _drawn(current: Current, request: Request) -> tuple[Explorable, Asked, Drawn]:
    """One version of the model for the whole answer, whatever is loaded meanwhile."""
    model = current()
    asked = asked_of(request.query_params, model.facts)
    return model, asked, await draw(model, asked)


def _static(name: str, request: Request) -> Response:
    """A file; a browser asks each time whether it is still the same."""
    file = static_file(name)
    headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.gzipped, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _json(value: Any, status: int = 200) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, NO_STORE, "application/json")


def _file(download: Download) -> Response:
    disposition = f'attachment; filename="{download.name}"'
    headers = {**NO_STORE, "Content-Disposition": disposition}
    return Response(download.content, media_type=download.media_type, headers=headers)
