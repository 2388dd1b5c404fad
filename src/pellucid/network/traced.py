"""The account of any ``torch.nn.Module``, from one forward pass that its modules are watched in.

This room imports torch, which takes seconds; others enter it only for a network that is no blueprint.
How far receptive fields are known, ``network.chain`` says.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.errors import PellucidError, UnknownBackboneError, shown
from pellucid.network.account import (
    Account,
    Counted,
    Row,
    count_conv,
    count_dense,
    count_depthwise,
)
from pellucid.network.chain import Chain
from pellucid.network.receptive import Field
from pellucid.network.shapes import Shape

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# Kinds that are known, and whose work is not counted in multiply-adds.
_UNCOUNTED = (
    *_NORMS,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.Flatten,
    nn.Dropout,
    nn.Dropout2d,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Softmax,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.ZeroPad2d,
)
_NAMES = {kind.__name__ for kind in _UNCOUNTED}  # timm has a GELU of its own


class TraceError(PellucidError):
    """A module that cannot be run on a picture of that shape."""


@dataclass
class _Seen:
    """What a module did in the pass: what it put out last, its multiply-adds over all calls.

    ``field`` is known where the module ran once, in the chain that the network begins with.
    """

    shape: Shape = ()
    macs: int = 0
    numbers: int = 0
    calls: int = 0
    field: Field | None = None


def trace(module: nn.Module, input_shape: Shape = (224, 224, 3), prefix: str = "") -> Account:
    """What the module costs for one picture, by its leaf modules in the order in which they run.

    A row stands for each module that holds parameters of its own or has no modules inside, except
    ``nn.Identity``. A module that runs twice is one row: its parameters count once, its multiply-adds each
    time. Parameters that two modules share count at the first. Receptive fields are told from the input on
    until branches meet, or something else is done between two modules. The module is left as it was: its
    mode, its statistics, and no hook in it.

    Args:
        module: ``(N, C, H, W)`` float -> anything.
        input_shape: (height, width, channels) of the picture.
        prefix: What is taken from the front of the modules' paths, such as ``"module."``.

    Raises:
        TraceError: The module cannot be run on such a picture.
    """
    seen = _watch(module, input_shape)
    rows: list[Row] = []
    told: dict[int, str] = {}
    unknown: list[str] = []
    names = {id(one): name.removeprefix(prefix) or "(all)" for name, one in module.named_modules()}
    modules = {id(one): one for one in module.modules()}
    ran = [key for key in seen if key in names]
    for key in [*ran, *(key for key in modules if key not in seen and _own(modules[key]))]:
        one = modules[key]
        rows.append(_row(names[key], one, seen.get(key, _Seen()), told))
        if not isinstance(one, (*_CONVOLUTIONS, nn.Linear, *_UNCOUNTED)) and _kind(one) not in _NAMES:
            unknown.append(_kind(one))
    notes = []
    if unknown:
        kinds = ", ".join(sorted(set(unknown)))
        notes.append(
            f"Multiply-adds of these kinds are not known and not counted: {kinds}. Nor is what the network "
            "does between its modules, such as adding branches."
        )
    return Account(input_shape, tuple(rows), tuple(notes))


def trace_backbone(
    name: str, boundary: str | None = None, classes: int | None = None, above: str | None = None
) -> Account:
    """What a timm network costs; it is built without numbers, so nothing is read, fetched or computed.

    Args:
        name: A backbone's name, as ``network.backbone.load_backbone`` takes it.
        boundary: Where it is cut; None for all of it.
        classes: How many classes a head on top of it tells apart; the backbone does not learn then.
        above: But for its layers above this boundary; None for none.

    Raises:
        BackboneError: There is no such backbone, or it cannot be cut there.
    """
    try:
        with torch.device("meta"):
            return _trace_backbone(name, boundary, classes, above)
    except UnknownBackboneError:
        raise
    except (PellucidError, RuntimeError):  # a network that looks at its numbers while it is built or runs
        return _trace_backbone(name, boundary, classes, above)


def _trace_backbone(name: str, boundary: str | None, classes: int | None, above: str | None) -> Account:
    from pellucid.network.backbone import POOL, untrained_backbone  # timm takes seconds to import
    from pellucid.network.top import top_of

    backbone = untrained_backbone(name)
    module: Any = backbone.module.requires_grad_(classes is None)
    if above is not None:
        top_of(backbone, above).requires_grad_(True)
    shape = (backbone.preprocess.height, backbone.preprocess.width, 3)
    if boundary == POOL and hasattr(module, "reset_classifier"):
        module.reset_classifier(0)  # all but its classifier, and its paths stay as they are
        found = trace(module, shape)
    elif boundary is None:
        found = trace(module, shape)
    else:
        found = trace(backbone.cut(boundary), shape, prefix="extractor.")
    if classes is None:
        return found
    inputs = math.prod(found.rows[-1].output_shape)
    counted = count_dense(inputs, classes, True)
    head = Row(
        name="head",
        kind="Dense",
        text=f"dense {classes} softmax",
        output_shape=(classes,),
        weights=counted.weights,
        biases=counted.biases,
        trainable=counted.trainable,
        arithmetic=counted.arithmetic,
        macs=counted.weights,
        activation_bytes=4 * classes,
    )
    return Account(shape, (*found.rows, head), found.notes)


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _is_leaf(module: nn.Module) -> bool:
    alone = next(module.children(), None) is None
    return bool(_own(module)) or (alone and not isinstance(module, nn.Identity))


def _watch(module: nn.Module, input_shape: Shape) -> dict[int, _Seen]:
    """Run the module once on an empty picture; what each leaf module did, in the order of the first calls."""
    height, width, channels = input_shape
    like = next((tensor for tensor in module.parameters() if tensor.is_floating_point()), torch.zeros(()))
    x_NCHW = torch.zeros(1, channels, height, width, dtype=like.dtype, device=like.device)
    seen: dict[int, _Seen] = {}
    chain, layout = Chain(x_NCHW), _Layout()

    def begin(one: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen.setdefault(id(one), _Seen())  # a module that holds others stands before them
        chain.enter(one, inputs[0] if inputs else None)

    def note(one: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        entry = seen[id(one)]
        field = chain.leave(one, inputs[0] if inputs else None, output)
        entry.calls += 1
        entry.field = field if entry.calls == 1 else None
        result = _first_tensor(output)
        if result is not None:
            entry.shape, entry.numbers = layout.shape(one, inputs, result), result.numel()
            entry.macs += _macs(one, result)

    with _hooks(module, begin, note), _evaluating(module), torch.no_grad():
        try:
            module(x_NCHW)
        except Exception as error:  # a module may raise anything
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise TraceError(
                f"The network {shown(type(module).__name__)} does not run on a picture of "
                f"{height}x{width}x{channels} ({reason}).",
                "A module that takes one batch of pictures (N, C, H, W) was expected.",
                "Give the height, width and channels that it was made for.",
            ) from error
    return seen


@contextlib.contextmanager
def _hooks(module: nn.Module, begin: Any, note: Any) -> Iterator[None]:
    """``begin`` before and ``note`` after each leaf module runs; taken out again, come what may."""
    with contextlib.ExitStack() as stack:
        for one in module.modules():
            if _is_leaf(one):
                stack.callback(one.register_forward_pre_hook(begin).remove)
                stack.callback(one.register_forward_hook(note).remove)
        yield


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Inference mode for the while, so that no statistic is touched; then each module's own mode again."""
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for one, mode in modes:
            one.training = mode


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return next((found for one in output if (found := _first_tensor(one)) is not None), None)
    return None


