"""Rows in blocks, their scale against NumPy in float64, and tables that are streamed rather than held."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid.training import rows as room
from pellucid.training.rows import (
    BLOCK,
    ArrayRows,
    FeaturesError,
    JoinedRows,
    Rows,
    Scale,
    ScaledRows,
    check_all_finite,
    measure_scale,
)


def table(count: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Features of very different means and spreads, as channels after a ReLU have them."""
    rng = np.random.default_rng(seed)
    spread_D = 10.0 ** rng.uniform(-2, 2, width)
    return (rng.normal(rng.normal(0, 10, width), spread_D, (count, width))).astype(np.float32)


def whole(rows: Rows, size: int) -> NDArray[np.float32]:
    """All blocks put in their places, each place filled once."""
    found_ND = np.full(rows.shape, np.nan, np.float32)
    end = 0
    for place, block_BD in rows.blocks(size):
        assert place.start == end
        assert 0 < len(block_BD) == place.stop - place.start <= size
        assert block_BD.dtype == np.float32
        found_ND[place] = block_BD
        end = place.stop
    assert end == rows.shape[0]
    return found_ND


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 50))
def test_blocks_hold_every_row_once_and_in_order(first: int, second: int, size: int) -> None:
    """An array, and two tables joined, come in blocks that lie end to end and make up the whole."""
    features_ND = table(first + second, 3)
    np.testing.assert_array_equal(whole(ArrayRows(features_ND), size), features_ND)
    joined = JoinedRows(ArrayRows(features_ND[:first]), ArrayRows(features_ND[first:]))
    assert joined.shape == features_ND.shape
    np.testing.assert_array_equal(whole(joined, size), features_ND)


def test_an_array_is_not_copied() -> None:
    """Its blocks are views, so that a memory map is read a block at a time."""
    features_ND = table(10, 3)
    for _, block_BD in ArrayRows(features_ND).blocks(4):
        assert np.shares_memory(block_BD, features_ND)


# --- scale -----------------------------------------------------------------------------------------------


@given(
    st.integers(2, 4 * BLOCK),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_numpy_measures_the_same_scale(count: int, width: int, seed: int) -> None:
    """Means and spreads merged from blocks are those of the whole table in float64."""
    features_ND = table(count, width, seed)
    scale = measure_scale(ArrayRows(features_ND))
    wide_ND = features_ND.astype(np.float64)
    spread_D = wide_ND.std(axis=0)
    typical = np.sqrt(np.mean(spread_D**2))
    np.testing.assert_allclose(scale.mean_D, wide_ND.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(scale.factor_D, 1 / np.maximum(spread_D, typical), rtol=1e-10)


def test_a_mean_that_dwarfs_the_spread_is_merged_rightly() -> None:
    """Features of 10,000 +- 1 over several blocks: the textbook formula in float32 would lose the spread."""
    features_ND = (np.random.default_rng(0).normal(0, 1, (3 * BLOCK + 5, 2)) + 1e4).astype(np.float32)
    scale = measure_scale(ArrayRows(features_ND))
    wide_ND = features_ND.astype(np.float64)
    np.testing.assert_allclose(scale.mean_D, wide_ND.mean(axis=0), rtol=1e-14)
    typical = np.sqrt(wide_ND.var(axis=0).mean())
    np.testing.assert_allclose(scale.factor_D, 1 / np.maximum(wide_ND.std(axis=0), typical), rtol=1e-9)


def test_a_scale_by_hand() -> None:
    """Spreads 1, 7 and 0 are divided by the typical spread, by the own one, and not at all."""
    features_ND = np.array([[1, 0, 5], [3, 14, 5]], np.float32)
    scale = measure_scale(ArrayRows(features_ND))
    assert scale.mean_D.tolist() == [2, 7, 5]
    np.testing.assert_allclose(scale.factor_D, [1 / np.sqrt(50 / 3), 1 / 7, 0])


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-20])
def test_a_constant_feature_gets_factor_0(value: float) -> None:
    """Whatever its value, and however many blocks it fills."""
    features_ND = table(2 * BLOCK + 3, 2)
    features_ND[:, 1] = value
    scale = measure_scale(ArrayRows(features_ND))
    assert scale.factor_D[0] > 0
    assert scale.factor_D[1] == 0


def test_a_feature_that_varies_by_rounding_alone_is_constant() -> None:
    """1 and the next float32 after it are the same number, computed in another order."""
    features_ND = np.ones((20, 1), np.float32)
    features_ND[::2] = np.nextafter(np.float32(1), np.float32(2))
    assert measure_scale(ArrayRows(features_ND)).factor_D.tolist() == [0]
    features_ND[::2] = 1.00001
    assert measure_scale(ArrayRows(features_ND)).factor_D[0] == pytest.approx(2e5, rel=0.01)


