"""A server with the colours' run behind it, in a thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn

from pellucid.classifier import Classifier
from pellucid.run import Run
from pellucid.serve.app import make_app
from pellucid.web import listen


@contextmanager
def _running(classifier: Classifier, name: str) -> Iterator[int]:
    door = listen(0)
    server = uvicorn.Server(uvicorn.Config(make_app(classifier, name), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        door.close()


@pytest.fixture
def start() -> Iterator[Callable[[Classifier, str], int]]:
    """``start(classifier, name)``: the port of a server that ends with the test."""
    with ExitStack() as open_:
        yield lambda classifier, name: open_.enter_context(_running(classifier, name))


@pytest.fixture
def port(run: Run, start: Callable[[Classifier, str], int]) -> int:
    """The port of a server that answers with the colours' run."""
    return start(run.classifier, "colours")
