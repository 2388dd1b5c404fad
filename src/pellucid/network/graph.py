"""A frozen PyTorch module as an ONNX graph for ONNX Runtime, and the proof that both give the same numbers.

Like ``network.backbone`` this room imports torch; it is entered once a machine for each trunk.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn


@dataclass(frozen=True)
class Graph:
    """What an export made.

    Attributes:
        output_shape: The shape of one picture's output, without the batch.
        difference: The largest absolute difference between ONNX Runtime's and PyTorch's outputs over the
            probe pictures, divided by the largest output where that is above 1.
    """

    output_shape: tuple[int, ...]
    difference: float


def export_graph(module: nn.Module, height: int, width: int, path: Path) -> Graph:
    """Write ``module`` to ``path`` as ONNX with a free batch size, and compare it with PyTorch.

    Batch normalisation is folded into the convolutions and padding becomes static attributes: of
    EfficientNet-Lite0 up to its pooled features there remain 49 Conv, 33 Clip, 9 Add and the mean.

    Args:
        module: A network in inference mode, ``(N, 3, height, width)`` float32 -> ``(N, ...)`` float32.
        height: Height of its input in pixels.
        width: Width of its input in pixels.
        path: Where the graph is written.
    """
    x_NCHW = _probe_pictures(height, width)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _out_of_place(module):
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            module,
            (x_NCHW,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=4096)},),
            input_names=["pictures"],
            output_names=["features"],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(path, external_data=False)
    with torch.inference_mode():
        expected = module(x_NCHW).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": x_NCHW.numpy()})
    difference = float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))
    return Graph(tuple(expected.shape[1:]), difference)


@contextlib.contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    """Activations write into tensors of their own meanwhile: the exporter takes twice as long to undo
    what is written in place, and its graph is the same (benchmarks/LOG.md)."""
    in_place = [one for one in module.modules() if getattr(one, "inplace", False) is True]
    for one in in_place:
        one.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for one in in_place:
            one.inplace = True  # type: ignore[assignment]


def _probe_pictures(height: int, width: int) -> torch.Tensor:
    """Noise of growing smoothness ``(N, 3, height, width)`` in about -1 to 1: fine, medium and coarse."""
    generator = torch.Generator().manual_seed(0)
    pictures = []
    for scale in (1, 8, 32):
        coarse = torch.randn(1, 3, -(-height // scale), -(-width // scale), generator=generator)
        pictures.append(nn.functional.interpolate(coarse, (height, width), mode="bilinear"))
    return torch.cat(pictures).clamp(-1, 1)
