"""A backbone some of whose layers were trained further: a run keeps these, the rest is the backbone's own.

Like any trunk it is exported once a machine and answers through ONNX Runtime; here is what makes it so.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pellucid.errors import BackboneError, shown
from pellucid.events import silent
from pellucid.storage import cache_folder, storage_errors, whole_folder, writable_cache
from pellucid.training.session import open_exported, read_exported
from pellucid.training.trunk import POOL, Trunk

_GRAPH = "tuned.onnx"
_WHAT = "The exported layers"
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Tuned:
    """The layers of a fine-tuned backbone up to its pooled features.

    Attributes:
        trunk: The backbone as it was, cut at its pooled features.
        changed: The tensors that learnt, by the backbone's own names.
    """

    trunk: Trunk
    changed: Mapping[str, NDArray[np.float32]]

    @cached_property
    def key(self) -> str:
        """What these layers compute, as the name of a folder."""
        digest = hashlib.blake2b(self.trunk.key.encode(), digest_size=16)
        for name in sorted(self.changed):
            digest.update(name.encode() + np.ascontiguousarray(self.changed[name]).tobytes())
        return f"{self.trunk.backbone}-tuned-{digest.hexdigest()}"

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one picture's output, without the batch: ``(D,)``."""
        return self.trunk.output_shape

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """What a run keeps of them: what learnt."""
        return self.changed

    def session(self, threads: int = 1) -> onnxruntime.InferenceSession:
        """A session on ``threads`` threads; the first on a machine exports the graph, which takes some 10 s.

        Raises:
            BackboneError: the graph in the cache is damaged, or differs from PyTorch's answers.
        """
        return open_exported(self._file(), _WHAT, threads)

    def graph(self) -> bytes:
        """The ONNX file's bytes; raises what ``session`` does."""
        return read_exported(self._file(), _WHAT)

    def _file(self) -> Path:
        graph = cache_folder() / "trunks" / self.key / _GRAPH
        return graph if graph.is_file() else self._export()

    def _export(self) -> Path:
        # PyTorch and timm take seconds to import; a run whose graph is in the cache needs neither.
        from pellucid.network.graph import export_graph, retuned_graph

        backbone = self.trunk.loaded(self.changed)
        folder = writable_cache(silent) / "trunks" / self.key
        size = backbone.preprocess.height, backbone.preprocess.width
        with storage_errors(folder, "the exported layers"), whole_folder(folder, replace=True) as partial:
            module, path = backbone.cut(POOL), partial / _GRAPH
            graph = retuned_graph(self.trunk.file, module, *size, path)
            if graph is None or not graph.difference <= _TOLERANCE:
                graph = export_graph(module, *size, path)
            if not graph.difference <= _TOLERANCE:
                raise BackboneError(
                    f"ONNX Runtime's output for the fine-tuned {shown(backbone.name)} differs from PyTorch's "
                    f"by {graph.difference:.1e}.",
                    f"At most {_TOLERANCE:.0e} was expected.",
                    "Train with a lower learning rate, or use --recipe features; and report this backbone.",
                )
        return folder / _GRAPH
