"""A network's text: what is read, what is written, and what a wrong text is told."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    Input,
    MaxPool,
    RandomFlip,
    RandomZoom,
    Rescale,
    ZeroPad,
)
from pellucid.network.text import LONGEST, format_blueprint, format_layer, parse
from pellucid.network.values import BlueprintError
from pellucid.network.vocabulary import KINDS, SYNONYMS

DIGITS = (
    "input 28x28x1; conv 32 3x3 relu; maxpool 2x2; conv 64 3x3 relu; maxpool 2x2; conv 128 3x3 relu; "
    "flatten; "
    "dense 10 softmax"
)


def test_the_lectures_network_is_read_as_it_is_written() -> None:
    """The text of DESIGN.md, layer by layer, and back."""
    blueprint = parse(DIGITS)
    assert blueprint == Blueprint(
        Input(28, 28, 1),
        (
            Conv(32, (3, 3), activation="relu"),
            MaxPool((2, 2)),
            Conv(64, (3, 3), activation="relu"),
            MaxPool((2, 2)),
            Conv(128, (3, 3), activation="relu"),
            Flatten(),
            Dense(10, "softmax"),
        ),
    )
    assert format_blueprint(blueprint) == DIGITS
    assert format_blueprint(blueprint, "\n").splitlines()[1] == "conv 32 3x3 relu"


@given(data=st.data(), separator=st.sampled_from(["; ", "\n", " # why\r\n\n;;"]))
def test_what_is_written_reads_back_as_it_was(data, separator: str, chains) -> None:
    """parse(format(b)) == b for random networks, in upper case too, whatever parts the layers."""
    blueprint = data.draw(chains())
    text = format_blueprint(blueprint, separator)
    assert parse(text) == blueprint
    assert parse(text.upper()) == blueprint


@given(
    st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.fractions(max_denominator=999).map(float))
)
def test_every_number_comes_back_exactly(value: float) -> None:
    """Floats, and fractions of which the text is shorter, are the same bits again."""
    blueprint = Blueprint(Input(1, 1, 1), (Rescale(value, value),))
    assert parse(format_blueprint(blueprint)) == blueprint


@pytest.mark.parametrize(
    ("line", "layer"),
    [
        ("Conv2D 32 3 ReLU strides=2", Conv(32, (3, 3), (2, 2), activation="relu")),
        ("conv 8 kernel=3x5 stride = 2x1 padding=SAME", Conv(8, (3, 5), (2, 1), "same")),
        ("conv 8 3x3 dilation=2 groups=4 bias=no", Conv(8, (3, 3), dilation=(2, 2), groups=4, bias=False)),
        ("conv filters=8 kernel_size=3 use_bias=False", Conv(8, (3, 3), bias=False)),
        ("depthwiseconv 3x3 multiplier=2", DepthwiseConv((3, 3), multiplier=2)),
        ("MaxPooling2D", MaxPool()),
        ("max_pooling2d 3 stride=2", MaxPool((3, 3), (2, 2))),
        ("BatchNormalization momentum=0.9 epsilon=0.001", BatchNorm(0.9, 0.001)),
        ("rescale 1/255 offset=-1", Rescale(1 / 255, -1.0)),
        ("Rescaling 1/127.5 offset=-1", Rescale(1 / 127.5, -1.0)),
        ("zeropad 2", ZeroPad(2, 2, 2, 2)),
        ("ZeroPadding2D 1,0,1,0", ZeroPad(1, 0, 1, 0)),
        ("dropout .5", Dropout(0.5)),
        ("LeakyReLU", Activation("leaky_relu")),
        ("activation softmax", Activation("softmax")),
        ("RandomFlip horizontal", RandomFlip("horizontal")),
        ("randomflip", RandomFlip("horizontal_and_vertical")),
        ("randomzoom 0.2 0.1", RandomZoom(0.2, 0.1)),
        ("dense 10", Dense(10)),
    ],
)
def test_other_ways_to_write_a_layer(line: str, layer) -> None:
    """Keras' names, any case, spaces round =, options in place of positions."""
    assert parse(f"input 9x9x8; {line}").layers == (layer,)


