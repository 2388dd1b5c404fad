"""What our servers have in common: where they hear, whom they let in, and that an interrupt ends them.

What the lab's server refuses is tested where it answers (``lab/test_server.py``).
"""

import http.client
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fastapi import FastAPI, Request, Response

from pellucid.errors import RequestError
from pellucid.web import HOST, RefusedError, add_page, is_private, listen, make_app, page_files, read_body


def status(port: int, **headers: str) -> int:
    line = http.client.HTTPConnection(HOST, port, timeout=30)
    line.request("GET", "/", headers=headers)
    found = line.getresponse().status
    line.close()
    return found


def test_elsewhere_it_is_known_by_any_name_and_still_asked_by_its_own_pages_alone(
    answering: Callable[[FastAPI], AbstractContextManager[int]],
) -> None:
    """Behind 0.0.0.0 nobody knows the names; a page of another site is known by its Origin all the same."""
    public, private = make_app(private=False), make_app()
    for app in (public, private):
        add_page(app, "pellucid.lab", "The lab")
    with answering(public) as port:
        assert status(port, Host="classifier.example") == 200
        assert status(port, Host="classifier.example", Origin="https://classifier.example") == 200
        assert status(port, Host="classifier.example", Origin="https://evil.example") == 403
        assert status(port, Host="classifier.example", Origin="null") == 403
        assert status(port, Host="classifier.example", Origin="http://[") == 403
    with answering(private) as port:
        assert status(port, Host="classifier.example") == 403
        assert status(port) == 200


def test_a_name_of_this_machine_is_let_in_under_any_port(
    answering: Callable[[FastAPI], AbstractContextManager[int]],
) -> None:
    """A tunnel ends at another one, and no site can have such a name; what only begins like one is not."""
    app = make_app()
    add_page(app, "pellucid.lab", "The lab")
    with answering(app) as port:
        for own in ("localhost:9000", "127.0.0.1", "[::1]:9000", "127.0.1.1:80"):
            assert status(port, Host=own) == 200
            assert status(port, Host=own, Origin=f"http://{own}") == 200
        assert status(port, Host="localhost:9000", Origin="http://localhost:8888") == 403
        for other in ("localhost.example", "127.0.0.1.example:80", "127.0.0.1:80.example", "128.0.0.1", ""):
            assert status(port, Host=other) == 403


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("localhost", True), ("127.0.0.2", True), ("0.0.0.0", False)],  # noqa: S104
)
def test_whether_other_machines_can_reach_it_is_told_by_its_address(host: str, private: bool) -> None:
    """By whichever name it was asked for."""
    with listen(0, host) as door:
        assert is_private(door) == private


def test_who_hangs_up_in_the_middle_gets_no_traceback(
    answering: Callable[[FastAPI], AbstractContextManager[int]], caplog: pytest.LogCaptureFixture
) -> None:
    """The body is given up in words, and nothing is logged."""
    app, said = make_app(), threading.Event()
    told: list[str] = []

    @app.post("/take")
    async def take(request: Request) -> Response:
        try:
            await read_body(request, 100, RefusedError(413, "too large"))
        except RefusedError as error:
            told.append(f"{error.status} {error}")
            return error.response()
        finally:
            said.set()
        return Response()

    with caplog.at_level(logging.ERROR), answering(app) as port:
        with socket.create_connection((HOST, port), 30) as line:
            line.sendall(b"POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
        assert said.wait(30)
    assert told == ["400 The question did not arrive whole."]
    assert caplog.records == []


def test_a_page_is_the_files_beside_the_package() -> None:
    """With their media types; what is no page's is not among them."""
    held = page_files("pellucid.classifying")
    assert {"index.html", "mark.svg", "serve.css", "serve.js"} <= set(held)
    assert not {"__init__.py", "package.json"} & set(held)
    assert held["serve.js"][1] == "text/javascript; charset=utf-8"


def test_an_address_that_is_not_this_machine_s_is_refused() -> None:
    """With what to write instead."""
    with pytest.raises(RequestError) as caught:
        listen(0, "192.0.2.1")
    assert str(caught.value) == (
        "Port 0 at '192.0.2.1' cannot be used (Cannot assign requested address). A free port at an address "
        "of this machine was expected, such as 0.0.0.0 for all of them. Choose others."
    )


def test_a_port_that_is_taken_is_refused() -> None:
    """With the port and the way out in the message."""
    with listen(0) as door:
        taken = door.getsockname()[1]
        with pytest.raises(RequestError) as caught:
            listen(taken)
    assert str(caught.value) == (
        f"Port {taken} cannot be used (Address already in use). A free port was expected. "
        "Leave --port out, and a free one is taken."
    )


def test_it_hears_on_this_machine_only() -> None:
    """The socket is bound to the loopback address, and is one whose answers asyncio does not hold back."""
    with listen(0) as door:
        assert door.getsockname()[0] == "127.0.0.1"
        assert door.proto == socket.IPPROTO_TCP  # or each answer waits 40 ms


@pytest.mark.parametrize("how", [signal.SIGINT])
def test_an_interrupt_ends_it_in_order(how: signal.Signals) -> None:
    """``serve`` returns, though a browser's idle connection is open."""
    code = (
        "from pellucid.web import listen, make_app, serve\n"
        "door = listen(0)\nprint(door.getsockname()[1], flush=True)\nserve(make_app(), door)\n"
        "print('returned')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        line = http.client.HTTPConnection(HOST, port, timeout=30)
        line.request("GET", "/")
        assert line.getresponse().read()
        child.send_signal(how)
        assert child.stdout.read() == "returned\n"
        assert child.wait(10) == 0
        line.close()
