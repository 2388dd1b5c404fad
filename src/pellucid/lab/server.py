"""The lab behind HTTP, on this machine only: POST /answer with JSON, the files of the page, and nothing else.

Whom a server lets in stands in ``web``; the answers are ``lab.answer``'s.
"""

import asyncio

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from pellucid import web
from pellucid.errors import shown
from pellucid.lab.answer import answer
from pellucid.lab.exchange import exchange
from pellucid.lab.picture import LARGEST_FILE, longest_text

LARGEST_BODY = longest_text() + 2**16
"""Bytes of a question: the largest picture in base64, and what stands around it."""

_LARGE = 2**20
_LARGE_AT_ONCE = 3
_PACKAGE = "pellucid.lab"


def page_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by their names, with their media types."""
    return web.page_files(_PACKAGE)


def make_app() -> FastAPI:
    """The application: the page, and the one address that answers."""
    app = web.make_app()
    large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @app.post("/answer")
    async def post_answer(request: Request) -> Response:
        try:
            _check_kind(request)
            if web.told_length(request, _LARGE + 1, _too_large()) <= _LARGE:
                return await _answered(request)
            async with large:
                return await _answered(request)
        except web.RefusedError as error:
            return error.response()

    web.add_page(app, _PACKAGE, "The lab")
    return app


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise web.RefusedError(415, f"A question comes as application/json, not as {shown(kind[:80])}.")


def _too_large() -> web.RefusedError:
    limit = LARGEST_FILE // 10**6
    return web.RefusedError(
        413, f"That is too large: a picture's file has at most {limit} MB. Take a smaller one."
    )


async def _answered(request: Request) -> Response:
    body = await web.read_body(request, LARGEST_BODY, _too_large())
    reply = await run_in_threadpool(exchange, body, answer)
    return Response(reply.body, reply.status, media_type=reply.kind)
