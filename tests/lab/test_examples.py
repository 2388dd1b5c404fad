"""The shipped pictures: each has a name, and each can be read."""

import numpy as np
import pytest

from pellucid.data import builtin
from pellucid.lab.examples import example_bytes, example_names
from pellucid.pictures.decode import decode


def test_every_example_can_be_read() -> None:
    """Ten digits and all of the clip art, with words to choose them by."""
    examples = example_names()
    assert len(examples) == 10 + len(builtin.clipart_names())
    assert len({one.name for one in examples}) == len(examples)
    assert {one.group for one in examples} >= {"digits", "animals"}
    assert all(one.title for one in examples)
    for one in examples[::25]:
        data = example_bytes(one.name)
        assert data is not None
        assert decode(data).ndim == 3


def test_a_digit_is_the_first_of_its_kind_that_tests() -> None:
    """Its pixels are the test set's own."""
    _, _, pixels_NHW, labels_N = builtin.digits()
    data = example_bytes("digits/7")
    assert data is not None
    wanted_HW = pixels_NHW[list(labels_N).index(7)]
    assert np.array_equal(decode(data)[:, :, 1], wanted_HW)


@pytest.mark.parametrize(
    "name", ["", "digits", "digits/10", "digits/-1", "clipart/../SOURCES.csv", "clipart/SOURCES.csv", "x/y"]
)
def test_there_is_no_other_example(name: str) -> None:
    """Not by another path, not the table of sources."""
    assert example_bytes(name) is None
