"""The lab's server: what it serves, whom it lets in, and that nothing that is sent ends it."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from pellucid import web
from pellucid.lab.nine import FILTERS, NINE
from pellucid.lab.server import LARGEST_BODY, make_app, page_files
from pellucid.web import HOST, listen

JSON = {"Content-Type": "application/json"}
QUESTION = {"kind": "filters.map", "picture": [NINE], "filter": [FILTERS[0].small]}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server that runs in a thread."""
    door = listen(0)
    running = uvicorn.Server(uvicorn.Config(make_app(), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [door]})
    thread.start()
    yield door.getsockname()[1]
    running.should_exit = True
    thread.join(10)
    door.close()


def send(
    port: int, method: str, path: str, body: Any = None, headers: Any = None
) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection(HOST, port, timeout=30)
    line.request(method, path, body, headers or {})
    response = line.getresponse()
    told = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    line.close()
    return told


def ask(port: int, body: Any, headers: Any = None) -> tuple[int, Any]:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, reply = send(port, "POST", "/answer", encoded, JSON | (headers or {}))
    return status, json.loads(reply)


def test_a_question_is_answered(port: int) -> None:
    """The nine's feature map, as JSON; text in UTF-8 in a content type with a charset is as good."""
    status, reply = ask(port, QUESTION)
    assert status == 200
    assert reply["map"][0] == [-1 / 9, 1, -1 / 9]
    assert ask(port, QUESTION, {"Content-Type": "application/json; charset=utf-8"})[0] == 200


def test_the_page_and_its_files_are_served_and_nothing_else(port: int) -> None:
    """Each file with its media type; not the package's Python, nothing by a path, and no documentation."""
    status, headers, body = send(port, "GET", "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert body == page_files()["index.html"][0]
    for name, (content, kind) in page_files().items():
        assert send(port, "GET", f"/{name}")[::2] == (200, content)
        assert send(port, "GET", f"/{name}")[1]["content-type"] == kind
    for path in ("/server.py", "/../server.py", "/%2e%2e/server.py", "/docs", "/openapi.json", "/a/b"):
        assert send(port, "GET", path)[0] == 404
    assert send(port, "GET", "/answer")[0] in (404, 405)
    assert send(port, "POST", "/index.html", b"{}", JSON)[0] == 405


def test_every_response_carries_the_strict_headers(port: int) -> None:
    """Pages, files, answers and refusals alike allow nothing from elsewhere."""
    for method, path in (("GET", "/"), ("GET", "/lab.js"), ("GET", "/nothing"), ("POST", "/answer")):
        headers = send(port, method, path)[1]
        assert headers["content-security-policy"].startswith("default-src 'self'; base-uri 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert "blob:" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_only_the_servers_own_names_are_let_in(port: int) -> None:
    """A name that a web site made resolve to here, or another site's page are refused."""
    for host in (
        "evil.example",
        f"evil.example:{port}",
        f"{HOST}:{port}.evil.com",
    ):
        for method, path in (("GET", "/"), ("POST", "/answer")):
            status, _, body = send(port, method, path, headers={"Host": host, **JSON})
            assert status == 403
            assert json.loads(body)["error"] == (
                f"This server answers at http://{HOST}:{port}/ only, not at '{host}'."
            )
    assert send(port, "GET", "/", headers={"Host": f"localhost:{port}"})[0] == 200
    assert ask(port, QUESTION, {"Origin": "http://evil.example"}) == (
        403,
        {"error": "Pages of 'http://evil.example' may not ask here."},
    )
    assert ask(port, QUESTION, {"Origin": "null"})[0] == 403
    assert ask(port, QUESTION, {"Origin": f"http://{HOST}:{port}"})[0] == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
def test_only_json_is_a_question(port: int, kind: str) -> None:
    """What a form of another site could send without being asked for is refused."""
    status, _, body = send(port, "POST", "/answer", json.dumps(QUESTION), {"Content-Type": kind})
    assert status == 415
    assert json.loads(body) == {"error": f"A question comes as application/json, not as '{kind}'."}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The question is no JSON ('Expecting value: line 1 column 1 (char 0)'). One JSON object was"),
        (b"{", "The question is no JSON ("),
        (b"\xff\xfe\x00", "The question is no JSON ("),
        (b"[" * 100_000, "The question is no JSON ("),
        (b'{"kind": 1' + b"0" * 5000 + b"}", "The question is no JSON ("),
        (b"[1]", "The question is JSON, but no object. "),
        (b"null", "The question is JSON, but no object. "),
        (b"{}", "The question has no 'kind'. "),
        (
            b'{"kind": "<img src=x onerror=alert(1)>"}',
            "There is no question of kind '<img src=x onerror=alert",
        ),
        (b'{"kind": ["filters.map"]}', "There is no question of kind a list of 1. "),
        (b'{"kind": "filters.map", "picture": [[[NaN]]]}', "The question's 'picture' is a list of 1. "),
        (b'{"kind": "filters.map", "picture": [[["\\ud800"]]]}', "The question's 'picture' is a list of 1. "),
        (b'{"kind": "network.dense", "height": "\\ud800"}', "The question's 'height' is '\\ud800'. "),
    ],
)
def test_garbage_gets_a_sentence_and_the_server_lives(port: int, body: bytes, message: str) -> None:
    """No JSON, JSON that is no question, questions of an unknown kind: 400, and the next one is answered."""
    status, reply = ask(port, body)
    assert (status, reply["error"][: len(message)]) == (400, message)
    assert ask(port, QUESTION)[0] == 200


