"""What a field of a layer may hold."""

from types import SimpleNamespace

import pytest

from pellucid.network.values import LARGEST, BlueprintError, number, one_of, pairs, whole


@pytest.mark.parametrize("value", [0, -1, LARGEST + 1, True, 1.0, "1", None])
def test_what_is_no_count_is_refused(value: object) -> None:
    """A count is a whole number from 1 to the largest; True is none."""
    with pytest.raises(BlueprintError) as caught:
        whole(SimpleNamespace(filters=value), "filters")
    assert caught.value.field == "filters"


@pytest.mark.parametrize("value", [(0, 1), (1, -1), (1,), (1, 2, 3), [1, 2], 3, (1, LARGEST + 1), (1.0, 2)])
def test_what_is_no_size_is_refused(value: object) -> None:
    """A size is a tuple of two counts."""
    with pytest.raises(BlueprintError):
        pairs(SimpleNamespace(kernel=value), "kernel")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1, True, "0.5", 10**400])
def test_what_is_no_share_is_refused(value: object) -> None:
    """A number is finite and in its range."""
    with pytest.raises(BlueprintError):
        number(SimpleNamespace(rate=value), "rate", 0, 1, below=True)


def test_what_is_right_is_let_through() -> None:
    """The bounds themselves belong to the range, unless they are said to lie outside."""
    layer = SimpleNamespace(
        filters=1, units=LARGEST, top=0, kernel=(1, LARGEST), rate=0, factor=1.0, bias=True
    )
    whole(layer, "filters", "units")
    whole(layer, "top", least=0)
    pairs(layer, "kernel")
    number(layer, "rate", 0, 1, below=True)
    number(layer, "factor", 0, 1)
    one_of(layer, "bias", (True, False))


def test_a_number_is_no_choice_even_where_it_equals_one() -> None:
    """1 == True, but it is no answer to yes or no."""
    with pytest.raises(BlueprintError):
        one_of(SimpleNamespace(bias=1), "bias", (True, False))
