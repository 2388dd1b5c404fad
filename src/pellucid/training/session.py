"""How frozen layers are run by ONNX Runtime, and what a classifier asks of them, wherever they come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pellucid.errors import BackboneError, shown


class Layers(Protocol):
    """Frozen layers: pictures ``(N, C, H, W)`` float32 in, numbers ``(N, *output_shape)`` out."""

    @property
    def key(self) -> str:
        """What they compute, as the name of a folder."""
        ...

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one picture's output, without the batch."""
        ...

    def session(self, threads: int = 1) -> onnxruntime.InferenceSession:
        """A session with one input ``pictures`` and one output."""
        ...

    def graph(self) -> bytes:
        """What a session runs, as an ONNX file's bytes: ``pictures`` in, ``features`` out."""
        ...

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """What a run has to keep of them, by name."""
        ...


def open_exported(graph: Path, what: str, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session of a graph that was exported into the user's cache.

    Args:
        graph: The ONNX file.
        what: What it is, for the error: "The exported trunk".
        threads: As for ``open_session``.

    Raises:
        BackboneError: the file is damaged.
    """
    try:
        return open_session(graph, threads)
    except Exception as error:  # ONNX Runtime's errors share no base class below Exception
        raise _damaged(graph, what, str(error)[:200]) from error


def read_exported(graph: Path, what: str) -> bytes:
    """The bytes of such a graph; arguments and errors as those of ``open_exported``."""
    try:
        return graph.read_bytes()
    except OSError as error:
        raise _damaged(graph, what, error.strerror or str(error)) from error


def _damaged(graph: Path, what: str, reason: str) -> BackboneError:
    return BackboneError(
        f"{what} {shown(graph)} cannot be opened ({reason}).",
        "A graph that Pellucid exported itself was expected there.",
        "Run 'pellucid cache --clear' and repeat the command; the graph is then made anew.",
    )


def open_session(graph: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session on ``threads`` threads; several Python threads may run one session at the same time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
