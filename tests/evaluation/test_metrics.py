"""Every figure against scikit-learn, on examples worked by hand, and under a permutation of the pictures."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as referee

from pellucid.evaluation.metrics import brier_scores, evaluate, log_losses, most_typical, worst_mistakes

Answers = tuple[NDArray[np.float64], NDArray[np.int64], list[str]]


@st.composite
def answers(draw: st.DrawFn, fewest: int = 1) -> Answers:
    """Probabilities, labels and names; some classes may never occur or never be predicted."""
    classes, count = draw(st.integers(2, 6)), draw(st.integers(fewest, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities_NK = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.1, 1.0]))), count)
    labels_N = rng.integers(0, draw(st.integers(1, classes)), count)
    return probabilities_NK, labels_N, [f"class {i}" for i in range(classes)]


@given(answers())
def test_scikit_learn_counts_the_same(data: Answers) -> None:
    """Confusion matrix, accuracy and balanced accuracy are scikit-learn's."""
    probabilities_NK, labels_N, names = data
    found = evaluate(probabilities_NK, labels_N, names)
    said_N = probabilities_NK.argmax(axis=1)
    np.testing.assert_array_equal(
        found.confusion_KK, referee.confusion_matrix(labels_N, said_N, labels=range(len(names)))
    )
    assert found.confusion_KK.dtype == np.int64
    assert found.proportion.accuracy == pytest.approx(referee.accuracy_score(labels_N, said_N))
    occurring = np.unique(labels_N)
    assert found.balanced_accuracy == pytest.approx(
        referee.recall_score(labels_N, said_N, labels=occurring, average="macro")
    )
    # scikit-learn warns of a predicted class that never occurs, and of a single class.
    if np.isin(said_N, occurring).all() and len(occurring) > 1:
        assert found.balanced_accuracy == pytest.approx(referee.balanced_accuracy_score(labels_N, said_N))


@given(answers())
def test_scikit_learn_has_the_same_figures_for_each_class(data: Answers) -> None:
    """Precision, recall and F1 are scikit-learn's, NaN there where there is nothing to divide by."""
    probabilities_NK, labels_N, names = data
    found = evaluate(probabilities_NK, labels_N, names)
    precision_K, recall_K, f1_K, support_K = referee.precision_recall_fscore_support(
        labels_N, probabilities_NK.argmax(axis=1), labels=range(len(names)), zero_division=np.nan
    )
    for i, one in enumerate(found.per_class):
        assert (one.name, one.support) == (names[i], support_K[i])
        told = [np.nan if figure is None else figure for figure in (one.precision, one.recall, one.f1)]
        np.testing.assert_allclose(told, [precision_K[i], recall_K[i], f1_K[i]], rtol=1e-12)


@given(answers())
def test_scikit_learn_has_the_same_log_loss(data: Answers) -> None:
    """Mean of -ln p(true class), to ten digits."""
    probabilities_NK, labels_N, names = data
    assert evaluate(probabilities_NK, labels_N, names).log_loss == pytest.approx(
        referee.log_loss(labels_N, probabilities_NK, labels=range(len(names))), rel=1e-10, abs=1e-14
    )


@given(answers(fewest=0), st.integers(0, 2**32 - 1))
def test_the_order_of_the_pictures_does_not_matter(data: Answers, seed: int) -> None:
    """All figures of the same answers in another order are the same (sums to 12 digits)."""
    probabilities_NK, labels_N, names = data
    order = np.random.default_rng(seed).permutation(len(labels_N))
    first = evaluate(probabilities_NK, labels_N, names).to_json()
    second = evaluate(probabilities_NK[order], labels_N[order], names).to_json()
    assert_same(first, second)


def assert_same(first: Any, second: Any) -> None:
    """Equal, but for the last digits of floats."""
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            assert_same(first[key], second[key])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, float):
        assert first == pytest.approx(second, rel=1e-12, abs=1e-12)
    else:
        assert first == second


