"""``pellucid serve``: from a run to an address that answers, and an end in order."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from pellucid.run import Run


def test_it_answers_until_it_is_interrupted(run: Run, paint: Callable[..., Path], tmp_path: Path) -> None:
    """The address stands in the JSON; a picture gets what ``predict`` says; Ctrl-C ends it with status 0."""
    picture = next((paint(tmp_path / "new", 1, offset=100) / "red").glob("*.png"))
    command = [sys.executable, "-c", "from pellucid.cli import main; main()", "serve", str(run.folder)]
    with subprocess.Popen(
        [*command, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        told = json.loads(server.stdout.readline())
        assert (told["model"], told["classes"]) == (str(run.folder), list(run.classes))
        asked = urllib.request.Request(told["address"] + "predict", picture.read_bytes())  # noqa: S310
        with urllib.request.urlopen(asked, timeout=30) as response:  # noqa: S310
            answer = json.load(response)
        expected = run.predict(picture)[0].to_json()
        assert answer == {**expected, "path": ""}
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert server.stderr.read().endswith("The server has ended.\n")


def test_a_model_that_is_not_there_is_one_paragraph(pellucid, tmp_path: Path, monkeypatch) -> None:
    """Before anything listens; status 2."""
    monkeypatch.chdir(tmp_path)
    said = pellucid("serve", "nowhere.onnx")
    assert (said.status, said.out) == (2, "")
    assert said.err.strip() == (
        "There is no file 'nowhere.onnx'. An ONNX file that 'pellucid export' wrote was expected. Check the "
        "path."
    )
