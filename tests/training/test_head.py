"""The head against scikit-learn at the strength chosen, how it is chosen, and what it refuses."""

import tracemalloc
from math import log10
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight

from pellucid.errors import SourceError
from pellucid.events import Advanced, Event, Notice, PhaseEnded, PhaseStarted
from pellucid.training import rows as room
from pellucid.training.head import STRENGTHS, Fitted, Step, _for_raw_features, fit_head
from pellucid.training.logistic import Affine
from pellucid.training.rows import ArrayRows, FeaturesError, Scale, ScaledRows, measure_scale

Labelled = tuple[NDArray[np.float32], NDArray[np.int64]]


def pictures(seed: int, sizes: tuple[int, ...], width: int = 8, apart: float = 1.0) -> Labelled:
    """Features of overlapping classes, ``sizes`` of each, on unlike scales; seeds share the classes."""
    classes = np.random.default_rng(len(sizes))
    centres_KD = classes.normal(0, apart, (len(sizes), width))
    stretch_D = 10 ** classes.uniform(-1, 1, width)
    rng = np.random.default_rng(seed)
    labels_N = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    features_ND = (rng.normal(size=(len(labels_N), width)) + centres_KD[labels_N]) * stretch_D + 3
    return features_ND.astype(np.float32), labels_N


def fitted(train: Labelled, val: Labelled, classes: int, **options: Any) -> Fitted:
    return fit_head(ArrayRows(train[0]), train[1], ArrayRows(val[0]), val[1], classes, **options)


def none_of(width: int) -> Labelled:
    return np.empty((0, width), np.float32), np.empty(0, np.int64)


def scaled(features_ND: NDArray[np.float32], by: NDArray[np.float32]) -> NDArray[np.float64]:
    """Features in the units of the scale that is measured on ``by``, in float64."""
    scale = measure_scale(ArrayRows(by))
    return (features_ND - scale.mean_D) * scale.factor_D


def referee(
    features_ND: NDArray[np.float64], labels_N: NDArray[np.int64], classes: int, c: float, balanced: bool
) -> LogisticRegression:
    """scikit-learn's answer to the same question; of two classes its C is twice ours."""
    return LogisticRegression(
        C=c * (2 if classes == 2 else 1),
        class_weight="balanced" if balanced else None,
        tol=1e-9,
        max_iter=10_000,
    ).fit(features_ND, labels_N)


SIZES = [(60, 60), (30, 90), (50, 40, 45), (20, 90, 70, 30)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_scikit_learn_fits_the_same_head(sizes: tuple[int, ...], class_weights: Any) -> None:
    """At the strength chosen, probabilities of other pictures from raw features agree to half a point."""
    train, val, other = pictures(1, sizes), pictures(2, sizes), pictures(3, sizes)
    found = fitted(train, val, len(sizes), class_weights=class_weights)
    theirs = referee(
        scaled(train[0], train[0]),
        train[1],
        len(sizes),
        found.regularisation,
        class_weights == "balanced",
    )
    np.testing.assert_allclose(
        found.head.probabilities(other[0]),
        theirs.predict_proba(scaled(other[0], train[0])),
        atol=5e-3,
    )
    assert (found.head.weight_DK.dtype, found.head.bias_K.dtype) == (np.float32, np.float32)
    assert found.head.temperature == 1.0


@pytest.mark.parametrize("sizes", [(60, 60), (50, 40, 45)])
def test_a_refit_learns_from_both_splits(sizes: tuple[int, ...]) -> None:
    """The same path and strength, then the head of scikit-learn on train and val together."""
    train, val, other = pictures(1, sizes), pictures(2, sizes), pictures(3, sizes)
    first = fitted(train, val, len(sizes))
    second = fitted(train, val, len(sizes), refit=True)
    assert (first.refitted, second.refitted) == (False, True)
    assert second.path == first.path
    assert second.regularisation == first.regularisation
    assert second.val_logits_NK.tobytes() == first.val_logits_NK.tobytes()
    theirs = referee(
        np.concatenate([scaled(train[0], train[0]), scaled(val[0], train[0])]),
        np.concatenate([train[1], val[1]]),
        len(sizes),
        second.regularisation,
        False,
    )
    expected_NK = theirs.predict_proba(scaled(other[0], train[0]))
    np.testing.assert_allclose(second.head.probabilities(other[0]), expected_NK, atol=5e-3)
    assert np.abs(first.head.probabilities(other[0]) - expected_NK).max() > 0.02


def test_the_scale_is_folded_in_exactly() -> None:
    """With powers of two, the head gives raw features the very logits that scaled ones had."""
    scale = Scale(np.array([2.0, -4.0, 1.0]), np.array([0.5, 0.25, 0.0]))
    affine = Affine(np.array([[1.0, -1.0], [4.0, 0.5], [8.0, 8.0]]), np.array([0.25, -0.75]))
    raw_ND = np.array([[3, 1, 7], [-2, 0.5, 9], [2, -4, -100]], np.float32)
    head = _for_raw_features(affine, scale)
    assert head.weight_DK.tolist() == [[0.5, -0.5], [1.0, 0.125], [0.0, 0.0]]
    assert head.bias_K.tolist() == [3.25, 0.75]
    expected_NK = affine.logits(ScaledRows(ArrayRows(raw_ND), scale))
    assert head.logits(raw_ND).tolist() == expected_NK.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 10))
