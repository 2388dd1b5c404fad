"""The text of an augmentation: read, written, and refused with line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import RequestError
from pellucid.lab.factors import SLIDERS, begun
from pellucid.pictures.augment.colour import RandomBrightness
from pellucid.pictures.augment.damage import RandomErasing
from pellucid.pictures.augment.geometry import RandomCrop, RandomFlip, RandomRotation, RandomZoom
from pellucid.pictures.augment.mix import CutMix, MixUp
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import PRESETS
from pellucid.pictures.augment.text import LONGEST, MOST, augmentation, mixing, parse, written


@pytest.mark.parametrize("separator", ["\n", "; "])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_from_its_text(name: str, separator: str) -> None:
    """Written and read, it is the same augmentation."""
    assert parse(written(PRESETS[name], separator)) == PRESETS[name]


def test_the_text_as_it_stands() -> None:
    """Literally, with positional and named factors, pairs and the fill."""
    assert written(PRESETS["shift"]) == "RandomCrop padding=1\nfill nearest"
    assert written(PRESETS["lecture"]) == "RandomFlip horizontal\nRandomRotation 0.1\nRandomZoom 0.2"
    assert written(PRESETS["none"]) == ""
    plan = Augment((RandomErasing((0.3, 0.3), 0.2, None), RandomZoom(0.1, 0.2)), "constant", 255)
    assert written(plan, "; ") == (
        "RandomErasing 0.3..0.3 scale=0.2; RandomZoom 0.1 width_factor=0.2; fill constant 255"
    )
    assert parse(written(plan)) == plan


def test_what_may_be_written_in_more_than_one_way() -> None:
    """Case, underscores, names and places of factors, comments and empty lines."""
    text = "\n# gentle\nrandom_flip mode=horizontal;;RANDOMROTATION factor=.1 # both ways\nRandomCrop 8 8 2\n"
    assert parse(text) == Augment((RandomFlip("horizontal"), RandomRotation(0.1), RandomCrop(8, 8, 2)))
    assert parse("RandomErasing 1 fill_value=none") == Augment((RandomErasing(1, fill_value=None),))


@given(
    st.lists(st.sampled_from(sorted(SLIDERS)), max_size=6),
    st.floats(-1, 1),
    st.floats(0, 1),
    st.sampled_from(["reflect", "wrap", "nearest", "constant"]),
)
def test_any_plan_is_read_from_its_text(names: list[str], low: float, high: float, fill: str) -> None:
    """Whatever its kinds, bounds and fill."""
    steps = (*map(begun, names), RandomBrightness((low, high)), RandomRotation(high))
    plan = Augment(steps, fill)  # type: ignore[arg-type]
    assert parse(written(plan)) == plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "RandomFlip\nRandomRotation 3",
            "Line 2, column 16: RandomRotation's factor is 3. A number from -1 to 1, or a pair of "
            "them (lower, "
            "upper), was expected. 0.1 turns by at most 36 degrees either way.",
        ),
        (
            "RandomZoom 0.1 hight_factor=3",
            "Line 1, column 16: RandomZoom has no factor 'hight_factor'. Its factors are height_factor, "
            "width_factor. Did you mean 'height_factor'?",
        ),
        (
            "RandomZoom",
            "Line 1, column 11: RandomZoom lacks its height_factor. It needs a number, or a pair of "
            "them such as "
            "0.1..0.2. Write RandomZoom 0.1",
        ),
        (
            "TrivialAugment 1",
            "Line 1, column 16: TrivialAugment takes no '1' here. It has no factors. Leave it out.",
        ),
        (
            "RandomZoom 0.1 height_factor=0.2",
            "Line 1, column 16: the height_factor of RandomZoom is given twice. Each factor is "
            "given once. Take "
            "one of them out.",
        ),
        (
            "RandomFlip; fill up",
            "Line 1, column 18: there is no fill 'up'. One of reflect, wrap, constant, nearest was expected. "
            "Write, for example: fill nearest",
        ),
        (
            "fill",
            "Line 1, column 1: the fill lacks its mode. One of reflect, wrap, constant, nearest was "
            "expected. "
            "Write, for example: fill nearest",
        ),
        (
            "fill constant 300",
            "Line 1, column 15: Augment's fill_value is 300. A number from 0 to 255 was expected. 0 "
            "is black and "
            "255 white.",
        ),
        (
            "fill wrap; fill wrap",
            "Line 1, column 12: the fill is given twice. It is given once. Take one of them out.",
        ),
        (
            "fill wrap 1 2",
            "Line 1, column 13: a fill takes no '2' here. A mode and perhaps a value were expected. "
            "Leave it out.",
        ),
        (
            "\n" * MOST + "RandomFlip\n" * (MOST + 1),
            "Line 49, column 1: this is transform 25. At most 24 were expected. Take some out.",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    """Literally: what came, what was expected, what to do."""
    with pytest.raises(RequestError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_an_unknown_word_is_told_with_the_nearest() -> None:
    """A slip names what was meant; a hostile word is shown and nothing more."""
    with pytest.raises(RequestError, match=r"no augmentation 'RandomFlop'.*Did you mean 'RandomFlip'\?"):
        parse("RandomFlop")
    with pytest.raises(RequestError, match=r"'<img'"):
        parse("<img src=x onerror=alert(1)>")
    with pytest.raises(RequestError, match=r"RandomRotation's factor is '1e999\.\.'"):
        parse("RandomRotation 1e999..")


def test_a_preset_or_a_text() -> None:
    """Names of presets come first; a single word that is a transform is a text of one."""
    assert augmentation("light") is PRESETS["light"]
    assert augmentation("random_flip") == Augment((RandomFlip(),))
    assert augmentation("RandomFlip horizontal; fill wrap") == Augment((RandomFlip("horizontal"),), "wrap")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "lihgt",
            "There is no augmentation 'lihgt'. One of none, shift, light, lecture, strong was expected. Did "
            "you mean light?",
        ),
        (
            "",
            "There is no augmentation ''. One of none, shift, light, lecture, strong was expected. Or write "
            "transforms, for example: RandomFlip horizontal; RandomRotation 0.1",
        ),
        (
            "fill wrap",
            "The augmentation 'fill wrap' has no transform. A preset's name was expected (none, shift, "
            "light, lecture, strong), or transforms with ';' between them. Write, for example: "
            "RandomRotation 0.1",
        ),
        (
            "RandomFlip;" * 1000,
            f"The text of the augmentation has 11,000 letters. At most {LONGEST:,} were expected. Leave "
            "transforms out.",
        ),
    ],
)
def test_what_is_neither_is_told(text: str, message: str) -> None:
    """Literally."""
    with pytest.raises(RequestError) as caught:
        augmentation(text)
    assert str(caught.value) == message


def test_how_a_batch_is_mixed() -> None:
    """None at all, or one of two ways with its factor."""
    assert mixing("none") is None
    assert mixing("mixup") == MixUp(0.2)
    assert mixing("MixUp 0.4") == MixUp(0.4)
    assert mixing("cut_mix factor=0.5..1") == CutMix((0.5, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "MixUp; CutMix",
            "The mixing 'MixUp; CutMix' is 2 statements. none, or one of MixUp, CutMix with its factor, was "
            "expected. Write, for example: MixUp 0.2",
        ),
        (
            "MixUp 3",
            "Line 1, column 7: MixUp's alpha is 3. A number above 0 and at most 1 was expected. 0.2 is "
            "Keras' own.",
        ),
    ],
)
def test_a_mixing_that_is_none_is_told(text: str, message: str) -> None:
    """Literally."""
    with pytest.raises(RequestError) as caught:
        mixing(text)
    assert str(caught.value) == message
