"""The built-in sets as sources."""

from collections import Counter

import pytest

from pellucid.data.shipped import list_builtin
from pellucid.errors import SourceError
from pellucid.pictures.decode import decode


def test_digits_have_a_train_and_a_test_split() -> None:
    """builtin:digits is 500 train and 100 test pictures of each digit, 28 x 28, named like train/17."""
    listing = list_builtin("digits")
    assert Counter((item.label, item.split) for item in listing.items) == {
        **{(str(digit), "train"): 500 for digit in range(10)},
        **{(str(digit), "test"): 100 for digit in range(10)},
    }
    assert (listing.items[17].path, listing.items[5000].path) == ("train/17", "test/0")
    assert decode(listing.read(5999)).shape == (28, 28, 3)


def test_clipart_has_classes_and_no_split() -> None:
    """builtin:clipart's labels are the folders of its names."""
    listing = list_builtin("clipart")
    assert len({item.label for item in listing.items}) == 6
    assert all(item.path.split("/")[0] == item.label and item.split is None for item in listing.items)
    assert decode(listing.read(0)).ndim == 3


def test_an_unknown_set_names_those_that_exist() -> None:
    """A misspelt built-in set is refused with the names of the real ones."""
    with pytest.raises(SourceError) as caught:
        list_builtin("digit")
    assert str(caught.value) == (
        "There is no built-in set 'digit'. builtin:digits or builtin:clipart was expected. Name one of these."
    )