def test_folding_changes_no_logit(seed: int, count: int, width: int) -> None:
    """Whatever the scale, the two differ by the rounding of float32 alone."""
    rng = np.random.default_rng(seed)
    scale = Scale(rng.normal(0, 5, width), 10 ** rng.uniform(-2, 1, width))
    affine = Affine(rng.normal(size=(width, 3)), rng.normal(size=3))
    raw_ND = (scale.mean_D + rng.normal(size=(count, width)) / scale.factor_D).astype(np.float32)
    exact_NK = ((raw_ND - scale.mean_D) * scale.factor_D) @ affine.weight_DK + affine.bias_K
    size = 1 + np.abs(scale.mean_D * scale.factor_D).sum()
    np.testing.assert_allclose(_for_raw_features(affine, scale).logits(raw_ND), exact_NK, atol=2e-5 * size)


# --- the strength ------------------------------------------------------------------------------------------


def test_the_strengths_are_half_decades_from_strong_to_weak() -> None:
    """0.0001 to 100, thirteen of them, and 0.03 among them, where the best is expected."""
    np.testing.assert_allclose(STRENGTHS, np.logspace(-4, 2, 13))
    assert any(log10(one) == pytest.approx(-1.5) for one in STRENGTHS)


def test_a_score_by_hand() -> None:
    """40 pictures of 0.5 nats are 20, and C = 0.1 lies half a decade from 0.03: 20 + 0.125."""
    assert Step(0.1, 0.5, 35, 40, 9).score == pytest.approx(20.125)
    assert Step(10**-1.5, 0.5, 35, 40, 9).score == pytest.approx(20)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("apart", [0.1, 0.6, 3.0])
def test_the_path_goes_up_until_the_score_has_risen_twice(sizes: tuple[int, ...], apart: float) -> None:
    """Strengths are tried in order; the one with the least score is chosen, and no step follows two rises."""
    train, val = pictures(4, sizes, apart=apart), pictures(5, sizes, apart=apart)
    found = fitted(train, val, len(sizes))
    scores = [step.score for step in found.path]
    assert tuple(step.regularisation for step in found.path) == STRENGTHS[: len(found.path)]
    rises = np.diff(scores) > 0
    assert rises[:-1].sum() <= 1
    assert rises.sum() == 2 or len(found.path) == len(STRENGTHS)
    assert found.chosen == found.path[int(np.argmin(scores))]
    assert found.chosen is not None
    assert found.regularisation == found.chosen.regularisation


@pytest.mark.parametrize("sizes", SIZES)
def test_the_chosen_step_tells_of_the_logits_that_come_with_it(sizes: tuple[int, ...]) -> None:
    """Right answers and weighted log loss follow from the validation logits, which are nearly the head's."""
    train, val = pictures(4, sizes), pictures(5, sizes)
    found = fitted(train, val, len(sizes))
    assert found.val_logits_NK.shape == (len(val[1]), len(sizes))
    assert found.val_logits_NK.dtype == np.float32
    assert found.chosen is not None
    assert found.chosen.val_n == len(val[1])
    assert found.chosen.val_correct == (found.val_logits_NK.argmax(axis=1) == val[1]).sum()
    loss_N = -log_softmax(found.val_logits_NK.astype(np.float64), axis=1)[np.arange(len(val[1])), val[1]]
    weights_K = np.array(found.class_weights_K or [1.0] * len(sizes))
    assert found.chosen.val_log_loss == pytest.approx(np.average(loss_N, weights=weights_K[val[1]]), rel=1e-5)
    np.testing.assert_allclose(
        softmax(found.val_logits_NK, axis=1), found.head.probabilities(val[0]), atol=0.03
    )


def test_without_validation_the_expected_strength_is_taken() -> None:
    """No path, C = 0.03, no logits to calibrate by, and nothing to refit with."""
    train, other = pictures(1, (40, 50, 30)), pictures(2, (40, 50, 30))
    found = fitted(train, none_of(8), 3, refit=True)
    assert (found.path, found.chosen, found.refitted) == ((), None, False)
    assert found.regularisation == pytest.approx(10**-1.5)
    assert found.val_logits_NK.shape == (0, 3)
    theirs = referee(scaled(train[0], train[0]), train[1], 3, 10**-1.5, False)
    np.testing.assert_allclose(
        found.head.probabilities(other[0]),
        theirs.predict_proba(scaled(other[0], train[0])),
        atol=1e-3,
    )


