"""``pellucid network``: the table of a network's layers, as text and as JSON."""

import json
import re
from pathlib import Path

import pytest

from pellucid.cli.network import run
from pellucid.network.catalogue import NETWORKS
from pellucid.network.keras_write import save_keras
from pellucid.network.parameters import initial_parameters


def test_the_lectures_convnet_in_json(pellucid) -> None:
    """104,202 parameters: 320, 18,496, 73,856 and 11,530, under Keras' names, as the contract says."""
    said = pellucid("network", "digits-convnet", "--json")
    assert said.status == 0
    assert said.out.count("\n") == 1
    assert (said.last["parameters"], said.last["trainable"], said.last["macs"]) == (
        104_202,
        104_202,
        3_100_032,
    )
    assert [layer["parameters"] for layer in said.last["layers"]] == [320, 0, 18_496, 0, 73_856, 0, 11_530]
    assert said.last["layers"][2] == {
        "name": "conv2d_1",
        "kind": "Conv2D",
        "text": "conv 64 3x3 relu",
        "output_shape": [11, 11, 64],
        "parameters": 18_496,
        "weights": 18_432,
        "biases": 64,
        "trainable": 18_496,
        "arithmetic": "(3*3*32 + 1)*64 = 18,496",
        "macs": 2_230_272,
        "activation_bytes": 4 * 11 * 11 * 64,
        "receptive_field": [8, 8],
        "stride": [2, 2],
        "start": [3.5, 3.5],
    }