def test_two_hundred_questions_at_once_are_answered(port: int) -> None:
    """Each with its own answer."""

    def one(number: int) -> tuple[int, str]:
        status, reply = ask(port, {"kind": "network.table", "text": f"input 8x8x1; conv {number} 3x3"})
        return status, reply["parameters"]

    with ThreadPoolExecutor(200) as people:
        replies = list(people.map(one, range(1, 201)))
    assert replies == [(200, f"{10 * number:,}") for number in range(1, 201)]


TOO_LARGE = "That is too large: a picture's file has at most 25 MB. Take a smaller one."


def test_a_body_that_is_too_large_is_refused_before_it_is_read(port: int) -> None:
    """By what it announces, and, where it announces nothing, by what has come."""
    head = b"POST /answer HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n" % (
        HOST.encode(),
        port,
    )
    with socket.create_connection((HOST, port), 30) as line, line.makefile("rb") as heard:
        line.sendall(head + b"Content-Length: %d\r\n\r\n" % (5 * 10**9))
        said = heard.read().decode()
    assert said.startswith("HTTP/1.1 413 ")
    assert json.loads(said.partition("\r\n\r\n")[2]) == {"error": TOO_LARGE}
    piece, sent = b"x" * 2**20, 0
    with socket.create_connection((HOST, port), 30) as line, line.makefile("rb") as heard:
        line.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        while sent <= LARGEST_BODY:
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            sent += len(piece)
        line.sendall(b"0\r\n\r\n")
        assert heard.read().startswith(b"HTTP/1.1 413 ")
    whole = b"x" * (LARGEST_BODY + 1)  # a browser sends all before it reads
    status, _, body = send(port, "POST", "/answer", whole, JSON)
    assert (status, json.loads(body)) == (413, {"error": TOO_LARGE})
    assert ask(port, QUESTION)[0] == 200


def test_a_body_that_is_too_large_with_its_last_piece_is_refused_too() -> None:
    """Where the limit is passed by the very end of the body, nothing is left to read, and 413 is said."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * (LARGEST_BODY + 1), "more_body": False}

    async def send_back(message: Any) -> None:
        said.append(message)

    headers = [(b"host", HOST.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/answer", "query_string": b"", "headers": headers}
    asyncio.run(make_app()(scope | {"server": (HOST, 80)}, receive, send_back))
    assert said[0]["status"] == 413
    assert json.loads(said[1]["body"]) == {"error": TOO_LARGE}


def test_a_question_that_does_not_arrive_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is announced and never sent ends in 408."""
    monkeypatch.setattr(web, "_SECONDS_TO_SEND", 0.2)
    with socket.create_connection((HOST, port), 30) as line, line.makefile("rb") as heard:
        line.sendall(
            b"POST /answer HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n"
            b"Content-Length: 9\r\n\r\n{" % (HOST.encode(), port)
        )
        assert heard.read().startswith(b"HTTP/1.1 408 ")
