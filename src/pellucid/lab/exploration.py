"""One network with one picture in it, held open for a notebook or a file, and the questions that it answers.

The answers are ``lab.answer``'s, by the same function that serves the page.
"""

import io
import re
import weakref
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.bundle import page_text
from pellucid.classifier import Classifier
from pellucid.errors import RequestError, shown
from pellucid.lab.answer import answer
from pellucid.lab.examples import example_names
from pellucid.lab.held import HELD
from pellucid.lab.picture import LARGEST_FILE
from pellucid.lab.question import Question, QuestionError, brief
from pellucid.pictures.file import read_picture
from pellucid.pictures.preprocess import Preprocess
from pellucid.run import Run

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.inside import Inside
    from pellucid.insight.subject import Subject

Picture = str | Path | Image.Image | NDArray[np.uint8]
_NUMBERS = count(1)


class Exploration:
    """A network and a picture that can be asked about.

    Attributes:
        network: The network's name in questions.
        picture: The picture's.
    """

    def __init__(self, subject: "Subject", data: bytes, title: str) -> None:
        HELD.add_subject(subject)
        self.network = subject.name
        self.picture = HELD.add_picture(data, always=True)
        self._title = title
        # A notebook runs a cell many times: what no cell holds any more is let go of.
        weakref.finalize(self, HELD.forget, self.network, self.picture).atexit = False

    @property
    def inside(self) -> "Inside":
        """The pass of the picture through the network, for whoever goes on in Python."""
        return HELD.inside(self.network, self.picture)

    @property
    def names(self) -> tuple[str, str]:
        """What a person calls the network and the picture."""
        return self.network.partition("#")[2], self._title

    def start(self) -> dict[str, Any]:
        """What the room has to choose from: this network, and this picture before the shipped ones."""
        network, picture = self.names
        own = {"name": self.picture, "title": picture, "group": "yours"}
        shipped = [{"name": one.name, "title": one.title, "group": one.group} for one in example_names()]
        return {
            "networks": [{"name": self.network, "title": network, "group": "yours"}],
            "examples": [own, *shipped],
            "network": self.network,
            "picture": self.picture,
            "largest_file": LARGEST_FILE,
        }

    def answer(self, question: Question) -> dict[str, Any]:
        """Answer a question of the room; of this network, and of no other.

        Raises:
            PellucidError: The question cannot be answered.
        """
        kind = question.get("kind")
        if kind == "inside.start":
            return self.start()
        here = question.get("network", self.network) == self.network
        if not (isinstance(kind, str) and kind.startswith("inside.") and here):
            raise QuestionError(
                f"The question is of kind {brief(kind)} and asks about {brief(question.get('network'))}.",
                f"A question of the room Inside about {shown(self.names[0])} was expected.",
                "Open another network in a cell of its own.",
            )
        return answer(question)


def exploration(
    model: object,
    picture: Picture,
    classes: tuple[str, ...] = (),
    preprocess: Preprocess | None = None,
) -> Exploration:
    """Open a network with a picture in it.

    Args:
        model: A run folder or a run, a backbone's or a network's name, a network's text, or a module of one's
            own that takes a batch of pictures (N, C, H, W).
        picture: A file, a Pillow image, or uint8 (H, W, 3) or (H, W).
        classes: What a module of one's own answers, in the order of its last layer.
        preprocess: What is done to a picture for such a module; left out, the picture goes in at its own
            size, its numbers divided by 255, in as many channels as the first convolution takes.

    Raises:
        RequestError: The picture is none, or ``classes`` or ``preprocess`` were given for what has its own.
        PellucidError: There is no such network or picture.
    """
    data, title = _file(picture)
    subject = _subject(model, data, classes, preprocess)
    # Two cells of a notebook may hold two modules of one name.
    return Exploration(replace(subject, name=f"notebook-{next(_NUMBERS)}#{subject.name}"), data, title)


def _subject(
    model: object,
    data: bytes,
    classes: tuple[str, ...],
    preprocess: Preprocess | None,
) -> "Subject":
    from pellucid.insight.subject import of_classifier, of_module, of_run, open_subject

    if not isinstance(model, str | Path | Run | Classifier):
        with Image.open(io.BytesIO(data)) as opened:
            width, height = opened.size
        return of_module(model, height, width, classes, preprocess)
    if classes or preprocess is not None:
        raise RequestError(
            f"classes or preprocess were given together with {shown(str(model)[:60])}.",
            "They are for a torch.nn.Module of one's own: a run and a backbone have theirs.",
            "Leave them out.",
        )
    if isinstance(model, Run):
        return of_run(model)
    if isinstance(model, Classifier):
        return of_classifier(model, "classifier")
    return open_subject(str(model))


def _file(picture: Picture) -> tuple[bytes, str]:
    """A picture as a file's bytes, and its title."""
    if isinstance(picture, str | Path):
        return read_picture(picture), Path(picture).name
    if isinstance(picture, np.ndarray):
        grey = picture.ndim == 2
        if picture.dtype != np.uint8 or not (grey or (picture.ndim == 3 and picture.shape[2] == 3)):
            raise RequestError(
                f"The picture is an array of {picture.dtype} and of shape {picture.shape}.",
                "uint8 of shape (H, W, 3) or (H, W) was expected.",
                "Convert it first, for example: (255 * x).round().astype('uint8').",
            )
        picture = Image.fromarray(picture)
    if not isinstance(picture, Image.Image):
        raise RequestError(
            f"The picture is a {type(picture).__name__}.",
            "A file's path, a Pillow image, or a uint8 array (H, W, 3) was expected.",
            "Give one of these.",
        )
    file = io.BytesIO()
    picture.convert("L" if picture.mode in ("1", "L") else "RGB").save(file, "PNG")
    return file.getvalue(), "your picture"


def style(root: str) -> str:
    """The page's style for the room Inside, with ``root`` in place of the page's own root.

    Args:
        root: ``:host`` in a notebook, whose own style it must not touch.
    """
    text = page_text("pellucid.lab", "lab.css") + page_text("pellucid.lab", "inside.css")
    if root == ":root":
        return text
    text = text.replace(':root[data-theme="dark"]', f'{root}([data-theme="dark"])').replace(":root", root)
    return re.sub(
        r"^body \{ margin: 0;", f"{root} {{ display: block; padding: 16px;", text, flags=re.MULTILINE
    )


def asked(kind: str, exploration: Exploration, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A question of the room as the page asks it."""
    if kind == "start":
        return {"kind": "inside.start"}
    return {
        "network": exploration.network,
        "picture": exploration.picture,
        **fields,
        "kind": f"inside.{kind}",
    }
