"""The fitted temperature against a grid, and the calibration error against an example worked by hand."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from pellucid.evaluation.calibration import BINS, Temperature, calibration, fit_temperature

NO_MISTAKE = "The validation split has no mistake to learn a temperature from; it stays 1."


def log_loss(logits_NK: NDArray[np.float64], labels_N: NDArray[np.int64], temperature: float) -> float:
    losses_NK = log_softmax(logits_NK / temperature, axis=1)
    return float(-losses_NK[np.arange(len(labels_N)), labels_N].mean())


def drawn(
    seed: int, count: int, classes: int, temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn from what they say at a temperature."""
    rng = np.random.default_rng(seed)
    logits_NK = rng.normal(0, 3, (count, classes))
    cumulative_NK = softmax(logits_NK / temperature, axis=1).cumsum(axis=1)
    labels_N = np.minimum((rng.random((count, 1)) > cumulative_NK).sum(axis=1), classes - 1)
    return logits_NK, labels_N


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    """Of 20,000 labels drawn at a temperature, that temperature is learnt to within 5 %."""
    found = fit_temperature(*drawn(1, 20_000, 4, temperature))
    assert found.value == pytest.approx(temperature, rel=0.05)
    assert found.reason == "Least log loss on 20000 validation pictures."


@given(st.integers(0, 2**32 - 1), st.integers(10, 200), st.integers(2, 5), st.floats(0.3, 5))
def test_no_temperature_of_a_grid_has_a_lower_loss(
    seed: int, count: int, classes: int, temperature: float
) -> None:
    """A brute-force search over the range finds nothing better, unless 1 was kept, with its reason."""
    logits_NK, labels_N = drawn(seed, count, classes, temperature)
    found = fit_temperature(logits_NK, labels_N)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 61))
    least = min(log_loss(logits_NK, labels_N, one) for one in grid)
    if found.reason.startswith("Least log loss on"):
        assert log_loss(logits_NK, labels_N, found.value) <= least + 1e-9
    else:
        assert found.value == 1.0
        assert least == pytest.approx(min(log_loss(logits_NK, labels_N, end) for end in (0.05, 20)))


@pytest.mark.parametrize("margin", [1e-3, 1.0, 10.0, 100.0, 1e4])
def test_without_a_mistake_the_temperature_stays_1(margin: float) -> None:
    """However large the margins, also where the loss is 0 to the last bit over half of the range."""
    logits_NK = np.zeros((20, 2))
    logits_NK[:, 1] = margin
    assert fit_temperature(logits_NK, np.ones(20, np.int64)) == Temperature(1.0, NO_MISTAKE)


@pytest.mark.parametrize(("margin", "temperature"), [(1.0, 1 / np.log(19)), (10.0, 10 / np.log(19))])
def test_one_mistake_of_twenty_has_a_known_temperature(margin: float, temperature: float) -> None:
    """Twenty answers of equal margin, one of them wrong: sure to 19 / 20 where margin / T = ln 19."""
    logits_NK = np.zeros((20, 2))
    logits_NK[:, 1] = margin
    labels_N = np.array([0] + [1] * 19)
    assert fit_temperature(logits_NK, labels_N).value == pytest.approx(temperature, rel=1e-5)


@pytest.mark.parametrize(("margin", "where"), [(0.001, "below 0.05"), (1000.0, "above 20")])
def test_a_best_outside_the_range_is_said_to_be_there(margin: float, where: str) -> None:
    """With a mistake, logits that are far too small or too large keep 1, and the reason says which."""
    logits_NK = np.zeros((20, 2))
    logits_NK[:, 1] = margin
    found = fit_temperature(logits_NK, np.array([0] + [1] * 19))
    assert found == Temperature(1.0, f"The temperature with the least log loss lies {where}; it stays 1.")


@pytest.mark.parametrize("count", [0, 1, 9])
def test_few_pictures_fit_no_temperature(count: int) -> None:
    """Fewer than ten validation pictures keep 1, and the reason counts them."""
    logits_NK, labels_N = drawn(0, 10, 3, 1.0)
    assert fit_temperature(logits_NK[:count], labels_N[:count]) == Temperature(
        1.0, f"{count} validation pictures are too few to fit a temperature; it stays 1."
    )


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50))
def test_what_is_added_to_all_logits_of_a_picture_changes_nothing(seed: int, shift: float) -> None:
    """The softmax does not see a constant, and neither does the temperature."""
    logits_NK, labels_N = drawn(seed, 40, 3, 2.0)
    shifted = fit_temperature(logits_NK + shift, labels_N)
    plain = fit_temperature(logits_NK, labels_N)
    assert shifted.value == pytest.approx(plain.value, rel=1e-4)
    assert shifted.reason == plain.reason


def test_the_logits_are_left_as_they_were() -> None:
    """Fitting writes nothing into what it was given, float32 or float64."""
    for kind in (np.float32, np.float64):
        logits_NK, labels_N = drawn(0, 30, 3, 1.0)
        logits_NK = logits_NK.astype(kind)
        before_NK = logits_NK.copy()
        fit_temperature(logits_NK, labels_N)
        np.testing.assert_array_equal(logits_NK, before_NK)


