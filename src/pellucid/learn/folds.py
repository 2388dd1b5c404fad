"""Cross-validation where the validation split is too small to tell: training pictures, each held out once.

It decides which pictures are held out together; who learns from the others, and what comes of it, is not
known here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Places among the training pictures: those that are learnt from, and those held out; both ascending.

    Attributes:
        number: Which of the folds it is, from 0.
    """

    number: int
    seen_M: NDArray[np.int64]
    held_M: NDArray[np.int64]


def deal(labels_N: NDArray[np.int64], groups: Sequence[str], seed: int, number: int = FOLDS) -> list[Fold]:
    """Deal pictures into folds, class by class, what shows the same thing together.

    A group is held out only where each of its classes stands in another one outside the fold: somebody has to
    learn it. Content and seed decide, not the order of the pictures.

    Args:
        labels_N: The classes, int64.
        groups: For each picture the name of its group of copies, which stay together, of whatever classes.
        seed: Another one deals otherwise.
        number: Of folds.
    """
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    classes = int(labels_N.max(initial=0)) + 1
    of = {group: np.unique(labels_N[places]) for group, places in members.items()}
    groups_K = np.bincount(np.concatenate([*of.values(), labels_N[:0]]), minlength=classes)
    held: list[list[int]] = [[] for _ in range(number)]
    counts_FK, groups_FK = np.zeros((2, number, classes), np.int64)  # pictures and groups that are held out
    for group in sorted(members, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        its = of[group]
        free = [one for one in range(number) if (groups_FK[one, its] + 1 < groups_K[its]).all()]
        if not free:
            continue
        fold = min(free, key=lambda one: (counts_FK[one, its].sum(), counts_FK[one].sum(), one))
        counts_FK[fold] += np.bincount(labels_N[members[group]], minlength=classes)
        groups_FK[fold, its] += 1
        held[fold] += members[group]
    everything_N = np.arange(len(labels_N))
    return [
        Fold(number, np.setdiff1d(everything_N, places), np.array(sorted(places), np.int64))
        for number, places in enumerate(held)
        if places
    ]
