"""The objective and its gradient against plain float64 arithmetic, its minimum against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from pellucid.training.logistic import COARSE, FINE, Affine, Objective, cross_entropy
from pellucid.training.rows import BLOCK, ArrayRows


def problem(
    seed: int, count: int = 300, width: int = 6, classes: int = 3, weighted: bool = False
) -> Objective:
    """Overlapping classes whose features are of order 1."""
    rng = np.random.default_rng(seed)
    labels_N = rng.integers(0, classes, count)
    labels_N[:classes] = np.arange(classes)
    features_ND = rng.normal(size=(count, width)) + rng.normal(size=(classes, width))[labels_N]
    weights_N = rng.uniform(0.2, 3, count) if weighted else np.ones(count)
    return Objective(ArrayRows(features_ND.astype(np.float32)), labels_N, weights_N, classes)


def features(objective: Objective) -> NDArray[np.float64]:
    assert isinstance(objective.rows, ArrayRows)
    return objective.rows.features_ND.astype(np.float64)


def exact(objective: Objective, at: Affine, regularisation: float) -> tuple[float, NDArray[np.float64]]:
    """The definition in float64 in one piece: loss, and gradient by X^T S (P - Y)."""
    x_ND, labels_N, s_N = features(objective), objective.labels_N, objective.weights_N
    logits_NK = x_ND @ at.weight_DK + at.bias_K
    loss_N = -log_softmax(logits_NK, axis=1)[np.arange(len(labels_N)), labels_N]
    total = s_N.sum()
    loss = (s_N @ loss_N + (at.weight_DK**2).sum() / (2 * regularisation)) / total
    slope_NK = s_N[:, None] * (softmax(logits_NK, axis=1) - np.eye(objective.classes)[labels_N])
    gradient_DK = (x_ND.T @ slope_NK + at.weight_DK / regularisation) / total
    return loss, np.concatenate([gradient_DK.ravel(), slope_NK.sum(axis=0) / total])


def somewhere(objective: Objective, seed: int) -> NDArray[np.float64]:
    """Random parameters."""
    count = (objective.rows.shape[1] + 1) * objective.classes
    return np.random.default_rng(seed).normal(0, 0.5, count)


@given(st.integers(0, 2**32 - 1), st.integers(5, 80), st.integers(2, 5), st.booleans(), st.floats(1e-4, 100))
def test_loss_and_gradient_are_the_definitions(
    seed: int, count: int, classes: int, weighted: bool, regularisation: float
) -> None:
    """Products in float32 give the loss and gradient of float64 to six digits."""
    objective = problem(seed, count, classes=classes, weighted=weighted)
    flat = somewhere(objective, seed)
    loss, gradient = objective(flat, regularisation)
    exact_loss, exact_gradient = exact(objective, objective.unflatten(flat), regularisation)
    assert loss == pytest.approx(exact_loss, rel=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-5, atol=2e-6)


def test_blocks_sum_to_the_whole() -> None:
    """A table of more than one block, and a last block that is not full."""
    objective = problem(0, 2 * BLOCK + 3, weighted=True)
    flat = somewhere(objective, 1)
    loss, gradient = objective(flat, 0.1)
    exact_loss, exact_gradient = exact(objective, objective.unflatten(flat), 0.1)
    assert loss == pytest.approx(exact_loss, rel=1e-6)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("regularisation", [0.001, 1.0])
def test_the_gradient_is_the_slope_of_the_loss(regularisation: float) -> None:
    """Central differences of the loss, parameter by parameter."""
    objective = problem(3, 40, 4, 3, weighted=True)
    flat, step = somewhere(objective, 4), 1e-2
    _, gradient = objective(flat, regularisation)
    slopes = [
        (objective(flat + one, regularisation)[0] - objective(flat - one, regularisation)[0]) / (2 * step)
        for one in step * np.eye(len(flat))
    ]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("regularisation", [0.0001, 0.01, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learn_finds_the_same_minimum(classes: int, regularisation: float, weighted: bool) -> None:
    """The same probabilities, and no higher loss; of two classes scikit-learn's C is twice ours."""
    objective = problem(classes, 400, classes=classes, weighted=weighted)
    found, _ = objective.minimise(objective.zero(), regularisation, FINE)
    x_ND = features(objective)
    theirs = LogisticRegression(C=regularisation * (2 if classes == 2 else 1), tol=1e-9, max_iter=10_000).fit(
        x_ND, objective.labels_N, sample_weight=objective.weights_N
    )
    weight_DK, bias_K = theirs.coef_.T, theirs.intercept_
    if classes == 2:
        weight_DK, bias_K = weight_DK * [-0.5, 0.5], bias_K * [-0.5, 0.5]
    their_loss, _ = exact(objective, Affine(weight_DK, bias_K), regularisation)
    our_loss, _ = exact(objective, found, regularisation)
    assert our_loss == pytest.approx(their_loss, rel=1e-6)
    ours_NK = softmax(found.logits(objective.rows), axis=1)
    np.testing.assert_allclose(ours_NK, theirs.predict_proba(x_ND), atol=1e-3)


def test_strong_regularisation_leaves_the_frequencies() -> None:
    """The bias is not penalised: with next to no weights the answer is each class's share."""
    objective = problem(0, 200)
    found, _ = objective.minimise(objective.zero(), 1e-6, FINE)
    shares_K = np.bincount(objective.labels_N) / 200
    np.testing.assert_allclose(softmax(found.logits(objective.rows), axis=1), [shares_K] * 200, atol=1e-3)


