"""``pellucid open``: the address it prints, and how it ends."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid.lab.examples import example_bytes

COMMAND = [sys.executable, "-c", "from pellucid.cli import main; main()", "open"]


@contextmanager
def opened(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def test_it_opens_at_a_free_port_and_ctrl_c_closes_it() -> None:
    """The address answers; after an interrupt the exit status is 0 and nothing but a line is said."""
    with opened("--no-browser") as child:
        assert child.stdout is not None
        address = child.stdout.readline().removeprefix("The lab is open at ").strip()
        assert child.stdout.readline() == "Ctrl-C closes it.\n"
        host = address.removeprefix("http://").rstrip("/")
        line = http.client.HTTPConnection(host, timeout=30)
        line.request("GET", "/")
        assert b"<title>Pellucid: the lab</title>" in line.getresponse().read()
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=20)
        line.close()
    assert (child.returncode, rest, errors) == (0, "", "The lab is closed.\n")


def test_a_program_gets_the_address_as_json() -> None:
    """One object on standard output."""
    with opened("--no-browser", "--json") as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
    assert told["address"].startswith("http://127.0.0.1:")


def test_the_browser_is_opened_unless_it_is_unwanted(tmp_path: Path) -> None:
    """The browser is given the address that is printed."""
    code = (
        "import webbrowser\n"
        f"webbrowser.open = lambda url: open({str(tmp_path / 'url')!r}, 'w').write(url)\n"
        "from pellucid.cli import main\nmain()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "open"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        address = child.stdout.readline().removeprefix("The lab is open at ").strip()
        line = http.client.HTTPConnection(address[7:-1], timeout=30)
        line.request("GET", "/")
        assert line.getresponse().read()
        line.close()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert (tmp_path / "url").read_text() == address


def test_a_port_that_is_none_is_refused(pellucid) -> None:
    """Exit status 2, and the option is named."""
    said = pellucid("open", "--port", "70000", "--no-browser")
    assert said.status == 2
    assert "Invalid value for '--port'" in said.err


def test_a_network_and_a_picture_are_opened(tmp_path: Path) -> None:
    """The address leads to the room Inside, which begins with both."""
    file = tmp_path / "seven.png"
    file.write_bytes(example_bytes("digits/7") or b"")
    with opened("--no-browser", "lenet5", str(file)) as child:
        assert child.stdout is not None
        address = child.stdout.readline().removeprefix("The lab is open at ").strip()
        assert address.endswith("/#inside")
        line = http.client.HTTPConnection(address[7:].partition("/")[0], timeout=60)
        line.request("POST", "/answer", '{"kind": "inside.start"}', {"Content-Type": "application/json"})
        start = json.loads(line.getresponse().read())
        line.close()
    assert start["network"] == "lenet5"
    assert start["picture"].startswith("own-")


def test_what_cannot_be_opened_is_refused_before_the_page(pellucid, tmp_path: Path) -> None:
    """Exit status 2 and one paragraph: no such network, no such picture, a file that is none."""
    said = pellucid("open", "nowhere", "--no-browser")
    assert said.status == 2
    assert said.err.startswith("There is no network 'nowhere' here. One of ")
    missing = tmp_path / "missing.png"
    said = pellucid("open", "lenet5", str(missing), "--no-browser")
    assert said.status == 2
    assert said.err == (
        f"The picture '{missing}' cannot be read (No such file or directory). A picture file was expected, "
        "such as a JPEG or a PNG. Check the path, or choose another picture.\n"
    )
    missing.write_bytes(b"<svg/>")
    said = pellucid("open", "lenet5", str(missing), "--no-browser")
    assert said.status == 2
    assert "(it is an SVG drawing, which cannot be read here: save it as JPEG or PNG)" in said.err