@pytest.mark.parametrize(
    "line", ["input 64x48x3 fit=Squash", "Input fit = squash 64x48x3", "input shape=64x48x3 fit=squash"]
)
def test_an_input_says_how_pictures_of_other_sizes_fit(line: str) -> None:
    """The fit stands in the text, and comes back."""
    blueprint = parse(f"{line}; flatten")
    assert blueprint.input == Input(64, 48, 3, "squash")
    assert format_blueprint(blueprint) == "input 64x48x3 fit=squash; flatten"


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (Rescale(1 / 255), "rescale 1/255"),
        (Rescale(0.1, -1.0), "rescale 0.1 offset=-1"),
        (ZeroPad(2, 2, 2, 2), "zeropad 2"),
        (MaxPool((2, 2), (2, 2)), "maxpool 2x2 stride=2"),
        (Conv(8, (3, 5), (2, 1), "same", bias=False), "conv 8 3x5 stride=2x1 padding=same bias=no"),
        (Activation("relu"), "relu"),
    ],
)
def test_a_layer_is_written_shortly(layer, line: str) -> None:
    """What is a default is left out."""
    assert format_layer(layer) == line


LAYERS = (
    "conv, depthwiseconv, maxpool, avgpool, scaledavgpool, globalavgpool, globalmaxpool, flatten, dense, "
    "rbf, "
    "dropout, batchnorm, rescale, zeropad, randomflip, randomrotation, randomzoom, randomtranslation, "
    "randomcontrast, randombrightness, relu, relu6, leaky_relu, sigmoid, tanh, gelu, softmax, scaled_tanh"
)
CONV = "Write, for example: conv 32 3x3 relu"
COUNT = "A whole number from 1 to 1,000,000,000 was expected."
SIZE = "A height and a width from 1 to 1,000,000,000 were expected."
WRONG = [
    (
        "",
        "Line 1, column 1: the text holds no layer. It begins with what comes in. "
        "Write, for example: input 28x28x1",
    ),
    (
        " # nothing\n;;",
        "Line 1, column 1: the text holds no layer. It begins with what comes in. "
        "Write, for example: input 28x28x1",
    ),
    (
        "input 28x28x1\ncon 32 3x3",
        f"Line 2, column 1: there is no layer 'con'. A layer is one of: {LAYERS}. Did you mean 'conv'?",
    ),
    (
        "imput 28x28x1",
        f"Line 1, column 1: there is no layer 'imput'. A layer is one of: input, {LAYERS}. Did you mean "
        "'input'?",
    ),
    (
        "conv 32 3x3; flatten",
        "Line 1, column 1: the text begins with 'conv'. The first line says what comes in: height, width and "
        "channels. Begin with, for example: input 28x28x1",
    ),
    (
        "input 28x28x1",
        "Line 1, column 1: there is an input and nothing else. At least one layer follows the input. "
        "Add one, for example: flatten",
    ),
    (
        "input 28x28x1; flatten\n  Input 3x3x1",
        "Line 2, column 3: there is a second input. A network has one, in its first line. Take one out.",
    ),
    (
        "input 28x28; flatten",
        "Line 1, column 7: the shape of an input cannot be '28x28'. Height x width x channels was expected "
        "(1 channel for grey, 3 for colour). Write, for example: input 28x28x1",
    ),
    (
        "input 28x0x1; flatten",
        f"Line 1, column 7: the shape of an input cannot be '28x0x1'. {COUNT} Write, for example: input "
        "28x28x1",
    ),
    (
        "input fit=crop 28x0x1; flatten",
        f"Line 1, column 16: the shape of an input cannot be '28x0x1'. {COUNT} Write, for example: input "
        "28x28x1",
    ),
    (
        "input 28x28x1 fit=squish; flatten",
        "Line 1, column 15: the fit of an input cannot be 'squish'. One of squash, letterbox, crop was "
        "expected. Did you mean 'squash'?",
    ),
    (
        "input 28x28x1 crop; flatten",
        "Line 1, column 15: input takes no bare 'crop'. The fit has a name. Write fit=crop",
    ),
    (
        "input fit=crop; flatten",
        "Line 1, column 15: input lacks its shape. It needs shape. Write, for example: input 28x28x1",
    ),
    (
        "input 28x28x1 size=3; flatten",
        "Line 1, column 15: input has no option 'size'. It takes: shape, fit. Write, for "
        "example: input 28x28x1",
    ),
    (
        "input 28x28x1; conv",
        f"Line 1, column 20: conv lacks its filters. It needs filters and kernel, in this order. {CONV}",
    ),
    (
        "input 28x28x1; conv 32 # 3x3",
        f"Line 1, column 23: conv lacks its kernel. It needs filters and kernel, in this order. {CONV}",
    ),
    ("input 28x28x1; conv 0 3x3", f"Line 1, column 21: the filters of a conv cannot be '0'. {COUNT} {CONV}"),
    (
        "input 28x28x1; conv 3x3 32",
        f"Line 1, column 21: the filters of a conv cannot be '3x3'. {COUNT} {CONV}",
    ),
    (
        "input 28x28x1; dense 99999999999999999999999",
        "Line 1, column 22: the units of a dense cannot be '99999999999999999999999'. "
        f"{COUNT} Write, for example: dense 10 softmax",
    ),
    (
        "input 28x28x1; conv 32 3x3 stride=-1",
        f"Line 1, column 28: the stride of a conv cannot be '-1'. {SIZE} {CONV}",
    ),
    (
        "input 28x28x1; conv 32 3x3 stride=",
        f"Line 1, column 28: the stride of a conv cannot be ''. {SIZE} {CONV}",
    ),
    (
        "input 28x28x1; conv 32 3x3 stride=2 strides=3",
        "Line 1, column 37: the stride of a conv is given twice. Each value is given once. "
        "Take one of them out.",
    ),
    (
        "input 28x28x1; conv 32 3x3 strid=2",
        "Line 1, column 28: conv has no option 'strid'. It takes: filters, kernel, activation, stride, "
        "padding, "
        "dilation, groups, bias, table. Did you mean 'stride'?",
    ),
    (
        "input 28x28x1; flatten order=c",
        "Line 1, column 24: flatten has no option 'order'. It takes none. Write, for example: flatten",
    ),
    (
        "input 28x28x1; conv 32 3x3 rellu",
        "Line 1, column 28: the activation of a conv cannot be 'rellu'. One of relu, relu6, leaky_relu, "
        "sigmoid, "
        "tanh, gelu, softmax, scaled_tanh was expected. Did you mean 'relu'?",
    ),
    (
        "input 28x28x1; conv 32 3x3 same",
        "Line 1, column 28: conv takes no bare 'same'. The padding has a name. Write padding=same",
    ),
    (
        "input 28x28x1; conv 32 3x3 padding=sme",
        "Line 1, column 28: the padding of a conv cannot be 'sme'. One of valid, same was expected. "
        "Did you mean 'same'?",
    ),
    (
        "input 28x28x1; conv 32 3x3 relu 7",
        "Line 1, column 33: conv takes no '7' here. It takes: filters, kernel, activation, stride=, "
        "padding=, "
        f"dilation=, groups=, bias=, table=. {CONV}",
    ),
    (
        "input 28x28x1; relu 3",
        "Line 1, column 21: relu takes no '3'. An activation as a layer stands alone. "
        "Put ';' or a new line before it.",
    ),
    (
        "input 28x28x1; dropout 1",
        "Line 1, column 24: the rate of a dropout cannot be '1'. A number of at least 0 and below 1 was "
        "expected. Write, for example: dropout 0.5",
    ),
    (
        "input 28x28x1; rescale 1/0",
        "Line 1, column 24: the scale of a rescale cannot be '1/0'. A number, or a fraction such as 1/255, "
        "was "
        "expected. Write, for example: rescale 1/255 offset=-1",
    ),
    (
        "input 28x28x1; rescale 1e999",
        "Line 1, column 24: the scale of a rescale cannot be '1e999'. A finite number was expected. "
        "Write, for example: rescale 1/255 offset=-1",
    ),
    (
        "input 28x28x1; zeropad 1,2",
        "Line 1, column 24: the padding of a zeropad cannot be '1,2'. One whole number, or four (top, "
        "bottom, "
        "left, right), were expected. Write, for example: zeropad 1,0,1,0 (top, bottom, left, right)",
    ),
    (
        "input 28x28x1; conv 2 3x3 padding=same=valid",
        "Line 1, column 27: the padding of a conv cannot be 'same=valid'. One of valid, same was expected. "
        "Did you mean 'valid'?",
    ),
    (
        "x" * (LONGEST + 1),
        "The text of the network has 100,001 characters. It has at most 100,000. Describe a smaller network.",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_text_is_told_where_and_what(text: str, message: str) -> None:
    """Line, column, what came, what was expected, and the nearest right word."""
    with pytest.raises(BlueprintError) as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("word", ["nan", "inf", "1e", "--1", "1//2", "1/1e-999", "٣"])
def test_what_is_no_number_is_none(word: str) -> None:
    """Neither nan nor infinity, nor digits of other scripts, nor half a number."""
    with pytest.raises(BlueprintError, match="Line 1, column 21: the scale of a rescale cannot be"):
        parse(f"input 3x3x1;rescale {word}")


def test_hostile_letters_are_escaped_and_long_words_cut() -> None:
    """A message holds no terminal escape and no endless word."""
    with pytest.raises(BlueprintError) as caught:
        parse("input 3x3x1; \x1b[31mconv" + "v" * 9000)
    assert "there is no layer '\\x1b[31mconv" in str(caught.value)
    assert len(str(caught.value)) < 500


_WORDS = (*KINDS, *SYNONYMS, *ACTIVATIONS, "con", "rellu")
_FIELDS = tuple({field for kind in KINDS.values() for field in (*kind.needed, *kind.extra, *kind.options)})
_VALUES = (
    *(
        "3",
        "3x3",
        "28x28x1",
        "0",
        "-1",
        "1/255",
        "1/0",
        "1e999",
        "9" * 400,
        "1,2,3,4",
        "nan",
        "\u0663",
        "0x10",
    ),
    *(*ACTIVATIONS, "same", "valid", "squash", "yes", "horizontal", "lenet5", ""),
)
_NOISE = (
    *("=", ";", "\n", "\r\n", "\r", "#", "x", "\u00d7", ",", "\t", "\v", "\x1b[31m", "\0"),
    *("\u2028", "\ud800"),
)
_soup = st.lists(st.sampled_from((*_WORDS, *_FIELDS, *_VALUES, *_NOISE)), max_size=12)
_value = st.sampled_from(_VALUES)
_given = st.lists(st.one_of(_value, st.builds("{}={}".format, st.sampled_from(_FIELDS), _value)), max_size=4)
_layer = st.builds(lambda word, given: " ".join([word, *given]), st.sampled_from(_WORDS), _given)


@settings(max_examples=500)
@given(
    st.one_of(
        st.text(max_size=80),
        st.builds(
            lambda begin, glue, words: begin + glue.join(words),
            st.sampled_from(["", "input 3x3x1;", "input 28x28x1 fit=crop\n", "input"]),
            st.sampled_from([" ", "", "=", ";"]),
            st.one_of(_soup, st.lists(_layer, max_size=6).map(lambda layers: [";".join(layers)])),
        ),
    )
)
def test_any_text_is_a_network_or_refused_where_it_is_wrong(text: str) -> None:
    """Of garbage comes a network that reads back, or an error with a line and a column of that very text."""
    try:
        blueprint = parse(text)
    except BlueprintError as error:
        place = re.match(r"Line (\d+), column (\d+): .", str(error))
        assert place, str(error)
        line, column = int(place[1]), int(place[2])
        lines = text.replace("\r\n", "\n").split("\n")
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
        assert str(error).isprintable()
        assert len(str(error)) < 1000
        assert all((error.came, error.expected, error.advice))
    else:
        assert parse(format_blueprint(blueprint)) == blueprint


@pytest.mark.parametrize("text", ["a" + " " * 99_000 + "=", "input 3x3x1;" + "relu;" * 19_000, "=" * 99_999])
def test_a_long_text_takes_no_long_time(text: str) -> None:
    """The longest texts are read or refused at once: in seconds of this thread's own, whatever else runs."""
    began = time.thread_time()
    try:
        assert len(parse(text).layers) == 19_000
    except BlueprintError as error:
        assert len(str(error)) < 1000
    assert time.thread_time() - began < 5