# --- the reliability diagram ---------------------------------------------------------------------------


def test_the_error_of_five_answers_by_hand() -> None:
    """Two bins are off by 0.15 and by 0.7 / 3: ECE = (2 x 0.45 + 3 x 0.7 / 3) / 5."""
    # Confidences 0.55 and 0.55 (one right): accuracy 0.5 against 0.55 in bin (8/15, 9/15].
    # Confidences 0.9, 0.9 and 0.9 (all right): accuracy 1 against 0.9 in bin (13/15, 14/15].
    probabilities_NK = np.array([[0.55, 0.45], [0.45, 0.55], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
    found = calibration(probabilities_NK, np.array([0, 0, 0, 1, 0]))
    assert found.error == pytest.approx((2 * 0.05 + 3 * 0.1) / 5)
    filled = {i: one for i, one in enumerate(found.bins) if one.proportion.n}
    assert sorted(filled) == [8, 13]
    assert (filled[8].proportion.n, filled[8].proportion.correct) == (2, 1)
    assert (filled[13].proportion.n, filled[13].proportion.correct) == (3, 3)
    assert filled[8].confidence == pytest.approx(0.55)
    assert filled[13].confidence == pytest.approx(0.9)


@pytest.mark.parametrize("edge", range(8, BINS + 1))
def test_a_bin_holds_its_upper_edge(edge: int) -> None:
    """A confidence of exactly i / 15 lies in the bin that ends there, and the next number in the next."""
    at = edge / BINS
    assert [one.proportion.n for one in calibration(np.array([[at, 1 - at]]), np.array([0])).bins].index(
        1
    ) == edge - 1
    if edge < BINS:
        over = np.nextafter(at, 1)
        bins = calibration(np.array([[over, 1 - over]]), np.array([0])).bins
        assert bins[edge].proportion.n == 1


def test_the_bins_are_equal_and_lie_end_to_end() -> None:
    """15 bins from 0 to 1."""
    bins = calibration(np.array([[0.7, 0.3]]), np.array([0])).bins
    assert (bins[0].low, bins[-1].high, len(bins)) == (0.0, 1.0, 15)
    assert all(one.high == after.low for one, after in pairwise(bins))
    np.testing.assert_allclose([one.high - one.low for one in bins], 1 / 15)


def slow_error(probabilities_NK: NDArray[np.float64], labels_N: NDArray[np.int64]) -> float:
    """The definition, bin by bin and picture by picture."""
    error, count = 0.0, len(labels_N)
    for i in range(15):
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities_NK, labels_N, strict=True)
            if i / 15 < row.max() <= (i + 1) / 15
        ]
        if inside:
            confidence, right = np.mean([one for one, _ in inside]), np.mean([one for _, one in inside])
            error += len(inside) / count * abs(right - confidence)
    return error


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(2, 6))
def test_the_error_is_the_sum_over_the_bins(seed: int, count: int, classes: int) -> None:
    """It equals the definition computed by loops, lies in [0, 1], and the bins' counts sum to N."""
    rng = np.random.default_rng(seed)
    probabilities_NK = rng.dirichlet(np.full(classes, 0.5), count)
    labels_N = rng.integers(0, classes, count)
    found = calibration(probabilities_NK, labels_N)
    assert found.error == pytest.approx(slow_error(probabilities_NK, labels_N), abs=1e-12)
    assert sum(one.proportion.n for one in found.bins) == count
    right = (probabilities_NK.argmax(axis=1) == labels_N).sum()
    assert sum(one.proportion.correct for one in found.bins) == right
    for one in found.bins:
        assert (one.confidence is None) is (one.proportion.n == 0)
        if one.confidence is not None:
            assert one.low - 1e-12 <= one.confidence <= one.high + 1e-12


def test_of_no_answers_nothing_is_known() -> None:
    """Without a picture the error is None and every bin empty; the JSON has null there."""
    found = calibration(np.empty((0, 3)), np.empty(0, np.int64))
    assert found.error is None
    told = json.loads(json.dumps(found.to_json()))
    assert told["expected_calibration_error"] is None
    assert [(one["n"], one["confidence"], one["accuracy"]) for one in told["bins"]] == [(0, None, None)] * 15


def test_the_json_of_a_bin() -> None:
    """A bin tells its edges, its mean confidence and the proportion that was right."""
    told = calibration(np.array([[0.75, 0.25]]), np.array([1])).to_json()
    assert list(told) == ["expected_calibration_error", "bins"]
    one = json.loads(json.dumps(told))["bins"][11]
    assert list(one) == ["low", "high", "confidence", "n", "correct", "accuracy", "interval"]
    assert (one["confidence"], one["n"], one["correct"], one["accuracy"]) == (0.75, 1, 0, 0.0)
    assert told["expected_calibration_error"] == 0.75
