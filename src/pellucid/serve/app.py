"""The HTTP addresses of a classifier: ``POST /predict``, ``GET /about``, ``GET /health``, and the page.

How a picture is answered for is ``classifier``'s, whom a server lets in ``web``'s.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from pellucid import web
from pellucid.classifier import Classifier
from pellucid.errors import shown
from pellucid.provenance import pellucid_version
from pellucid.workers import cores

LARGEST_FILE = 25 * 1000 * 1000
"""Bytes that a picture's file may have."""

MOST_PICTURES = 100
"""Pictures in one request."""

_LARGEST_BODY = 4 * LARGEST_FILE
_LARGE = 2**20
_LARGE_AT_ONCE = 3
_FORM = "multipart/form-data"
_SENT = "Send a picture's bytes as the body, or one or more files as multipart/form-data."


@dataclass(frozen=True)
class _Picture:
    name: str
    data: bytes


def make_app(classifier: Classifier, name: str, *, private: bool = True) -> FastAPI:
    """The application.

    Args:
        classifier: What answers.
        name: What it is called, as it was given.
        private: Whether it will hear on this machine alone (``web.make_app``).
    """
    app = web.make_app(private=private, images="'self' blob:")
    about = {
        "model": name,
        "classes": list(classifier.classes),
        "preprocess": classifier.preprocess.to_json(),
        "largest_file": LARGEST_FILE,
        "most_pictures": MOST_PICTURES,
        "pellucid": pellucid_version(),
    }
    at_once = asyncio.Semaphore(cores())  # an answer takes a core; more at once only wait for one another
    large = asyncio.Semaphore(_LARGE_AT_ONCE)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # what is wrong is answered, and not logged

    async def answered(picture: _Picture) -> dict[str, Any]:
        if len(picture.data) > LARGEST_FILE:
            return {"path": picture.name, "error": _too_large()}
        async with at_once:
            prediction = await run_in_threadpool(classifier.answer, picture.data, picture.name)
        return prediction.to_json()

    async def all_answered(request: Request) -> Response:
        told = await asyncio.gather(*map(answered, await _pictures(request)))
        if len(told) > 1:
            return _json({"predictions": told})
        return _json(told[0], 422 if "error" in told[0] else 200)

    @app.post("/predict")
    async def post_predict(request: Request) -> Response:
        try:
            if web.told_length(request, _LARGE + 1, _too_much()) <= _LARGE:
                return await all_answered(request)
            async with large:  # until it is answered: what waits for a core would pile up otherwise
                return await all_answered(request)
        except web.RefusedError as error:
            return error.response()

    @app.get("/about")
    async def get_about() -> Response:
        return _json(about)

    @app.get("/health")
    async def get_health() -> Response:
        return _json({"status": "ok"})

    web.add_page(app, "pellucid.classifying", "The page")
    return app


def _json(told: Mapping[str, Any], status: int = 200) -> Response:
    """In ASCII, since a class has the name of its folder, which need not be UTF-8."""
    return Response(json.dumps(told, allow_nan=False), status, media_type="application/json")


async def _pictures(request: Request) -> Sequence[_Picture]:
    """What came, one picture or several, each with the name of its file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.startswith("text/"):  # curl sends a file as what a form would be
        raise web.RefusedError(415, f"A picture does not come as {shown(kind[:80])}. {_SENT}")
    if kind == _FORM:
        body = await web.read_body(request, _LARGEST_BODY, _too_much())
    else:
        body = await web.read_body(request, LARGEST_FILE, web.RefusedError(413, _too_large()))
    found = await _files(request, body) if kind == _FORM else [_Picture("", body)]
    if not found or not body:
        raise web.RefusedError(400, f"No picture came. {_SENT}")
    return found


async def _files(request: Request, body: bytes) -> list[_Picture]:
    """The files of a form that was read already."""

    async def again() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, again).form(max_files=MOST_PICTURES, max_fields=MOST_PICTURES)
    except HTTPException as error:  # what python-multipart cannot follow, or too many files
        raise web.RefusedError(400, f"The form cannot be read ({error.detail}) {_SENT}") from error
    except UnicodeError as error:  # its charset is not that of its names
        raise web.RefusedError(400, f"The form's charset cannot be followed. {_SENT}") from error
    files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
    found = [_Picture(one.filename or "", await one.read()) for one in files]
    await form.close()
    return found


def _too_large() -> str:
    return f"It is too large: a picture's file has at most {LARGEST_FILE // 10**6} MB."


def _too_much() -> web.RefusedError:
    limit = _LARGEST_BODY // 10**6
    return web.RefusedError(
        413, f"That is too much: the pictures of a request have at most {limit} MB together."
    )