def test_the_table_of_the_lectures_convnet(pellucid) -> None:
    """The whole of it, as a person reads it."""
    said = pellucid("network", "Digits-Convnet")
    assert said.status == 0
    assert said.out.splitlines() == [
        "digits-convnet: the lecture's convnet for handwritten digits. Source: the lecture 'Introduction to "
        "Deep",
        "Learning for Computer Vision'; Chollet, Deep Learning with Python, 2nd edition, 2021, chapter 8.",
        "",
        "layer            as text              output        counted as  parameters  multiply-adds   sees  "
        "step",
        "input                                28x28x1",
        "conv2d           conv 32 3x3 relu   26x26x32    (3*3*1 + 1)*32       = 320        194,688    3x3  "
        "   1",
        "max_pooling2d    maxpool 2x2        13x13x32                             0              0    4x4  "
        "   2",
        "conv2d_1         conv 64 3x3 relu   11x11x64   (3*3*32 + 1)*64    = 18,496      2,230,272    8x8  "
        "   2",
        "max_pooling2d_1  maxpool 2x2          5x5x64                             0              0  10x10  "
        "   4",
        "conv2d_2         conv 128 3x3 relu   3x3x128  (3*3*64 + 1)*128    = 73,856        663,552  18x18  "
        "   4",
        "flatten          flatten               1,152                             0              0  26x26",
        "dense            dense 10 softmax         10    (1,152 + 1)*10    = 11,530         11,520  26x26",
        "-" * 102,
        "total                                                            = 104,202      3,100,032",
        "",
        "Parameters: 104,202, all of them learnt; 417 kB in float32.",
        "Activations: 155 kB for one picture in float32, all layers together.",
        "Multiply-adds: one each time that a convolution or a dense layer multiplies a weight, for one "
        "picture; zeros",
        "of the padding are multiplied too. Biases, pooling, normalisation and activations are not counted.",
        "sees: how much of the picture (height x width) one number of the output is made from.",
        "step: how many pixels of the picture lie between two neighbours of the output.",
        "",
        "Only 26 x 26 of the 28 x 28 pixels are read, from the top left: where windows do not divide their "
        "map, what is",
        "left over at the bottom and on the right is dropped.",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_printed_columns_re_add(pellucid, name: str) -> None:
    """Parameters and multiply-adds of the printed rows add up to the printed totals; notes stand below."""
    said = pellucid("network", name)
    header, _, *rows, _, total = said.out.split("\n\n")[1].splitlines()

    def figure(line: str, column: str) -> int:
        end = header.index(column) + len(column)
        return int(line[:end].rpartition("  ")[2].strip(" =").replace(",", ""))

    told = NETWORKS[name].account()
    assert len(rows) == len(told.rows)
    for column, expected in (("parameters", told.parameters), ("multiply-adds", told.macs)):
        assert sum(figure(row, column) for row in rows) == figure(total, column) == expected
    assert all(note in " ".join(said.out.split()) for note in NETWORKS[name].notes)


def test_the_full_hd_answer_tells_its_weights_and_the_erratum(pellucid) -> None:
    """24.9 trillion weights and 4 million biases apart, and what the slides got wrong."""
    said = pellucid("network", "dense-full-hd")
    assert "  6,220,800*4,000,000 + 4,000,000  = 24,883,204,000,000  24,883,200,000,000  " in said.out
    out = " ".join(said.out.split())
    assert "(24,883,200,000,000 weights and 4,000,000 biases), all of them learnt; 99.5 TB in float32." in out
    assert "Erratum: the lecture's slides say 6 million x 4 million = 24 million weights." in out


def test_what_learns_has_a_column_where_not_all_does(pellucid) -> None:
    """LeNet-5 of 1998: 60,840 parameters, 60,000 of them learnt."""
    out = pellucid("network", "lenet5-1998").out
    assert re.search(r"^total +=\s60,840  60,000 +326,520$", out, re.MULTILINE)
    assert "Parameters: 60,840, 60,000 of them learnt; 243 kB in float32." in out


def test_without_a_network_those_that_have_a_name_are_listed(pellucid, monkeypatch) -> None:
    """Each with its parameters and what it is, in lines that fit the terminal."""
    said = pellucid("network")
    assert said.status == 0
    lines = said.out.splitlines()
    assert lines[:2] == [
        "network                 parameters  what it is",
        "digits-convnet             104,202  the lecture's convnet for handwritten digits",
    ]
    listed = pellucid("network", "--json").last["networks"]
    assert [one["name"] for one in listed] == list(NETWORKS)
    for one in listed:
        assert f"{one['name']} {one['parameters']:,} {one['about']}" in " ".join(said.out.split())
        assert pellucid("network", one["text"], "--json").last["parameters"] == one["parameters"]
    monkeypatch.setenv("COLUMNS", "70")
    assert max(map(len, pellucid("network").out.splitlines())) <= 70
    said = pellucid("network", "--compare", "vgg16")
    assert (said.status, said.err) == (
        2,
        "--compare 'vgg16' was given, and no network to compare it with. Two networks were expected. Write, "
        "for example: pellucid network digits-convnet --compare 'vgg16'\n",
    )


@pytest.mark.parametrize(
    ("columns", "without", "header"),
    [
        (102, "", "layer as text output counted as parameters multiply-adds sees step"),
        (101, "as text", "layer output counted as parameters multiply-adds sees step"),
        (80, "as text, step", "layer output counted as parameters multiply-adds sees"),
        (70, "as text, step, sees", "layer output counted as parameters multiply-adds"),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns(
    pellucid, monkeypatch, columns: int, without: str, header: str
) -> None:
    """What was asked for goes first; nothing is wider than the terminal, and what is left out is told."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("pellucid.cli.network.sys.stdout.isatty", lambda: True)
    out = pellucid("network", "digits-convnet").out
    assert max(map(len, out.splitlines())) <= columns
    table = out.split("\n\n")[1]
    assert " ".join(table.partition("\n")[0].split()) == header
    assert (f"For want of room without the columns: {without}." in out) == bool(without)
    assert ("sees: how much" in out, "step: how many" in out) == ("sees" in header, "step" in header)


@pytest.mark.slow
def test_a_keras_file_is_a_network(pellucid, tmp_path: Path) -> None:
    """The lecture's convnet as Keras writes it has the account that its text has."""
    blueprint = NETWORKS["digits-convnet"].blueprint
    path = tmp_path / "Digits.Keras"
    save_keras(blueprint, initial_parameters(blueprint, 0), tmp_path / "digits.keras")
    (tmp_path / "digits.keras").rename(path)
    last = pellucid("network", path, "--json").last
    assert last["layers"] == pellucid("network", "digits-convnet", "--json").last["layers"]
    said = pellucid("network", tmp_path / "none.keras")
    assert said.status == 2
    assert said.err.startswith(
        f"The file '{tmp_path}/none.keras' cannot be read (No such file or directory)."
    )


def test_a_text_a_file_and_a_run_are_networks(pellucid, tmp_path: Path) -> None:
    """The same network, given as text, in a file, and as what a run trained."""
    text = "input 9x9x3; batchnorm; conv 4 3x3 stride=2x1; globalavgpool; dense 2 softmax"
    wanted = pellucid("network", text, "--json").last
    assert wanted["parameters"] == 12 + 112 + 10
    (tmp_path / "mine.txt").write_text(text.replace("; ", "\n"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(
        json.dumps({"format": 1, "network": text, "classes": ["a", "b"]})
    )
    for given in (tmp_path / "mine.txt", tmp_path / "run"):
        said = pellucid("network", given, "--json")
        assert said.last["layers"] == wanted["layers"]
        assert said.last["name"] == str(given)
    assert re.search(r"^conv2d .* 3x3 +2x1$", pellucid("network", text).out, re.MULTILINE)


def test_two_networks_side_by_side(pellucid) -> None:
    """Layers and totals beside each other, and how many times the first the second is."""
    said = pellucid("network", "digits-convnet", "--compare", "digits-dense")
    assert said.out.splitlines()[:16] == [
        "digits-convnet     output  parameters    digits-dense   output  parameters",
        "input             28x28x1                input         28x28x1",
        "conv2d           26x26x32         320    flatten           784           0",
        "max_pooling2d    13x13x32           0    dense             131     102,835",
        "conv2d_1         11x11x64      18,496    dense_1            10       1,320",
        "max_pooling2d_1    5x5x64           0",
        "conv2d_2          3x3x128      73,856",
        "flatten             1,152           0",
        "dense                  10      11,530",
        "",
        "                        digits-convnet  digits-dense  second / first",
        "parameters                     104,202       104,155             1 x",
        "learnt                         104,202       104,155             1 x",
        "multiply-adds                3,100,032       104,014        0.0336 x",
        "activation bytes               154,792         3,700        0.0239 x",
        "layers with parameters               4             2           0.5 x",
    ]
    last = pellucid("network", "digits-convnet", "--compare", "digits-dense", "--json").last
    assert (last["name"], last["parameters"]) == ("digits-convnet", 104_202)
    assert (last["compare"]["name"], last["compare"]["parameters"]) == ("digits-dense", 104_155)
    both = pellucid("network", "input 3x3x1; flatten", "--compare", "input 4x3x1; flatten").out
    assert "text 1  text 2" in both


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "input 28x28x1; conv 32 3x3; conv -1 3x3",
            "Line 1, column 34: the filters of a conv cannot be '-1'. A whole number from 1 to "
            "1,000,000,000 was "
            "expected. Write, for example: conv 32 3x3 relu\n",
        ),
        (
            "input 3x3x1; conv 32 5x5",
            "Layer 1, 'conv2d', has a window of 5x5, and here comes a map of 3x3x1. Without padding a "
            "window is "
            "at most as high and as wide as its map. Take a smaller window, padding=same, or less pooling "
            "before "
            "it.\n",
        ),
        (
            "digits-convnt",
            "There is no network 'digits-convnt'. A name (digits-convnet, digits-dense, lenet5, lenet5-1998, "
            "class-test, alexnet, vgg16, dense-full-hd), a text that begins with 'input', a file that "
            "holds one, a .keras file, a run folder, or the name of a timm network was expected. "
            "Did you mean 'digits-convnet'?\n",
        ),
        (
            "",
            "Line 1, column 1: the text holds no layer. It begins with what comes in. Write, for example: "
            "input "
            "28x28x1\n",
        ),
    ],
)
def test_a_mistake_is_one_paragraph_and_status_2(pellucid, given: str, message: str) -> None:
    """Wrong text, layers that do not fit, and a name that nobody knows."""
    said = pellucid("network", given)
    assert (said.status, said.out, said.err) == (2, "", message)


@pytest.mark.parametrize("given", ["x" * 5000, "no/such/run", "a\0b", "\x1b[31m-"])
def test_strange_names_are_refused_in_a_paragraph(pellucid, given: str) -> None:
    """Too long for a path, no such path, a zero byte, a terminal escape."""
    said = pellucid("network", given)
    assert said.status == 2
    assert said.err.startswith("There is no network '")
    assert "\x1b" not in said.err


DAMAGED = (
    "is damaged: {}. A run folder as 'pellucid train' wrote it was expected. Restore it from a copy, or "
    "train again; run.json says with what."
)
NO_NETWORK = (
    "does not say its network. A run folder whose run.json is as 'pellucid train' wrote it was expected. "
    "Restore it from a copy, or train again."
)


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ("", DAMAGED.format("run.json is not JSON")),
        ("[]", DAMAGED.format("run.json does not say its format")),
        ('{"format": 1}', NO_NETWORK),
        ('{"format": 1, "network": "input 3x3x1; flatten"}', NO_NETWORK),
        ('{"format": 1, "classes": ["a"], "backbone": null}', NO_NETWORK),
    ],
)
def test_a_damaged_run_says_so(pellucid, tmp_path: Path, record: str, what: str) -> None:
    """A record that is no JSON, no object, or lacks what is needed; a folder without one is no run."""
    said = pellucid("network", tmp_path)
    assert said.status == 2
    assert said.err.startswith(f"There is no run at '{tmp_path}'.")
    (tmp_path / "run.json").write_text(record)
    said = pellucid("network", tmp_path)
    assert said.status == 2
    assert said.err == f"The run '{tmp_path}' {what}\n"


