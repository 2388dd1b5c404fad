"""``pellucid explain``: a map for a class, or one number with its arithmetic, as a table and as JSON."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.run import Run


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey picture of 28 x 28."""
    pixels_HW = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    Image.fromarray(pixels_HW).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def test_the_json_of_a_cell(pellucid, scratched: Run, strokes: Path) -> None:
    """The contract's keys, with every term; sum, value and residue belong together."""
    said = pellucid(
        "explain", scratched.folder, strokes / "lying" / "00.png", "--cell", "conv2d:5,2,3", "--json"
    )
    assert (said.status, said.out.count("\n")) == (0, 1)
    told = said.last
    assert set(told) >= {
        *("layer", "kind", "channel", "row", "column", "terms", "bias", "sum", "value", "residue", "pixels"),
        *("activation", "inputs", "uses", "notes", "path", "traced_by"),
    }
    assert [told[key] for key in ("layer", "kind", "channel", "row", "column")] == [
        "conv2d",
        "Conv2D",
        5,
        2,
        3,
    ]
    assert [(one["row"], one["column"]) for one in told["terms"]] == [
        (row, column) for row in (2, 3, 4) for column in (3, 4, 5)
    ]
    for one in told["terms"]:
        assert set(one) >= {"channel", "row", "column", "input", "weight", "product", "padding"}
        assert one["product"] == one["input"] * one["weight"]
    assert told["sum"] == pytest.approx(math.fsum(one["product"] for one in told["terms"]) + told["bias"])
    assert told["value"] == pytest.approx(max(told["sum"], 0), abs=1e-5)
    assert told["residue"] == told["value"] - told["activation"]["output"]
    pixels = {side: told["pixels"][side] for side in ("top", "left", "bottom", "right")}
    assert pixels == {"top": 2, "left": 3, "bottom": 4, "right": 5}
    assert told["uses"][0]["layer"] == "max_pooling2d"


def test_the_table_of_a_cell(pellucid, picture: Path) -> None:
    """The whole of it, as a person reads it; what is printed adds up."""
    text = "input 28x28x1; conv 1 2x2 relu padding=same; maxpool 2x2"
    said = pellucid("explain", text, picture, "--cell", "conv2d:0,27,27")
    assert said.status == 0
    assert (
        said.err == "It has learnt nothing: its numbers are drawn by chance (seed 0), as before training.\n"
    )
    lines = said.out.splitlines()
    assert lines[0] == "conv2d (Conv2D), channel 0, row 27, column 27 of 28x28x1 (height x width x channels)"
    assert re.fullmatch(r"from +channel +row +column +input +weight +product", lines[2])
    assert re.fullmatch(r"input +0 +27 +27 +\S+ +\S+ +\S+", lines[3])
    assert [line.split()[:2] for line in lines[4:7]] == [["input,", "padding"]] * 3
    assert all(line.endswith(" 0") for line in lines[4:7])
    names = [re.split(r" {2,}", line)[0] for line in lines[8:14]]
    assert names == ["sum of the products", "bias", "sum", "relu", "PyTorch's value", "residue"]
    numbers = [float(re.split(r" {2,}", line)[1]) for line in lines[8:14]]
    assert numbers[0] + numbers[1] == pytest.approx(numbers[2], rel=1e-5)
    assert numbers[3] == max(numbers[2], 0) == pytest.approx(numbers[4], abs=1e-6)
    assert abs(numbers[5]) < 1e-6
    assert lines[15] == (
        "pixels: rows 27 to 27, columns 27 to 27 (1 x 1) of the picture as the network sees it; padding "
        "stands for what lies beyond its edges (1 below, 1 to the right)."
    )
    assert re.fullmatch(
        r"used by: max_pooling2d \(MaxPooling2D\), channel 0, row 13, column 13: 1 cell; (it|another) wins "
        r"there\.",
        lines[16],
    )


def test_the_largest_terms_come_first_and_the_rest_is_folded(pellucid, picture: Path) -> None:
    """288 products: twelve and 276 in a line, whose sum with theirs is the whole; --all prints every one."""
    asked = ("explain", "digits-convnet", picture, "--cell", "conv2d_1:12,5,7")
    rows = [line.split() for line in pellucid(*asked).out.splitlines()[3:16]]
    assert rows[-1][:3] == ["276", "other", "terms"]
    products = [float(row[-1]) for row in rows]
    assert [abs(one) for one in products[:-1]] == sorted((abs(one) for one in products[:-1]), reverse=True)
    told = pellucid(*asked, "--json").last
    assert math.fsum(products) == pytest.approx(told["sum"] - told["bias"], abs=1e-5)
    every = pellucid(*asked, "--all").out.splitlines()
    assert sum(line.startswith("max_pooling2d ") for line in every) == 288
    assert not any("other terms" in line for line in every)


def test_a_flat_layer_has_units(pellucid, picture: Path) -> None:
    """No rows and columns; the softmax is the last step, and nobody uses an answer."""
    said = pellucid("explain", "class-test", picture, "--cell", "dense_2:1")
    assert said.out.startswith("dense_2 (Dense), unit 1 of 3\n\nfrom     unit  ")
    assert re.search(r"^softmax +0\.\d+  exp\(\(x - largest\)\) / sum of these exponentials$", said.out, re.M)
    assert said.out.endswith("used by: no later layer; it is an answer of the network.\n")
    assert pellucid("explain", "class-test", picture, "--cell", "dense_2:1", "--json").last["row"] is None


def test_pooling_shows_its_winner(pellucid, picture: Path) -> None:
    """Its weight is 1, and all that use the cell are counted."""
    out = pellucid("explain", "digits-convnet", picture, "--cell", "max_pooling2d:3,1,1").out
    assert re.search(r"^sum +\S+  the largest input; its weight is 1$", out, re.MULTILINE)
    assert out.endswith("used by: conv2d_1 (Conv2D), channels 0 to 63, rows 0, 1, columns 0, 1: 256 cells.\n")