@given(answers(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_classes_only_moves_figures(data: Answers, seed: int) -> None:
    """Renumbered classes keep accuracy, log loss and the figures of each class."""
    probabilities_NK, labels_N, names = data
    order = np.random.default_rng(seed).permutation(len(names))
    first = evaluate(probabilities_NK, labels_N, names)
    second = evaluate(probabilities_NK[:, order], np.argsort(order)[labels_N], [names[i] for i in order])
    assert second.proportion == first.proportion
    assert second.log_loss == first.log_loss
    assert second.per_class == tuple(first.per_class[i] for i in order)
    np.testing.assert_array_equal(second.confusion_KK, first.confusion_KK[np.ix_(order, order)])


@given(answers())
def test_the_table_adds_up(data: Answers) -> None:
    """Rows sum to the supports, columns to the predictions, the diagonal to the right answers, all to N."""
    probabilities_NK, labels_N, names = data
    found = evaluate(probabilities_NK, labels_N, names)
    assert found.confusion_KK.sum(axis=1).tolist() == [one.support for one in found.per_class]
    said_K = np.bincount(probabilities_NK.argmax(axis=1), minlength=len(names))
    assert found.confusion_KK.sum(axis=0).tolist() == said_K.tolist()
    assert np.trace(found.confusion_KK) == found.proportion.correct
    assert found.confusion_KK.sum() == found.proportion.n == len(labels_N)
    calibrated = found.calibration.bins
    assert sum(one.proportion.n for one in calibrated) == found.proportion.n
    assert sum(one.proportion.correct for one in calibrated) == found.proportion.correct


def test_five_answers_by_hand() -> None:
    """Three classes of which one never occurs and one is never predicted: None, not 0, where 0 / 0."""
    probabilities_NK = np.array(
        [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]
    )
    found = evaluate(probabilities_NK, np.array([0, 0, 0, 1, 1]), ["ants", "bees", "wasps"])
    assert found.confusion_KK.tolist() == [[2, 0, 1], [2, 0, 0], [0, 0, 0]]
    ants, bees, wasps = found.per_class
    assert (ants.support, ants.precision, ants.recall, ants.f1) == (3, 0.5, 2 / 3, 4 / 7)
    assert (bees.support, bees.precision, bees.recall, bees.f1) == (2, None, 0.0, 0.0)
    assert (wasps.support, wasps.precision, wasps.recall, wasps.f1) == (0, 0.0, None, 0.0)
    assert found.balanced_accuracy == pytest.approx(1 / 3)
    assert found.log_loss == pytest.approx((3 * np.log(2) + 2 * np.log(4)) / 5)
    assert found.curves is None


def test_a_class_that_is_nowhere_has_no_figure() -> None:
    """Neither occurring nor predicted: all three are None, and null in JSON."""
    found = evaluate(np.array([[1.0, 0.0, 0.0]]), np.array([0]), ["ants", "bees", "wasps"])
    assert json.loads(json.dumps(found.per_class[1].to_json())) == {
        "name": "bees",
        "support": 0,
        "precision": None,
        "recall": None,
        "f1": None,
    }


def test_a_certain_mistake_costs_36_nats() -> None:
    """Probability 0 of the truth counts as 2.2e-16, so that the loss stays finite."""
    found = evaluate(np.array([[1.0, 0.0]]), np.array([1]), ["ants", "bees"])
    assert found.log_loss == pytest.approx(36.0437, abs=1e-4)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
def test_labels_may_be_integers_of_any_size(kind: type[np.integer[Any]]) -> None:
    """Small integers do not wrap around where label x K passes 127 or 255; float32 answers will do."""
    rng = np.random.default_rng(0)
    names = [str(i) for i in range(25)]
    labels_N = np.arange(50) % 25
    probabilities_NK = rng.dirichlet(np.ones(25), 50).astype(np.float32)
    wide = evaluate(probabilities_NK, labels_N, names)
    narrow = evaluate(probabilities_NK, labels_N.astype(kind), names)
    assert narrow.to_json() == wide.to_json()
    assert narrow.confusion_KK.sum(axis=1).tolist() == [2] * 25


@given(answers(fewest=2))
def test_curves_are_those_of_the_second_class(data: Answers) -> None:
    """Two classes that both occur have curves for the second; other numbers of classes have none."""
    probabilities_NK, labels_N, names = data
    found = evaluate(probabilities_NK, labels_N, names)
    if len(names) == 2 and len(np.unique(labels_N)) == 2:
        assert found.curves is not None
        assert found.curves.positive == names[1]
        assert found.curves.roc_auc == pytest.approx(referee.roc_auc_score(labels_N, probabilities_NK[:, 1]))
        assert found.curves.average_precision == pytest.approx(
            referee.average_precision_score(labels_N, probabilities_NK[:, 1])
        )
    else:
        assert found.curves is None


def test_of_no_answers_nothing_is_known() -> None:
    """Without pictures all figures are None, and the JSON can be written."""
    found = evaluate(np.empty((0, 2)), np.empty(0, np.int64), ["ants", "bees"])
    told = json.loads(json.dumps(found.to_json()))
    assert (told["n"], told["correct"], told["accuracy"], told["interval"]) == (0, 0, None, [0, 1])
    assert told["confusion"] == [[0, 0], [0, 0]]
    assert (told["balanced_accuracy"], told["log_loss"], told["curves"]) == (None, None, None)
    assert told["calibration"]["expected_calibration_error"] is None


def test_the_json_has_the_contracts_keys() -> None:
    """n, correct, accuracy, interval, classes, confusion, per_class and what else is known."""
    told = evaluate(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ("ants", "bees")).to_json()
    assert list(told) == [
        "n",
        "correct",
        "accuracy",
        "interval",
        "classes",
        "confusion",
        "per_class",
        "balanced_accuracy",
        "log_loss",
        "calibration",
        "curves",
    ]
    assert json.loads(json.dumps(told))["confusion"] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("probabilities", "labels", "classes", "message"),
    [
        ([[0.5, 0.5]], [0, 1], 2, "probabilities of shape (1, 2), (2, 2) was expected"),
        ([[0.5, 0.5]], [0], 3, "probabilities of shape (1, 2), (1, 3) was expected"),
        ([0.5, 0.5], [0, 1], 2, "probabilities of shape (2,), (2, 2) was expected"),
        ([[]], [0], 0, "probabilities of shape (1, 0), (1, 0) was expected"),
        ([[0.5, 0.5]], [2], 2, "labels from 2 to 2, 0..1 was expected"),
        ([[0.5, 0.5]] * 2, [0, -1], 2, "labels from -1 to 0, 0..1 was expected"),
        ([[1.5, -0.5]], [0], 2, "a probability outside [0, 1] or not a number"),
        ([[np.nan, 0.5]], [0], 2, "a probability outside [0, 1] or not a number"),
        ([[np.inf, 0.5]], [0], 2, "a probability outside [0, 1] or not a number"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    probabilities: list[Any], labels: list[int], classes: int, message: str
) -> None:
    """Shapes that disagree, labels out of range and numbers that are no probabilities are ValueErrors."""
    with pytest.raises(ValueError) as caught:
        evaluate(np.array(probabilities), np.array(labels), [str(i) for i in range(classes)])
    assert str(caught.value) == message


# --- which pictures to look at ---------------------------------------------------------------------------

LOOKED_AT = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.8, 0.2], [0.6, 0.4], [0.2, 0.8]])
TRUE = np.array([0, 0, 0, 1, 1, 0])


