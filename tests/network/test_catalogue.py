"""The named networks, against published totals and the lecture's own numbers."""

from pathlib import Path

import pytest
import torchvision

from pellucid.network.catalogue import (
    NETWORKS,
    NetworkError,
    find_named,
    find_network,
    is_text,
    no_network,
    read_network,
)
from pellucid.network.shapes import ShapeError
from pellucid.network.text import LONGEST, format_blueprint, parse
from pellucid.network.values import BlueprintError


@pytest.mark.parametrize(
    ("name", "parameters", "trainable"),
    [
        ("digits-convnet", 104_202, 104_202),
        ("digits-dense", 104_155, 104_155),
        ("lenet5", 61_706, 61_706),
        ("lenet5-1998", 60_840, 60_000),
        ("class-test", 248, 248),
        ("alexnet", 61_100_840, 61_100_840),
        ("vgg16", 138_357_544, 138_357_544),
        ("dense-full-hd", 24_883_204_000_000, 24_883_204_000_000),
    ],
)
def test_the_totals_are_the_published_ones(name: str, parameters: int, trainable: int) -> None:
    """To the last parameter, of every network that has a name."""
    found = NETWORKS[name].account()
    assert (found.parameters, found.trainable) == (parameters, trainable)


def learning(name: str) -> list[int]:
    return [row.parameters for row in NETWORKS[name].account().rows if row.parameters]


def test_the_lectures_tables() -> None:
    """The figures that the lecture works out, layer by layer, errata put right."""
    digits = NETWORKS["digits-convnet"].account().rows
    assert [row.output_shape for row in digits] == [
        (26, 26, 32),
        (13, 13, 32),
        (11, 11, 64),
        (5, 5, 64),
        (3, 3, 128),
        (1152,),
        (10,),
    ]
    assert [row.name for row in digits] == [
        "conv2d",
        "max_pooling2d",
        "conv2d_1",
        "max_pooling2d_1",
        "conv2d_2",
        "flatten",
        "dense",
    ]
    assert learning("digits-convnet") == [320, 18_496, 73_856, 11_530]
    assert learning("lenet5") == [156, 2_416, 48_120, 10_164, 850]
    assert [row.parameters for row in NETWORKS["class-test"].account().rows] == [5, 10, 0, 0, 90, 110, 33]
    assert [row.output_shape for row in NETWORKS["class-test"].account().rows] == [
        (4, 4, 1),
        (4, 4, 2),
        (2, 2, 2),
        (8,),
        (10,),
        (10,),
        (3,),
    ]


def test_the_papers_lenet5() -> None:
    """C1 156, S2 12, C3 1,516, S4 32, C5 48,120, F6 10,164, and 840 fixed ones in the output."""
    found = NETWORKS["lenet5-1998"].account()
    assert [row.trainable for row in found.rows] == [156, 12, 1_516, 32, 48_120, 0, 10_164, 0]
    assert found.rows[-1].parameters == 840
    assert [row.output_shape for row in found.rows[:5]] == [
        (28, 28, 6),
        (14, 14, 6),
        (10, 10, 16),
        (5, 5, 16),
        (1, 1, 120),
    ]


def test_the_full_hd_answer_tells_weights_and_biases_apart() -> None:
    """24.9 trillion weights and 4 million biases, and nothing is allocated."""
    found = NETWORKS["dense-full-hd"].account()
    assert (found.weights, found.biases) == (24_883_200_000_000, 4_000_000)


def test_vgg16_costs_what_is_published() -> None:
    """15.47 G multiply-adds; one number of the last pooling sees 212 pixels, 32 pixels from the next."""
    found = NETWORKS["vgg16"].account()
    assert found.macs == 15_470_264_320
    last = next(row for row in found.rows if row.name == "max_pooling2d_4")
    assert (last.receptive_field, last.stride, last.output_shape) == ((212, 212), (32, 32), (7, 7, 512))
    dense = [row for row in found.rows if row.kind == "Dense"]
    assert round(sum(row.parameters for row in dense) / found.parameters, 2) == 0.89  # as its note says
    assert round(1 - sum(row.macs for row in dense) / found.macs, 2) == 0.99


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_torchvisions_own_modules_have_the_same_layers(name: str) -> None:
    """Each layer with weights has as many of them as torchvision's, in the same order."""
    import torch

    with torch.device("meta"):
        module = getattr(torchvision.models, name)(init_weights=False) if name == "vgg16" else None
        module = module or torchvision.models.alexnet()
    theirs = [
        sum(p.numel() for p in leaf.parameters())
        for leaf in module.modules()
        if not list(leaf.children()) and list(leaf.parameters())
    ]
    assert learning(name) == theirs


