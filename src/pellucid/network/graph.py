"""A frozen PyTorch module as an ONNX graph for ONNX Runtime, and the proof that both give the same numbers.

Like ``network.backbone`` this room imports torch; it is entered once a machine for each trunk.
"""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnx.utils
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

_OUTPUT = "features"
_SCOPES = "pkg.torch.onnx.name_scopes"  # as PyTorch's exporter calls it


@dataclass(frozen=True)
class Graph:
    """What an export made.

    Attributes:
        output_shape: The shape of one picture's output, without the batch.
        difference: The largest absolute difference between ONNX Runtime's and PyTorch's outputs over the
            probe pictures, divided by the largest output where that is above 1; infinite where their shapes
            differ.
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
            output_names=[_OUTPUT],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(path, external_data=False)
    return _compared(module, path, x_NCHW)


def cut_graph(
    whole: Path, boundary: str, module: nn.Module, height: int, width: int, path: Path
) -> Graph | None:
    """Write the part of an exported graph that ends with ``boundary``, in a second where an export takes ten.

    The exporter notes from which module each node came. Whether the last node of a module really is its end
    is for the comparison to say.

    Args:
        whole: A graph of the backbone up to its pooled features, written by ``export_graph``.
        boundary: One of the backbone's modules.
        module: The backbone cut there, with which the part is compared.
        height: Height of its input in pixels.
        width: Width of its input in pixels.
        path: Where the part is written.

    Returns:
        What it made; None where no node came from there, or the graph is damaged.
    """
    model = _loaded(whole)
    if model is None:
        return None
    inside = [node for node in model.graph.node if f"'module.{boundary}'" in _scopes(node)]
    if not inside:
        return None
    (end,) = inside[-1].output
    part = onnx.utils.Extractor(model).extract_model(["pictures"], [end])
    for node in part.graph.node:
        node.input[:] = [_OUTPUT if name == end else name for name in node.input]
        node.output[:] = [_OUTPUT if name == end else name for name in node.output]
    part.graph.output[0].name = _OUTPUT
    onnx.save(part, path)
    return _compared(module, path, _probe_pictures(height, width))


def retuned_graph(whole: Path, module: nn.Module, height: int, width: int, path: Path) -> Graph | None:
    """Write an exported graph with other numbers in it, in a second where an export takes ten.

    The exporter gives tensors the module's own names, and notes which batch normalisation went into which
    convolution; that is done again here. Whether nothing was left out is for the comparison to say.

    Args:
        whole: What ``export_graph`` wrote of a module of this kind.
        module: It with its new numbers.
        height: Height of its input in pixels.
        width: Width of its input in pixels.
        path: Where the graph is written.

    Returns:
        What it made; None where the graph is damaged.
    """
    model = _loaded(whole)
    if model is None:
        return None
    state = {name: value.numpy() for name, value in module.state_dict().items()}
    fresh = {one.name: state[one.name] for one in model.graph.initializer if one.name in state}
    for node in model.graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[1] in state:
            fresh |= _folded(node, module, state)
    for one in model.graph.initializer:
        if one.name in fresh and tuple(one.dims) == fresh[one.name].shape:
            one.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(fresh[one.name]), one.name))
    onnx.save(model, path)
    return _compared(module, path, _probe_pictures(height, width))


def _folded(
    node: onnx.NodeProto, module: nn.Module, state: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Weight and bias of a convolution that took in the batch normalisation behind it; none if it did not."""
    _, weight, bias = node.input
    scopes = re.findall(r"'([^']*)'", _scopes(node))
    name = scopes[-2] if len(scopes) > 1 else ""
    if bias in state or f"{name}.running_var" not in state:
        return {}
    conv, norm = module.get_submodule(weight.removesuffix(".weight")), cast(Any, module.get_submodule(name))
    weight_OIKK, bias_O = fuse_conv_bn_weights(
        cast(Any, conv).weight,
        cast(Any, conv).bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    return {weight: weight_OIKK.detach().numpy(), bias: bias_O.detach().numpy()}


def _loaded(path: Path) -> onnx.ModelProto | None:
    """The graph in a file; None where it is damaged."""
    try:
        return onnx.load(path)
    except Exception:  # of protobuf, which is onnx's business
        return None


def _scopes(node: onnx.NodeProto) -> str:
    """The modules, from the outermost on, in which the exporter met what became this node."""
    return next((one.value for one in node.metadata_props if one.key == _SCOPES), "")


def _compared(module: nn.Module, path: Path, x_NCHW: torch.Tensor) -> Graph:
    """How far the graph's outputs are from the module's."""
    with torch.inference_mode():
        expected = module(x_NCHW).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": x_NCHW.numpy()})
    if found.shape != expected.shape:
        return Graph(tuple(expected.shape[1:]), math.inf)
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
