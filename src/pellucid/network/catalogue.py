"""The networks that have a name: the lecture's own and the classics, each with its text, source and notes.

A note tells what a reader will stumble over, such as a wrong figure in the lecture's slides.
"""

from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import PellucidError, shown
from pellucid.network.account import Account, account
from pellucid.network.blueprint import Blueprint
from pellucid.network.shapes import shapes
from pellucid.network.text import LONGEST, parse
from pellucid.network.vocabulary import LAYERS, known, near


class NetworkError(PellucidError):
    """No network has that name, and it is neither a text nor a file that holds one."""


@dataclass(frozen=True)
class Named:
    """A network with a name.

    Attributes:
        name: Its name.
        text: The network.
        about: What it is, in a line.
        source: Who published it, and where.
        notes: What to know about its figures.
    """

    name: str
    text: str
    about: str
    source: str
    notes: tuple[str, ...] = ()

    @property
    def blueprint(self) -> Blueprint:
        """The network as data."""
        return parse(self.text)

    def account(self) -> Account:
        """What it costs, with its notes."""
        return account(self.blueprint, self.notes)


_LECTURE = "the lecture 'Introduction to Deep Learning for Computer Vision'"
_VGG_BLOCKS = "; maxpool 2x2; ".join(
    "; ".join([f"conv {filters} 3x3 relu padding=same"] * times)
    for filters, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
)

NETWORKS: dict[str, Named] = {
    named.name: named
    for named in (
        Named(
            "digits-convnet",
            "input 28x28x1; conv 32 3x3 relu; maxpool 2x2; conv 64 3x3 relu; maxpool 2x2; conv 128 3x3 relu; "
            "flatten; dense 10 softmax",
            "the lecture's convnet for handwritten digits",
            _LECTURE + "; Chollet, Deep Learning with Python, 2nd edition, 2021, chapter 8",
        ),
        Named(
            "digits-dense",
            "input 28x28x1; flatten; dense 131 relu; dense 10 softmax",
            "a dense network with about as many parameters as digits-convnet, to compare it with",
            "Pellucid",
            (
                "It has 47 parameters fewer than digits-convnet, but each of its weights is used at one "
                "place of the picture only: 104,014 multiply-adds instead of 3,100,032.",
            ),
        ),
        Named(
            "lenet5",
            "input 28x28x1; conv 6 5x5 tanh padding=same; avgpool 2x2; conv 16 5x5 tanh; avgpool 2x2; "
            "flatten; dense 120 tanh; dense 84 tanh; dense 10 softmax",
            "LeNet-5 as it is taught today: every filter sees every map, softmax at the end",
            "after LeCun, Bottou, Bengio and Haffner 1998; the layers are the lecture's",
            (
                "Erratum: the lecture's slides write 48120*84+84 and 4042164*10+10, which multiplies by the "
                "parameter count of the layer before. What counts is its units: (120 + 1)*84 = 10,164 and "
                "(84 + 1)*10 = 850.",
                "The paper's own network connects its third layer sparsely and has 60,000 learnt parameters: "
                "see lenet5-1998.",
            ),
        ),
        Named(
            "lenet5-1998",
            "input 32x32x1; conv 6 5x5 scaled_tanh; scaledavgpool 2x2 scaled_tanh; "
            "conv 16 5x5 scaled_tanh table=lenet5; scaledavgpool 2x2 scaled_tanh; conv 120 5x5 scaled_tanh; "
            "flatten; dense 84 scaled_tanh; rbf 10",
            "LeNet-5 as the paper has it: C1, S2, C3, S4, C5, F6 and distances to ten drawn characters",
            "LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, "
            "Proceedings of the IEEE 86(11), 1998, section II.B and table I",
            (
                "60,000 parameters learn. The 840 of the output are ten fixed pictures of 7x12 pixels; the "
                "smallest distance wins.",
                "C3 (conv2d_1) sees its six maps through the paper's table I: 60 of 96 connections, hence "
                "1,516 parameters. With all connections (lenet5) they are 2,416.",
            ),
        ),
        Named(
            "class-test",
            "input 8x8x1; conv 1 2x2 relu stride=2; conv 2 2x2 relu padding=same; maxpool 2x2; flatten; "
            "dense 10 relu; dense 10 relu; dense 3 softmax",
            "the lecture's class test: count 248 parameters by hand",
            _LECTURE,
        ),
        Named(
            "alexnet",
            "input 224x224x3; zeropad 2; conv 64 11x11 relu stride=4; maxpool 3x3 stride=2; "
            "conv 192 5x5 relu padding=same; maxpool 3x3 stride=2; conv 384 3x3 relu padding=same; "
            "conv 256 3x3 relu padding=same; conv 256 3x3 relu padding=same; maxpool 3x3 stride=2; flatten; "
            "dropout 0.5; dense 4096 relu; dropout 0.5; dense 4096 relu; dense 1000 softmax",
            "AlexNet in the form of torchvision",
            "Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997, "
            "2014; torchvision.models.alexnet",
            (
                "The network of 2012 has 96, 256, 384, 384 and 256 filters, some of them in two groups, "
                "one for each of its two graphics cards.",
            ),
        ),
        Named(
            "vgg16",
            f"input 224x224x3; {_VGG_BLOCKS}; maxpool 2x2; flatten; dense 4096 relu; dropout 0.5; "
            "dense 4096 relu; dropout 0.5; dense 1000 softmax",
            "VGG-16, configuration D: small windows, many layers",
            "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
            "arXiv 1409.1556, 2014, table 1",
            ("89 % of the parameters are in the dense layers, 99 % of the multiply-adds are before them.",),
        ),
        Named(
            "dense-full-hd",
            "input 1080x1920x3; flatten; dense 4000000",
            "one dense layer on a full-HD picture: why a convnet shares its weights",
            _LECTURE,
            (
                "Erratum: the lecture's slides say 6 million x 4 million = 24 million weights. It is 24.9 "
                "trillion weights (24,883,200,000,000), about 100 TB in float32; the 4,000,000 biases come "
                "on top.",
                "A 3x3 convolution with 32 filters on the same picture has (3*3*3 + 1)*32 = 896 parameters.",
            ),
        ),
    )
}


