"""The room in a notebook: its messages answered, the shipped notebook run, and a real JupyterLab shows it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecodeError
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import pellucid
from pellucid.lab import notebook
from pellucid.lab.exploration import asked, exploration
from pellucid.lab.reply import FRAME, JSON, decoded

NETWORK = "input 12x12x1; conv 4 3x3 relu; flatten; dense 3 softmax"
NOTEBOOK = Path(__file__).parents[2] / "docs" / "how-to" / "inside.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"
PIXELS_HW = np.random.default_rng(0).integers(0, 256, (12, 12), dtype=np.uint8)


class Heard:
    """What a widget sends, in place of a browser."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.sent.append((content, buffers))


def test_a_message_is_answered_under_its_number() -> None:
    """A map comes as bytes, a mistake as a sentence; what is no question of ours is passed over."""
    opened, heard = exploration(NETWORK, PIXELS_HW), Heard()
    question = asked("map", opened, {"layer": "conv2d", "channel": 1})
    notebook._reply(heard, {"id": "a-1", "question": json.dumps(question)}, opened)
    notebook._reply(heard, {"id": "a-2", "question": "{"}, opened)
    for strange in ("hello", {"question": "{}"}, {"id": 7}):
        notebook._reply(heard, strange, opened)
    assert [content for content, _ in heard.sent] == [
        {"id": "a-1", "status": 200, "type": FRAME},
        {"id": "a-2", "status": 400, "type": JSON},
    ]
    values = np.frombuffer(decoded(heard.sent[0][1][0])["values"], "<f4").reshape(10, 10)
    np.testing.assert_array_equal(values, opened.inside.value("conv2d")[1])


def test_without_anywidget_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the cell's output; a file can be written all the same."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    room = pellucid.explore(NETWORK, PIXELS_HW)
    assert room._repr_mimebundle_() == {
        "text/plain": "anywidget is not installed, so that no widget can be shown. It was expected beside "
        "Pellucid, in the notebook's own environment. Install it: pip install 'pellucid[notebook]'; or "
        "write a file with explore(...).save_html."
    }
    assert room.save_html(tmp_path / "inside.html", layers=["dense"]).is_file()


def test_importing_pellucid_does_not_import_a_widget() -> None:
    """Nor does exploring, until a cell shows it."""
    code = "import sys, pellucid; pellucid.explore; print({'anywidget', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.slow
def test_the_notebook_of_the_docs_runs_and_shows_the_widget(tmp_path: Path) -> None:
    """No cell fails, the room's cell has a widget, and the number in Python is one that the room opens."""
    found = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(found, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    room, cell = [one for one in found.cells if one.cell_type == "code"]
    assert WIDGET in room.outputs[0]["data"]
    value, residue = eval(cell.outputs[0]["data"]["text/plain"], {"__builtins__": {}})  # noqa: S307 - two numbers
    assert np.isfinite(value)
    assert abs(residue) < 1e-5


@pytest.fixture
def jupyter(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab of its own, in an empty folder, that asks nobody for news."""
    settings = tmp_path / "config" / "labconfig"
    settings.mkdir(parents=True)
    silent = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (settings / "page_config.json").write_text(json.dumps(silent))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder / "inside.ipynb")
    environment = os.environ | {
        f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
        "--ServerApp.port_retries=50", "--IdentityProvider.token=seen", f"--ServerApp.root_dir={folder}",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        yield _address(tmp_path / "runtime", server)
    finally:
        server.terminate()
        server.wait(30)


def _address(runtime: Path, server: subprocess.Popen[bytes]) -> str:
    """Where the server listens, once it answers."""
    for _ in range(600):
        for file in runtime.glob("jpserver-*.json"):
            # It is written before anybody listens, and may be half written.
            with suppress(JSONDecodeError, OSError):
                url = str(json.loads(file.read_text())["url"])
                with urlopen(f"{url}api/status?token=seen", timeout=30):  # noqa: S310
                    return url
        assert server.poll() is None, "JupyterLab ended"
        time.sleep(0.1)
    pytest.fail("JupyterLab did not start")


@pytest.mark.slow
def test_a_real_jupyterlab_shows_the_room(browser: Any, jupyter: str) -> None:
    """All cells are run, a map and a cell are clicked, and the arithmetic is read; nobody else is asked."""
    elsewhere: list[str] = []
    page = browser.new_page(viewport={"width": 1400, "height": 1200})
    page.set_default_timeout(60_000)
    page.on(
        "request",
        lambda request: (
            request.url.startswith((jupyter, "blob:", "data:", "ws")) or elsewhere.append(request.url)
        ),
    )
    page.goto(f"{jupyter}lab/tree/inside.ipynb?token=seen&reset")
    page.get_by_text("| Idle").wait_for()  # the kernel is there
    code = page.locator(".jp-CodeCell .cm-content")
    for place in range(2):
        code.nth(place).click()
        code.nth(place).press("Shift+Enter")
    room = page.locator("div.inside[data-shown]")
    room.wait_for()
    assert room.get_attribute("data-shown").startswith("conv2d:")
    map_of = room.locator('section[aria-label="conv2d_1"] canvas[aria-label]')
    map_of.click(position={"x": 10, "y": 10})
    page.locator('div.inside[data-shown^="conv2d_1:"]').wait_for()
    room.locator(".large canvas.map").first.click(position={"x": 5, "y": 5})
    page.locator('div.inside[data-shown$=",0,0"]').wait_for()
    assert room.locator(".terms tbody tr").count() == 5
    value = room.locator(".value [data-value]").get_attribute("data-value")
    assert np.isfinite(float(value))
    assert elsewhere == []
    page.close()
