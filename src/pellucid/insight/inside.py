"""A network with one picture in it: its layers by name, and any cell of them.

    inside = open_module(net, x_CHW)
    inside.cell("conv2d", 3, 10, 12).value

How a run or a backbone becomes a module is ``insight.subject``'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.errors import RequestError, shown
from pellucid.insight.cell import Cell, Layer, cell_of, place_of
from pellucid.insight.record import INPUT
from pellucid.insight.trace import BUDGET, Trace, trace
from pellucid.network.account import account
from pellucid.network.build import Network
from pellucid.network.weights import nearest

Groups = Mapping[str, tuple[str, tuple[str, ...]]]
"""Name of a layer -> its kind, and the steps that it is made of."""

_NAMED = 12


@dataclass(frozen=True)
class Inside:
    """A network after one forward pass.

    Attributes:
        trace: The pass.
        layers: Its layers, in the order in which they ran.
    """

    trace: Trace
    layers: tuple[Layer, ...]

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def _by_step(self) -> dict[str, Layer]:
        return {step: layer for layer in self.layers for step in layer.steps}

    def layer(self, name: str) -> Layer:
        """The layer of this name.

        Raises:
            RequestError: There is none; the message names the nearest.
        """
        if name in self._by_name:
            return self._by_name[name]
        names = [layer.name for layer in self.layers]
        listed = ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:4])} to {names[-1]}"
        raise RequestError(
            f"The network has no layer {shown(name)}.",
            f"It has {len(names):,} layer{'' if len(names) == 1 else 's'}: {listed}.",
            nearest(name, names) or "Choose one of them.",
        )

    def value(self, layer: str) -> NDArray[Any]:
        """A layer's output: float (channels, height, width) or (units,).

        Raises:
            RequestError: There is no such layer.
        """
        return self.trace.value(self.layer(layer).steps[-1])

    def cell(self, layer: str, *index: int) -> Cell:
        """Open one number of a layer's output.

        Args:
            layer: The layer's name.
            index: Channel, row and column, from 0; of a flat row the unit alone.

        Raises:
            RequestError: There is no such layer, or no such place in it.
        """
        found = self.layer(layer)
        _check_index(found, index)
        return cell_of(self.trace, self._by_step, INPUT, found, tuple(index))

    def cell_at(self, place: str) -> Cell:
        """Open the cell that is written ``LAYER:CHANNEL,ROW,COLUMN``, or ``LAYER:UNIT``.

        Raises:
            RequestError: It is not written so, or there is no such layer or place.
        """
        layer, index = place_of(place)
        return self.cell(layer, *index)


def open_module(
    module: nn.Module,
    x_CHW: NDArray[Any] | Tensor,
    *,
    groups: Groups | None = None,
    prefixes: Sequence[str] = (),
    budget: int = BUDGET,
) -> Inside:
    """Run any module on one picture and look inside.

    Layers are named by the modules' paths (``blocks.1.0.conv_dw``), and functions that are called between
    modules by the path of the module that calls them and their own name (``blocks.1.1.add``); a network of
    ours (``network.build``) has its Keras layers, each with its activation.

    Args:
        module: Takes a batch of pictures (N, C, H, W), or of flat rows (N, D). It is left as it was.
        x_CHW: One picture as the network sees it, or one flat row.
        groups: Which steps make one layer; all others are layers of their own.
        prefixes: What is taken from the front of the layers' names; the first that fits.
        budget: How many bytes of outputs are kept; the others are made again on demand.

    Raises:
        TraceError: The module cannot be run on such a picture.
    """
    if groups is None and isinstance(module, Network):
        groups = keras_groups(module)
    found = trace(module, x_CHW, budget=budget)
    return Inside(found, _layers(found, groups or {}, prefixes))


def keras_groups(network: Network) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The layers of a network of ours: each with its activation and its scale."""
    present = {name for name, _ in network.named_children()}
    return {
        row.name: (row.kind, steps)
        for row in account(network.blueprint).rows
        if (steps := tuple(one for one in _steps_of(row.name) if one in present))
    }


def _steps_of(name: str) -> tuple[str, ...]:
    return name, f"{name}_scale", f"{name}_activation"


def _layers(found: Trace, groups: Groups, prefixes: Sequence[str]) -> tuple[Layer, ...]:
    followers = {step for _, steps in groups.values() for step in steps[1:]}
    layers: dict[str, Layer] = {}
    for step in found.steps.values():
        if step.constant or step.name == INPUT or step.name in followers:
            continue
        kind, steps = groups.get(step.name, (step.kind, (step.name,)))
        prefix = next((one for one in prefixes if step.name.startswith(one)), "")
        name = step.name.removeprefix(prefix)
        name = step.name if name in layers else name
        layers[name] = Layer(name, kind, steps, found.steps[steps[-1]].shape)
    return tuple(layers.values())


def _check_index(layer: Layer, index: tuple[int, ...]) -> None:
    """Whether there is such a place in the layer's output."""
    shape = layer.shape
    axes = {1: ("unit",), 2: ("channel", "row"), 3: ("channel", "row", "column")}.get(
        len(shape), tuple(f"axis {axis}" for axis in range(len(shape)))
    )
    if len(index) != len(shape):
        *first, last = axes or ("no number",)
        raise RequestError(
            f"The layer {shown(layer.name)} was asked for its cell {','.join(map(str, index)) or '(none)'}.",
            f"Its output is {_size(layer)}, so {', '.join(first)}{' and ' if first else ''}{last} "
            f"{'were' if first else 'was'} expected.",
            f"Write for example: {layer.name}:{','.join(str(size // 2) for size in shape)}",
        )
    for axis, place, size in zip(axes, index, shape, strict=True):
        if not 0 <= place < size:
            raise RequestError(
                f"The layer {shown(layer.name)} was asked for {axis} {place:,}.",
                f"Its output is {_size(layer)}, so {axis} 0 to {size - 1:,} was expected."
                if size > 1
                else f"Its output is {_size(layer)}, so {axis} 0 was expected.",
                "Choose one of these.",
            )


def _size(layer: Layer) -> str:
    """The output's size as a person reads it."""
    size = "x".join(f"{length:,}" for length in layer.output_shape) or "a single number"
    told = {1: f"a flat row of {size}", 3: f"{size} (height x width x channels)"}
    return told.get(len(layer.shape), size)
