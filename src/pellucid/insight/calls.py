"""Which operation a call of a PyTorch function is: ``x + y``, ``torch.cat``, ``x.flatten(1)``, ``F.relu(x)``.

Functions are told by their names, since torch.fx and PyTorch's own watching give different objects for one
function. What a whole module computes is ``insight.recognition``'s business.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pellucid.insight import recognition
from pellucid.insight.operation import (
    ELEMENTWISE,
    Addition,
    Affine,
    Concatenation,
    Dense,
    GlobalPooling,
    Multiplication,
    Operation,
    Passing,
    Permutation,
    Reshaping,
    Unknown,
    clamp,
    elu,
    leaky_relu,
)
from pellucid.insight.recognition import NO_CHANCE, numbers, without_batch

_ALIASES = {
    **dict.fromkeys(("iadd", "radd"), "add"),
    **dict.fromkeys(("isub", "subtract"), "sub"),
    **dict.fromkeys(("imul", "rmul", "multiply"), "mul"),
    **dict.fromkeys(("truediv", "itruediv", "divide", "true_divide"), "div"),
    **dict.fromkeys(("concat", "concatenate"), "cat"),
    **dict.fromkeys(("view", "squeeze", "unsqueeze", "ravel"), "reshape"),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout"), "dropout"),
    **dict.fromkeys(("contiguous", "clone", "detach", "float", "identity"), "identity"),
    "clip": "clamp",
    "negative": "neg",
}

_REVERSED = {"rsub": "sub", "rdiv": "div", "rtruediv": "div", "rpow": "pow", "rmatmul": "matmul"}

# The parameters of functions in their order, as PyTorch documents them.
_PARAMETERS = {
    "conv2d": "x weight bias stride padding dilation groups",
    "linear": "x weight bias",
    "batch_norm": "x mean variance gamma beta training momentum epsilon cudnn_enabled",
    "max_pool2d": "x window stride padding dilation ceil_mode return_indices",
    "avg_pool2d": "x window stride padding ceil_mode count_include_pad divisor_override",
    "adaptive_avg_pool2d": "x size",
    "adaptive_max_pool2d": "x size",
    "pad": "x sides mode value",
    "softmax": "x dim",
    "dropout": "x p training",
    "mean": "x dim",
    "amax": "x dim",
    "leaky_relu": "x negative_slope",
    "elu": "x alpha",
    "clamp": "x min max",
    "hardtanh": "x min max",
    "gelu": "x approximate",
    "softplus": "x beta threshold",
    "cat": "tensors dim",
    "add": "x other",
    "sub": "x other",
    "mul": "x other",
    "div": "x other",
    "transpose": "x one two",
}
# The names that PyTorch gives these parameters where they are named in a call.
_NAMED = {
    "input": "x",
    "kernel_size": "window",
    "output_size": "size",
    "running_mean": "mean",
    "running_var": "variance",
    "eps": "epsilon",
    "axis": "dim",
    "dim0": "one",
    "dim1": "two",
    "min_val": "min",
    "max_val": "max",
}
_WEIGHTS = {
    "batch_norm": {"weight": "gamma", "bias": "beta", "pad": "sides"},
    "pad": {"pad": "sides"},
}


@dataclass(frozen=True)
class Call:
    """What a call computes, and of which tensors; all others that it was given are constants."""

    operation: Operation
    inputs: tuple[Tensor, ...]


class _StrangeError(Exception):
    """A call that is not of the form that this house has arithmetic for; the message says why."""


def spelled(name: str, arguments: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """A call in one of its spellings: ``__iadd__`` is ``add``; ``rsub`` of x and 2 is ``sub`` of 2 and x."""
    bare = name.strip("_")
    if bare in _REVERSED and len(arguments) == 2:
        return _REVERSED[bare], arguments[::-1]
    return _ALIASES.get(bare, bare), arguments


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in the arguments of a call, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors_in(one)


def call_of(
    name: str,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    output: Tensor,
    flows: Callable[[Tensor], bool],
) -> Call:
    """The operation of a call that has happened.

    Args:
        name: The function's name.
        arguments: What it was given.
        named: What it was given by name.
        output: What it gave.
        flows: Whether a tensor depends on the picture.
    """
    bare, arguments = spelled(name, arguments)
    moving = tuple(tensor for tensor in tensors_in([arguments, named]) if flows(tensor))
    try:
        call = _call(bare, arguments, named, output)
    except _StrangeError as strange:
        return Call(Unknown(str(strange)), moving)
    if not any(map(flows, call.inputs)):
        return Call(Passing("it is the same for every picture"), ())
    forgotten = [one for one in moving if not any(one is known for known in call.inputs)]
    if forgotten:
        return Call(Unknown(f"The weights of this {bare} depend on the picture."), moving)
    return call


def _call(name: str, arguments: Sequence[Any], named: Mapping[str, Any], output: Tensor) -> Call:
    if name in ELEMENTWISE and name not in _MAKERS:
        return Call(ELEMENTWISE[name], (_tensor(arguments[0] if arguments else named.get("input")),))
    if name == "permute":
        return _permute(arguments, named)
    if name in ("reshape", "flatten", "identity", "neg"):
        x = _tensor(arguments[0] if arguments else named.get("input"))
        if name == "neg":
            return Call(Affine(-1.0, 0.0), (x,))
        if name == "identity":
            return Call(Passing("it passes all numbers on"), (x,))
        if x.shape[:1] != (1,) or output.shape[:1] != (1,):
            raise _StrangeError("It moves the batch, which this house does not follow.")
        return Call(Reshaping(without_batch(output.shape)), (x,))
    maker = _MAKERS.get(name)
    if maker is None:
        raise _StrangeError(f"There is no arithmetic for the function {name} here.")
    return maker(_bound(name, arguments, named))


def _bound(name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """What each parameter was given, by our names for them."""
    own = _WEIGHTS.get(name, {})
    bound = dict(zip(_PARAMETERS[name].split(), arguments, strict=False))
    return bound | {own.get(key) or _NAMED.get(key, key): value for key, value in named.items()}


def _tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise _StrangeError("It is called in a way that this house does not know.")
    return value


def _permute(arguments: Sequence[Any], named: Mapping[str, Any]) -> Call:
    x = _tensor(arguments[0] if arguments else named.get("input"))
    order = [*arguments[1:]] or [*named.get("dims", ())]
    if len(order) == 1 and isinstance(order[0], list | tuple):
        order = [*order[0]]
    axes = [int(axis) % x.dim() for axis in order]
    if axes[:1] != [0]:
        raise _StrangeError("It moves the batch, which this house does not follow.")
    return Call(Permutation(tuple(axis - 1 for axis in axes[1:])), (x,))


def _transpose(a: dict[str, Any]) -> Call:
    x = _tensor(a["x"])
    order = list(range(x.dim()))
    one, two = a["one"] % x.dim(), a["two"] % x.dim()
    order[one], order[two] = two, one
    return _permute([x, order], {})


def _conv2d(a: dict[str, Any]) -> Call:
    operation = recognition.convolution(
        _tensor(a["weight"]),
        a.get("bias"),
        a.get("stride", 1),
        a.get("padding", 0),
        a.get("dilation", 1),
        a.get("groups", 1),
    )
    return Call(operation, (_tensor(a["x"]),))


def _linear(a: dict[str, Any]) -> Call:
    weight_UD = numbers(_tensor(a["weight"]))
    if weight_UD is None:
        raise _StrangeError("It has no weights.")
    return Call(Dense(weight_UD, numbers(a.get("bias"))), (_tensor(a["x"]),))


def _batch_norm(a: dict[str, Any]) -> Call:
    if "cudnn_enabled" in a:  # torch.batch_norm's own, which takes the others in another order
        raise _StrangeError("It is called in a way that this house does not know.")
    if a.get("training"):
        raise _StrangeError("It normalises by the statistics of the picture itself.")
    statistics = (a.get("mean"), a.get("variance"), a.get("gamma"), a.get("beta"))
    return Call(recognition.normalisation(*statistics, a.get("epsilon", 1e-5)), (_tensor(a["x"]),))


def _max_pool2d(a: dict[str, Any]) -> Call:
    window = (a["window"], a.get("stride"), a.get("padding", 0), a.get("dilation", 1))
    return Call(recognition.pooling(*window, maximum=True), (_tensor(a["x"]),))


def _avg_pool2d(a: dict[str, Any]) -> Call:
    operation = recognition.pooling(
        a["window"],
        a.get("stride"),
        a.get("padding", 0),
        maximum=False,
        include_padding=a.get("count_include_pad", True),
        divisor=a.get("divisor_override"),
    )
    return Call(operation, (_tensor(a["x"]),))


def _adaptive(maximum: bool) -> Callable[[dict[str, Any]], Call]:
    def make(a: dict[str, Any]) -> Call:
        x = _tensor(a["x"])
        return Call(recognition.adaptive(a["size"], without_batch(x.shape), maximum=maximum), (x,))

    return make


def _over_the_map(maximum: bool) -> Callable[[dict[str, Any]], Call]:
    """The mean or the largest over rows and columns."""

    def make(a: dict[str, Any]) -> Call:
        x, dim = _tensor(a["x"]), a.get("dim")
        axes = {int(axis) % x.dim() for axis in ([dim] if isinstance(dim, int) else dim or ())}
        if x.dim() != 4 or axes != {2, 3}:
            raise _StrangeError("It goes over other axes than rows and columns.")
        return Call(GlobalPooling(maximum), (x,))

    return make


def _pad(a: dict[str, Any]) -> Call:
    if a.get("mode", "constant") != "constant":
        raise _StrangeError(f"There is no arithmetic for {a['mode']} padding here.")
    return Call(recognition.padding(a["sides"], a.get("value") or 0.0), (_tensor(a["x"]),))


def _softmax(a: dict[str, Any]) -> Call:
    x = _tensor(a["x"])
    return Call(recognition.softmax(a.get("dim"), without_batch(x.shape)), (x,))


def _dropout(a: dict[str, Any]) -> Call:
    if a.get("training", True) and a.get("p", 0.5) > 0:
        raise _StrangeError("It drops numbers by chance even when the network answers.")
    return Call(Passing(NO_CHANCE), (_tensor(a["x"]),))


def _cat(a: dict[str, Any]) -> Call:
    tensors = tuple(a["tensors"])
    axis = int(a.get("dim", 0)) % tensors[0].dim()
    if axis == 0:
        raise _StrangeError("It puts batches together.")
    return Call(Concatenation(axis - 1), tensors)


def _combined(name: str) -> Callable[[dict[str, Any]], Call]:
    """``x + y`` and its kin, of two tensors or of a tensor and a number."""

    def make(a: dict[str, Any]) -> Call:
        one, other = a["x"], a["other"]
        if a.get("alpha", 1) != 1 or a.get("rounding_mode") is not None:
            raise _StrangeError("It is called in a way that this house does not know.")
        if isinstance(one, Tensor) and isinstance(other, Tensor):
            if name == "div":
                raise _StrangeError("There is no arithmetic for one map divided by another here.")
            both = (one, other)
            return Call(
                Multiplication() if name == "mul" else Addition((1.0, 1.0 if name == "add" else -1.0)), both
            )
        tensor, number = (one, other) if isinstance(one, Tensor) else (other, one)
        scale, offset = 1.0, float(number)
        if name == "sub":
            scale, offset = (1.0, -offset) if tensor is one else (-1.0, offset)
        elif name == "mul":
            scale, offset = offset, 0.0
        elif name == "div":
            if tensor is not one:
                raise _StrangeError("There is no arithmetic for a number divided by a map here.")
            scale, offset = 1 / offset, 0.0
        return Call(Affine(scale, offset), (_tensor(tensor),))

    return make


def _softplus(a: dict[str, Any]) -> Call:
    if (a.get("beta", 1), a.get("threshold", 20)) != (1, 20):
        raise _StrangeError("There is no arithmetic for a softplus with a beta or threshold of its own here.")
    return Call(ELEMENTWISE["softplus"], (_tensor(a["x"]),))


_MAKERS: dict[str, Callable[[dict[str, Any]], Call]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "adaptive_avg_pool2d": _adaptive(False),
    "adaptive_max_pool2d": _adaptive(True),
    "mean": _over_the_map(False),
    "amax": _over_the_map(True),
    "pad": _pad,
    "softmax": _softmax,
    "softplus": _softplus,
    "dropout": _dropout,
    "cat": _cat,
    "transpose": _transpose,
    **{name: _combined(name) for name in ("add", "sub", "mul", "div")},
    "leaky_relu": lambda a: Call(leaky_relu(a.get("negative_slope", 0.01)), (_tensor(a["x"]),)),
    "elu": lambda a: Call(elu(a.get("alpha", 1.0)), (_tensor(a["x"]),)),
    "clamp": lambda a: Call(clamp(*_bounds(a)), (_tensor(a["x"]),)),
    "hardtanh": lambda a: Call(clamp(a.get("min", -1.0), a.get("max", 1.0)), (_tensor(a["x"]),)),
    "gelu": lambda a: Call(
        ELEMENTWISE["gelu_tanh" if a.get("approximate") == "tanh" else "gelu"], (_tensor(a["x"]),)
    ),
}


def _bounds(a: dict[str, Any]) -> tuple[float, float]:
    low, high = (a.get(key) for key in ("min", "max"))
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        raise _StrangeError("It is called in a way that this house does not know.")
    return float("-inf") if low is None else float(low), float("inf") if high is None else float(high)
