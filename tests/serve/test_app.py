"""The HTTP addresses of a classifier: what ``predict`` says, for one picture or several, and refusals."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request

from pellucid.run import Run
from pellucid.serve import app
from pellucid.web import HOST


def send(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    line = http.client.HTTPConnection(HOST, port, timeout=60)
    line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = line.getresponse()
    told = response.status, json.loads(response.read())
    line.close()
    return told


def form(files: Sequence[tuple[str, bytes]]) -> tuple[bytes, str]:
    """The body of a form with these files, as browsers and curl send it, and its content type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + data
        for name, data in files
    ]
    return b"\r\n".join([*parts, b"--edge--\r\n"]), "multipart/form-data; boundary=edge"


@pytest.fixture
def pictures(paint: Callable[..., Path], tmp_path: Path) -> list[Path]:
    return sorted(paint(tmp_path / "new", 2, offset=100).rglob("*.png"))


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_a_picture_as_the_body_gets_its_prediction(
    port: int, run: Run, pictures: list[Path], kind: str
) -> None:
    """Byte for byte what the run says, without a path; curl calls what it sends a form's."""
    expected = run.predict(pictures[0])[0].to_json()
    found = send(port, "POST", "/predict", pictures[0].read_bytes(), Content_Type=kind)
    assert found == (200, {**expected, "path": ""})


def test_files_of_a_form_get_theirs_in_order(port: int, run: Run, pictures: list[Path]) -> None:
    """One alone is answered as a body is; of several one that is no picture does not stop the others."""
    expected = [one.to_json() for one in run.predict(pictures)]
    files = [(str(path), path.read_bytes()) for path in pictures]
    body, kind = form(files[:1])
    assert send(port, "POST", "/predict", body, Content_Type=kind) == (200, expected[0])
    body, kind = form([files[0], ("<b>", b"no picture"), *files[1:]])
    status, told = send(port, "POST", "/predict", body, Content_Type=kind)
    assert status == 200
    assert told["predictions"][0] == expected[0]
    assert told["predictions"][2:] == expected[1:]
    assert told["predictions"][1] == {
        "path": "<b>",
        "error": "it is not a picture that can be read (it begins with 'no picture')",
    }


def test_what_stands_behind_it_is_told(port: int, run: Run) -> None:
    """The classes in order, and how a picture is prepared."""
    status, told = send(port, "GET", "/about")
    assert status == 200
    assert (told["model"], told["classes"]) == ("colours", list(run.classes))
    assert told["preprocess"] == run.record["preprocess"]
    assert send(port, "GET", "/health") == (200, {"status": "ok"})


HEADERS = [(b"host", b"localhost"), (b"content-length", b"5000000")]
SENT = "Send a picture's bytes as the body, or one or more files as multipart/form-data."


def test_what_is_no_picture_gets_a_sentence(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, JSON, a form without files, a form that is none, too much, something else; and it lives on."""

    def refused(body: bytes, kind: str = "image/png") -> tuple[int, str]:
        status, told = send(port, "POST", "/predict", body, Content_Type=kind)
        return status, told["error"]

    assert refused(b"") == (400, f"No picture came. {SENT}")
    assert refused(b"{}", "application/json") == (
        415,
        f"A picture does not come as 'application/json'. {SENT}",
    )
    body, kind = form([])
    assert refused(body, kind) == (400, f"No picture came. {SENT}")
    assert refused(b"rubbish", kind)[0] == 400
    assert refused(b"rubbish", "multipart/form-data")[1].startswith(
        "The form cannot be read (Missing boundary"
    )
    body, kind = form([("a.png", b"x")] * (app.MOST_PICTURES + 1))
    assert refused(body, kind) == (
        400,
        f"The form cannot be read (Too many files. Maximum number of files is 100.) {SENT}",
    )
    assert refused(b"\x89PNG rubbish")[0] == 422
    monkeypatch.setattr(app, "LARGEST_FILE", 10)
    monkeypatch.setattr(app, "_LARGEST_BODY", 500)
    assert refused(b"x" * 11) == (413, "It is too large: a picture's file has at most 0 MB.")
    body, kind = form([("a.png", b"x" * 11), ("b.png", b"x")])
    told = send(port, "POST", "/predict", body, Content_Type=kind)[1]["predictions"]
    assert told[0]["error"].startswith("It is too large") and not told[1]["error"].startswith("It is too")
    body, kind = form([("a.png", b"x" * 600)])
    assert refused(body, kind)[0] == 413
    assert send(port, "GET", "/health")[0] == 200


class Named:
    """A classifier whose class has the name of a folder that is not UTF-8, as Python reads such a name."""

    classes = ("caf\udce9", "tea")
    preprocess = SimpleNamespace(to_json=dict)

    def answer(self, data: bytes, name: str) -> Any:
        time.sleep(0.1)
        return SimpleNamespace(to_json=lambda: {"path": name, "label": self.classes[0]})


def test_a_class_whose_name_is_not_utf_8_is_answered(
    answering: Callable[[FastAPI], AbstractContextManager[int]],
) -> None:
    """As JSON's escape; so is a file's name of that kind, and a charset that cannot be gets a sentence."""
    with answering(app.make_app(Named(), "named")) as port:  # type: ignore[arg-type]
        assert send(port, "GET", "/about")[1]["classes"] == ["caf\udce9", "tea"]
        assert send(port, "POST", "/predict", b"x") == (200, {"path": "", "label": "caf\udce9"})
        body, kind = form([("\\ud800.jpg", b"x")])
        told = send(port, "POST", "/predict", body, Content_Type=f"{kind}; charset=unicode_escape")
        assert told == (200, {"path": "\ud800.jpg", "label": "caf\udce9"})
        told = send(port, "POST", "/predict", body, Content_Type=f"{kind}; charset=undefined")
        assert told == (400, {"error": f"The form's charset cannot be followed. {SENT}"})


def test_large_bodies_do_not_pile_up_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twelve at once no more than three are read before the first is answered."""
    read, most = 0, 0

    async def read_body(request: Request, *given: Any) -> bytes:
        nonlocal read, most
        read += 1
        most = max(most, read)
        return b"x"

    class Counted(Named):
        def answer(self, data: bytes, name: str) -> Any:
            nonlocal read
            said = super().answer(data, name)
            read -= 1
            return said

    async def ask() -> None:
        serving = app.make_app(Counted(), "named")  # type: ignore[arg-type]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "query_string": b"",
            "headers": HEADERS,
        }
        await asyncio.gather(*(serving(dict(scope), receive, ignore) for _ in range(12)))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ignore(message: Any) -> None:
        pass

    monkeypatch.setattr(app.web, "read_body", read_body)
    asyncio.run(ask())
    assert (read, most) == (0, 3)


def test_a_hundred_people_at_once_get_their_own_answers(port: int, run: Run, pictures: list[Path]) -> None:
    """Each the one of the picture that was sent."""
    expected = [one.label for one in run.predict(pictures)]

    def one(number: int) -> bool:
        place = number % len(pictures)
        status, told = send(port, "POST", "/predict", pictures[place].read_bytes())
        return status == 200 and told["label"] == expected[place]

    with ThreadPoolExecutor(100) as people:
        assert all(people.map(one, range(100)))


def test_pages_of_other_sites_may_not_ask(port: int, pictures: list[Path]) -> None:
    """Nor by a name that was made to lead here."""
    data = pictures[0].read_bytes()
    assert send(port, "POST", "/predict", data, Origin="http://evil.example")[0] == 403
    assert send(port, "POST", "/predict", data, Host="evil.example")[0] == 403
    assert send(port, "GET", "/app.py")[0] == 404
