"""How a network sees the pictures: what is made for them, what is asked for, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.data.scan import Scan, scan
from pellucid.data.source import open_source
from pellucid.errors import RequestError
from pellucid.learn.sight import Sight, choose_sight, standardised
from pellucid.network.blueprint import Dense, Flatten, GlobalAvgPool
from pellucid.network.shapes import shapes
from pellucid.network.text import format_blueprint
from pellucid.pictures.decode import decode
from pellucid.request import TrainRequest

OTHER = "input 8x10x1; flatten; dense 3 softmax"


@pytest.fixture
def grey(strokes: Path) -> Scan:
    return scan(open_source(strokes))


def sight(looked: Scan, **options: object) -> Sight:
    return choose_sight(TrainRequest(source="here", recipe="scratch", **options), looked)  # type: ignore[arg-type]


def sized(folder: Path, *sizes: tuple[int, int], colour: bool = False) -> Scan:
    """Two classes of noise, a picture of each size in both."""
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for n, (height, width) in enumerate(sizes):
            pixels = np.random.default_rng(n).integers(
                0, 256, (height, width, *([3] if colour else [])), np.uint8
            )
            Image.fromarray(pixels).save(folder / label / f"{n}.png")
    return scan(open_source(folder))


def test_pictures_of_the_networks_size_are_left_alone(grey: Scan, strokes_network: str) -> None:
    """Grey of the right size: nothing to tell, and numbers from 0 to 1."""
    seen = sight(grey, network=strokes_network)
    assert seen.notes == ()
    assert seen.why == "All pictures have the network's size."
    assert (seen.preprocess.height, seen.preprocess.width, seen.preprocess.channels) == (12, 12, 1)
    assert (seen.preprocess.mean, seen.preprocess.std) == ((0.0,), (255.0,))


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("input 12x12x1; rescale 1/255; flatten; dense 3", 1.0),
        ("input 12x12x1; randomflip; rescale 1/255; flatten; dense 3", 1.0),
        ("input 12x12x1; conv 2 3x3 relu; rescale 2; flatten; dense 3", 255.0),
    ],
)
def test_a_network_that_rescales_first_gets_0_to_255(grey: Scan, text: str, scale: float) -> None:
    """It is not rescaled twice; a rescaling further on is no reason to begin with large numbers."""
    assert sight(grey, network=text).preprocess.std == (scale,)


def test_numbers_are_standardised_by_the_training_pictures(grey: Scan, strokes_network: str) -> None:
    """Mean and spread of the training pictures alone, in whole grey levels; nothing else changes."""
    train_N = np.array([0, 3, 5, 8])
    chosen = sight(grey, network=strokes_network)
    found = standardised(chosen, grey, train_N)
    pixels = np.stack([decode(grey.source.read(grey.pictures[place].index)) for place in train_N])[..., 0]
    assert found.preprocess.mean == (round(pixels.mean()),)
    assert found.preprocess.std == (round(pixels.std()),)
    assert found.preprocess.mean != standardised(chosen, grey, np.arange(20)).preprocess.mean
    assert replace(found, preprocess=chosen.preprocess) == chosen


def test_of_many_training_pictures_a_hundred_are_measured(grey: Scan, strokes_network: str) -> None:
    """They are spread over the split; pictures that cannot be read any more are left out."""
    read: list[int] = []

    def reads(index: int) -> bytes:
        read.append(index)
        if index % 2:
            raise OSError("gone")
        return grey.source.read(index)

    watched = replace(grey, source=replace(grey.source, _read=reads))
    train_N = np.arange(len(grey.pictures)).repeat(50)
    chosen = sight(grey, network=strokes_network)
    found = standardised(chosen, watched, train_N)
    assert len(read) == 100
    assert set(read) == set(range(len(grey.pictures)))
    evens = np.arange(0, len(grey.pictures), 2)
    assert found.preprocess == standardised(chosen, grey, evens).preprocess
    assert standardised(chosen, watched, np.array([1, 3])) == chosen


def test_all_classes_are_measured_where_pictures_stand_class_by_class(tmp_path: Path) -> None:
    """Of 75 dark and then 75 bright pictures, as many of each: their mean is halfway."""
    for label, level in (("a", 20), ("b", 220)):
        (tmp_path / label).mkdir()
        for number in range(75):
            Image.fromarray(np.full((4, 4), level, np.uint8)).save(tmp_path / label / f"{number}.png")
    looked = scan(open_source(tmp_path))
    found = standardised(sight(looked), looked, np.arange(150)).preprocess
    assert (found.mean, found.std) == ((120.0,), (100.0,))


def test_a_network_of_its_own_scale_is_not_standardised(grey: Scan) -> None:
    """What begins with a rescaling gets 0 to 255 as before."""
    chosen = sight(grey, network="input 12x12x1; rescale 1/255; flatten; dense 3")
    assert standardised(chosen, grey, np.arange(9)) is chosen


def test_other_sizes_are_refused_unless_asked_for(grey: Scan) -> None:
    """The sizes of both and the two ways out are told."""
    with pytest.raises(RequestError) as caught:
        sight(grey, network=OTHER)
    assert str(caught.value) == (
        f"The pictures of '{grey.source.name}' are 12 x 12 pixels (90 of 90), and the network's input is "
        "8 x 10. Pictures of the network's size were expected, or a word that they are to be resized. Ask "
        "for it with --fit squash (or letterbox, crop), or write 'fit=squash' after the input's size; or let "
        "the network begin with 'input 12x12x1'."
    )


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([(9, 9), (9, 9), (7, 9)], "are 9 x 9 pixels (4 of 6, others have 1 other size), and"),
        ([(9, 9), (9, 9), (7, 9), (6, 9)], "are 9 x 9 pixels (4 of 8, others have 2 other sizes), and"),
    ],
)
def test_pictures_of_several_sizes_are_counted(
    tmp_path: Path, sizes: list[tuple[int, int]], told: str
) -> None:
    """The most frequent size is named, and how many others there are."""
    with pytest.raises(RequestError) as caught:
        sight(sized(tmp_path / "some", *sizes), network=OTHER)
    assert told in str(caught.value)


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
def test_what_was_asked_for_is_done_and_told(grey: Scan, fit: str) -> None:
    """--fit brings the pictures to the network's size, and a note says so."""
    seen = sight(grey, network=OTHER, fit=fit)
    assert (seen.preprocess.height, seen.preprocess.width, seen.preprocess.fit) == (8, 10, fit)
    assert seen.notes == (f"Pictures of other sizes are brought to 8 x 10 pixels ({fit}), as was asked for.",)