def test_a_val_split_that_says_nothing_leaves_the_strength_as_expected() -> None:
    """Three easy validation pictures do not drive C to the end of the range."""
    train, val = pictures(1, (40, 40), apart=5), pictures(2, (2, 1), apart=5)
    assert 0.01 <= fitted(train, val, 2).regularisation <= 0.1


# --- classes of unequal size -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "wanted", "weights", "reason"),
    [
        (
            (29, 10),
            "auto",
            None,
            "The largest class has 2.9 times the training pictures of the smallest, so every picture counts "
            "the same (less than 3).",
        ),
        ((90, 10), "none", None, "Every picture counts the same, as was asked."),
        ((12, 8), "balanced", (20 / 24, 20 / 16), "Every class counts the same, as was asked."),
    ],
)
def test_classes_count_as_was_asked(
    sizes: tuple[int, ...], wanted: Any, weights: tuple[float, ...] | None, reason: str
) -> None:
    """And alike where 'auto' finds them nearly of one size; nobody is told of what is usual."""
    events: list[Event] = []
    train = pictures(1, sizes)
    found = fitted(
        train, pictures(2, (5,) * len(sizes)), len(sizes), class_weights=wanted, listen=events.append
    )
    assert found.reason == reason
    assert not [event for event in events if isinstance(event, Notice)]
    if weights is None:
        assert found.class_weights_K is None
    else:
        assert found.class_weights_K == pytest.approx(weights)
        theirs_K = compute_class_weight("balanced", classes=np.arange(len(sizes)), y=train[1])
        assert found.class_weights_K == pytest.approx(tuple(theirs_K))


@pytest.mark.parametrize(("seed", "apart", "evened"), [(1, 1.0, True), (2, 2.0, False)])
def test_unequal_classes_are_evened_out_where_that_measures_better(
    seed: int, apart: float, evened: bool
) -> None:
    """'auto' takes what has the higher balanced accuracy on validation, and tells both figures."""
    train, val = pictures(seed, (120, 12), apart=apart), pictures(seed + 100, (40, 40), apart=apart)
    events: list[Event] = []
    found = fitted(train, val, 2, listen=events.append)
    balanced, alike = (fitted(train, val, 2, class_weights=one) for one in ("balanced", "none"))
    shares = [
        100 * balanced_accuracy_score(val[1], one.val_logits_NK.argmax(axis=1)) for one in (balanced, alike)
    ]
    assert (shares[0] > shares[1]) is evened
    assert content(found) == content(balanced if evened else alike)
    what = "classes" if evened else "pictures"
    assert found.reason == (
        "The largest class has 10.0 times the training pictures of the smallest: class by class "
        f"{shares[0]:.1f} % of the validation pictures are right where every class counts the same, and "
        f"{shares[1]:.1f} % where every picture does, so {what} count the same."
    )
    assert [event for event in events if isinstance(event, Notice)] == [Notice(found.reason)]


def test_unequal_classes_without_validation_are_evened_out() -> None:
    """There is nothing to measure by."""
    found = fitted(pictures(1, (30, 10)), none_of(8), 2)
    assert found.class_weights_K == pytest.approx((40 / 60, 40 / 20))
    assert found.reason == (
        "The largest class has 3.0 times the training pictures of the smallest, so every class is made to "
        "count the same (3 or more)."
    )


# --- streams, repetition, memory ---------------------------------------------------------------------------


def content(found: Fitted) -> tuple[bytes, bytes, bytes, tuple[Step, ...]]:
    return (
        found.head.weight_DK.tobytes(),
        found.head.bias_K.tobytes(),
        found.val_logits_NK.tobytes(),
        found.path,
    )


