"""The curves and their areas against scikit-learn, and against an example worked by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from pellucid.evaluation.curves import Curves, curves


@st.composite
def two_classes(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores in [0, 1], often equal, of pictures of which some are positive and some are not."""
    truth = draw(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda one: len(set(one)) == 2))
    steps = draw(st.sampled_from([2, 5, 1000]))
    scores = draw(st.lists(st.integers(0, steps), min_size=len(truth), max_size=len(truth)))
    return np.array(scores) / steps, np.array(truth)


def found(scores_N: NDArray[np.floating], positive_N: NDArray[np.bool_]) -> Curves:
    drawn = curves(scores_N, positive_N, "bees")
    assert drawn is not None
    return drawn


def test_four_pictures_by_hand() -> None:
    """Scores 0.9 +, 0.8 -, 0.7 +, 0.1 -: the ROC curve climbs, steps right, climbs, and steps right."""
    drawn = found(np.array([0.1, 0.9, 0.8, 0.7]), np.array([False, True, False, True]))
    assert drawn.positive == "bees"
    assert drawn.thresholds.tolist() == [0.9, 0.8, 0.7, 0.1]
    assert drawn.false_positive_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert drawn.true_positive_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    assert drawn.precision.tolist() == [1, 0.5, 2 / 3, 0.5]
    assert drawn.recall.tolist() == [0.5, 0.5, 1, 1]
    assert drawn.roc_auc == 0.75  # of the four pairs of a positive and a negative, three are in order
    assert drawn.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@given(two_classes())
def test_scikit_learn_draws_the_same_roc(data: tuple[NDArray[np.float64], NDArray[np.bool_]]) -> None:
    """Points, thresholds and area are those of roc_curve and roc_auc_score."""
    scores_N, positive_N = data
    drawn = found(scores_N, positive_N)
    false_rate, true_rate, thresholds = roc_curve(positive_N, scores_N, drop_intermediate=False)
    np.testing.assert_allclose(drawn.false_positive_rate, false_rate)
    np.testing.assert_allclose(drawn.true_positive_rate, true_rate)
    np.testing.assert_array_equal(drawn.thresholds, thresholds[1:])
    assert drawn.roc_auc == pytest.approx(roc_auc_score(positive_N, scores_N))


@given(two_classes())
def test_scikit_learn_draws_the_same_precision_and_recall(
    data: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    """The points are precision_recall_curve's, which run the other way, and so is the average precision."""
    scores_N, positive_N = data
    drawn = found(scores_N, positive_N)
    precision, recall, thresholds = precision_recall_curve(positive_N, scores_N)
    np.testing.assert_allclose(drawn.precision, precision[-2::-1])
    np.testing.assert_allclose(drawn.recall, recall[-2::-1])
    np.testing.assert_array_equal(drawn.thresholds, thresholds[::-1])
    assert drawn.average_precision == pytest.approx(average_precision_score(positive_N, scores_N))


@given(two_classes(), st.randoms(use_true_random=False))
def test_the_order_of_the_pictures_does_not_matter(
    data: tuple[NDArray[np.float64], NDArray[np.bool_]], random: object
) -> None:
    """Equal scores share a point, so that no order of the pictures is better than another."""
    scores_N, positive_N = data
    order = np.arange(len(scores_N))
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = found(scores_N, positive_N), found(scores_N[order], positive_N[order])
    assert first.to_json() == second.to_json()


@given(two_classes())
def test_the_area_is_the_share_of_pairs_in_order(
    data: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    """ROC AUC counts the pairs whose positive scores higher, and half of those that score the same."""
    scores_N, positive_N = data
    gaps = scores_N[positive_N][:, None] - scores_N[~positive_N][None, :]
    assert found(scores_N, positive_N).roc_auc == pytest.approx(np.mean((gaps > 0) + 0.5 * (gaps == 0)))


def test_all_scores_equal_is_guessing() -> None:
    """One point besides (0, 0), an area of a half, and the positives' share as average precision."""
    drawn = found(np.full(4, 0.5), np.array([True, False, False, False]))
    assert drawn.false_positive_rate.tolist() == [0, 1]
    assert drawn.true_positive_rate.tolist() == [0, 1]
    assert (drawn.roc_auc, drawn.average_precision) == (0.5, 0.25)


def test_a_perfect_score_has_areas_of_one_and_its_reverse_of_none() -> None:
    """Every positive above every negative gives 1 and 1; the other way round the ROC area is 0."""
    scores_N, positive_N = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    drawn = found(scores_N, positive_N)
    assert (drawn.roc_auc, drawn.average_precision) == (1.0, 1.0)
    assert found(scores_N, ~positive_N).roc_auc == 0.0


@pytest.mark.parametrize("truth", [[], [True], [False], [True, True], [False, False]])
def test_one_class_alone_has_no_curve(truth: list[bool]) -> None:
    """Where no positive or no negative occurs there is nothing to divide by: None."""
    assert curves(np.linspace(0, 1, len(truth)), np.array(truth, bool), "bees") is None


def test_float32_scores_are_told_apart_as_they_are() -> None:
    """Neighbouring float32 scores stay two thresholds."""
    low = np.float32(0.5)
    drawn = found(np.array([low, np.nextafter(low, np.float32(1))]), np.array([False, True]))
    assert len(drawn.thresholds) == 2
    assert drawn.roc_auc == 1.0


def test_a_long_curve_is_thinned_in_json_only() -> None:
    """Of 2,000 points 500 are told, the ends among them; the areas are those of all points."""
    rng = np.random.default_rng(0)
    positive_N = rng.random(2000) < 0.3
    scores_N = rng.permutation(2000) / 2000 + 0.3 * positive_N
    drawn = found(scores_N, positive_N)
    told = json.loads(json.dumps(drawn.to_json()))
    assert list(told) == ["positive", "roc_auc", "average_precision", "roc", "precision_recall"]
    points = list(zip(drawn.false_positive_rate, drawn.true_positive_rate, strict=True))
    thin = list(zip(told["roc"]["false_positive_rate"], told["roc"]["true_positive_rate"], strict=True))
    assert len(points) == len(np.unique(scores_N)) + 1
    assert len(thin) == 500
    assert (thin[0], thin[-1]) == ((0, 0), (1, 1))
    assert set(thin) <= set(points)
    pairs = set(zip(drawn.recall, drawn.precision, strict=True))
    thin_pairs = told["precision_recall"]
    assert set(zip(thin_pairs["recall"], thin_pairs["precision"], strict=True)) <= pairs
    assert len(thin_pairs["recall"]) == 500
    assert told["roc_auc"] == pytest.approx(roc_auc_score(positive_N, scores_N))


def test_a_short_curve_is_told_whole() -> None:
    """Up to 500 points nothing is left out."""
    positive_N = np.arange(499) % 2 == 0
    drawn = found(np.arange(499.0), positive_N)
    told = drawn.to_json()["roc"]
    assert isinstance(told, dict)
    assert told["true_positive_rate"] == drawn.true_positive_rate.tolist()
    assert len(told["true_positive_rate"]) == 500