def test_constant_features_alone_get_factor_0() -> None:
    """A table whose rows are all equal divides by nothing."""
    assert measure_scale(ArrayRows(np.full((5, 3), 0.1, np.float32))).factor_D.tolist() == [0, 0, 0]


def test_the_scale_is_applied_into_what_is_given() -> None:
    """(raw - mean) x factor, in the first rows of the array given, the rest of it untouched."""
    scale = Scale(np.array([2.0, -4.0]), np.array([0.5, 0.25]))
    out_BD = np.full((3, 2), 9, np.float32)
    block_BD = np.array([[4, 0], [0, -8]], np.float32)
    applied_BD = scale.apply(block_BD, out_BD)
    assert applied_BD.tolist() == [[1, 1], [-1, -1]]
    assert out_BD.tolist() == [[1, 1], [-1, -1], [9, 9]]
    assert block_BD.tolist() == [[4, 0], [0, -8]]


# --- streamed or held ------------------------------------------------------------------------------------


class Counting:
    """A table that counts how often it is gone through."""

    def __init__(self, features_ND: NDArray[np.float32]) -> None:
        self.rows = ArrayRows(features_ND)
        self.shape = self.rows.shape
        self.passes = 0

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        self.passes += 1
        return self.rows.blocks(size)


@pytest.mark.parametrize("limit", [0, 2 * BLOCK * 3 * 4 - 1, 2 * BLOCK * 3 * 4])
def test_a_streamed_table_is_bit_for_bit_the_held_one(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the limit a table is gone through once and held, above it each time anew, to the same bits."""
    features_ND = table(2 * BLOCK, 3)
    scale = measure_scale(ArrayRows(features_ND))
    held_ND = whole(ScaledRows(ArrayRows(features_ND), scale), 100)
    monkeypatch.setattr(room, "GATHER_BYTES", limit)
    source = Counting(features_ND)
    scaled = ScaledRows(source, scale)
    assert scaled.shape == features_ND.shape
    for size in (100, BLOCK, 5000):
        assert whole(scaled, size).tobytes() == held_ND.tobytes()
    assert source.passes == (1 if features_ND.nbytes <= limit else 3)


def test_scaled_features_have_mean_0_and_spread_at_most_1() -> None:
    """What is learnt from is centred, and no feature is blown up."""
    features_ND = table(3 * BLOCK, 6)
    scaled_ND = whole(ScaledRows(ArrayRows(features_ND), measure_scale(ArrayRows(features_ND))), BLOCK)
    np.testing.assert_allclose(scaled_ND.mean(axis=0, dtype=np.float64), 0, atol=1e-5)
    spread_D = scaled_ND.std(axis=0, dtype=np.float64)
    assert spread_D.max() == pytest.approx(1, abs=1e-5)


def test_two_passes_at_once_do_not_overwrite_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass over a streamed table has its own block."""
    monkeypatch.setattr(room, "GATHER_BYTES", 0)
    features_ND = table(20, 3)
    scaled = ScaledRows(ArrayRows(features_ND), Scale(np.zeros(3), np.ones(3)))
    first, second = scaled.blocks(10), scaled.blocks(10)
    _, one_BD = next(first)
    next(second)
    next(second)
    np.testing.assert_array_equal(one_BD, features_ND[:10])


# --- what cannot be learnt from ----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "width"), [(0, 4), (4, 0), (0, 0)])
def test_no_rows_or_no_features_are_an_error(count: int, width: int) -> None:
    """An empty table is told with both of its sizes."""
    with pytest.raises(FeaturesError) as caught:
        measure_scale(ArrayRows(np.empty((count, width), np.float32)))
    assert str(caught.value) == (
        f"There are {count} pictures with {width} features each to learn from. At least one picture and one"
        " feature was expected. Look at what was skipped: 'pellucid check' names it."
    )


@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
@pytest.mark.parametrize("row", [0, BLOCK - 1, BLOCK + 7])
def test_what_is_not_finite_is_named(value: float, told: str, row: int) -> None:
    """The first row and feature that is NaN or infinite stands in the message, whatever its block."""
    features_ND = table(2 * BLOCK, 4)
    features_ND[row, 2] = value
    features_ND[row + 1 :, 1] = np.nan
    message = (
        f"Feature 2 of picture {row} is {told}. Finite numbers were expected of the frozen layers. Check the"
        " backbone's weights; 'pellucid cache --clear' has the features computed afresh."
    )
    for look in (measure_scale, check_all_finite):
        with pytest.raises(FeaturesError) as caught:
            look(ArrayRows(features_ND))
        assert str(caught.value) == message


def test_finite_tables_pass() -> None:
    """The largest float32 is a number, and an empty table holds nothing that is not."""
    check_all_finite(ArrayRows(np.full((3, 2), np.finfo(np.float32).max, np.float32)))
    check_all_finite(ArrayRows(np.empty((0, 2), np.float32)))
