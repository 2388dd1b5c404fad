"""Multinomial logistic regression as a function to be minimised: its loss, its gradient, and L-BFGS on it.

It knows scaled rows, labels and weights; how strong the regularisation should be is the head's question.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.training.rows import BLOCK, JoinedRows, Rows

MOST_ITERATIONS = 500


@dataclass(frozen=True)
class Tolerance:
    """When L-BFGS stops: ``loss`` a step, relative, or ``gradient`` the largest component, in nats a row."""

    loss: float
    gradient: float


COARSE = Tolerance(1e-7, 1e-4)  # tells strengths apart: validation losses are right to 3 or 4 digits
FINE = Tolerance(1e-9, 1e-5)  # the rounding of float32 logits; finer ones make the line search wander


@dataclass(frozen=True)
class Affine:
    """A linear classifier on scaled features: weight_DK (D, K) and bias_K (K,), float64."""

    weight_DK: NDArray[np.float64]
    bias_K: NDArray[np.float64]

    def logits(self, rows: Rows) -> NDArray[np.float64]:
        """Outputs (N, K) for all rows; products in float32."""
        logits_NK = np.empty((rows.shape[0], len(self.bias_K)))
        weight_DK = self.weight_DK.astype(np.float32)
        for place, block_BD in rows.blocks(BLOCK):
            logits_NK[place] = block_BD @ weight_DK
        logits_NK += self.bias_K
        return logits_NK


@dataclass(frozen=True)
class Objective:
    """sum_n s_n loss_n / S + |W|^2 / (2 C S), with S = sum_n s_n; the bias is not penalised.

    loss_n is -ln p(label_n). C and s are scikit-learn's: C weighs the sum of the losses against
    |W|^2 / 2. Two classes have two columns of weights, W and -W, where scikit-learn has one, 2 W: the same
    solution has twice our C there.

    Attributes:
        rows: (N, D) scaled features.
        labels_N: (N,) integers in 0..classes-1.
        weights_N: (N,) float64 >= 0, what each row counts.
    """

    rows: Rows
    labels_N: NDArray[np.integer]
    weights_N: NDArray[np.float64]
    classes: int

    def __call__(self, flat: NDArray[np.float64], regularisation: float) -> tuple[float, NDArray[np.float64]]:
        """The loss and its gradient at the flat parameters (D K weights by rows of D, then K biases)."""
        at = self.unflatten(flat)
        narrow_DK = at.weight_DK.astype(np.float32)
        total = self.weights_N.sum()
        loss, gradient_DK, gradient_K = 0.0, np.zeros_like(at.weight_DK), np.zeros_like(at.bias_K)
        for place, block_BD in self.rows.blocks(BLOCK):
            logits_BK = block_BD @ narrow_DK + at.bias_K
            share_B = self.weights_N[place] / total
            loss_B, slope_BK = cross_entropy(logits_BK, self.labels_N[place])
            loss += float(share_B @ loss_B)
            slope_BK *= share_B[:, None]
            gradient_DK += block_BD.T @ slope_BK.astype(np.float32)
            gradient_K += slope_BK.sum(axis=0)
        strength = 1 / (regularisation * total)
        loss += strength / 2 * float(np.vdot(at.weight_DK, at.weight_DK))
        gradient_DK += strength * at.weight_DK
        return loss, np.concatenate([gradient_DK.ravel(), gradient_K])

    def minimise(self, start: Affine, regularisation: float, tolerance: Tolerance) -> tuple[Affine, int]:
        """The minimum, sought from ``start`` by L-BFGS, and the number of iterations that it took."""
        from scipy.optimize import minimize  # 0.6 s, which runs from scratch and predictions do not need

        flat = np.concatenate([start.weight_DK.ravel(), start.bias_K])
        found = minimize(
            self,
            flat,
            args=(regularisation,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_ITERATIONS, "ftol": tolerance.loss, "gtol": tolerance.gradient},
        )
        return self.unflatten(found.x), int(found.nit)

    def __add__(self, other: "Objective") -> "Objective":
        """The objective over the rows of both."""
        return Objective(
            JoinedRows(self.rows, other.rows),
            np.concatenate([self.labels_N, other.labels_N]),
            np.concatenate([self.weights_N, other.weights_N]),
            self.classes,
        )

    def zero(self) -> Affine:
        """The classifier that knows nothing: where every search begins."""
        return Affine(np.zeros((self.rows.shape[1], self.classes)), np.zeros(self.classes))

    def unflatten(self, flat: NDArray[np.float64]) -> Affine:
        """The weights and biases in a flat vector of parameters (views, not copies)."""
        return Affine(flat[: -self.classes].reshape(-1, self.classes), flat[-self.classes :])


def cross_entropy(
    logits_NK: NDArray[np.float64], labels_N: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """-ln softmax(logits)[label], (N,), and its gradient by the logits, (N, K); safe for finite logits."""
    picked_N = np.arange(len(labels_N)), labels_N
    shifted_NK = logits_NK - logits_NK.max(axis=1, keepdims=True)
    slope_NK = np.exp(shifted_NK)
    total_N = slope_NK.sum(axis=1)
    loss_N = np.log(total_N) - shifted_NK[picked_N]
    slope_NK /= total_N[:, None]
    slope_NK[picked_N] -= 1
    return loss_N, slope_NK
