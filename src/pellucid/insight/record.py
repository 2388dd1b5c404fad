"""What is written down while a network runs: each step's operation, where its inputs came from, its output.

Tensors are followed by identity: the output of one step that is the input of another links the two. Who
runs the network, by torch.fx or under hooks, is ``insight.trace``'s business.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from pellucid.insight.calls import call_of, spelled, tensors_in
from pellucid.insight.operation import (
    AdaptivePooling,
    Convolution,
    GlobalPooling,
    Operation,
    Padding,
    Passing,
    Pooling,
    Shape,
    Unknown,
)
from pellucid.insight.recognition import operation_of, without_batch

INPUT = "input"
"""The step that is the picture itself."""

Seen = Callable[[str, Tensor], None]
"""Hears a step's name and its output, with the batch, as soon as it is made."""

_ON_MAPS = (AdaptivePooling, Convolution, GlobalPooling, Padding, Pooling)


@dataclass(frozen=True)
class Step:
    """One module or function call of a pass.

    Attributes:
        name: The module's path, or the path of the module that called the function and the function's name.
        kind: The module's class or the function's name.
        operation: What it computes.
        inputs: The steps whose outputs it was given.
        shape: Of its output, without the batch: (channels, height, width) or (units,).
        constant: Whether it is the same for every picture.
    """

    name: str
    kind: str
    operation: Operation
    inputs: tuple[str, ...]
    shape: Shape
    constant: bool = False


class Record:
    """The steps of one pass, and the outputs that were kept.

    Attributes:
        steps: By name, in the order in which they happened.
        kept: The outputs of those that ``keep`` wanted, without the batch.
    """

    def __init__(self, module: nn.Module, keep: Callable[[str, int], bool], seen: Seen | None = None) -> None:
        self.steps: dict[str, Step] = {}
        self.kept: dict[str, NDArray[Any]] = {}
        self._keep, self._seen = keep, seen
        self._names: Any = WeakIdKeyDictionary()  # a tensor that is gone takes its entry with it
        self._held: list[Tensor] = []
        self._fixed: set[int] = set()
        own = [one for part in module.modules() for one in vars(part).values() if isinstance(one, Tensor)]
        self.fix([*module.parameters(), *module.buffers(), *own])

    def fix(self, tensors: Iterable[Tensor]) -> None:
        """Tell of more tensors that are the same for every picture; they must stay alive."""
        held = list(tensors)
        self._held += held
        self._fixed |= {id(one) for one in held}

    def picture(self, x_NCHW: Tensor) -> None:
        """The network's input."""
        self._add(INPUT, "Input", Passing("it is the picture"), (), x_NCHW)

    def module(self, path: str, module: nn.Module, given: Any, output: Any) -> None:
        """A module has run."""
        if isinstance(module, nn.Identity):
            return
        inputs = tuple(tensors_in(given))
        sources = tuple(self._source(one) for one in inputs)
        if isinstance(output, Tensor) and len(inputs) == 1:
            shapes = without_batch(inputs[0].shape), without_batch(output.shape)
            self._add(path, type(module).__name__, operation_of(module, *shapes), sources, output)
            return
        why = Unknown(f"There is no arithmetic for what {type(module).__name__} takes or gives here.")
        for one in tensors_in([output]):
            self._add(path, type(module).__name__, why, sources, one)

    def call(self, path: str, name: str, arguments: Any, named: Any, output: Any) -> None:
        """A function has run."""
        bare, arguments = spelled(name, arguments)
        own = f"{path}.{bare}" if path else bare
        if not isinstance(output, Tensor):
            sources = tuple(self._source(one) for one in tensors_in([arguments, named]) if self.flows(one))
            for one in tensors_in([output]):
                self._add(own, bare, Unknown(f"There is no arithmetic for {bare} here."), sources, one)
            return
        call = call_of(bare, arguments, named, output, self.flows)
        if bare == "identity" and any(output is one for one in call.inputs):
            return
        self._add(own, bare, call.operation, tuple(self._source(one) for one in call.inputs), output)

    def flows(self, tensor: Tensor) -> bool:
        """Whether a tensor depends on the picture, as far as is known."""
        name = self._names.get(tensor)
        return id(tensor) not in self._fixed if name is None else not self.steps[name].constant

    def name_of(self, tensor: Tensor) -> str | None:
        """The step that a tensor came from, if any."""
        name = self._names.get(tensor)
        return None if name is None else str(name)

    def _source(self, tensor: Tensor) -> str:
        """The step that a tensor came from; a new one for what came from none."""
        name = self._names.get(tensor)
        if name is not None:
            return str(name)
        if id(tensor) in self._fixed:
            return self._add("constant", "constant", Passing("it is a constant"), (), tensor)
        reason = "It was made in a way that could not be watched."
        return self._add("unseen", "unseen", Unknown(reason), (INPUT,), tensor)

    def _add(
        self, name: str, kind: str, operation: Operation, inputs: tuple[str, ...], output: Tensor
    ) -> str:
        name = self._free(name)
        shape = without_batch(output.shape)
        if isinstance(operation, _ON_MAPS) and len(self.steps[inputs[0]].shape) != 3:
            operation = Unknown("It works on something that is no map of channels, rows and columns.")
        constant = name != INPUT and all(self.steps[one].constant for one in inputs)
        self.steps[name] = Step(name, kind, operation, inputs, shape, constant)
        self._names[output] = name
        if self._keep(name, output.numel() * output.element_size()):
            self.kept[name] = _copied(output).reshape(shape)
        if self._seen:
            self._seen(name, output)
        return name

    def _free(self, name: str) -> str:
        """The name, or the first of name_1, name_2 ... that is not taken."""
        if name not in self.steps:
            return name
        number = 1
        while f"{name}_{number}" in self.steps:
            number += 1
        return f"{name}_{number}"


def _copied(tensor: Tensor) -> NDArray[Any]:
    """Its numbers as they are now: a later step may write over them."""
    wide = tensor.dtype in (torch.float32, torch.float64)
    held = tensor.detach() if wide else tensor.detach().double()
    return np.array(held.cpu().numpy())
