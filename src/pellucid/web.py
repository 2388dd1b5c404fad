"""What every server of ours has in common: where it hears, whom it lets in, and how much it reads.

What is answered is the business of the server that stands on it.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from pellucid.errors import RequestError, shown

HOST = "127.0.0.1"

_SECONDS_TO_SEND = 120
_READ_AT_MOST = 10**9

# Under whatever port: one that is tunnelled here has another at its other end.
_OWN = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")

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


class RefusedError(Exception):
    """A request that is turned away, with HTTP's status and a sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    def response(self) -> Response:
        """What is sent; the connection ends, since the rest of the request may be under way."""
        return JSONResponse({"error": str(self)}, self.status, {"Connection": "close"})


def page_files(package: str) -> dict[str, tuple[bytes, str]]:
    """The files in a package's ``page`` by their names, with their media types; subfolders are not served."""
    return {
        file.name: (file.read_bytes(), _KINDS[file.name.rpartition(".")[2]])
        for file in files(package).joinpath("page").iterdir()
        if file.name.rpartition(".")[2] in _KINDS
    }


def make_app(*, private: bool = True, images: str = "'self'") -> FastAPI:
    """An application that lets in whom it should, with strict headers on every response.

    Args:
        private: Whether it will hear on this machine alone (``is_private``), where its names are known;
            elsewhere it is known by any.
        images: Where its pages' pictures may come from, as a Content-Security-Policy says it.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    policy = "Content-Security-Policy"
    headers = {**_HEADERS, policy: f"{_HEADERS[policy]}; img-src {images}"}

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            _check_host(request, private)
            response = await go_on(request)
        except RefusedError as error:
            response = JSONResponse({"error": str(error)}, error.status)
        response.headers.update(headers)
        return response

    return app


def add_page(app: FastAPI, package: str, what: str) -> None:
    """Serve the files of a package's page, and ``index.html`` at the root.

    Args:
        app: What they are added to.
        package: Whose.
        what: What stands at the root, for the refusal of other names: "The lab".
    """
    held = page_files(package)

    @app.get("/{name}")
    async def get_file(name: str) -> Response:
        if name not in held:
            raise RefusedError(404, f"There is no page {shown(name[:80])} here. {what} is at /.")
        content, kind = held[name]
        return Response(content, media_type=kind)

    @app.get("/")
    async def get_page() -> Response:
        return await get_file("index.html")


def _check_host(request: Request, private: bool) -> None:
    """Only a page of this very server may ask.

    A web site can have its own name resolve to 127.0.0.1 and so speak to this server; what it cannot do is
    send another Host than its own name. A page of another site that asks is known by its Origin.
    """
    named, origin = request.headers.get("host", ""), request.headers.get("origin")
    if private and not _OWN.fullmatch(named):
        host, port = request.scope.get("server") or (HOST, 0)
        raise RefusedError(
            403, f"This server answers at http://{host}:{port}/ only, not at {shown(named[:80])}."
        )
    if origin is not None and ((private and origin != f"http://{named}") or _place(origin) != named):
        raise RefusedError(403, f"Pages of {shown(origin[:80])} may not ask here.")


def _place(origin: str) -> str:
    """Host and port of an origin; nothing where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def told_length(request: Request, otherwise: int, too_large: RefusedError) -> int:
    """The length that the request announces; ``otherwise`` where it does not say.

    Raises:
        RefusedError: ``too_large``, where it is beyond all that would be read.
    """
    told = request.headers.get("content-length")
    length = int(told) if told is not None and told.isdecimal() and len(told) < 20 else otherwise
    if length > _READ_AT_MOST:
        raise too_large
    return length


async def read_body(request: Request, largest: int, too_large: RefusedError) -> bytes:
    """What was sent, up to ``largest`` bytes. Of what is larger nothing is kept.

    It is read on all the same: a browser that is cut off while it sends never reads the response.

    Raises:
        RefusedError: ``too_large``, or the body did not arrive in time or whole.
    """
    try:
        return await asyncio.wait_for(_read(request, largest, too_large), _SECONDS_TO_SEND)
    except TimeoutError:
        raise RefusedError(408, f"The question did not arrive in {_SECONDS_TO_SEND} seconds.") from None
    except ClientDisconnect:
        # Nobody is left to read this; as an error it would be a traceback in the terminal.
        raise RefusedError(400, "The question did not arrive whole.") from None


async def _read(request: Request, largest: int, too_large: RefusedError) -> bytes:
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > _READ_AT_MOST:
            break
        if length > largest:
            parts.clear()
        else:
            parts.append(part)
    if length > largest:
        raise too_large
    return b"".join(parts)


def listen(port: int, host: str = HOST) -> socket.socket:
    """A socket that hears on this machine only, unless another host is named; port 0 takes a free one.

    Raises:
        RequestError: The port is taken, or not ours to take, or the host is not this machine's.
    """
    # Only of a socket that says it is TCP does asyncio turn Nagle's wait off: 40 ms an answer.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(256)
    except OSError as error:
        door.close()
        place = f"Port {port}" if host == HOST else f"Port {port} at {shown(host)}"
        raise RequestError(
            f"{place} cannot be used ({error.strerror or error}).",
            "A free port was expected."
            if host == HOST
            else "A free port at an address of this machine was expected, such as 0.0.0.0 for all of them.",
            "Leave --port out, and a free one is taken." if host == HOST else "Choose others.",
        ) from error
    return door


def is_private(door: socket.socket) -> bool:
    """Whether no other machine can reach this socket, by whichever name it was asked for."""
    return ip_address(door.getsockname()[0]).is_loopback


def serve(app: FastAPI, door: socket.socket) -> None:
    """Answer at this socket until the process is interrupted; then end what is under way, and return."""
    config: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=2, **config))
    try:
        server.run(sockets=[door])
    except KeyboardInterrupt:  # uvicorn has ended in order, and hands the signal on
        return
    finally:
        door.close()
