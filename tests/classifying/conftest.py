"""Chromium, at a server that sends the page's files and nothing that answers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import sync_playwright

from pellucid.web import add_page, make_app


@pytest.fixture(scope="module")
def evaluate(
    chromium: str, answering: Callable[[FastAPI], AbstractContextManager[int]]
) -> Iterator[Callable[..., Any]]:
    """``evaluate(code, argument)``: what the code, which may import the page's modules, gives in Chromium."""
    app = make_app()
    add_page(app, "pellucid.classifying", "The page")
    with (
        answering(app) as port,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium) as browser,
    ):
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/serve.css")
        yield page.evaluate
