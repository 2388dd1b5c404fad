"""The command line as a person calls it, in this process."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pellucid.cli import main


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        """The JSON object on the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def pellucid(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call ``pellucid`` with these arguments, in a terminal of no known width."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["pellucid", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return call
