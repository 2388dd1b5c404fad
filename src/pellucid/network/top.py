"""The part of a backbone above a boundary, as a module of its own: what learns while the rest stays frozen.

It shares its layers with the backbone that it was taken from. Like ``network.backbone`` this room imports
torch and timm.
"""

from typing import cast

from timm.models._features_fx import get_notrace_functions, get_notrace_modules
from torch import fx, nn
from torchvision.models.feature_extraction import NodePathTracer  # type: ignore[import-untyped]

from pellucid.errors import BackboneError, shown
from pellucid.network.backbone import LOGITS, POOL, Backbone, Pooled
from pellucid.network.weights import nearest

_MODULE = "module."
_OF_BLOCKS = ("blocks", "stages", "layers", "features")  # what timm calls a sequence of blocks


Top = fx.GraphModule
"""The layers above a boundary."""

PIXELS = "pixels"
"""The boundary below all layers: above it stands the whole backbone."""


def stages(backbone: Backbone) -> tuple[str, ...]:
    """The backbone's blocks, from the input on, as boundaries: ``blocks.0`` to ``blocks.6``, say.

    A backbone without a sequence of blocks has its outer modules.
    """
    inner = [name for name in backbone.boundaries() if name not in (POOL, LOGITS)]
    sequences = [name for name in inner if isinstance(backbone.module.get_submodule(name), nn.Sequential)]
    outer = [name for name in sequences if "." not in name]
    for name in _OF_BLOCKS:
        if name in outer:
            return tuple(one for one in inner if one.startswith(f"{name}."))
    return tuple(outer) if len(outer) > 1 else tuple(inner)


def boundary_of(backbone: Backbone, unfreeze: str) -> str:
    """The boundary above which learning begins.

    Args:
        backbone: What is cut.
        unfreeze: ``last`` for the last block and all that follows it, ``last-two``, ``all``, or a
            boundary's name.

    Raises:
        BackboneError: there is no such boundary.
    """
    if unfreeze == "all":
        return PIXELS
    blocks = stages(backbone)
    depth = {"last": 1, "last-two": 2}.get(unfreeze)
    if depth is not None and len(blocks) > depth:
        return blocks[-1 - depth]
    known = [name for name in backbone.boundaries() if name not in (POOL, LOGITS)]
    if unfreeze not in known:
        raise BackboneError(
            f"The backbone {shown(backbone.name)} has no boundary {shown(unfreeze)} to learn above.",
            f"last, last-two, all, or one of {', '.join(known)} was expected.",
            nearest(unfreeze, ["last", "last-two", "all", *known]),
        )
    return unfreeze


def top_of(backbone: Backbone, boundary: str) -> Top:
    """The layers above ``boundary`` up to the pooled features: maps ``(N, C, H, W)`` -> ``(N, D)``.

    Above ``PIXELS`` stands the whole backbone, and the maps are pictures.

    Raises:
        BackboneError: torch.fx cannot follow the network, or more than one tensor crosses the boundary.
    """
    whole = Pooled(backbone.module)
    tracer = NodePathTracer(
        leaf_modules=tuple(get_notrace_modules()), autowrap_functions=tuple(get_notrace_functions())
    )
    try:
        graph = tracer.trace(whole)
    except Exception as error:  # torch.fx raises of many kinds, each for a network that it cannot follow
        raise _uncuttable(backbone, boundary, f"torch.fx cannot follow it: {error}") from error
    if boundary == PIXELS:
        return fx.GraphModule(whole, graph)
    paths = cast(dict[fx.Node, str], tracer.node_to_qualname)
    found = [node for node in graph.nodes if _below(paths.get(node), f"{_MODULE}{boundary}")]
    top = fx.GraphModule(whole, graph)
    (picture,) = (node for node in graph.nodes if node.op == "placeholder")
    if not found:
        raise _uncuttable(backbone, boundary, "nothing is computed there")
    with graph.inserting_before(picture):
        maps = graph.placeholder("maps")
    found[-1].replace_all_uses_with(maps)
    graph.eliminate_dead_code()
    if picture.users:
        raise _uncuttable(backbone, boundary, "more than one tensor crosses it")
    graph.erase_node(picture)
    top.delete_all_unused_submodules()
    top.recompile()
    return top


def timm_name(name: str) -> str:
    """A tensor's name in the backbone, from its name in what ``top_of`` gave."""
    return name.removeprefix(_MODULE)


def _below(path: str | None, inside: str) -> bool:
    return path is not None and (path == inside or path.startswith(f"{inside}."))


def _uncuttable(backbone: Backbone, boundary: str, why: str) -> BackboneError:
    return BackboneError(
        f"The backbone {shown(backbone.name)} cannot be cut at {shown(boundary)} to learn above it ({why}).",
        "A network whose layers follow one another from there on was expected.",
        "Use the shipped efficientnet_lite0, a resnet, a mobilenet or a convnext of timm's, or --recipe "
        "features, which any backbone can serve.",
    )
