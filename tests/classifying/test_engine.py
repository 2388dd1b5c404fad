"""The browser's engine beside ONNX Runtime: every kind of layer, in a real browser."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest

from pellucid.export.steps import steps_of
from pellucid.network.blueprint import Blueprint
from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import Parameters
from pellucid.network.text import parse
from pellucid.training.trunk import open_trunk

pytestmark = pytest.mark.slow

CODE = """async ([steps, tensors, output, shape, input]) => {
  const { run } = await import("/engine.js");
  const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const entries = tensors.map(([name, shape, text]) => [name, { shape, data: floats(text) }]);
  const known = Object.fromEntries(entries);
  const found = await run({ steps, tensors: known, output }, "pictures", { shape, data: floats(input) });
  return [found.shape, Array.from(found.data)];
}"""

NETWORKS = [
    "input 9x8x3; conv 6 3x3 relu",
    "input 9x8x3; conv 6 3x2 stride=2x3 padding=same relu6; conv 5 1x1 tanh",
    "input 11x12x4; conv 8 3x3 groups=2 dilation=2 sigmoid; conv 6 2x2 groups=2 padding=same",
    "input 9x8x3; depthwiseconv 3x3 multiplier=2 padding=same leaky_relu; batchnorm",
    "input 9x8x3; maxpool 3x2 stride=2 padding=same; avgpool 2x2 padding=same",
    "input 9x8x3; avgpool 3x3 stride=1; rescale 0.5 offset=-1; maxpool",
    "input 9x8x3; conv 5 3x3; globalavgpool; dense 4 relu; batchnorm; dense 3",
    "input 9x8x3; conv 5 3x3; globalmaxpool; dense 3 tanh",
    "input 9x8x3; zeropad 1,2,3,0; conv 4 3x3; flatten; dense 7 relu; dense 3",
    "input 8x8x2; scaledavgpool; conv 3 3x3; flatten",
    "input 33x35x3; conv 9 5x5 relu; conv 5 1x1; maxpool; flatten; dense 6",
]


def packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def beside(evaluate: Callable[..., Any], data: bytes, x_NCHW: np.ndarray) -> None:
    """Both engines on one picture."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"pictures": x_NCHW})
    found = steps_of(data)
    tensors = [[name, list(values.shape), packed(values)] for name, values in found.tensors.items()]
    shape, numbers = evaluate(CODE, [found.steps, tensors, found.output, list(x_NCHW.shape), packed(x_NCHW)])
    assert np.prod(shape) == expected.size
    np.testing.assert_allclose(
        np.array(numbers), expected.ravel(), rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(expected).max()))
    )


@pytest.mark.parametrize("text", NETWORKS)
def test_every_layer_of_a_network_of_one_s_own(
    evaluate: Callable[..., Any], drawn: Callable[[Blueprint], Parameters], text: str
) -> None:
    """Sizes, strides, paddings, dilations, groups, poolings, activations, rows."""
    blueprint = parse(text)
    of = blueprint.input
    x_NCHW = np.random.default_rng(0).normal(0, 1, (1, of.channels, of.height, of.width)).astype(np.float32)
    beside(evaluate, onnx_model(blueprint, drawn(blueprint)).SerializeToString(), x_NCHW)


def test_a_whole_backbone(evaluate: Callable[..., Any]) -> None:
    """EfficientNet-Lite0 up to its pooled features, on a smooth picture: all 1,280 numbers."""
    coarse = np.random.default_rng(0).normal(0, 0.5, (1, 3, 28, 28)).astype(np.float32)
    beside(evaluate, open_trunk("efficientnet_lite0").graph(), coarse.repeat(8, axis=2).repeat(8, axis=3))
