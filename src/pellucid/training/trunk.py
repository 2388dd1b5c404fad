"""The frozen layers of a backbone as one ONNX graph, exported once a machine and run by ONNX Runtime.

Only the first use of a backbone at a boundary loads PyTorch; afterwards the exported graph in the
user's cache answers. How its outputs are kept is left to ``training.activations``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pellucid.errors import BackboneError, PellucidError, shown
from pellucid.events import Listener, phase, silent
from pellucid.network.weights import WeightsFile
from pellucid.pictures.preprocess import Preprocess
from pellucid.storage import cache_folder, storage_errors, whole_folder, writable_cache
from pellucid.training.session import open_exported, read_exported

if TYPE_CHECKING:
    from pellucid.network.backbone import Backbone
    from pellucid.network.graph import Graph

POOL = "pool"
LOGITS = "logits"
PIXELS = "pixels"  # below all layers
_FORMAT = 1
_GRAPH = "trunk.onnx"
_RECORD = "trunk.json"
_WHAT = "The exported trunk"
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Trunk:
    """The frozen layers of one backbone up to one boundary.

    Attributes:
        backbone: The backbone's name.
        boundary: Where it is cut: ``pool``, ``logits`` or the name of one of its modules.
        weights: The file that its weights came from.
        by_hand: Whether a person named that file, instead of the backbone's own weights.
        preprocess: What the backbone expects to be done to a picture.
        output_shape: The shape of one picture's output, without the batch: ``(D,)`` or ``(C, H, W)``.
        classes: What the backbone's own logits stand for; empty where that is not known.
        difference: How far ONNX Runtime's output is from PyTorch's (see ``network.graph.Graph``).
        file: The ONNX file.
    """

    backbone: str
    boundary: str
    weights: WeightsFile
    by_hand: bool
    preprocess: Preprocess
    output_shape: tuple[int, ...]
    classes: tuple[str, ...]
    difference: float
    file: Path

    @property
    def key(self) -> str:
        """What this trunk computes, as the name of a folder: backbone, boundary and weights."""
        return _key(self.backbone, self.boundary, self.weights)

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """Nothing: a run names the backbone and the digest of its weights, and keeps neither."""
        return {}

    def session(self, threads: int = 1) -> onnxruntime.InferenceSession:
        """A session on ``threads`` threads; several Python threads may run one session at the same time.

        Raises:
            BackboneError: the graph in the cache is damaged.
        """
        return open_exported(self.file, _WHAT, threads)

    def graph(self) -> bytes:
        """The ONNX file's bytes.

        Raises:
            BackboneError: the graph in the cache is damaged.
        """
        return read_exported(self.file, _WHAT)

    def loaded(self, changed: Mapping[str, NDArray[np.float32]]) -> "Backbone":
        """The backbone itself, in PyTorch, with these of its tensors replaced.

        Raises:
            BackboneError: its weights are not here any more, or it has no such tensor.
        """
        from pellucid.network.backbone import load_backbone  # timm takes seconds to import

        backbone = load_backbone(self.backbone, weights=Path(self.weights.path))
        backbone.take(changed)
        return backbone


def open_trunk(
    backbone: str,
    boundary: str = POOL,
    *,
    weights: Path | None = None,
    download: bool = False,
    listen: Listener = silent,
) -> Trunk:
    """Find the exported trunk in the cache, or export it (some 10 s, once a machine).

    Args:
        backbone: A shipped backbone's name, or any timm network's.
        boundary: ``pool``, ``logits``, or one of the backbone's outer modules (``blocks.4``).
        weights: A file of weights to use instead of the backbone's own.
        download: Whether weights that are not on this machine may be fetched.
        listen: Told when an export begins and ends.

    Raises:
        BackboneError: the backbone, its weights or the boundary are not to be had.
        StorageError: the disk is full.
    """
    chosen = weights and weights.absolute()
    for trunk in cached_trunks():
        if (trunk.backbone, trunk.boundary) == (backbone, boundary) and (
            Path(trunk.weights.path) == chosen if chosen else not trunk.by_hand
        ):
            return trunk
    with phase(listen, f"Preparing {backbone}, once on this machine", unit=""):
        return _export(backbone, boundary, chosen, download, listen)


def cached_trunks() -> Iterator[Trunk]:
    """The trunks in the user's cache whose weights are still what they were."""
    for record in sorted(cache_folder().glob(f"trunks/*/{_RECORD}")):
        trunk = _read(record)
        if trunk is not None:
            yield trunk


def _export(backbone: str, boundary: str, weights: Path | None, download: bool, listen: Listener) -> Trunk:
    # PyTorch and timm take seconds to import; for frozen layers this is the one door to them.
    from pellucid.network.backbone import load_backbone

    loaded = load_backbone(backbone, weights=weights, download=download)
    folder = writable_cache(listen) / "trunks" / _key(backbone, boundary, loaded.weights)
    with storage_errors(folder, "the exported trunk"), whole_folder(folder, replace=True) as partial:
        graph = _graph(loaded, boundary, partial / _GRAPH)
        if graph.difference > _TOLERANCE:
            raise BackboneError(
                f"ONNX Runtime's output for {shown(backbone)} at {shown(boundary)} differs from PyTorch's by "
                f"{graph.difference:.1e}.",
                f"At most {_TOLERANCE:.0e} was expected.",
                "Choose another backbone or boundary, and report this one.",
            )
        trunk = Trunk(
            backbone=backbone,
            boundary=boundary,
            weights=loaded.weights,
            by_hand=weights is not None,
            preprocess=loaded.preprocess,
            output_shape=graph.output_shape,
            classes=loaded.classes,
            difference=graph.difference,
            file=folder / _GRAPH,
        )
        (partial / _RECORD).write_text(_to_json(trunk), encoding="utf-8")
    return trunk


def _graph(loaded: "Backbone", boundary: str, path: Path) -> "Graph":
    """The graph of the backbone up to the boundary: a part of the whole one where that is there already."""
    from pellucid.network.graph import cut_graph, export_graph

    module = loaded.cut(boundary)
    size = loaded.preprocess.height, loaded.preprocess.width
    whole = cache_folder() / "trunks" / _key(loaded.name, POOL, loaded.weights) / _GRAPH
    if boundary not in (POOL, LOGITS) and whole.is_file():
        graph = cut_graph(whole, boundary, module, *size, path)
        if graph is not None and graph.difference <= _TOLERANCE:
            return graph
    return export_graph(module, *size, path)


def _key(backbone: str, boundary: str, weights: WeightsFile) -> str:
    return f"{backbone}-{boundary}-{weights.digest[:16]}"


def _to_json(trunk: Trunk) -> str:
    fields = asdict(trunk) | {"format": _FORMAT, "preprocess": trunk.preprocess.to_json()}
    del fields["file"]
    return json.dumps(fields, indent=1)


def _read(record: Path) -> Trunk | None:
    """The trunk that a record describes; None where it is damaged, of another format, or out of date."""
    try:
        fields = json.loads(record.read_text(encoding="utf-8"))
        if fields.pop("format") != _FORMAT:
            return None
        fields |= {
            "weights": WeightsFile(**fields["weights"]),
            "preprocess": Preprocess.from_json(fields["preprocess"]),
            "output_shape": tuple(fields["output_shape"]),
            "classes": tuple(fields["classes"]),
        }
        trunk = Trunk(file=record.parent / _GRAPH, **fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PellucidError):
        return None
    return trunk if trunk.weights.unchanged() and trunk.file.is_file() else None