def test_the_worst_mistakes_come_first() -> None:
    """Wrong answers by falling confidence, the earlier picture where equal, and no more than asked for."""
    assert worst_mistakes(LOOKED_AT, TRUE, 10).tolist() == [1, 3, 5, 2, 4]
    assert worst_mistakes(LOOKED_AT, TRUE, 2).tolist() == [1, 3]
    assert worst_mistakes(LOOKED_AT, TRUE, 0).tolist() == []
    assert worst_mistakes(LOOKED_AT, TRUE, -1).tolist() == []


def test_the_most_typical_are_right_and_of_the_class() -> None:
    """Right answers of one class by falling confidence; none where all its answers are wrong."""
    probabilities_NK = np.array([[0.6, 0.4], [0.9, 0.1], [0.4, 0.6], [0.9, 0.1], [0.95, 0.05]])
    labels_N = np.array([0, 0, 1, 0, 1])
    assert most_typical(probabilities_NK, labels_N, 0, 10).tolist() == [1, 3, 0]
    assert most_typical(probabilities_NK, labels_N, 0, 1).tolist() == [1]
    assert most_typical(probabilities_NK, labels_N, 1, 10).tolist() == [2]
    assert most_typical(LOOKED_AT, TRUE, 1, 10).tolist() == []


@given(answers(fewest=0))
def test_every_picture_is_a_mistake_or_typical_of_its_class(data: Answers) -> None:
    """Together the two lists hold each picture once."""
    probabilities_NK, labels_N, names = data
    count = len(labels_N)
    lists = [worst_mistakes(probabilities_NK, labels_N, count)]
    lists += [most_typical(probabilities_NK, labels_N, i, count) for i in range(len(names))]
    assert sorted(np.concatenate(lists).tolist()) == list(range(count))


def test_log_losses_are_of_each_picture_and_bounded() -> None:
    """-ln of what the true class was given, and that of 1e-12 where it was given nothing."""
    probabilities_NK = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    found_N = log_losses(probabilities_NK, np.array([0, 1, 1]))
    np.testing.assert_allclose(found_N, [np.log(2), np.log(4 / 3), -np.log(1e-12)])


def test_brier_scores_are_scikit_learns() -> None:
    """Their mean is that of the referee; the best is 0, and sure mistakes are 2."""
    chance = np.random.default_rng(0)
    labels_N, probabilities_NK = chance.integers(0, 4, 50), chance.dirichlet(np.ones(4), 50)
    expected = referee.brier_score_loss(labels_N, probabilities_NK, labels=range(4), scale_by_half=False)
    assert brier_scores(probabilities_NK, labels_N).mean() == pytest.approx(expected)
    assert brier_scores(np.eye(3), np.array([0, 1, 0])).tolist() == [0.0, 0.0, 2.0]
