"""A picture that a run answered: found where the run says, by its content, and nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.data.source import open_source
from pellucid.errors import PictureError
from pellucid.lab.runfolder import Answered
from pellucid.lab.runpicture import SIDE, name_of, parted, picture_bytes, thumbnail
from pellucid.pictures.digest import picture_digest

RUN = Path("/nowhere/run")


def answered(path: str, digest: str) -> Answered:
    return Answered(0, path, "test", "a", "a", 0.5, digest)


def found(source: str, path: str, data: bytes) -> bytes:
    return picture_bytes(RUN, {"source": {"name": source}}, answered(path, picture_digest(data)))


@pytest.mark.parametrize("name", ["builtin:clipart", "builtin:digits", "folder", "table", "npz"])
def test_the_picture_is_the_sources_own(name: str, strokes: Path, tmp_path: Path) -> None:
    """Of every kind of source: byte for byte what it reads."""
    if name == "folder":
        name = str(strokes)
    elif name == "table":
        (tmp_path / "list.csv").write_text("path,label\nstrokes/lying/00.png,a\nstrokes/standing/01.png,b\n")
        name = str(tmp_path / "list.csv")
    elif name == "npz":
        np.savez(tmp_path / "a.npz", x=np.arange(96, dtype=np.uint8).reshape(2, 8, 6), y=np.array([0, 1]))
        name = str(tmp_path / "a.npz")
    source = open_source(name)
    for place in (0, len(source.items) - 1):
        data = source.read(place)
        assert found(name, source.items[place].path, data) == data


def test_a_picture_that_is_gone_or_another_is_told(strokes: Path) -> None:
    """In a few words each."""
    data = (strokes / "lying" / "00.png").read_bytes()
    shutil.copy(strokes / "lying" / "01.png", strokes / "lying" / "00.png")
    with pytest.raises(PictureError, match=r"^another file has its place now$"):
        found(str(strokes), "lying/00.png", data)
    (strokes / "lying" / "00.png").unlink()
    gone = r"^the picture is no longer where the run found it$"
    for source, path in ((str(strokes), "lying/00.png"), ("builtin:clipart", "x.jpg")):
        with pytest.raises(PictureError, match=gone):
            found(source, path, data)
    for record in ({}, {"source": 3}, {"source": {"name": "/a\0b"}}):
        with pytest.raises(PictureError, match=gone):
            picture_bytes(RUN, record, answered("x", ""))
    with pytest.raises(PictureError, match=gone):
        found("builtin:nothing", "x", data)


def test_a_relative_source_is_looked_for_above_the_run_too(
    strokes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the lab was opened; another file of that name on the way is passed by."""
    path = "lying/00.png"
    data = (strokes / path).read_bytes()
    home = tmp_path / "home"
    other, elsewhere = home / "runs" / "pictures" / "lying", tmp_path / "elsewhere"
    shutil.copytree(strokes, home / "pictures")
    for folder in (other, elsewhere):
        folder.mkdir(parents=True)
    shutil.copy(strokes / "lying" / "01.png", other / "00.png")
    monkeypatch.chdir(elsewhere)
    record, row = {"source": {"name": "pictures"}}, answered(path, picture_digest(data))
    assert picture_bytes(home / "runs" / "one", record, row) == data
    with pytest.raises(PictureError) as caught:
        picture_bytes(RUN, record, row)
    assert str(caught.value) == (
        "the picture is no longer where the run found it: 'pictures' was looked for in "
        f"'{elsewhere}', in the run's folder and above it"
    )


def test_a_file_that_the_run_does_not_know_is_not_shown(strokes: Path, tmp_path: Path) -> None:
    """A path in a table that somebody made up leads to a file, but not to its content."""
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(PictureError, match="another file has its place now"):
        picture_bytes(RUN, {"source": {"name": str(strokes)}}, answered("../secret", "0" * 32))


def test_a_thumbnail_is_small_and_never_enlarged() -> None:
    """As many pixels as it has, at most 112 a side."""
    import io

    for size, wanted in (((300, 150), (56, 112)), ((12, 20), (20, 12))):
        file = io.BytesIO()
        Image.new("RGB", size, (9, 8, 7)).save(file, "PNG")
        small_HWC = thumbnail(file.getvalue())
        assert small_HWC.shape == (*wanted, 3)
        assert max(small_HWC.shape) <= SIDE
        assert (small_HWC == (9, 8, 7)).all()
    with pytest.raises(PictureError):
        thumbnail(b"GIF89a")


def test_the_name_of_a_picture_is_taken_apart_again() -> None:
    """Whatever the run is called."""
    for run in ("runs/one", "a#3", "new\nline", "run/x"):
        assert parted(name_of(run, 12)) == (run, 12)
    for name in ("digits/3", "run/x", "run/x#", "run/x#-1", "run/#1", "own-00", "run/x#9999999999"):
        assert parted(name) is None
