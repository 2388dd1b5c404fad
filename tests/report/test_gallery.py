"""The choice of test pictures on show."""

import io

import numpy as np
from PIL import Image

from pellucid.report.gallery import CLASSES_FOLDED, CLASSES_SHOWN, TYPICAL, WORST, gallery


def picture(path: str) -> bytes | None:
    """A picture whose red says which path it belongs to."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (int(path), 0, 0)).save(file, "PNG")
    return file.getvalue()


def test_the_surest_mistakes_and_the_surest_right_answers_are_shown() -> None:
    """Mistakes are ordered by their confidence, right answers likewise within their class."""
    probabilities_NK = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]])
    labels_N = np.array([0, 0, 0, 1, 0])
    hung = gallery(list("01234"), labels_N, probabilities_NK, ["ants", "bees"], picture)
    assert [(e.path, e.truth, e.said, e.confidence) for e in hung.worst] == [
        ("1", "ants", "bees", 0.8),
        ("4", "ants", "bees", 0.55),
    ]
    assert [(room.name, [e.path for e in room.exhibits]) for room in hung.shown] == [
        ("ants", ["0", "2"]),
        ("bees", ["3"]),
    ]
    assert (hung.folded, hung.unseen) == ((), 0)
    assert all(e.image is not None for e in hung.worst)


def test_many_classes_are_folded_and_counted() -> None:
    """Eight classes are open, some folded with one picture each, and the rest only counted."""
    k = 30
    labels_N = np.tile(np.arange(k), 6)
    probabilities_NK = np.eye(k)[labels_N] * 0.9 + 0.1 / k
    probabilities_NK[labels_N == 3] = np.eye(k)[4]
    read: list[str] = []
    hung = gallery(
        [str(index) for index in range(len(labels_N))],
        labels_N,
        probabilities_NK,
        [f"c{number}" for number in range(k)],
        lambda path: read.append(path),
    )
    assert [room.name for room in hung.shown] == ["c0", "c1", "c2", "c4", "c5", "c6", "c7", "c8"]
    assert [len(room.exhibits) for room in hung.shown] == [TYPICAL] * CLASSES_SHOWN
    assert [len(room.exhibits) for room in hung.folded] == [1] * CLASSES_FOLDED
    assert hung.unseen == k - CLASSES_SHOWN - CLASSES_FOLDED
    assert len(hung.worst) == 6
    assert sorted(read, key=int) == sorted(set(read), key=int)
    assert len(read) <= WORST + TYPICAL * CLASSES_SHOWN + CLASSES_FOLDED


def test_nothing_tested_shows_nothing() -> None:
    """An empty test split gives an empty gallery."""
    hung = gallery([], np.zeros(0, int), np.zeros((0, 2)), ["ants", "bees"], picture)
    assert (hung.worst, hung.shown, hung.folded, hung.unseen) == ((), (), (), 2)