@pytest.mark.parametrize("refit", [False, True])
def test_the_same_input_gives_the_same_bytes_streamed_or_held(
    refit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in memory, and once from tables too large to be held: weights, logits and path are equal."""
    sizes = (500, 600, 300)
    train, val = pictures(1, sizes), pictures(2, sizes)
    held = content(fitted(train, val, 3, refit=refit))
    assert content(fitted(train, val, 3, refit=refit)) == held
    monkeypatch.setattr(room, "GATHER_BYTES", 0)
    assert content(fitted(train, val, 3, refit=refit)) == held


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.int32, np.uint64]))
def test_labels_may_be_integers_of_any_size(seed: int, kind: type[np.integer[Any]]) -> None:
    """The same bytes whatever the type of the labels."""
    train, val = pictures(seed, (20, 20, 15)), pictures(seed + 1, (6, 6, 6))
    narrow = fitted((train[0], train[1].astype(kind)), (val[0], val[1].astype(kind)), 3)
    assert content(narrow) == content(fitted(train, val, 3))


def peak_of_fitting(rows: int, width: int) -> float:
    """The most bytes that fitting held at a time, in tables of training features."""
    train = pictures(1, (rows // 2, rows // 2), width, apart=0.05)
    val = pictures(2, (50, 50), width, apart=0.05)
    tracemalloc.start()
    try:
        found = fitted(train, val, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.head.weight_DK.shape == (width, 2)
    return peak / train[0].nbytes


def test_fitting_holds_no_more_than_one_copy() -> None:
    """2,000 pictures of 1,280 features: the scaled copy and a few blocks, no second copy."""
    assert 1 < peak_of_fitting(2000, 1280) < 2


def test_a_streamed_table_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a few blocks are all that is held, here of 8,000 rows 512 at a time."""
    monkeypatch.setattr(room, "GATHER_BYTES", 0)
    assert peak_of_fitting(8000, 320) < 0.5


def test_features_are_left_as_they_were() -> None:
    """Scaling writes into its own arrays, so that a read-only memory map will do."""
    train, val = pictures(1, (30, 30)), pictures(2, (10, 10))
    for table in (*train, *val):
        table.setflags(write=False)
    fitted(train, val, 2, refit=True)


def test_constant_features_teach_nothing() -> None:
    """Their weights are 0; where all are constant the answer is each class's share."""
    (features_ND, labels_N), val = pictures(1, (60, 40)), pictures(2, (10, 10))
    features_ND[:, 3] = 0.1
    assert fitted((features_ND, labels_N), val, 2).head.weight_DK[3].tolist() == [0, 0]
    features_ND[:] = 0.1
    flat = fitted((features_ND, labels_N), val, 2)
    assert not flat.head.weight_DK.any()
    np.testing.assert_allclose(flat.head.probabilities(val[0]), [[0.6, 0.4]] * 20, atol=1e-3)


def test_one_phase_is_told() -> None:
    """It begins, moves on once a strength and once for the last fit, and ends."""
    events: list[Event] = []
    found = fitted(pictures(1, (30, 30)), pictures(2, (10, 10)), 2, listen=events.append)
    assert events[0] == PhaseStarted("Fitting the head", 0, "")
    assert events[1:-1] == [Advanced("Fitting the head", 1)] * (len(found.path) + 1)
    assert isinstance(events[-1], PhaseEnded)


# --- what cannot be learnt from ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (
            [0, 0, 0, 0],
            1,
            "There is 1 class to tell apart. At least two were expected. Add a folder with pictures of what"
            " the first is to be told from.",
        ),
        (
            [0, 2, 0, 2],
            3,
            "Class 1 (of 0 to 2) has no picture in the training split. At least one training picture of every"
            " class was expected. Add pictures of it, or leave the class out.",
        ),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(labels: list[int], classes: int, message: str) -> None:
    """One class alone, or a class without a training picture, is the source's fault and says so."""
    with pytest.raises(SourceError) as caught:
        fitted((np.eye(4, dtype=np.float32), np.array(labels)), none_of(4), classes)
    assert str(caught.value) == message


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (np.inf, "inf")])
def test_features_that_are_no_numbers_are_refused(split: str, value: float, told: str) -> None:
    """In either split, with the place of the first."""
    tables = {"train": pictures(1, (20, 20)), "val": pictures(2, (20, 20))}
    tables[split][0][7, 5] = value
    with pytest.raises(FeaturesError) as caught:
        fitted(tables["train"], tables["val"], 2)
    assert str(caught.value) == (
        f"Feature 5 of picture 7 is {told}. Finite numbers were expected of the frozen layers. Check the"
        " backbone's weights; 'pellucid cache --clear' has the features computed afresh."
    )


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        ([0, 1, 0], [0, 1], "3 training labels for 4 rows"),
        ([0, 1, 0, 1], [0], "1 validation labels for 2 rows"),
        ([0, 1, 0, 2], [0, 1], "training labels from 0 to 2, of 2 classes"),
        ([0, 1, 0, 1], [-1, 1], "validation labels from -1 to 1, of 2 classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(train: list[int], val: list[int], message: str) -> None:
    """A label for every row, each in 0..classes-1, in both splits."""
    with pytest.raises(ValueError) as caught:
        fitted(
            (np.eye(4, dtype=np.float32), np.array(train)),
            (np.eye(4, dtype=np.float32)[:2], np.array(val)),
            2,
        )
    assert str(caught.value) == message
