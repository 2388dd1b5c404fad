"""Cross-validation's folds: each picture held out once, copies together, classes even, content deciding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pellucid.learn.folds import FOLDS, deal

pictures = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=60)


def named(drawn: list[tuple[int, int]]) -> tuple[np.ndarray, list[str]]:
    """Labels, and the groups; a group is of one class."""
    return np.array([label for label, _ in drawn], np.int64), [f"{label}/{motif}" for label, motif in drawn]


@given(pictures, st.integers(0, 5))
def test_every_picture_of_a_class_with_two_groups_is_held_out_once(
    drawn: list[tuple[int, int]], seed: int
) -> None:
    """And never learnt from in that fold; what shows the same thing is held out with it."""
    labels_N, groups = named(drawn)
    folds = deal(labels_N, groups, seed)
    held = np.concatenate([fold.held_M for fold in folds]) if folds else np.array([], np.int64)
    several = {label for label in range(3) if len({one for one in groups if one[0] == str(label)}) > 1}
    assert sorted(held) == [place for place, label in enumerate(labels_N) if label in several]
    for fold in folds:
        assert sorted([*fold.seen_M, *fold.held_M]) == list(range(len(drawn)))
        assert not {groups[place] for place in fold.held_M} & {groups[place] for place in fold.seen_M}
        assert set(labels_N[fold.seen_M]) == set(labels_N)  # nobody has to know a class it never saw


@given(st.permutations(range(40)), st.integers(0, 3))
def test_content_decides_and_not_the_order(order: list[int], seed: int) -> None:
    """The same pictures in another order come into the same folds."""
    drawn = [(place % 2, place // 2) for place in range(40)]
    labels_N, groups = named(drawn)
    first = [{groups[place] for place in fold.held_M} for fold in deal(labels_N, groups, seed)]
    shuffled = [groups[place] for place in order]
    again = deal(labels_N[order], shuffled, seed)
    assert first == [{shuffled[place] for place in fold.held_M} for fold in again]


def test_classes_are_dealt_evenly_and_a_seed_deals_otherwise() -> None:
    """Twenty and ten pictures in five folds: four and two in each."""
    labels_N, groups = named([(0, motif) for motif in range(20)] + [(1, motif) for motif in range(10)])
    folds = deal(labels_N, groups, 0)
    assert len(folds) == FOLDS
    assert all(np.bincount(labels_N[fold.held_M]).tolist() == [4, 2] for fold in folds)
    assert folds[0].held_M.tolist() != deal(labels_N, groups, 1)[0].held_M.tolist()