def test_a_row_that_counts_twice_is_two_rows() -> None:
    """Weights are repetitions, up to the scale of the whole."""
    once = problem(0, 60)
    x_ND, labels_N = features(once).astype(np.float32), once.labels_N
    twice = Objective(
        ArrayRows(np.concatenate([x_ND, x_ND[:20]])),
        np.concatenate([labels_N, labels_N[:20]]),
        np.ones(80),
        3,
    )
    heavier = Objective(once.rows, labels_N, np.where(np.arange(60) < 20, 2.0, 1.0), 3)
    flat = somewhere(once, 0)
    assert heavier(flat, 0.1)[0] == pytest.approx(twice(flat, 0.1)[0], rel=1e-6)
    np.testing.assert_allclose(heavier(flat, 0.1)[1], twice(flat, 0.1)[1], rtol=1e-4, atol=1e-6)


def test_a_row_of_weight_0_teaches_nothing() -> None:
    """It is as if it were not there."""
    objective = problem(0, 60)
    some_N = (np.arange(60) < 40).astype(np.float64)
    flat = somewhere(objective, 0)
    muted = Objective(objective.rows, objective.labels_N, some_N, 3)
    without = Objective(
        ArrayRows(features(objective)[:40].astype(np.float32)), objective.labels_N[:40], np.ones(40), 3
    )
    assert muted(flat, 0.1)[0] == pytest.approx(without(flat, 0.1)[0], rel=1e-6)


def test_a_sum_of_objectives_is_over_the_rows_of_both() -> None:
    """Training and validation pictures together: the same as one table of all, weights and all."""
    both = problem(5, 90, weighted=True)
    x_ND = features(both).astype(np.float32)
    first = Objective(ArrayRows(x_ND[:50]), both.labels_N[:50], both.weights_N[:50], 3)
    second = Objective(ArrayRows(x_ND[50:]), both.labels_N[50:], both.weights_N[50:], 3)
    joined, flat = first + second, somewhere(both, 0)
    assert joined.rows.shape == (90, 6)
    assert joined(flat, 0.1)[0] == pytest.approx(both(flat, 0.1)[0], rel=1e-6)
    np.testing.assert_allclose(joined(flat, 0.1)[1], both(flat, 0.1)[1], rtol=1e-4, atol=1e-6)


def test_the_same_search_gives_the_same_bytes() -> None:
    """Twice the same problem: the same iterations and the same solution to the bit."""
    (one, steps), (other, again) = (
        problem(2, 700).minimise(problem(2, 700).zero(), 0.1, FINE) for _ in range(2)
    )
    assert steps == again
    assert one.weight_DK.tobytes() == other.weight_DK.tobytes()
    assert one.bias_K.tobytes() == other.bias_K.tobytes()


def test_a_search_from_the_solution_is_short() -> None:
    """What makes the path of strengths cheap: one from where the last one ended takes few steps."""
    objective = problem(1)
    near, from_nothing = objective.minimise(objective.zero(), 0.1, COARSE)
    _, from_near = objective.minimise(near, 0.1, COARSE)
    assert from_near <= 1 < from_nothing


def test_parameters_lie_by_rows_and_are_not_copied() -> None:
    """D x K weights row by row, then K biases; unflattened they are views."""
    objective = problem(0, width=2)
    flat = np.arange(9.0)
    at = objective.unflatten(flat)
    assert at.weight_DK.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert at.bias_K.tolist() == [6, 7, 8]
    assert np.shares_memory(at.weight_DK, flat)
    nothing = objective.zero()
    assert nothing.weight_DK.shape == (2, 3)
    assert not nothing.weight_DK.any()
    assert not nothing.bias_K.any()


def test_the_logits_of_many_blocks() -> None:
    """(N, K) float64 of all rows in order."""
    objective = problem(0, 2 * BLOCK + 1)
    at = objective.unflatten(somewhere(objective, 0))
    logits_NK = at.logits(objective.rows)
    assert logits_NK.dtype == np.float64
    expected_NK = features(objective) @ at.weight_DK + at.bias_K
    np.testing.assert_allclose(logits_NK, expected_NK, rtol=1e-4, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(2, 6), st.floats(0.1, 100))
def test_scipy_has_the_same_cross_entropy(seed: int, count: int, classes: int, size: float) -> None:
    """-ln softmax at the label, and softmax minus one-hot as its gradient."""
    rng = np.random.default_rng(seed)
    logits_NK, labels_N = rng.normal(0, size, (count, classes)), rng.integers(0, classes, count)
    loss_N, slope_NK = cross_entropy(logits_NK, labels_N)
    expected_N = -log_softmax(logits_NK, axis=1)[np.arange(count), labels_N]
    np.testing.assert_allclose(loss_N, expected_N, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slope_NK, softmax(logits_NK, axis=1) - np.eye(classes)[labels_N], atol=1e-12)
    np.testing.assert_allclose(slope_NK.sum(axis=1), 0, atol=1e-12)
    assert np.all(loss_N >= 0)


def test_huge_logits_have_a_finite_loss() -> None:
    """A certain mistake by a million nats costs a million nats, without overflow."""
    loss_N, slope_NK = cross_entropy(np.array([[1e6, 0.0], [1e6, 0.0]]), np.array([0, 1]))
    assert loss_N.tolist() == [0, 1e6]
    assert slope_NK.tolist() == [[0, 0], [1, -1]]
