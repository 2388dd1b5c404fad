"""Accuracy against the shift of the pictures."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pellucid.evaluation.proportion import Proportion
from pellucid.evaluation.shift import SHIFTS, Moved, moved, shift_curve


def test_a_picture_moves_by_whole_pixels_and_its_edge_goes_on() -> None:
    """Down and to the right where positive, by hand."""
    picture = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3, 1)
    assert moved(picture, 1, 0)[0, :, :, 0].tolist() == [[1, 2, 3], [1, 2, 3], [4, 5, 6]]
    assert moved(picture, 0, -1)[0, :, :, 0].tolist() == [[2, 3, 3], [5, 6, 6], [8, 9, 9]]


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_it_is_numpys_padding_with_the_edge(down: int, right: int) -> None:
    """The same as padding with the edge and cutting out, for shifts larger than the picture too."""
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    padded = np.pad(pixels_NHWC, ((0, 0), (9, 9), (9, 9), (0, 0)), mode="edge")
    expected = padded[:, 9 - down : 14 - down, 9 - right : 13 - right]
    np.testing.assert_array_equal(moved(pixels_NHWC, down, right), expected)


def test_what_looks_at_one_place_loses_what_moves() -> None:
    """A bright column is found at its place only; whoever looks everywhere finds it at any shift inside."""
    pixels_NHWC = np.zeros((40, 9, 9, 1), np.uint8)
    pixels_NHWC[:20, :, 4] = 255
    labels_N = np.repeat([1, 0], 20)
    there = shift_curve(lambda x: (x[:, 4, 4, 0] > 0).astype(np.int64), pixels_NHWC, labels_N, (-2, 0, 2))
    assert [one.sideways.correct for one in there] == [20, 40, 20]
    assert [one.down.correct for one in there] == [40, 40, 40]
    assert [one.accuracy for one in there] == [0.75, 1.0, 0.75]
    anywhere = shift_curve(lambda x: x.max((1, 2, 3)) // 255, pixels_NHWC, labels_N, (-2, 0, 2))
    assert [one.accuracy for one in anywhere] == [1.0, 1.0, 1.0]


def test_pictures_that_stand_still_are_asked_about_once() -> None:
    """Neither direction moves them at shift 0, so one answer stands for both."""
    asked: list[int] = []
    pixels_NHWC = np.zeros((3, 4, 4, 1), np.uint8)
    answer = lambda x: (asked.append(len(x)), np.zeros(len(x), np.int64))[1]  # noqa: E731
    still, moving = shift_curve(answer, pixels_NHWC, np.array([0, 0, 1]), (0, 1))
    assert asked == [3, 3, 3]
    assert still.sideways == still.down == moving.down == Proportion(3, 2)


def test_its_json_has_both_directions() -> None:
    """Counts of both, and the mean of both; thirteen shifts by default."""
    told = Moved(2, Proportion(4, 3), Proportion(4, 1)).to_json()
    assert told["accuracy"] == 0.5
    assert told["sideways"] == Proportion(4, 3).to_json()
    assert (SHIFTS[0], SHIFTS[-1], len(SHIFTS)) == (-6, 6, 13)
