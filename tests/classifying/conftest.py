"""Chromium, at a server that sends the page's files and nothing that answers."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from pellucid.web import add_page, listen, make_app


@pytest.fixture(scope="module")
def evaluate(chromium: str) -> Iterator[Callable[..., Any]]:
    """``evaluate(code, argument)``: what the code, which may import the page's modules, gives in Chromium."""
    app, door = make_app(), listen(0)
    add_page(app, "pellucid.classifying", "The page")
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium) as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{door.getsockname()[1]}/serve.css")
        yield page.evaluate
    server.should_exit = True
    thread.join(10)
    door.close()
