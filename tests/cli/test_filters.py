"""``pellucid explain --filters``: kernels, and patches that excite channels, as a PNG, in words, as JSON."""

from pathlib import Path

import pytest
from PIL import Image

from pellucid.run import Run

NOTE = "It has learnt nothing: its numbers are drawn by chance (seed 0), as before training.\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which the command is called."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def test_kernels(pellucid) -> None:
    """No picture and no source are needed."""
    said = pellucid("explain", "digits-convnet", "--filters")
    assert (said.status, said.err) == (0, NOTE)
    assert said.out == (
        "conv2d: 32 kernels of 3 x 3 x 1 (height x width x channels)\nThe picture: conv2d-kernels.png\n"
    )
    told = pellucid("explain", "digits-convnet", "--filters", "--json", "--out", "k.png").last
    assert told == {
        "out": "k.png",
        "layer": "conv2d",
        "kernels": 32,
        "shape": [3, 3, 1],
        "notes": [NOTE.strip()],
    }
    for name in ("conv2d-kernels.png", "k.png"):
        with Image.open(name) as written:
            assert written.format == "PNG"


def test_patches_of_a_run(pellucid, scratched: Run, strokes: Path) -> None:
    """Each patch's number is the cell's own; the broken picture is named, and the exit status is 3."""
    (strokes / "lying" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ("explain", scratched.folder, "--filters", "--from", strokes, "--layer", "conv2d")
    said = pellucid(*arguments, "--channels", "5, 0", "--json")
    assert said.status == 3
    assert "lying/broken.png" in said.err
    told = said.last
    assert (told["out"], told["layer"], told["pictures"]) == ("conv2d-patches.png", "conv2d", 90)
    assert [one["path"] for one in told["skipped"]] == ["lying/broken.png"]
    assert [one["channel"] for one in told["channels"]] == [5, 0]
    for one in told["channels"]:
        values = [patch["value"] for patch in one["patches"]]
        assert values == sorted(values, reverse=True)
        for patch in one["patches"][:1]:
            place = f"conv2d:{one['channel']},{patch['row']},{patch['column']}"
            cell = pellucid(
                "explain", scratched.folder, strokes / patch["path"], "--cell", place, "--json"
            ).last
            assert cell["value"] == pytest.approx(patch["value"], rel=1e-5)
            assert cell["pixels"] == patch["pixels"]
    with Image.open("conv2d-patches.png") as written:
        assert written.format == "PNG"
    said = pellucid(*arguments, "--channels", "5")
    best = told["channels"][0]["patches"][0]
    assert said.out == (
        "conv2d (Conv2D): what excites its channels most, of 90 pictures\n"
        f"channel 5: {best['value']:.4g} at row {best['row']}, column {best['column']} of {best['path']}\n"
        "The picture: conv2d-patches-2.png\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--layer", "conv2d"),
            "--layer was given with --filters and no --from. A source of pictures was expected: what a layer "
            "looks for is seen in what excites it. Add for example: --from builtin:clipart\n",
        ),
        (
            ("--channels", "1,x", "--from", "builtin:digits"),
            "The channels are '1,x'. Numbers from 0, parted by commas, were expected. Write for example: "
            "--channels 0,7,12\n",
        ),
        (
            ("--channels", "1", "--from", "builtin:digits", "--layer", "conv2d"),
            "The layer 'conv2d' was asked for channel 1. It has 1 channel, 0 to 0. Choose one of these.\n",
        ),
        (
            ("--out", "k.jpg"),
            "The picture to write is 'k.jpg'. A name that ends in .png was expected. Write for example: "
            "--out k.png\n",
        ),
        (
            ("--class", "bee"),
            "--class was given with --filters. --class belongs to a map. Leave one of the two out; 'pellucid "
            "explain --help' says what goes together.\n",
        ),
    ],
)
def test_a_bad_request_is_one_paragraph(pellucid, arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, nothing on standard output, and no file."""
    found = pellucid("explain", "class-test", "--filters", *arguments)
    assert (found.status, found.out, found.err) == (2, "", said)
    assert [*Path().iterdir()] == []
