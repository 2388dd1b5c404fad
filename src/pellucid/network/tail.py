"""What learns in fine-tuning: the layers above a boundary and a new head; batch statistics only if asked."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Tail(nn.Module):
    """Maps at a boundary ``(N, C, H, W)`` float32 -> logits ``(N, K)``.

    Batch normalisation stays in inference mode whatever ``train`` says, unless it was asked for: its
    statistics were measured on a million pictures, and a few hundred would rather make them worse.

    Args:
        top: The layers above the boundary, to the pooled features ``(N, D)`` (``network.top.top_of``).
        weight_DK: The head's weights to start from, float32 (D, K).
        bias_K: The head's biases to start from, float32 (K,).
        seed: Of ``generator``, which a training keeps with its state.
        update: Whether training normalises by each batch, and moves the statistics towards it.
    """

    def __init__(
        self,
        top: nn.Module,
        weight_DK: NDArray[np.float32],
        bias_K: NDArray[np.float32],
        seed: int = 0,
        *,
        update: bool = False,
    ) -> None:
        super().__init__()
        self.update = update
        self.top = top
        self.head = nn.Linear(*weight_DK.shape)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight_DK.T)))
            self.head.bias.copy_(torch.from_numpy(np.array(bias_K)))
        for parameter in self.parameters():
            parameter.requires_grad_(True)
        self.to(memory_format=torch.channels_last)
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        """Logits ``(N, K)``."""
        logits_NK: Tensor = self.head(self.top(maps_NCHW))
        return logits_NK

    def train(self, mode: bool = True) -> "Tail":
        """Training mode for all but batch normalisation, and for that too where it was asked for."""
        super().train(mode)
        if not self.update:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def head_out(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The head's weights (D, K) and biases (K,), copied out."""
        weight_KD, bias_K = self.head.weight.detach().cpu().numpy(), self.head.bias.detach().cpu().numpy()
        return np.array(weight_KD.T, order="C"), np.array(bias_K)
