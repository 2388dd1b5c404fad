"""What each kind of layer is for: every kind of operation that is opened has its sentences."""

from typing import get_args

from pellucid.insight.operation import Operation
from pellucid.lab.inside_why import WHY

# What a person meets in no network of today, or what says for itself why there is no arithmetic.
WITHOUT = {"Affine", "ChannelAffine", "Distance", "Unknown"}


def test_every_kind_of_operation_is_told() -> None:
    """By its name, so that none is forgotten and none is left over."""
    kinds = {one.__name__ for one in get_args(Operation)}
    assert set(WHY) == (kinds - WITHOUT) | {"Maximum"}


def test_the_words_are_sentences() -> None:
    """Each ends in a full stop and is short enough to be read."""
    for words, source in WHY.values():
        assert words.endswith(".")
        assert len(words) < 320
        assert not source.endswith(".")