@pytest.mark.slow
def test_efficientnet_lite0_on_the_command_line(pellucid, picture: Path) -> None:
    """Depthwise, asymmetric padding at stride 2, batch norm with ReLU6, a residual addition: within bound."""
    for cell, kind, terms in (
        ("blocks.1.0.conv_dw:3,55,30", "Conv2dSame", 9),
        ("blocks.1.0.bn2:3,55,30", "BatchNormAct2d", 1),
        ("blocks.1.1.add:3,55,30", "add", 2),
        ("blocks.1.0.conv_pwl:3,55,30", "Conv2d", 96),
        ("classifier:281", "Linear", 1280),
    ):
        told = pellucid("explain", "efficientnet_lite0", picture, "--cell", cell, "--json").last
        assert (told["kind"], len(told["terms"]), told["traced_by"]) == (kind, terms, "fx")
        assert abs(told["residue"]) <= 1e-5 * (sum(abs(one["product"]) for one in told["terms"]) + 1)
        if kind == "Conv2dSame":
            padded = [(one["row"], one["column"]) for one in told["terms"] if one["padding"]]
            assert padded == [(112, 60), (112, 61), (112, 62)]
        if kind == "BatchNormAct2d":
            assert set(told["details"]) == {"gamma", "beta", "mean", "variance", "epsilon"}
            assert told["activation"]["name"] == "relu6"
        if kind == "add":
            assert [one["source"] for one in told["terms"]] == ["blocks.1.1.bn3", "blocks.1.0.bn3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--all",),
            "--all was given with a map. --all belongs to --cell, and prints every term. Leave one of the "
            "two out; 'pellucid explain --help' says what goes together.\n",
        ),
        (
            ("--cell", "dense:0", "--method", "occlusion"),
            "--method was given with --cell. --method belongs to a map. Leave one of the two out; 'pellucid "
            "explain --help' says what goes together.\n",
        ),
        (
            ("--from", "builtin:digits"),
            "--from was given with a network and a picture. --from belongs to --filters. Leave one of the "
            "two out; 'pellucid explain --help' says what goes together.\n",
        ),
        (
            ("--filters",),
            "PICTURE was given with --filters. PICTURE belongs to a map or to --cell. Leave one of the two "
            "out; 'pellucid explain --help' says what goes together.\n",
        ),
        (
            ("--cell", "conv2d;1"),
            "The cell is 'conv2d;1'. LAYER:CHANNEL,ROW,COLUMN was expected, or LAYER:UNIT of a flat layer; "
            "all count from 0. Write for example: conv2d_1:12,5,7 or dense:3.\n",
        ),
        (
            ("--cell", "conv2d_7:1,2,3"),
            "The network has no layer 'conv2d_7'. It has 7 layers: conv2d, conv2d_1, max_pooling2d, flatten, "
            "dense, dense_1, dense_2. Did you mean 'conv2d_1' or 'conv2d'?\n",
        ),
        (
            ("--cell", "conv2d_1:2,0,0"),
            "The layer 'conv2d_1' was asked for channel 2. Its output is 4x4x2 (height x width x channels), "
            "so channel 0 to 1 was expected. Choose one of these.\n",
        ),
        (
            ("--cell", "conv2d_1:1,0,4"),
            "The layer 'conv2d_1' was asked for column 4. Its output is 4x4x2 (height x width x channels), "
            "so column 0 to 3 was expected. Choose one of these.\n",
        ),
        (
            ("--cell", "dense_2:3"),
            "The layer 'dense_2' was asked for unit 3. Its output is a flat row of 3, so unit 0 to 2 was "
            "expected. Choose one of these.\n",
        ),
    ],
)
def test_a_bad_request_is_one_paragraph(
    pellucid, picture: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit status 2, nothing on standard output, no traceback."""
    found = pellucid("explain", "class-test", picture, *arguments)
    assert (found.status, found.out, found.err) == (2, "", said)


def test_a_picture_that_cannot_be_read_is_one_paragraph(pellucid, tmp_path: Path) -> None:
    """Exit status 2; its name is given as it was."""
    (tmp_path / "page.png").write_text("<svg/>")
    for name, reason in (("nothing.png", "No such file or directory"), (tmp_path / "page.png", ".*")):
        found = pellucid("explain", "class-test", name, "--cell", "dense:0")
        assert (found.status, found.out) == (2, "")
        assert re.fullmatch(
            rf"The picture '{name}' cannot be read \({reason}\)\. A picture file was expected, such as a "
            r"JPEG or a PNG\. Check the path, or choose another picture\.\n",
            found.err,
        )


def test_a_name_that_is_nothing_is_one_paragraph(pellucid, picture: Path) -> None:
    """Neither a run nor a network nor a backbone."""
    found = pellucid("explain", "no_such_net", picture, "--cell", "dense:0")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("There is neither a run folder nor a network nor a backbone 'no_such_net'.")


def test_a_picture_is_needed(pellucid) -> None:
    """But for --filters."""
    found = pellucid("explain", "class-test")
    assert (found.status, found.out, found.err) == (
        2,
        "",
        "No picture was named. A network and a picture were expected, or --filters. Write for example: "
        "pellucid explain efficientnet_lite0 bee.jpg\n",
    )


def test_help_names_the_methods(pellucid) -> None:
    """Whoever asks sees what there is; PyTorch is not needed for that."""
    said = pellucid("explain", "--help")
    assert said.status == 0
    for word in ("grad-cam", "layer-cam", "occlusion", "--class", "--layer", "--out", "--cell"):
        assert word in said.out
