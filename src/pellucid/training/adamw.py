"""AdamW, one call of PyTorch's own kernel a step; which rate a step has is the schedule's business.

``torch.optim`` does the same, and loads PyTorch's compiler with its first optimiser: two seconds for a
training of ten that compiles nothing.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # torch.optim's


class AdamW:
    """Loshchilov and Hutter 2019; kernels are decayed, biases and scales are not.

    Args:
        network: Whose parameters learn, on the device where they are.
        decay: The weight decay of tensors of two axes and more.
        factors: What the learning rate is multiplied by, for parameters whose names begin with a key: the
            longest key decides; 1 where none fits.
    """

    def __init__(self, network: nn.Module, decay: float, factors: Mapping[str, float] | None = None) -> None:
        self._names = {name: one for name, one in network.named_parameters() if one.requires_grad}
        grouped: dict[tuple[float, float], list[Tensor]] = {}
        for name, one in self._names.items():
            kind = (decay if one.dim() > 1 else 0.0, _factor(name, factors or {}))
            grouped.setdefault(kind, []).append(one)
        self._groups = list(grouped.items())
        self._steps: dict[Tensor, Tensor] = {
            one: torch.zeros((), device=one.device) for one in self._names.values()
        }
        self._first: dict[Tensor, Tensor] = {one: torch.zeros_like(one) for one in self._names.values()}
        self._second: dict[Tensor, Tensor] = {one: torch.zeros_like(one) for one in self._names.values()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step against the gradients that the parameters hold; one without a gradient stays."""
        for (decay, factor), group in self._groups:
            found = [(one, one.grad) for one in group if one.grad is not None]
            learning = [one for one, _ in found]
            if learning:
                torch._fused_adamw_(
                    learning,
                    [gradient for _, gradient in found],
                    [self._first[one] for one in learning],
                    [self._second[one] for one in learning],
                    [],
                    self._counted(learning),
                    lr=rate * factor,
                    beta1=_BETA_1,
                    beta2=_BETA_2,
                    weight_decay=decay,
                    eps=_EPSILON,
                    amsgrad=False,
                    maximize=False,
                )

    def _counted(self, learning: list[Tensor]) -> list[Tensor]:
        steps = [self._steps[one] for one in learning]
        torch._foreach_add_(steps, 1)
        return steps

    def moments(self) -> dict[str, Tensor]:
        """What it remembers of each parameter: its name, and ``step``, ``exp_avg`` or ``exp_avg_sq``."""
        found: dict[str, Tensor] = {}
        for name, one in self._names.items():
            found |= {
                f"{name}.step": self._steps[one],
                f"{name}.exp_avg": self._first[one],
                f"{name}.exp_avg_sq": self._second[one],
            }
        return found

    def remember(self, moments: Mapping[str, Tensor]) -> None:
        """Go on from what ``moments`` gave.

        Raises:
            KeyError, RuntimeError: they are those of another network.
        """
        for name, own in self.moments().items():
            # Into the memory that is there, so that every later sum is taken in the same order.
            own.copy_(moments[name])


def _factor(name: str, factors: Mapping[str, float]) -> float:
    fitting = [key for key in factors if name.startswith(key)]
    return factors[max(fitting, key=len)] if fitting else 1.0
