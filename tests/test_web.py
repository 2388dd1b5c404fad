"""What our servers have in common: where they hear, whom they let in, and that an interrupt ends them.

What the lab's server refuses is tested where it answers (``lab/test_server.py``).
"""

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fastapi import FastAPI

from pellucid.errors import RequestError
from pellucid.web import HOST, add_page, listen, make_app, page_files


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
    public, private = (make_app(host) for host in ("0.0.0.0", HOST))  # noqa: S104 - what it is told
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
