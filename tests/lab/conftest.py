"""What the tests of the page share: a server, a browser that may reach nothing else, and a page of it."""

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from pellucid.lab.server import make_app
from pellucid.web import HOST, listen


@pytest.fixture(scope="session")
def lab() -> Iterator[str]:
    """The address of a lab that runs in a thread."""
    door = listen(0)
    running = uvicorn.Server(uvicorn.Config(make_app(), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [door]})
    thread.start()
    yield f"http://{HOST}:{door.getsockname()[1]}/"
    running.should_exit = True
    thread.join(10)
    door.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium, started once a file: Playwright allows one at a time, and the report's tests start theirs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Any, lab: str) -> Iterator[Callable[..., Any]]:
    """``visit("#network", width=390)``: a page of the lab; what it does wrong fails the test at its end.

    Wrong is a request that leaves the machine, an error in a script, and whatever the browser refuses
    because of the page's Content-Security-Policy.
    """
    wrong: list[str] = []
    pages = []

    def open_page(address: str = "", width: int = 1280, ready: bool = True, **media: Any) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, **media)
        pages.append(page)
        page.set_default_timeout(30_000)  # other tests run beside it
        page.on("request", lambda request: request.url.startswith(lab) or wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: "Content Security Policy" in said.text and wrong.append(said.text))
        page.goto(lab + address)
        room = address.lstrip("#").partition("?")[0] or "filters"
        if ready:
            page.wait_for_selector(f"#{room}[data-ready]")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture
def bomb() -> Callable[[int], bytes]:
    """``bomb(side)``: a PNG of a hundred bytes that claims to be this large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    def make(side: int) -> bytes:
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    return make