def test_the_dense_net_is_as_large_as_the_convnet() -> None:
    """One unit more or less would be further from the convnet's parameter count; the note's figures hold."""
    wanted, found = NETWORKS["digits-convnet"].account(), NETWORKS["digits-dense"].account()
    assert abs(found.parameters - wanted.parameters) == 47
    assert (found.macs, wanted.macs) == (104_014, 3_100_032)
    assert all(abs(795 * units + 10 - wanted.parameters) > 47 for units in (130, 132))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_named_network_is_told_and_written(name: str) -> None:
    """It has a line and a source, its text reads back, and every case of its name finds it."""
    named = NETWORKS[name]
    assert named.about
    assert named.source
    assert parse(format_blueprint(named.blueprint)) == named.blueprint
    assert find_network(name.upper().replace("-", "_")) == named.blueprint


def test_the_lectures_errors_are_told_where_they_belong() -> None:
    """The two wrong figures of the slides stand at the networks that they are about."""
    assert [name for name in NETWORKS if any("Erratum" in note for note in NETWORKS[name].notes)] == [
        "lenet5",
        "dense-full-hd",
    ]


def test_a_text_or_a_file_is_a_network(tmp_path: Path) -> None:
    """A text in the argument, and a file that holds one with comments and a byte order mark."""
    wanted = parse("input 9x9x1; conv 3 3x3")
    assert find_network("input 9x9x1; conv 3 3x3") == wanted
    path = tmp_path / "mine.txt"
    path.write_bytes("\ufeff# mine\r\ninput 9x9x1\r\nconv 3 3x3\r\n".encode())
    assert find_network(str(path)) == wanted


def test_a_name_that_nobody_knows_gets_the_nearest() -> None:
    """What there is, and what may have been meant."""
    with pytest.raises(NetworkError) as caught:
        find_network("digits-convnt")
    assert str(caught.value) == (
        "There is no network 'digits-convnt'. A name (digits-convnet, digits-dense, lenet5, lenet5-1998, "
        "class-test, alexnet, vgg16, dense-full-hd), a text that begins with 'input', or a file that holds "
        "one "
        "was expected. Did you mean 'digits-convnet'?"
    )


@pytest.mark.parametrize("given", ["x" * 5000, "a\0b", "no/such/file.txt", "\x1b[31m", ".", "a b"])
def test_strange_names_are_no_networks(given: str) -> None:
    """Too long for a file, a zero byte, no file, a terminal escape, a folder: one short paragraph."""
    with pytest.raises(NetworkError) as caught:
        find_network(given)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused, and a file too long for a network too."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(NetworkError, match=r"cannot be read as a network \(it is not UTF-8\)"):
        find_network(str(path))
    path.write_text("relu;" * LONGEST)
    with pytest.raises(BlueprintError, match="It has at most 100,000"):
        find_network(str(path))
    assert read_network(tmp_path / "none") is None


def test_layers_that_do_not_fit_are_refused_at_once() -> None:
    """A network that is found can be: its shapes were checked."""
    with pytest.raises(ShapeError):
        find_network("input 3x3x1; conv 1 5x5")


def test_texts_are_told_from_names() -> None:
    """Layers in a row or a first word that is a layer's with its numbers; a lone word is a name."""
    assert is_text("input 3x3x1")
    assert is_text("")
    assert is_text("con 3; flatten")
    assert is_text("conv 3 3x3")
    assert not is_text("vgg16")
    assert not is_text("my network.txt")
    assert find_named("vgg 16") is None


def test_other_rooms_add_what_they_know() -> None:
    """A command that knows of more names and kinds says so in the same words."""
    assert str(no_network("resnt18", ("resnet18",), ("a run folder",))).endswith(
        "a file that holds one, or a run folder was expected. Did you mean 'resnet18'?"
    )
