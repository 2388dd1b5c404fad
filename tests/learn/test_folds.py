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


@given(pictures, st.integers(0, 5), st.integers(2, FOLDS))
def test_every_class_stays_seen_where_copies_stand_in_several_classes(
    drawn: list[tuple[int, int]], seed: int, number: int
) -> None:
    """No fold takes all that shows a class; copies stay together, and nobody is held out twice."""
    labels_N, groups = np.array([label for label, _ in drawn], np.int64), [str(motif) for _, motif in drawn]
    folds = deal(labels_N, groups, seed, number)
    held = [place for fold in folds for place in fold.held_M.tolist()]
    assert len(held) == len(set(held))
    for fold in folds:
        assert set(labels_N[fold.seen_M]) == set(labels_N)
        assert not {groups[place] for place in fold.held_M} & {groups[place] for place in fold.seen_M}
    if number > 3:  # folds than classes that could be in the way
        of = {
            label: {group for one, group in zip(labels_N, groups, strict=True) if one == label}
            for label in range(3)
        }
        alone = {group for its in of.values() if len(its) == 1 for group in its}
        assert sorted(held) == [place for place, group in enumerate(groups) if group not in alone]


def test_the_only_pictures_of_a_class_are_never_held_out() -> None:
    """Though a copy of theirs is of another class, which has more."""
    labels_N = np.array([0, 0, 0, 0, 0, 0, 1])
    folds = deal(labels_N, ["a", "b", "c", "d", "e", "f", "f"], 0)
    assert [fold.held_M.tolist() for fold in folds if {5, 6} & set(fold.held_M.tolist())] == []
    assert sum(len(fold.held_M) for fold in folds) == 5


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
