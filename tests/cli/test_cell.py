"""What ``explain --cell`` prints, called without the command line around it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.cli.cell import LARGEST, open_cell


def test_all_terms_or_the_largest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond twelve, the rest stands in one line with its number, unless all are asked for."""
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.png")
    text = "input 8x8x1; conv 1 4x4"
    lines = {}
    for every in (False, True):
        open_cell(text, str(tmp_path / "a.png"), "conv2d:0,1,1", every=every)
        table = capsys.readouterr().out.split("\n\n")[1].splitlines()
        lines[every] = [line.split() for line in table[1:]]  # without the header
    assert len(lines[False]) == LARGEST + 1
    assert lines[False][-1][:3] == ["4", "other", "terms"]
    assert len(lines[True]) == 16
    assert lines[True][:LARGEST] == lines[False][:LARGEST]
