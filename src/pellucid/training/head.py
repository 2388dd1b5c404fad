"""Fitting a head: the strength of its regularisation, the weights of its classes, and the last refit.

It knows features, labels and a validation split; the optimisation itself is `logistic`'s, calibration is
`evaluation`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log10
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pellucid.errors import SourceError
from pellucid.events import Listener, Notice, phase, silent
from pellucid.training.affine import Head
from pellucid.training.logistic import COARSE, FINE, Affine, Objective, cross_entropy
from pellucid.training.rows import ArrayRows, Rows, Scale, ScaledRows, check_all_finite, measure_scale

__all__ = ["ArrayRows", "ClassWeights", "Fitted", "Head", "Rows", "Step", "fit_head"]

ClassWeights = Literal["none", "balanced", "auto"]

# Regularisation from strong to weak, half a decade apart, and where it is expected before any validation.
STRENGTHS = tuple(10 ** (half / 2) for half in range(-8, 5))
EXPECTED_LOG10 = -1.5
UNBALANCED = 3.0  # 'auto' tries to even out classes whose sizes differ by this factor or more


@dataclass(frozen=True)
class Step:
    """One strength that was tried.

    Attributes:
        regularisation: C, as in scikit-learn: larger is weaker.
        val_log_loss: mean over the validation split, in nats, classes weighted as in training.
        val_correct, val_n: right answers on the validation split, and its size.
        iterations: of L-BFGS, from the solution of the step before.
    """

    regularisation: float
    val_log_loss: float
    val_correct: int
    val_n: int
    iterations: int

    @property
    def score(self) -> float:
        """What is minimised: the summed validation loss, and half the squared decades from C = 0.03.

        The second term is worth a nat or two: it decides where the validation split is small and says
        nearly the same of every strength (30 right answers of 30), and is lost in the sum where it is large.
        """
        return self.val_log_loss * self.val_n + (log10(self.regularisation) - EXPECTED_LOG10) ** 2 / 2


@dataclass(frozen=True)
class Fitted:
    """A head and how it was come by.

    Attributes:
        head: on raw features, temperature 1.
        path: the strengths tried, in that order; empty without a validation split.
        regularisation: the C chosen.
        chosen: its step, whose validation figures are of the head fitted on the training split alone.
        class_weights_K: what a picture of each class counted; None where all counted 1.
        reason: why class weights were used, or not, as a sentence.
        val_logits_NK: (N, K) float32 of that same head, for calibration: it never saw these pictures.
        unseen: that head, which saw the training split alone; ``head`` itself where nothing was chosen.
        refitted: whether ``head`` was then fitted on training and validation pictures together.
    """

    head: Head
    path: tuple[Step, ...]
    regularisation: float
    chosen: Step | None
    class_weights_K: tuple[float, ...] | None
    reason: str
    val_logits_NK: NDArray[np.float32]
    unseen: Head
    refitted: bool


def fit_head(
    train: Rows,
    labels_N: NDArray[np.integer],
    val: Rows,
    val_labels_N: NDArray[np.integer],
    classes: int,
    *,
    class_weights: ClassWeights = "auto",
    refit: bool = False,
    views: int = 1,
    listen: Listener = silent,
) -> Fitted:
    """Fit multinomial logistic regression with an L2 penalty that is chosen on the validation split.

    The strengths are tried from strong to weak, each from the solution of the one before, until the score
    (see `Step`) has risen twice. Then the head is fitted more finely at the strength chosen: on the training
    split, or on both (``refit``). The same input gives the same bytes: BLAS runs on one thread.

    Args:
        train, val: features, (N, D) float32 each; ``val`` may be empty, and C is then 0.03.
        labels_N, val_labels_N: integers in 0..classes-1.
        classes: K, at least 2.
        class_weights: "balanced" has a picture count N / (K x its class's); "auto" is `_weighed`'s choice.
        refit: learn from the validation pictures too, once they have served to choose.
        views: how often each training picture stands in ``train``; together its rows count as one.

    Raises:
        SourceError: where there are fewer than two classes, or one of them has no training picture.
        FeaturesError: where a feature is NaN or infinite.
    """
    counts_K = _counted(labels_N, train, val_labels_N, val, classes)
    with threadpool_limits(limits=1, user_api="blas"), phase(listen, "Fitting the head", unit="") as advance:
        scale = measure_scale(train)
        check_all_finite(val)

        def searched(weights_K: NDArray[np.float64] | None) -> _Searched:
            counted_K = np.ones(classes) if weights_K is None else weights_K
            objective = Objective(ScaledRows(train, scale), labels_N, counted_K[labels_N] / views, classes)
            validation = Objective(ScaledRows(val, scale), val_labels_N, counted_K[val_labels_N], classes)
            return _Searched(weights_K, objective, validation, _search(objective, validation, advance))

        found, reason = _weighed(counts_K, class_weights, searched)
        best, refitted = found.best, refit and found.best is not None
        last = found.last(refitted)
        advance(1)
    if class_weights == "auto" and counts_K.max() >= UNBALANCED * counts_K.min():
        listen(Notice(reason))
    return Fitted(
        head=_for_raw_features(last, scale),
        path=tuple(one.step for one in found.tried),
        regularisation=found.strength,
        chosen=best.step if best else None,
        class_weights_K=None if found.weights_K is None else tuple(map(float, found.weights_K)),
        reason=reason,
        val_logits_NK=best.val_logits_NK.astype(np.float32) if best else np.empty((0, classes), np.float32),
        unseen=_for_raw_features(best.affine if best else last, scale),
        refitted=refitted,
    )


@dataclass(frozen=True)
class _Tried:
    """A step, its solution, and what that says of the validation pictures."""

    step: Step
    affine: Affine
    val_logits_NK: NDArray[np.float64]


@dataclass(frozen=True)
class _Searched:
    """The strengths that were tried with one weighting of the classes; None counts every picture the same."""

    weights_K: NDArray[np.float64] | None
    objective: Objective
    validation: Objective
    tried: list[_Tried]

    @property
    def best(self) -> _Tried | None:
        """The step with the least score; None without validation pictures."""
        return min(self.tried, key=lambda one: one.step.score, default=None)

    @property
    def strength(self) -> float:
        """Its C, or the one that is expected."""
        return self.best.step.regularisation if self.best else float(10**EXPECTED_LOG10)

    def last(self, refitted: bool) -> Affine:
        """The solution at that strength, to the finer tolerance, on training or on both splits together."""
        objective = self.objective + self.validation if refitted else self.objective
        start = self.best.affine if self.best else objective.zero()
        return objective.minimise(start, self.strength, FINE)[0]

    @property
    def balanced_accuracy(self) -> float:
        """The mean share of right answers among each class's validation pictures; 0 without any."""
        if self.best is None:
            return 0.0
        labels_N = self.validation.labels_N
        right_N = self.best.val_logits_NK.argmax(axis=1) == labels_N
        return float(np.mean([right_N[labels_N == label].mean() for label in np.unique(labels_N)]))


def balanced(counts_K: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a picture counts where every class is to count the same: N / (K x its class's), (K,) float64."""
    return np.asarray(counts_K.sum() / (len(counts_K) * np.maximum(counts_K, 1)))


def _weighed(
    counts_K: NDArray[np.int64],
    wanted: ClassWeights,
    searched: Callable[[NDArray[np.float64] | None], _Searched],
) -> tuple[_Searched, str]:
    """What a picture of each class counts, as was asked or as validation has it, and why."""
    ratio = counts_K.max() / counts_K.min()
    balanced_K = balanced(counts_K)
    sizes = f"The largest class has {ratio:.1f} times the training pictures of the smallest"
    if wanted == "none":
        return searched(None), "Every picture counts the same, as was asked."
    if wanted == "balanced":
        return searched(balanced_K), "Every class counts the same, as was asked."
    if ratio < UNBALANCED:
        return searched(None), f"{sizes}, so every picture counts the same (less than {UNBALANCED:g})."
    alike, evened = searched(None), searched(balanced_K)
    if alike.best is None:
        return evened, f"{sizes}, so every class is made to count the same ({UNBALANCED:g} or more)."
    shares = (
        f"class by class {100 * evened.balanced_accuracy:.1f} % of the validation pictures are right where "
        f"every class counts the same, and {100 * alike.balanced_accuracy:.1f} % where every picture does"
    )
    if evened.balanced_accuracy > alike.balanced_accuracy:
        return evened, f"{sizes}: {shares}, so classes count the same."
    return alike, f"{sizes}: {shares}, so pictures count the same."


def _search(objective: Objective, validation: Objective, advance: Callable[[int], None]) -> list[_Tried]:
    """The steps from strong to weak, as far as it is worth going; none without validation pictures."""
    tried: list[_Tried] = []
    if validation.rows.shape[0] == 0:
        return tried
    affine, rises = objective.zero(), 0
    for strength in STRENGTHS:
        affine, iterations = objective.minimise(affine, strength, COARSE)
        logits_NK = affine.logits(validation.rows)
        loss_N, _ = cross_entropy(logits_NK, validation.labels_N)
        step = Step(
            regularisation=strength,
            val_log_loss=float(np.average(loss_N, weights=validation.weights_N)),
            val_correct=int(np.sum(logits_NK.argmax(axis=1) == validation.labels_N)),
            val_n=len(loss_N),
            iterations=iterations,
        )
        rises += bool(tried) and step.score > tried[-1].step.score
        tried.append(_Tried(step, affine, logits_NK))
        advance(1)
        if rises == 2:
            break
    return tried


def _counted(
    labels_N: NDArray[np.integer], train: Rows, val_labels_N: NDArray[np.integer], val: Rows, classes: int
) -> NDArray[np.int64]:
    """The training pictures of each class, (K,), once both splits have been checked."""
    _counts(val_labels_N, val, classes, "validation")
    counts_K = _counts(labels_N, train, classes, "training")
    _check_classes(counts_K)
    return counts_K


def _counts(labels_N: NDArray[np.integer], rows: Rows, classes: int, split: str) -> NDArray[np.int64]:
    """The pictures of each class, (K,).

    Raises:
        ValueError: where labels and rows do not fit each other, or a label is out of range.
    """
    if len(labels_N) != rows.shape[0]:
        raise ValueError(f"{len(labels_N)} {split} labels for {rows.shape[0]} rows")
    if len(labels_N) and not 0 <= labels_N.min() <= labels_N.max() < classes:
        raise ValueError(f"{split} labels from {labels_N.min()} to {labels_N.max()}, of {classes} classes")
    return np.bincount(np.asarray(labels_N, np.int64), minlength=classes)


def _check_classes(counts_K: NDArray[np.int64]) -> None:
    if len(counts_K) < 2:
        raise SourceError(
            f"There is {len(counts_K)} class to tell apart.",
            "At least two were expected.",
            "Add a folder with pictures of what the first is to be told from.",
        )
    if not counts_K.all():
        missing = int(np.flatnonzero(counts_K == 0)[0])
        raise SourceError(
            f"Class {missing} (of 0 to {len(counts_K) - 1}) has no picture in the training split.",
            "At least one training picture of every class was expected.",
            "Add pictures of it, or leave the class out.",
        )


def _for_raw_features(affine: Affine, scale: Scale) -> Head:
    """The same classifier without the scaling: it is folded into weights and biases."""
    weight_DK = affine.weight_DK * scale.factor_D[:, None]
    bias_K = affine.bias_K - scale.mean_D @ weight_DK
    return Head(weight_DK.astype(np.float32), bias_K.astype(np.float32))