class _Layout:
    """Where the channels of maps stand, as the modules pass: second (N, C, H, W) or last (N, H, W, C)."""

    def __init__(self) -> None:
        self._shape: torch.Size | None = None
        self._is_last = False

    def shape(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Shape:
        """The shape without the batch; of maps (height, width, channels).

        A network may fold windows of its one picture into the batch: then their number stands first.
        """
        if isinstance(module, (*_CONVOLUTIONS, *_NORMS)):
            self._is_last = False
        elif isinstance(module, nn.Linear):
            self._is_last = True
        elif isinstance(module, nn.LayerNorm):
            self._is_last = "2d" not in _kind(module)  # timm's LayerNorm2d moves the axes itself
        elif not (inputs and getattr(inputs[0], "shape", None) == self._shape == output.shape):
            self._is_last = False  # only what keeps the shape keeps the layout
        self._shape = output.shape
        windows = tuple(size for size in output.shape[:1] if size > 1)
        if output.dim() != 4 or self._is_last:
            return (*windows, *output.shape[1:])
        _, channels, height, width = output.shape
        return (*windows, height, width, channels)


def _kind(module: nn.Module) -> str:
    return type(module).__name__


def _macs(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, _CONVOLUTIONS):
        return module.weight.numel() * (output.numel() // module.out_channels)
    if isinstance(module, nn.Linear):
        return module.weight.numel() * (output.numel() // module.out_features)
    return 0


def _row(name: str, module: nn.Module, seen: _Seen, told: dict[int, str]) -> Row:
    """The module's row; ``told`` holds whose each parameter is that was counted already."""
    own = dict(module.named_parameters(recurse=False))
    fresh = {key: tensor for key, tensor in own.items() if id(tensor) not in told}
    lent = sorted({told[id(tensor)] for tensor in own.values() if id(tensor) in told})
    counted = _plain(fresh, [f"shared with {', '.join(lent)}"]) if lent else _counted(module, fresh)
    told.update({id(tensor): name for tensor in fresh.values()})
    return Row(
        name=name,
        kind=_kind(module),
        text="",
        output_shape=seen.shape,
        weights=counted.weights,
        biases=counted.biases,
        trainable=sum(tensor.numel() for tensor in fresh.values() if tensor.requires_grad),
        arithmetic=counted.arithmetic,
        macs=seen.macs,
        activation_bytes=4 * seen.numbers,
        receptive_field=seen.field.size if seen.field else None,
        stride=seen.field.stride if seen.field else None,
        start=seen.field.start if seen.field else None,
    )


def _counted(module: nn.Module, own: dict[str, nn.Parameter]) -> Counted:
    """How many parameters the module has itself, with the arithmetic of the kinds that are known."""
    expected = Counted()
    if isinstance(module, _CONVOLUTIONS):
        channels, bias = module.in_channels, module.bias is not None
        if module.groups == channels and channels > 1:
            multiplier = module.out_channels // channels
            expected = count_depthwise(module.kernel_size, channels, multiplier, bias)
        else:
            expected = count_conv(module.kernel_size, channels, module.out_channels, module.groups, bias)
    elif isinstance(module, nn.Linear):
        expected = count_dense(module.in_features, module.out_features, module.bias is not None)
    elif isinstance(module, _NORMS) and module.affine:
        expected = _norm(module)
    plain = _plain(own, [])
    # A subclass may hold more or less than its kind does: then only the sum is sure.
    same = (expected.weights, expected.biases) == (plain.weights, plain.biases)
    return expected if same else plain


def _norm(module: Any) -> Counted:
    """A batch normalisation's scale and shift; mean and variance are buffers here, not parameters."""
    channels = module.num_features
    return Counted(channels, channels, 2 * channels, f"2*{channels:,} = {2 * channels:,}")


def _plain(own: dict[str, nn.Parameter], remarks: list[str]) -> Counted:
    """The numbers of the tensors added up: ``1*197*768 = 151,296``."""
    biases = sum(tensor.numel() for key, tensor in own.items() if key.endswith("bias"))
    total = sum(tensor.numel() for tensor in own.values())
    parts = ["*".join(f"{size:,}" for size in tensor.shape) or "1" for tensor in own.values()]
    text = f"{' + '.join(parts)} = {total:,}" if parts else ""
    return Counted(total - biases, biases, total, ", ".join([*filter(None, [text]), *remarks]))
