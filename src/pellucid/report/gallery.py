"""The test pictures on show: how many of the worst mistakes and of the most typical, each as a thumbnail."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.metrics import most_typical, worst_mistakes
from pellucid.report.thumbnail import Thumbnail, thumbnail

# A page of at most some 60 thumbnails stays under half a megabyte.
WORST = 18
TYPICAL = 4
CLASSES_SHOWN = 8
CLASSES_FOLDED = 12
_READERS = 2

Picture = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Exhibit:
    """One test picture with what it is, what it was taken for, and how surely (0..1)."""

    path: str
    truth: str
    said: str
    confidence: float
    image: Thumbnail | None


@dataclass(frozen=True)
class Room:
    """The most typical pictures of one class."""

    name: str
    exhibits: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Gallery:
    """What the report shows; ``unseen`` classes have none, for want of a right answer or of room."""

    worst: tuple[Exhibit, ...]
    shown: tuple[Room, ...]
    folded: tuple[Room, ...]
    unseen: int


def gallery(
    paths: Sequence[str],
    labels_N: NDArray[np.integer],
    probabilities_NK: NDArray[np.floating],
    classes: Sequence[str],
    picture: Picture,
) -> Gallery:
    """Choose, read and shrink the pictures; ``picture`` is called from two threads."""

    def exhibit(index: int) -> Exhibit:
        said = int(probabilities_NK[index].argmax())
        return Exhibit(
            path=paths[index],
            truth=classes[labels_N[index]],
            said=classes[said],
            confidence=float(probabilities_NK[index, said]),
            image=thumbnail(picture(paths[index])),
        )

    wrong = worst_mistakes(probabilities_NK, labels_N, WORST).tolist()
    of_class = [
        (name, most_typical(probabilities_NK, labels_N, label, TYPICAL).tolist())
        for label, name in enumerate(classes)
    ]
    hung = [(name, found) for name, found in of_class if found]
    shown, rest = hung[:CLASSES_SHOWN], hung[CLASSES_SHOWN : CLASSES_SHOWN + CLASSES_FOLDED]
    folded = [(name, found[:1]) for name, found in rest]
    chosen = [*wrong, *(index for _, found in [*shown, *folded] for index in found)]
    with ThreadPoolExecutor(_READERS) as readers:
        # A picture is either wrong or typical of its one class, so none is chosen twice.
        exhibits = dict(zip(chosen, readers.map(exhibit, chosen), strict=True))

    def rooms(walls: list[tuple[str, list[int]]]) -> tuple[Room, ...]:
        return tuple(Room(name, tuple(exhibits[index] for index in found)) for name, found in walls)

    return Gallery(
        worst=tuple(exhibits[index] for index in wrong),
        shown=rooms(shown),
        folded=rooms(folded),
        unseen=len(classes) - len(shown) - len(folded),
    )
