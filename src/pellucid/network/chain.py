"""How far the receptive field is known along a chain of PyTorch's modules, which are watched from outside.

Fields add up as long as each module is given just what the one before it put out. Where it is given
something else (branches have met, or the network did something between its modules), nothing is known from
there on. Which modules are watched is ``network.traced``'s business; kinds are told by their names here, so
that this room needs no PyTorch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.network.receptive import Field

_POINTWISE = (
    *("BatchNorm1d", "BatchNorm2d", "Dropout", "Dropout2d", "ReLU", "ReLU6", "LeakyReLU", "ELU", "Sigmoid"),
    *("Tanh", "GELU", "SiLU", "Hardswish", "Hardsigmoid", "Hardtanh", "Mish", "Softplus"),
)
_NORMS = ("BatchNorm1d", "BatchNorm2d")


@dataclass
class _Call:
    """A module that runs: its kind where it is known, and the field of what it was given."""

    kind: str | None
    field: Field | None


class Chain:
    """The field of what each module puts out, in the order in which they run.

    Args:
        x_NCHW: What the network is given: the very tensor, one picture. Version counters tell whether a
            tensor is changed in place, so that the pass may be under ``torch.no_grad``, but not in
            inference mode.
    """

    def __init__(self, x_NCHW: Any) -> None:
        self._field: Field | None = Field.of_input(x_NCHW.shape[2], x_NCHW.shape[3])
        self._last, self._version = x_NCHW, _version(x_NCHW)
        self._running: list[_Call] = []

    def enter(self, module: Any, x: Any) -> None:
        """A module begins with this as its first argument."""
        kind = _kind(module)
        if kind is None:
            self._field = None  # it may do anything with what it is given
        if self._running:
            # timm's batch normalisation has its activation inside: pointwise in pointwise.
            outer = self._running[-1]
            field = outer.field if outer.kind in _POINTWISE and kind in _POINTWISE else None
        else:
            field = self._field if self._is_last(x) else None
        if field is None:
            self._field = None
        self._running.append(_Call(kind, field))

    def leave(self, module: Any, x: Any, y: Any) -> Field | None:
        """The module that began last ends with this output: what one number of it sees, where it is known."""
        call = self._running.pop()
        if call.field is None or self._field is None:
            return None
        there = x if hasattr(x, "dim") and x.dim() == 4 else self._last  # a row is a map laid flat
        field = _grown(call.kind, module, x, y, call.field, there.shape[2:])
        if field is None or not self._running:
            self._field, self._last, self._version = field, y, _version(y)
        return field

    def _is_last(self, x: Any) -> bool:
        """Whether this is what was put out last, unchanged since; a row of all of its numbers counts too."""
        if _version(x) is None or _version(x) != self._version:
            return False
        if x is self._last:
            return True
        is_flat = x.dim() == 2 and x.shape[0] == self._last.shape[0] and x.numel() == self._last.numel()
        return is_flat and x._base is (self._last if self._last._base is None else self._last._base)


def _version(x: Any) -> int | None:
    """How often the tensor was changed in place; None where that is not known."""
    # To ask a tensor of inference mode for its version is an error.
    return int(x._version) if hasattr(x, "is_inference") and not x.is_inference() else None


def _kind(module: Any) -> str | None:
    """The module's kind among those of torch.nn; a batch normalisation's heirs are as it is."""
    for one in type(module).__mro__:
        if one.__module__.startswith("torch.nn.modules."):
            return one.__name__ if one is type(module) or one.__name__ in _NORMS else None
    return None


def _grown(
    kind: str | None, module: Any, x: Any, y: Any, field: Field, places: Sequence[int]
) -> Field | None:
    """The field after a module of this kind, whose map has these rows and columns; None where not known."""
    if not hasattr(y, "dim") or y.dim() not in (2, 4):
        return None
    if kind in ("Flatten", "Linear", "Softmax", *_POINTWISE) and y.dim() == 2:
        return field.joined(places)
    if x.dim() != 4 or y.dim() != 4:
        return None
    if kind in _POINTWISE or (kind == "Softmax" and module.dim == 1):
        # Without running statistics a normalisation looks at all of the map.
        is_local = kind not in _NORMS or module.running_mean is not None
        return field if is_local and x.shape == y.shape else None
    if kind in ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"):
        if tuple(y.shape[2:]) == (1, 1):
            return field.joined(places)
        return field if x.shape == y.shape else None
    if kind == "ZeroPad2d":
        return field.slid((1, 1), (1, 1), (module.padding[2], module.padding[0]))
    if kind in ("MaxPool2d", "AvgPool2d") or (kind == "Conv2d" and module.padding_mode == "zeros"):
        return _windowed(module, field)
    return None


def _windowed(module: Any, field: Field) -> Field:
    size, stride, dilation = (
        _pair(getattr(module, name, 1)) for name in ("kernel_size", "stride", "dilation")
    )
    reach = ((size[0] - 1) * dilation[0] + 1, (size[1] - 1) * dilation[1] + 1)
    if module.padding == "same":  # PyTorch's: the odd one comes after
        before = ((reach[0] - 1) // 2, (reach[1] - 1) // 2)
    else:
        before = (0, 0) if module.padding == "valid" else _pair(module.padding)
    return field.slid(reach, stride, before)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
