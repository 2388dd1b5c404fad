"""Layers above a boundary written for less work: frozen batch statistics go into the convolution's weights.

The layers keep their own tensors, which all go on learning; only what is computed of them in a step changes.
Like ``network.top`` this room imports torch.
"""

from torch import Tensor, fx, nn
from torch.nn import functional

_ONE = (1, (1, 1))  # an output of one place, as a pooling layer has it written


def folded(top: fx.GraphModule) -> fx.GraphModule:
    """The same module with a graph that computes the same numbers in fewer passes over the maps.

    Of a convolution and the batch normalisation behind it, whose statistics stay as they are, one convolution
    is left; a mean over all places is taken so that its gradient comes in the maps' own layout. What does not
    follow this pattern stays as it was.
    """
    graph = top.graph
    for node in list(graph.nodes):
        layer = _layer(top, node)
        if isinstance(layer, nn.BatchNorm2d):
            _fold(top, node, layer)
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
    stride: tuple[int, int],
    padding: tuple[int, int] | str,
    dilation: tuple[int, int],
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
    return functional.conv2d(
        x_NCHW,
        weight_OIKK * factor_O[:, None, None, None],
        beta_O + shift_O * factor_O,
        stride,
        padding,
        dilation,
        groups,
    )


def mean_of_places(x_NCHW: Tensor) -> Tensor:
    """The mean of each map, ``(N, C, 1, 1)``.

    A sum and a small product: the gradient of ``mean`` is a map written out in plain layout, which every
    step would turn into channels-last again.
    """
    return x_NCHW.sum((2, 3), keepdim=True) * (1 / (x_NCHW.shape[2] * x_NCHW.shape[3]))


def _layer(top: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return top.get_submodule(str(node.target)) if node.op == "call_module" else None


def _fold(top: fx.GraphModule, node: fx.Node, norm: nn.BatchNorm2d) -> None:
    """Put one convolution where ``node``, a batch normalisation, follows one."""
    (before,) = node.all_input_nodes
    conv = _layer(top, before)
    if type(conv) is not nn.Conv2d or conv.padding_mode != "zeros" or len(before.users) > 1:
        return  # another kind of convolution pads, or does more, by itself
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
        for name, _ in norm.named_children():  # timm's has dropout and activation of its own, in this order
            result = graph.call_module(f"{at}.{name}", (result,))
    node.replace_all_uses_with(result)
    graph.erase_node(node)
    graph.erase_node(before)
