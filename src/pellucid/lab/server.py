"""The lab behind HTTP, on this machine only: POST /answer with JSON, the files of the page, and nothing else.

Which requests are let in stands here; the answers are ``lab.answer``'s.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from pellucid.errors import RequestError, shown
from pellucid.lab.answer import answer
from pellucid.lab.exchange import exchange
from pellucid.lab.picture import LARGEST_FILE, longest_text

HOST = "127.0.0.1"

LARGEST_BODY = longest_text() + 2**16
"""Bytes of a question: the largest picture in base64, and what stands around it."""

_LARGE = 2**20
_LARGE_AT_ONCE = 3
_SECONDS_TO_SEND = 120
_READ_AT_MOST = 10**9

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class _RefusedError(Exception):
    """A request that is turned away, with HTTP's status and a sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def page_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by their names, with their media types; subfolders are not served."""
    return {
        file.name: (file.read_bytes(), _KINDS[file.name.rpartition(".")[2]])
        for file in files("pellucid.lab").joinpath("page").iterdir()
        if file.name.rpartition(".")[2] in _KINDS
    }


def make_app() -> FastAPI:
    """The application: the page, and the one address that answers."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    held = page_files()
    large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            _check_host(request)
            response = await go_on(request)
        except _RefusedError as error:
            response = JSONResponse({"error": str(error)}, error.status)
        response.headers.update(_HEADERS)
        return response

    @app.post("/answer")
    async def post_answer(request: Request) -> Response:
        try:
            length = _check_head(request)
            if length <= _LARGE:
                return await _answered(request)
            async with large:
                return await _answered(request)
        except _RefusedError as error:
            return JSONResponse({"error": str(error)}, error.status, {"Connection": "close"})

    @app.get("/{name}")
    async def get_file(name: str) -> Response:
        if name not in held:
            raise _RefusedError(404, f"There is no page {shown(name[:80])} here. The lab is at /.")
        content, kind = held[name]
        return Response(content, media_type=kind)

    @app.get("/")
    async def get_page() -> Response:
        return await get_file("index.html")

    return app


def _check_host(request: Request) -> None:
    """Only a page of this very server may ask.

    A web site can have its own name resolve to 127.0.0.1 and so speak to this server; what it cannot do is
    send another Host than its own name. A page of another site that asks is known by its Origin.
    """
    port = (request.scope.get("server") or (HOST, 0))[1]
    hosts = {f"{name}:{port}" for name in (HOST, "localhost")} | (
        {HOST, "localhost"} if port == 80 else set()
    )
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if host not in hosts:
        raise _RefusedError(
            403, f"This server answers at http://{HOST}:{port}/ only, not at {shown(host[:80])}."
        )
    if origin is not None and origin != f"http://{host}":
        raise _RefusedError(403, f"Pages of {shown(origin[:80])} may not ask here.")


def _check_head(request: Request) -> int:
    """The length that the request announces; one that does not say counts as a large one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _RefusedError(415, f"A question comes as application/json, not as {shown(kind[:80])}.")
    told = request.headers.get("content-length")
    length = int(told) if told is not None and told.isdecimal() and len(told) < 20 else _LARGE + 1
    if length > _READ_AT_MOST:
        raise _too_large()
    return length


def _too_large() -> _RefusedError:
    limit = LARGEST_FILE // 10**6
    return _RefusedError(
        413, f"That is too large: a picture's file has at most {limit} MB. Take a smaller one."
    )


async def _answered(request: Request) -> Response:
    try:
        body = await asyncio.wait_for(_body(request), _SECONDS_TO_SEND)
    except TimeoutError:
        raise _RefusedError(408, f"The question did not arrive in {_SECONDS_TO_SEND} seconds.") from None
    reply = await run_in_threadpool(exchange, body, answer)
    return Response(reply.body, reply.status, media_type=reply.kind)


async def _body(request: Request) -> bytes:
    """What was sent. Of one that is too large nothing is kept.

    It is read on all the same: a browser that is cut off while it sends never reads the response.
    """
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > _READ_AT_MOST:
            break
        if length > LARGEST_BODY:
            parts.clear()
        else:
            parts.append(part)
    if length > LARGEST_BODY:
        raise _too_large()
    return b"".join(parts)


def listen(port: int) -> socket.socket:
    """A socket that hears on this machine only; port 0 takes a free one.

    Raises:
        RequestError: The port is taken, or not ours to take.
    """
    # Only of a socket that says it is TCP does asyncio turn Nagle's wait off: 40 ms an answer.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((HOST, port))
        door.listen(256)
    except OSError as error:
        door.close()
        raise RequestError(
            f"Port {port} cannot be used ({error.strerror}).",
            "A free port was expected.",
            "Leave --port out, and a free one is taken.",
        ) from error
    return door


def serve(door: socket.socket) -> None:
    """Answer at this socket until the process is interrupted; then end what is under way, and return."""
    config: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    server = uvicorn.Server(uvicorn.Config(make_app(), lifespan="off", timeout_graceful_shutdown=2, **config))
    try:
        server.run(sockets=[door])
    except KeyboardInterrupt:  # uvicorn has ended in order, and hands the signal on
        return
    finally:
        door.close()