def find_network(given: str) -> Blueprint:
    """The network of this name, of this text, or in this file; whether its layers fit is checked.

    Args:
        given: A name of ``NETWORKS``, a text that begins with ``input``, or a file that holds one.

    Raises:
        NetworkError: It is none of these; the message names the nearest names.
        BlueprintError: The text is wrong; the message says where.
        ShapeError: A layer cannot follow the one before it.
    """
    named = find_named(given)
    if named is not None:
        return named.blueprint
    text = given if is_text(given) else read_network(Path(given))
    if text is None:
        raise no_network(given)
    blueprint = parse(text)
    shapes(blueprint)
    return blueprint


def find_named(given: str) -> Named | None:
    """The network of this name, whatever its case and hyphens; None where there is none."""
    return NETWORKS.get(given) or next(
        (named for name, named in NETWORKS.items() if _bare(name) == _bare(given)), None
    )


def _bare(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def is_text(given: str) -> bool:
    """Whether this is meant as a network's text: layers follow one another, or it begins with ``input``."""
    words = given.split()
    if not words:
        return True
    return (
        ";" in given or "\n" in given or (len(words) > 1 and known(words[0], ("input", *LAYERS)) is not None)
    )


def read_network(path: Path) -> str | None:
    """The text in a file; None where there is no such file.

    Raises:
        NetworkError: The file cannot be read, or holds no text.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(4 * LONGEST + 4)  # a letter has at most four bytes in UTF-8
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = "it is not UTF-8"
        raise _unreadable(path, reason) from error
    except OSError as error:
        if not path.parts or error.strerror == "File name too long":
            return None
        raise _unreadable(path, error.strerror or "it is no file") from error


def _unreadable(path: Path, reason: str) -> NetworkError:
    return NetworkError(
        f"The file {shown(path)} cannot be read as a network ({reason}).",
        "A text of layers was expected, one a line, the first of them such as: input 28x28x1",
        "Check the path, or write the text itself in quotes.",
    )


def no_network(given: str, others: tuple[str, ...] = (), also: tuple[str, ...] = ()) -> NetworkError:
    """The error for a name that nobody knows.

    Args:
        given: What was asked for.
        others: More names that it may have been meant to be.
        also: What else would have been understood, such as ``"a run folder"``.
    """
    names = ", ".join(NETWORKS)
    *first, last = (f"A name ({names})", "a text that begins with 'input'", "a file that holds one", *also)
    return NetworkError(
        f"There is no network {shown(given if len(given) <= 80 else given[:80] + '...')}.",
        f"{', '.join(first)}, or {last} was expected.",
        near(given, (*NETWORKS, *others), "Write, for example: 'input 28x28x1; conv 32 3x3 relu; flatten'"),
    )
