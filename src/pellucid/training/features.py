"""Pictures through the frozen layers: decoding and computing overlap; what is known is not computed again.

Each worker thread decodes a few pictures and runs them on its own core; that measured faster here than one
session on all cores (benchmarks/LOG.md). The cache itself is ``training.activations``.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pellucid.data.item import Skipped
from pellucid.data.scan import Picture
from pellucid.errors import PictureError, RequestError, shown
from pellucid.events import Listener, phase, silent
from pellucid.pictures.augment.view import View
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.preprocess import Preprocess
from pellucid.storage import cache_folder, writable_cache
from pellucid.training.activations import (
    DEFAULT_LIMIT,
    ActivationCache,
    CachedRows,
    Kind,
    SegmentWriter,
    trim,
)
from pellucid.training.session import Layers
from pellucid.workers import in_order

_BATCH = 4  # pictures a run: larger batches fall out of the processor's cache and gain nothing
_CHANGED = "it changed while it was being read"


@dataclass(frozen=True)
class Features:
    """The frozen layers' output for the pictures that could be read.

    Attributes:
        rows: ``(M, D)`` float32, on disk.
        positions: ``(M,)`` where each row's picture stands among the pictures that were asked for.
        skipped: The others, and why.
        computed: How many pictures went through the network now, rather than at an earlier time.
    """

    rows: CachedRows
    positions: NDArray[np.int64]
    skipped: tuple[Skipped, ...]
    computed: int


class Engine:
    """Frozen layers in ONNX Runtime behind one preprocessing; any number of threads may use it at once."""

    def __init__(self, layers: Layers, preprocess: Preprocess, view: View | None = None) -> None:
        self.preprocess = preprocess
        self.view = view
        self.width = int(np.prod(layers.output_shape))
        self._layers = layers
        self._session: onnxruntime.InferenceSession | None = None
        self._opening = threading.Lock()

    def __call__(self, encoded: Sequence[bytes | PictureError]) -> list[NDArray[np.float32] | PictureError]:
        """One row ``(D,)`` for each encoded picture, or why that picture cannot be read."""
        preprocess = self.preprocess
        shape = (len(encoded), preprocess.channels, preprocess.height, preprocess.width)
        x_NCHW = np.empty(shape, np.float32)
        failures: dict[int, PictureError] = {}
        for number, data in enumerate(encoded):
            try:
                if isinstance(data, PictureError):
                    raise data
                self._read(data, x_NCHW[number - len(failures)])
            except PictureError as error:
                failures[number] = error
        rows = iter(self.rows(x_NCHW[: len(encoded) - len(failures)]))
        return [failures[number] if number in failures else next(rows) for number in range(len(encoded))]

    def _read(self, data: bytes, out: NDArray[np.float32]) -> None:
        """The picture, or the view of it, as the layers take it: float32 (C, height, width)."""
        pixels_HWC = self.preprocess.pixels(data)
        if self.view is not None:
            pixels_HWC = self.view.of(pixels_HWC, picture_digest(data))
        self.preprocess.normalise(pixels_HWC, out)

    def rows(self, x_NCHW: NDArray[np.float32]) -> NDArray[np.float32]:
        """One row ``(D,)`` for each picture that has been through the preprocessing."""
        if len(x_NCHW) == 0:
            return np.empty((0, self.width), np.float32)
        (rows,) = self._open().run(None, {"pictures": x_NCHW})
        return np.asarray(rows, np.float32).reshape(len(x_NCHW), self.width)

    def _open(self) -> onnxruntime.InferenceSession:
        with self._opening:
            if self._session is None:
                self._session = self._layers.session()
            return self._session


def embed(
    engine: Engine, total: int, read: Callable[[int], bytes | PictureError]
) -> Iterator[NDArray[np.float32] | PictureError]:
    """One row ``(D,)`` for each of ``total`` pictures in order, or why it cannot be read; nothing is kept.

    Args:
        engine: The frozen layers.
        total: How many pictures there are.
        read: Gives the encoded picture at an index, or why there is none; called from several threads.
    """
    for _, answers in in_order(lambda part: engine([read(index) for index in part]), total, _BATCH):
        yield from answers


def extract(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    layers: Layers,
    preprocess: Preprocess,
    listen: Listener = silent,
    *,
    view: View | None = None,
    kind: Kind = np.float32,
) -> Features:
    """The frozen layers' output for scanned pictures, from the cache where it is there.

    Args:
        pictures: What the scan found.
        read: Gives the encoded picture at ``Picture.index`` (``Source.read``).
        layers: The frozen layers.
        preprocess: What is done to each picture first.
        listen: Told of the progress.
        view: The view of each picture that the layers see; None is the picture as it is.
        kind: What a number is stored as.

    Raises:
        StorageError: the disk filled up; what was computed until then stays in the cache.
    """
    name = f"activations/{layers.key}-{preprocess.digest[:16]}{_suffix(view, kind)}"
    cache = ActivationCache(int(np.prod(layers.output_shape)), kind)
    cache.add(cache_folder() / name)
    known = cache.intact({picture.digest for picture in pictures})
    missing = list({picture.digest: picture for picture in pictures if picture.digest not in known}.values())
    failures: dict[str, str] = {}
    if missing:
        root = writable_cache(listen)
        engine = Engine(layers, preprocess, view)
        failures = _compute(missing, read, engine, SegmentWriter(root / name, kind), listen)
        cache.add(root / name)
        trim(root / "activations", cache_limit())  # what is mapped already stays readable to us
    readable = [number for number, picture in enumerate(pictures) if picture.digest not in failures]
    return Features(
        rows=cache.rows([pictures[number].digest for number in readable]),
        positions=np.array(readable, np.int64),
        skipped=tuple(
            Skipped(picture.path, failures[picture.digest])
            for picture in pictures
            if picture.digest in failures
        ),
        computed=len(missing) - len(failures),
    )


def _compute(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    engine: Engine,
    writer: SegmentWriter,
    listen: Listener,
) -> dict[str, str]:
    """Run the pictures through the engine and store each row; the digests of those that failed, and why."""

    def fetch(picture: Picture) -> bytes | PictureError:
        try:
            data = read(picture.index)
        except (OSError, PictureError) as error:
            return PictureError(str(error))
        return data if picture_digest(data) == picture.digest else PictureError(_CHANGED)

    def work(part: range) -> list[NDArray[np.float32] | PictureError]:
        return engine([fetch(pictures[index]) for index in part])

    failures: dict[str, str] = {}
    with (
        phase(listen, "Computing features", len(pictures)) as advance,
        writer as segment,
    ):
        for part, answers in in_order(work, len(pictures), _BATCH):
            for picture, answer in zip((pictures[index] for index in part), answers, strict=True):
                if isinstance(answer, PictureError):
                    failures[picture.digest] = str(answer)
                else:
                    segment.append(picture.digest, answer)
            advance(len(part))
    return failures


def _suffix(view: View | None, kind: Kind) -> str:
    """What tells a folder of views or of half precision from that of the pictures as they are."""
    return (
        f"{'' if kind is np.float32 else '-' + np.dtype(kind).name}{'' if view is None else '-' + view.key}"
    )


def cache_limit() -> int:
    """How many bytes the cached features may take: ``$PELLUCID_CACHE_LIMIT`` in GiB, else 10 GiB."""
    chosen = os.environ.get("PELLUCID_CACHE_LIMIT", "")
    try:
        return int(float(chosen) * 2**30) if chosen else DEFAULT_LIMIT
    except ValueError as error:
        raise RequestError(
            f"The environment variable PELLUCID_CACHE_LIMIT is {shown(chosen)}.",
            "A number of GiB was expected, such as 10 or 0.5.",
            "Set it to a number, or unset it.",
        ) from error
