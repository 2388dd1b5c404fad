"""The head that is kept: its logits in float64, and its softmax against SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from pellucid.training.affine import Head, softmax


def made(seed: int, width: int = 5, classes: int = 3, temperature: float = 1.0) -> Head:
    rng = np.random.default_rng(seed)
    return Head(
        rng.normal(size=(width, classes)).astype(np.float32),
        rng.normal(size=classes).astype(np.float32),
        temperature,
    )


def pictures(seed: int, count: int, width: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_two_logits_by_hand() -> None:
    """Features times weights plus bias; ln 3 more for a class makes it three times as probable."""
    head = Head(np.array([[1, 0], [2, -1]], np.float32), np.array([0.5, -0.5], np.float32))
    features_ND = np.array([[1, 2], [0, 0]], np.float32)
    assert head.logits(features_ND).tolist() == [[5.5, -2.5], [0.5, -0.5]]
    tilted = Head(np.zeros((2, 2), np.float32), np.array([np.log(3), 0], np.float32))
    np.testing.assert_allclose(tilted.probabilities(features_ND), [[0.75, 0.25]] * 2, rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_the_logits_are_those_of_float64_but_for_rounding(seed: int, count: int) -> None:
    """float32 (N, K), also of features in float64."""
    head, features_ND = made(seed), pictures(seed + 1, count)
    exact_NK = features_ND.astype(np.float64) @ head.weight_DK.astype(np.float64) + head.bias_K
    for given_ND in (features_ND, features_ND.astype(np.float64)):
        logits_NK = head.logits(given_ND)
        assert (logits_NK.shape, logits_NK.dtype) == ((count, 3), np.float32)
        np.testing.assert_allclose(logits_NK, exact_NK, rtol=1e-4, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.floats(0.05, 20))
def test_scipy_gives_the_same_probabilities(seed: int, count: int, temperature: float) -> None:
    """softmax(logits / T) in float64; every row sums to 1."""
    head, features_ND = made(seed, temperature=temperature), pictures(seed + 1, count)
    found_NK = head.probabilities(features_ND)
    assert (found_NK.shape, found_NK.dtype) == ((count, 3), np.float64)
    logits_NK = head.logits(features_ND).astype(np.float64)
    np.testing.assert_allclose(found_NK, special.softmax(logits_NK / temperature, axis=1), rtol=1e-9)
    np.testing.assert_allclose(found_NK.sum(axis=1), 1, rtol=1e-14)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20))
def test_a_temperature_changes_no_answer(seed: int, temperature: float) -> None:
    """The order of the classes stays; above 1 the confidence falls, below 1 it rises."""
    plain_NK = made(seed).probabilities(pictures(seed, 8))
    tempered_NK = made(seed, temperature=temperature).probabilities(pictures(seed, 8))
    np.testing.assert_array_equal(tempered_NK.argmax(axis=1), plain_NK.argmax(axis=1))
    change_N = tempered_NK.max(axis=1) - plain_NK.max(axis=1)
    assert np.all(change_N * (1 - temperature) >= -1e-12)


@pytest.mark.parametrize("size", [1e3, 1e30, 3e38])
def test_logits_of_any_finite_size_are_safe(size: float) -> None:
    """No overflow, no NaN: the largest logit takes all, and equal ones share."""
    logits_NK = np.array([[size, 0, -size], [size, size, -size], [-size, -size, -size]], np.float32)
    found_NK = softmax(logits_NK, 0.05)
    np.testing.assert_allclose(found_NK, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], atol=1e-15)


def test_what_is_given_is_left_as_it_was() -> None:
    """The softmax divides and exponentiates a copy, also of float64 logits at temperature 1."""
    logits_NK = np.array([[1.0, 2.0]])
    softmax(logits_NK)
    assert logits_NK.tolist() == [[1.0, 2.0]]
