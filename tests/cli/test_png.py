"""The PNG that a command writes: which names will do, and which is taken where none is given."""

from pathlib import Path

import pytest

from pellucid.cli.png import check_png, free_png
from pellucid.errors import RequestError


def test_the_first_name_that_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written over, and nothing elsewhere."""
    monkeypatch.chdir(tmp_path)
    assert free_png("bee", "map") == Path("bee-map.png")
    Path("bee-map.png").touch()
    Path("bee-map-2.png").mkdir()
    assert free_png("bee", "map") == Path("bee-map-3.png")
    assert free_png("../../etc/x", "map") == Path("etc-x-map.png")
    assert free_png("", "map") == Path("picture-map.png")


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (
            "map.jpg",
            "The picture to write is 'map.jpg'. A name that ends in .png was expected. Write for example: "
            "--out map.png",
        ),
        (
            "",
            "The picture to write is '.'. A name that ends in .png was expected. Write for example: --out "
            "map.png",
        ),
        (
            ".png",
            "The picture to write is '.png'. A name that ends in .png was expected. Write for example: --out "
            ".png.png",
        ),
    ],
)
def test_names_that_will_not_do(out: str, said: str) -> None:
    """Another suffix, no name, nothing but a suffix."""
    with pytest.raises(RequestError) as caught:
        check_png(Path(out))
    assert str(caught.value) == said


def test_a_name_that_will_do(tmp_path: Path) -> None:
    """None, one that is free, one that is there and is not the picture, in any case."""
    (tmp_path / "old.PNG").touch()
    (tmp_path / "picture.png").touch()
    for out in (None, tmp_path / "new.png", tmp_path / "old.PNG"):
        check_png(out, str(tmp_path / "picture.png"))
    check_png(tmp_path / "new.png", "nothing.png")
