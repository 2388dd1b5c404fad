"""Cross-validation where the validation split is too small to tell: training pictures, each held out once.

It decides which pictures are held out together; who learns from the others, and what comes of it, is not
known here.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Places among the training pictures: those that are learnt from, and those held out; both ascending."""

    seen_M: NDArray[np.int64]
    held_M: NDArray[np.int64]


def deal(labels_N: NDArray[np.int64], groups: Sequence[str], seed: int, number: int = FOLDS) -> list[Fold]:
    """Deal pictures into folds, class by class, what shows the same thing together.

    A class of a single group is never held out: somebody has to learn it. Content and seed decide, not the
    order of the pictures.

    Args:
        labels_N: The classes, int64.
        groups: For each picture the name of its group of copies, which stay together.
        seed: Another one deals otherwise.
        number: Of folds.
    """
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    of_class = {group: int(labels_N[places[0]]) for group, places in members.items()}
    sizes = Counter(of_class.values())
    held: list[list[int]] = [[] for _ in range(number)]
    counts = np.zeros((number, int(labels_N.max(initial=0)) + 1), np.int64)
    for group in sorted(members, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        label = of_class[group]
        if sizes[label] < 2:
            continue
        fold = min(range(number), key=lambda one: (counts[one, label], counts[one].sum(), one))
        counts[fold, label] += len(members[group])
        held[fold] += members[group]
    everything_N = np.arange(len(labels_N))
    return [
        Fold(np.setdiff1d(everything_N, places), np.array(sorted(places), np.int64))
        for places in held
        if places
    ]