def test_a_network_may_say_how_pictures_come_to_size(grey: Scan) -> None:
    """``fit=`` in its text is honoured and told; what is asked for on the command line comes first."""
    text = "input 8x10x1 fit=letterbox; flatten; dense 3 softmax"
    seen = sight(grey, network=text)
    assert seen.preprocess.fit == "letterbox"
    assert seen.notes == (
        "Pictures of other sizes are brought to 8 x 10 pixels (letterbox), as the network's text says.",
    )
    assert sight(grey, network=text, fit="crop").preprocess.fit == "crop"
    assert sight(grey, network="input 12x12x1 fit=crop; flatten; dense 3").notes == ()


def test_the_last_layer_gets_an_output_a_class(grey: Scan) -> None:
    """Ten outputs for three classes: changed, and told."""
    seen = sight(grey, network="input 12x12x1; flatten; dense 20 relu; dense 10 softmax")
    assert format_blueprint(seen.blueprint).endswith("dense 20 relu; dense 3 softmax")
    assert seen.notes == ("The network's last layer was given 3 outputs, one a class.",)


def test_colour_made_grey_is_told(colours: Path) -> None:
    """A grey network may learn from colour, but not silently."""
    looked = scan(open_source(colours))
    seen = sight(looked, network="input 32x24x1; flatten; dense 3", fit="squash")
    assert "The pictures have colour and the network sees grey: they are made grey for it." in seen.notes
    assert seen.preprocess.channels == 1


def test_an_input_of_other_channels_is_refused(grey: Scan) -> None:
    """There are no pictures of two channels."""
    with pytest.raises(RequestError) as caught:
        sight(grey, network="input 12x12x2; flatten; dense 3")
    assert str(caught.value) == (
        "The network's input has 2 channels. 1 for grey or 3 for colour were expected. Write for example: "
        "input 28x28x1."
    )


@pytest.mark.parametrize(
    ("sizes", "colour", "expected"),
    [
        ([(28, 28)] * 2, False, (28, 28, 1)),
        ([(16, 64)] * 2, True, (16, 64, 3)),
        ([(17, 18)] * 2, True, (17, 18, 3)),
        ([(18, 18)] * 2, True, (18, 18, 3)),
        ([(8, 8)] * 2, False, (8, 8, 1)),
        ([(4, 5)] * 2, False, (4, 5, 1)),
        ([(3, 5)] * 2, False, (96, 96, 1)),
        ([(65, 64)] * 2, False, (96, 96, 1)),
        ([(28, 28), (28, 29)], True, (96, 96, 3)),
    ],
)
def test_a_network_is_made_for_the_pictures(
    tmp_path: Path, sizes: list[tuple[int, int]], colour: bool, expected: tuple[int, int, int]
) -> None:
    """Small pictures of one size are learnt from as they are, others at 96 x 96; grey or colour."""
    seen = sight(sized(tmp_path / "made", *sizes, colour=colour))
    source = seen.blueprint.input
    assert (source.height, source.width, source.channels) == expected
    assert shapes(seen.blueprint)[-1] == (2,)
    assert seen.blueprint.layers[-1] == Dense(2, "softmax")
    large = expected[0] == 96
    assert any(isinstance(layer, GlobalAvgPool if large else Flatten) for layer in seen.blueprint.layers)
    told = (
        "Pictures of other sizes are brought to 96 x 96 pixels (squash), the input of the network that was "
        "made for them."
    )
    assert seen.notes == ((told,) if large else ())


def test_digits_get_the_lectures_network(tmp_path: Path) -> None:
    """Grey pictures of 28 x 28 are learnt from by the lecture's convnet, but for the number of classes."""
    seen = sight(sized(tmp_path / "digits", (28, 28), (28, 28)))
    lecture = sight(sized(tmp_path / "again", (28, 28), (28, 28)), network="digits-convnet")
    assert seen.blueprint == lecture.blueprint


def test_a_picture_that_cannot_be_read_any_more_is_passed_over(grey: Scan) -> None:
    """Looking for colour does not stumble over one that went away."""
    reads: Callable[[int], bytes] = grey.source.read

    def read(index: int) -> bytes:
        if index == 0:
            raise FileNotFoundError("gone")
        return reads(index)

    gone = replace(grey, source=replace(grey.source, _read=read))
    assert sight(gone).preprocess.channels == 1
