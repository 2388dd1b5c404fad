"""Layers above a boundary written for less work: frozen batch statistics go into the convolution's weights.

The layers keep their own tensors, which all go on learning; only what is computed of them in a step changes.
Like ``network.top`` this room imports torch.
"""

from typing import Any, TypeGuard, cast

import torch
from torch import Tensor, fx, nn

from pellucid.network.convolve import Pair, convolve

_ONE = (1, (1, 1))  # an output of one place, as a pooling layer has it written


def folded(top: fx.GraphModule, *, norms: bool = True) -> fx.GraphModule:
    """The same module with a graph that computes the same numbers in fewer passes over the maps.

    Of a convolution and the batch normalisation behind it, whose statistics stay as they are, one convolution
    is left; a mean over all places is taken so that its gradient comes in the maps' own layout. A convolution
    by itself goes the ways of ``network.convolve`` too. What does not follow this pattern stays as it was.

    Args:
        top: The layers; they are changed in place.
        norms: Whether batch statistics stay as they are; else no normalisation is folded.
    """
    graph = top.graph
    for node in list(graph.nodes):
        layer = _layer(top, node)
        if norms and isinstance(layer, nn.BatchNorm2d):
            _fold(top, node, layer)
    for node in list(graph.nodes):
        layer = _layer(top, node)
        if _plain(layer):
            _convolve(top, node, layer)
        elif isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size in _ONE:
            with graph.inserting_before(node):
                node.replace_all_uses_with(graph.call_function(mean_of_places, node.args))
            graph.erase_node(node)
    top.recompile()
    return top


def convolution(
    x_NCHW: Tensor,
    weight_OIKK: Tensor,
    bias_O: Tensor | None,
    gamma_O: Tensor,
    beta_O: Tensor,
    mean_O: Tensor,
    variance_O: Tensor,
    *,
    eps: float,
    stride: Pair,
    padding: Pair | str,
    dilation: Pair,
    groups: int,
) -> Tensor:
    """A convolution and then a batch normalisation in inference mode, as one convolution.

    (w * x + b - mean) gamma / sqrt(variance + eps) + beta is linear in x (Jacob et al. 2018, section 3.2), so
    that the factor goes into the kernels: a pass over the parameters instead of two over the maps. The
    gradients reach weight, bias, gamma and beta as they would without it.

    Args:
        x_NCHW: The maps, float32.
        weight_OIKK: The kernels.
        bias_O: The convolution's own biases; None for none.
        gamma_O: The normalisation's factors.
        beta_O: Its shifts.
        mean_O: Its frozen means.
        variance_O: Its frozen variances.
        eps: What is added to these.
        stride: As for ``torch.nn.functional.conv2d``, like the following.
        padding: The same.
        dilation: The same.
        groups: The same.
    """
    factor_O = gamma_O * (variance_O + eps).rsqrt()
    shift_O = -mean_O if bias_O is None else bias_O - mean_O
    return convolve(
        x_NCHW,
        weight_OIKK * factor_O[:, None, None, None],
        beta_O + shift_O * factor_O,
        stride,
        padding,
        dilation,
        groups,
    )


def clipped(x: Tensor, low: float, high: float) -> Tensor:
    """All values between two bounds, in place, with no copy of what they were."""
    return cast(Tensor, Clip.apply(x, low, high))


def mean_of_places(x_NCHW: Tensor) -> Tensor:
    """The mean of each map, ``(N, C, 1, 1)``.

    A sum and a small product: the gradient of ``mean`` is a map written out in plain layout, which every
    step would turn into channels-last again.
    """
    return x_NCHW.sum((2, 3), keepdim=True) * (1 / (x_NCHW.shape[2] * x_NCHW.shape[3]))


class Clip(torch.autograd.Function):
    """All values between two bounds, in place; ``apply(x, low, high)``.

    Its gradient is told from what it gave. PyTorch's own, in place, copies what it was given.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        """The same tensor, clipped."""
        ctx.mark_dirty(x.clamp_(low, high))
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient where a value lies between the bounds, and 0 where it is one of them."""
        (y,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], y, *ctx.bounds), None, None


def _plain(layer: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is a convolution that does not pad, or do more, in a way of its own."""
    return type(layer) is nn.Conv2d and layer.padding_mode == "zeros"


def _layer(top: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return top.get_submodule(str(node.target)) if node.op == "call_module" else None


def _fold(top: fx.GraphModule, node: fx.Node, norm: nn.BatchNorm2d) -> None:
    """Put one convolution where ``node``, a batch normalisation, follows one."""
    (before,) = node.all_input_nodes
    conv = _layer(top, before)
    if not _plain(conv) or len(before.users) > 1:
        return
    if norm.running_mean is None or not norm.affine:
        return
    graph, inside, at = top.graph, str(before.target), str(node.target)
    with graph.inserting_before(node):
        tensors = [
            graph.get_attr(f"{inside}.weight"),
            None if conv.bias is None else graph.get_attr(f"{inside}.bias"),
            *(graph.get_attr(f"{at}.{name}") for name in ("weight", "bias", "running_mean", "running_var")),
        ]
        settings = {"stride": conv.stride, "padding": conv.padding, "dilation": conv.dilation}
        result = graph.call_function(
            convolution,
            (before.args[0], *tensors),
            {"eps": norm.eps, "groups": conv.groups, **settings},
        )
        for name, child in norm.named_children():  # timm's has dropout and activation, in this order
            if isinstance(child, nn.Hardtanh):  # ReLU6 is one
                result = graph.call_function(clipped, (result, child.min_val, child.max_val))
            else:
                result = graph.call_module(f"{at}.{name}", (result,))
    node.replace_all_uses_with(result)
    graph.erase_node(node)
    graph.erase_node(before)


def _convolve(top: fx.GraphModule, node: fx.Node, conv: nn.Conv2d) -> None:
    """Put ``convolve`` where ``node``, a convolution, was."""
    graph, inside = top.graph, str(node.target)
    with graph.inserting_before(node):
        weight = graph.get_attr(f"{inside}.weight")
        bias = None if conv.bias is None else graph.get_attr(f"{inside}.bias")
        settings = conv.stride, conv.padding, conv.dilation, conv.groups
        node.replace_all_uses_with(graph.call_function(convolve, (node.args[0], weight, bias, *settings)))
    graph.erase_node(node)
