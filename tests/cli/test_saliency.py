"""``pellucid explain`` without ``--cell``: the PNG, what is said of it, its JSON, and what is refused."""

import errno
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.cli.saliency import draw_map
from pellucid.run import Run

NOTE = "It has learnt nothing: its numbers are drawn by chance (seed 0), as before training."


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of 40 x 30 in the folder in which the command is called."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels_HWC).save(tmp_path / "a b.jpg")
    monkeypatch.chdir(tmp_path)
    return Path("a b.jpg")


def test_a_run_from_scratch_in_words_and_as_json(
    pellucid, scratched: Run, strokes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label and the confidence are predict's, the region is in the picture's own pixels."""
    monkeypatch.chdir(tmp_path)
    picture = strokes / "lying" / "00.png"
    predicted = scratched.predict(picture)[0]
    said = pellucid("explain", scratched.folder, picture, "--json")
    assert (said.status, said.out.count("\n")) == (0, 1)
    told = said.last
    assert set(told) == {
        *("path", "out", "label", "confidence", "class", "class_confidence", "logit", "method", "layer"),
        *("map_shape", "peak", "region", "weights", "details", "notes"),
    }
    assert (told["path"], told["out"]) == (str(picture), "00-grad-cam.png")
    assert (told["label"], told["class"]) == (predicted.label, predicted.label)
    assert told["confidence"] == told["class_confidence"] == pytest.approx(predicted.confidence, abs=1e-5)
    assert (told["method"], told["layer"], told["map_shape"]) == ("grad-cam", "max_pooling2d", [5, 5])
    row, column = told["peak"]["row"], told["peak"]["column"]
    cells = [
        pellucid(
            "explain", scratched.folder, picture, "--cell", f"max_pooling2d:{one},{row},{column}", "--json"
        )
        for one in range(8)
    ]
    values = np.array([cell.last["value"] for cell in cells])
    weights = np.zeros(8)
    for one in told["weights"]:
        weights[one["channel"]] = one["weight"]
    assert len(told["weights"]) == 8
    assert weights @ values == pytest.approx(told["peak"]["value"], rel=1e-5)
    region = told["region"]
    assert 0 <= region["top"] <= region["bottom"] < 12 and 0 <= region["left"] <= region["right"] < 12
    assert 0 < region["share"] <= 1
    other = next(name for name in scratched.classes if name != predicted.label)
    said = pellucid("explain", scratched.folder, picture, "--class", other)
    lines = said.out.splitlines()
    assert re.fullmatch(rf"{other}, \d+\.\d %", lines[0])
    assert re.fullmatch(rf"The network's own answer is {predicted.label}, \d+\.\d %\.", lines[1])
    assert lines[2].startswith("Grad-CAM at max_pooling2d, 5 x 5 cells: ")
    assert lines[-1] == "The picture: 00-grad-cam-2.png"
    for name in ("00-grad-cam.png", "00-grad-cam-2.png"):
        with Image.open(name) as written:
            assert (written.format, written.mode) == ("PNG", "RGBA")


@pytest.mark.parametrize("method", ["layer-cam", "occlusion", "integrated-gradients"])
def test_each_method_tells_its_own_numbers(pellucid, picture: Path, method: str) -> None:
    """The picture stands at the end; notes on standard error; the parts and the score belong together."""
    text = "input 12x12x3; conv 4 3x3 relu; maxpool 2x2; flatten; dense 3 softmax"
    said = pellucid("explain", text, picture, "--method", method)
    assert said.status == 0
    assert NOTE in said.err.splitlines()
    lines = said.out.splitlines()
    assert re.fullmatch(r"[012], \d+\.\d %", lines[0])
    assert lines[-1] == f"The picture: a-b-{method}.png"
    told = pellucid("explain", text, picture, "--method", method, "--json").last
    assert (told["out"], told["weights"]) == (f"a-b-{method}-2.png", [])
    assert told["layer"] == ("max_pooling2d" if method == "layer-cam" else None)
    if method == "occlusion":
        assert "Squares of 3 x 3 of the 12 x 12 pixels that the network sees were covered" in said.out
        assert told["details"]["whole"] == pytest.approx(told["class_confidence"], abs=1e-6)
        assert told["map_shape"] == [12, 12]
    if method == "integrated-gradients":
        details = told["details"]
        assert (details["steps"], details["score"]) == (32, pytest.approx(told["logit"], abs=1e-5))
        assert f"The score is {details['score']:.4g}, and {details['baseline_score']:.4g} for" in said.out


def test_a_layer_by_name_and_an_out_of_ones_own(pellucid, picture: Path) -> None:
    """Folders on the way are made; the file is replaced whole."""
    text = "input 12x12x3; conv 4 3x3 relu; maxpool 2x2; conv 2 3x3; flatten; dense 3 softmax"
    out = Path("new") / "folder" / "map.PNG"
    for _ in range(2):
        told = pellucid("explain", text, picture, "--layer", "conv2d", "--out", out, "--json").last
    assert (told["layer"], told["map_shape"], told["out"]) == ("conv2d", [10, 10], str(out))
    assert [one.name for one in out.parent.iterdir()] == ["map.PNG"]


def test_a_picture_of_one_pixel(pellucid, picture: Path) -> None:
    """It is brought to the network's size as any other; its region is its one pixel."""
    Image.fromarray(np.full((1, 1, 3), 200, np.uint8)).save("one.png")
    told = pellucid("explain", "class-test", "one.png", "--json").last
    if told["region"] is not None:
        assert [told["region"][side] for side in ("top", "left", "bottom", "right")] == [0, 0, 0, 0]
    with Image.open(told["out"]) as written:
        assert written.width > 300


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--layer", "conv2d_7"),
            "The network has no layer 'conv2d_7'. It has 7 layers: conv2d, conv2d_1, max_pooling2d, flatten, "
            "dense, dense_1, dense_2. Did you mean 'conv2d_1' or 'conv2d'?\n",
        ),
        (
            ("--layer", "dense_1"),
            "The layer 'dense_1' has no map: its output is a flat row of 10. A layer with rows and columns "
            "was expected: conv2d, conv2d_1, max_pooling2d. Choose one of them, or none for the last.\n",
        ),
        (
            ("--class", "3"),
            "The network has no class '3'. It has 3 classes: 0 to 2, without names. Choose one of them.\n",
        ),
        (
            ("--method", "occlusions"),
            "There is no method 'occlusions'. grad-cam, layer-cam, occlusion, integrated-gradients are "
            "known. Did you mean 'occlusion'?\n",
        ),
        (
            ("--method", "occlusion", "--layer", "conv2d"),
            "The method 'occlusion' was given the layer 'conv2d'. No layer was expected: it works on the "
            "pixels themselves. Leave the layer out, or choose the method grad-cam or layer-cam.\n",
        ),
        (
            ("--out", "map.jpg"),
            "The picture to write is 'map.jpg'. A name that ends in .png was expected. Write for example: "
            "--out map.png\n",
        ),
        (
            ("--out", "folder.png"),
            "'folder.png' is a folder. The name of a file was expected. Write for example: --out "
            "folder.png/map.png\n",
        ),
    ],
)
def test_a_bad_request_is_one_paragraph(
    pellucid, picture: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit status 2, nothing on standard output, no traceback, and no file."""
    Path("folder.png").mkdir()
    found = pellucid("explain", "class-test", picture, *arguments)
    assert (found.status, found.out, found.err) == (2, "", said)
    assert sorted(one.name for one in Path().iterdir() if one.is_file()) == ["a b.jpg"]


def test_the_class_of_a_run_by_its_nearest_name(pellucid, scratched: Run, strokes: Path) -> None:
    """Names are the run's classes."""
    found = pellucid("explain", scratched.folder, strokes / "lying" / "00.png", "--class", "standin")
    assert (found.status, found.out) == (2, "")
    assert found.err == (
        "The network has no class 'standin'. It has 3 classes: 'lying'; 'slanted'; 'standing'. Did you "
        "mean 'standing' or 'slanted'?\n"
    )


def test_text_that_is_named_as_a_picture(pellucid, picture: Path) -> None:
    """It is no picture, and nothing is written."""
    Path("page.png").write_text("<svg onload=alert(1)>")
    found = pellucid("explain", "class-test", "page.png")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("The picture 'page.png' cannot be read (")
    assert not Path("page-grad-cam.png").exists()


def test_the_picture_itself_is_never_written_over(pellucid, picture: Path) -> None:
    """Not by its name, not through a link, and not by the default name."""
    with Image.open(picture) as given:
        given.save("b.png")
    before = Path("b.png").read_bytes()
    Path("link.png").symlink_to("b.png")
    for out in ("b.png", "./b.png", "link.png"):
        found = pellucid("explain", "class-test", "b.png", "--out", out)
        assert (found.status, found.out) == (2, "")
        assert found.err == (
            f"'{Path(out)}' is the picture itself. Another file was expected, so that the picture is not "
            "lost. Choose another name with --out, or leave it out.\n"
        )
    Path("b-grad-cam.png").write_bytes(before)
    told = pellucid("explain", "class-test", "b.png", "--json").last
    assert told["out"] == "b-grad-cam-2.png"
    assert Path("b.png").read_bytes() == Path("b-grad-cam.png").read_bytes() == before


def test_without_permission(pellucid, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One paragraph, and nothing half-written."""

    def refused(**place: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pellucid.storage.tempfile.mkstemp", refused)
    found = pellucid("explain", "class-test", picture, "--out", "map.png")
    assert (found.status, found.out) == (2, "")
    assert found.err.splitlines()[-1] == (
        "There is no permission to write the picture at 'map.png' (Permission denied). A folder that this "
        "user may write to was expected. Choose another place, or change the permissions."
    )
    assert not Path("map.png").exists()


def test_where_a_file_stands_in_the_way_of_a_folder(pellucid, picture: Path) -> None:
    """The operating system's refusal is told in a paragraph."""
    Path("file").write_text("")
    found = pellucid("explain", "class-test", picture, "--out", "file/map.png")
    assert (found.status, found.out) == (2, "")
    assert found.err.splitlines()[-1].startswith("Could not write the picture at 'file/map.png': ")


def test_a_name_that_holds_anything(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default name of the PNG holds letters, digits, dots, dashes and underscores only."""
    name = "-a;\n\x1b[31m$(b)\u202e.jpg"
    Path(picture).rename(name)
    draw_map("class-test", name, None, "grad-cam", None, None)
    assert capsys.readouterr().out.endswith("The picture: a-31m-b-grad-cam.png\n")


@pytest.mark.slow
def test_a_backbone_answers_with_imagenets_names(pellucid, picture: Path) -> None:
    """Exact CAM is said, one of a class's several names is enough, and the channels' parts add up."""
    said = pellucid("explain", "efficientnet_lite0", picture, "--class", "koala", "--json")
    told = said.last
    assert told["class"].startswith("koala, koala bear")
    assert (told["layer"], told["map_shape"], len(told["weights"])) == ("bn2", [7, 7], 10)
    assert told["notes"][0].startswith("What follows the layer is a mean over its rows and columns")
    assert told["confidence"] >= told["class_confidence"]
    found = pellucid("explain", "efficientnet_lite0", picture, "--class", "koalla")
    assert (found.status, found.out) == (2, "")
    assert "Did you mean 'koala'" in found.err