def test_the_help_names_every_named_network() -> None:
    """The names in --help are those of the catalogue, in its order."""
    help_text = run.__defaults__[0].help
    assert f"({', '.join(NETWORKS)})" in help_text


@pytest.mark.slow
def test_a_backbone_has_its_table(pellucid) -> None:
    """timm's network by its modules' paths, without weights; a kind in place of a text, and no fields."""
    said = pellucid("network", "efficientnet_lite0")
    assert re.search(r"^blocks\.1\.0\.conv_dw +Conv2d.* +56x56x96 +3\*3\*96 += 864 +", said.out, re.MULTILINE)
    assert "sees" not in said.out  # its first convolution is of timm's own making
    assert "(height x width) one number of the output is made from, told until branches meet." in " ".join(
        pellucid("network", "resnet18").out.split()
    )
    assert pellucid("network", "efficientnet_lite0", "--json").last["parameters"] == 4_652_008
    said = pellucid("network", "resnt18")
    assert said.status == 2
    assert said.err.endswith("Did you mean 'resnet18'?\n")


@pytest.mark.slow
def test_a_run_on_a_backbone_has_its_frozen_layers_and_its_head(pellucid, tmp_path: Path) -> None:
    """Up to the boundary nothing learns, and the head has a weight for each feature and class."""
    for boundary, features, trunk in (
        ("pool", 1280, 3_371_008),
        ("blocks.0", 112 * 112 * 16, 864 + 64 + 288 + 64 + 512 + 32),
    ):
        record = {
            "classes": ["a", "b", "c"],
            "backbone": {"name": "efficientnet_lite0", "boundary": boundary},
        }
        (tmp_path / "run.json").write_text(json.dumps({"format": 1, **record}))
        last = pellucid("network", tmp_path, "--json").last
        assert last["layers"][0]["name"] == "conv_stem"
        assert last["layers"][-1]["name"] == "head"
        assert last["trainable"] == (features + 1) * 3
        assert last["parameters"] == trunk + (features + 1) * 3
