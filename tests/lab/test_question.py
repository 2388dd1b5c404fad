"""The fields of a question: what is taken, and what is refused, in which words."""

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from pellucid.lab.question import QuestionError, brief, choice, maps, place, text, whole


def test_a_field_that_is_right_is_taken() -> None:
    """A whole number, a word, a text, a place and maps come out as they went in; defaults where none came."""
    assert whole({"n": 3}, "n", 1, 3) == 3
    assert whole({}, "n", 1, 3, 2) == 2
    assert choice({"c": "max"}, "c", ("max", "average")) == "max"
    assert text({"t": "input"}, "t", 5) == "input"
    assert place({"at": [1, 2]}, "at", 2, 3) == (1, 2)
    taken_CHW = maps({"m": [[[1, -2.5]]]}, "m", 4)
    assert taken_CHW.dtype == np.float64
    assert taken_CHW.tolist() == [[[1, -2.5]]]


@pytest.mark.parametrize("value", [None, True, 0, 4, 1.0, "2", [2], 10**400, math.nan])
def test_what_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    """Neither a bool, a float nor a text passes for a whole number."""
    with pytest.raises(QuestionError, match="A whole number from 1 to 3 was expected"):
        whole({"n": value}, "n", 1, 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        [[]],
        [[[]]],
        [[1]],
        [[[[1]]]],
        [[[1, 2], [3]]],
        [[["1"]]],
        [[[None]]],
        [[[True]]],
        [[[math.nan]]],
        [[[math.inf]]],
        [[[2e6]]],
        [[[10**30]]],
        [[[10**400]]],
        [[[1, True]]],
        [[[1, "x" * 10**6]]],
        [[[1]]] * 4,
        [[[1]] * 5],
        [[[1] * 5]],
    ],
)
def test_what_is_no_map_is_refused(value: Any) -> None:
    """Ragged, empty, too many, too large, not finite, no numbers: one sentence for all."""
    with pytest.raises(QuestionError, match="1 to 3 channels of 1 to 4 rows of 1 to 4 numbers were expected"):
        maps({"m": value}, "m", 4)


def test_one_long_text_among_numbers_costs_no_memory() -> None:
    """NumPy would make of each number a text as long as the longest."""
    value = [[[1] * 200 for _ in range(200)]]
    value[0][0] = ["x" * 10**5, *value[0][0][1:]]  # type: ignore[list-item]
    tracemalloc.start()
    with pytest.raises(QuestionError):
        maps({"m": value}, "m", 200)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10**6


@pytest.mark.parametrize("value", [None, 3, [1], [0, 3], [-1, 0], [0.0, 0], [True, 0], "0,0"])
def test_what_is_no_place_is_refused(value: Any) -> None:
    """A place is inside the map, in whole numbers."""
    with pytest.raises(QuestionError, match="A row from 0 to 1 and a column from 0 to 2 were expected"):
        place({"at": value}, "at", 2, 3)


def test_the_message_says_what_came_in_three_sentences() -> None:
    """Literally, with what is active made inert and what is long cut."""
    with pytest.raises(QuestionError) as caught:
        choice({"take": "<b>\n" + "x" * 100}, "take", ("mean", "sum"))
    assert str(caught.value) == (
        f"The question's 'take' is '<b>\\n{'x' * 56}...'. One of mean, sum was expected. "
        "Ask again with such a value."
    )
    with pytest.raises(QuestionError, match=r"^The question has no 'text'\. A text of at most 9 letters"):
        text({}, "text", 9)
    with pytest.raises(QuestionError, match=r"is 'xxxxxxxxxx'\. A text of at most 9 letters was expected"):
        text({"text": "x" * 10}, "text", 9)
    assert brief([1, 2]) == "a list of 2"
    assert brief({}) == "an object of 0"
    assert brief(math.inf) == "inf"
    assert brief(10**80) == "1" + "0" * 59 + "..."
