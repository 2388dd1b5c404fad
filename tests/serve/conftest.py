"""A server with the colours' run behind it, in a thread."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from fastapi import FastAPI

from pellucid.run import Run
from pellucid.serve.app import make_app


@pytest.fixture
def port(run: Run, answering: Callable[[FastAPI], AbstractContextManager[int]]) -> Iterator[int]:
    """The port of a server that answers with the colours' run."""
    with answering(make_app(run.classifier, "colours")) as found:
        yield found
