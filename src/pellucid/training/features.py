"""Pictures through the frozen layers: decoding and computing overlap; what is known is not computed again.

Each worker thread decodes a few pictures and runs them on its own core; that measured faster here than one
session on all cores (benchmarks/LOG.md). The cache itself is ``training.activations``.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
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

AS_IT_IS: tuple[View | None, ...] = (None,)
"""The one view that is the picture itself."""

_CHUNK = 4  # views that a thread takes at a time
_VIEWS = 16  # of a picture that are made of one decoding: 10 MB at 224 pixels
_NUMBERS = 2**18  # of the pictures in a run, 1 MB: more fall out of the processor's cache (benchmarks/LOG.md)
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

    def __init__(self, layers: Layers, preprocess: Preprocess) -> None:
        self.preprocess = preprocess
        self.width = int(np.prod(layers.output_shape))
        self._layers = layers
        self._session: onnxruntime.InferenceSession | None = None
        self._opening = threading.Lock()

    def __call__(
        self, encoded: Sequence[bytes | PictureError], views: Sequence[View | None] = AS_IT_IS
    ) -> list[NDArray[np.float32] | PictureError]:
        """The rows ``(V, D)`` of each encoded picture's views, or why that picture cannot be read.

        Each picture is decoded once, whatever the number of its views.
        """
        preprocess, failures = self.preprocess, dict[int, PictureError]()
        shape = (len(encoded), len(views), preprocess.channels, preprocess.height, preprocess.width)
        x_NVCHW = np.empty(shape, np.float32)
        for number, data in enumerate(encoded):
            try:
                if isinstance(data, PictureError):
                    raise data
                self._read(data, views, x_NVCHW[number - len(failures)])
            except PictureError as error:
                failures[number] = error
        x_NCHW = x_NVCHW[: len(encoded) - len(failures)].reshape(-1, *shape[2:])
        size = max(_NUMBERS // (preprocess.channels * preprocess.height * preprocess.width), 1)
        parts = [self.rows(x_NCHW[at : at + size]) for at in range(0, len(x_NCHW), size)]
        rows = iter(np.concatenate(parts).reshape(-1, len(views), self.width) if parts else ())
        return [failures[number] if number in failures else next(rows) for number in range(len(encoded))]

    def _read(self, data: bytes, views: Sequence[View | None], out: NDArray[np.float32]) -> None:
        """The views of the picture as the layers take them: float32 (V, C, height, width)."""
        pixels_HWC = self.preprocess.pixels(data)
        digest = picture_digest(data) if any(views) else ""
        for number, view in enumerate(views):
            seen_HWC = pixels_HWC if view is None else view.of(pixels_HWC, digest)
            self.preprocess.normalise(seen_HWC, out[number])

    def rows(self, x_NCHW: NDArray[np.float32]) -> NDArray[np.float32]:
        """One row ``(D,)`` for each picture that has been through the preprocessing."""
        if len(x_NCHW) == 0:
            return np.empty((0, self.width), np.float32)
        (rows,) = self.open().run(None, {"pictures": x_NCHW})
        return np.asarray(rows, np.float32).reshape(len(x_NCHW), self.width)

    def open(self) -> onnxruntime.InferenceSession:
        """The session; the first to ask makes it."""
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
    for _, answers in in_order(lambda part: engine([read(index) for index in part]), total, _CHUNK):
        yield from (answer if isinstance(answer, PictureError) else answer[0] for answer in answers)


def extract(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    layers: Layers,
    preprocess: Preprocess,
    listen: Listener = silent,
) -> Features:
    """The frozen layers' output for scanned pictures as they are: ``extract_views`` with no other view."""
    (found,) = extract_views(pictures, read, layers, preprocess, AS_IT_IS, listen)
    return found


def extract_views(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    layers: Layers,
    preprocess: Preprocess,
    views: Sequence[View | None],
    listen: Listener = silent,
    kind: Kind = np.float32,
) -> list[Features]:
    """The frozen layers' output for each view of scanned pictures, from the cache where it is there.

    Args:
        pictures: What the scan found.
        read: Gives the encoded picture at ``Picture.index`` (``Source.read``).
        layers: The frozen layers.
        preprocess: What is done to each picture first.
        views: What the layers see of each picture; None is the picture as it is.
        listen: Told of the progress.
        kind: What a number is stored as.

    Raises:
        StorageError: the disk filled up; what was computed until then stays in the cache.
    """
    names = [kept_in(layers, preprocess, view, kind) for view in views]
    caches = [ActivationCache(int(np.prod(layers.output_shape)), kind) for _ in views]
    digests = {picture.digest: picture for picture in pictures}
    missing: dict[str, list[int]] = defaultdict(list)  # a picture's digest -> the views to compute of it
    for number, (name, cache) in enumerate(zip(names, caches, strict=True)):
        cache.add(cache_folder() / name)
        known = cache.intact(digests)
        for digest in digests:
            if digest not in known:
                missing[digest].append(number)
    failures: dict[str, str] = {}
    if missing:
        root, engine = writable_cache(listen), Engine(layers, preprocess)
        for wanted, found in _together(missing).items():
            writers = [SegmentWriter(root / names[number], kind) for number in wanted]
            seen, alike = [views[number] for number in wanted], [digests[digest] for digest in found]
            failures |= _compute(alike, read, engine, seen, writers, listen)
        for name, cache in zip(names, caches, strict=True):
            cache.add(root / name)
        trim(root / "activations", cache_limit())  # what is mapped already stays readable to us
    readable = [number for number, picture in enumerate(pictures) if picture.digest not in failures]
    skipped = tuple(
        Skipped(picture.path, failures[picture.digest]) for picture in pictures if picture.digest in failures
    )
    return [
        Features(
            rows=cache.rows([pictures[place].digest for place in readable]),
            positions=np.array(readable, np.int64),
            skipped=skipped,
            computed=sum(number in numbers for numbers in missing.values()) - len(failures),
        )
        for number, cache in enumerate(caches)
    ]


def _together(missing: Mapping[str, Sequence[int]]) -> Mapping[tuple[int, ...], Sequence[str]]:
    """What is computed in one go: some views, and the digests of all pictures that want just these."""
    found: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for digest, numbers in missing.items():
        for start in range(0, len(numbers), _VIEWS):
            found[tuple(numbers[start : start + _VIEWS])].append(digest)
    return found


def _compute(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    engine: Engine,
    views: Sequence[View | None],
    writers: Sequence[SegmentWriter],
    listen: Listener,
) -> dict[str, str]:
    """Run the pictures' views through the engine and store each row, view by view in a segment of its own;
    the digests of those pictures that failed, and why."""

    def fetch(picture: Picture) -> bytes | PictureError:
        try:
            data = read(picture.index)
        except (OSError, PictureError) as error:
            return PictureError(str(error))
        return data if picture_digest(data) == picture.digest else PictureError(_CHANGED)

    def work(part: range) -> list[NDArray[np.float32] | PictureError]:
        return engine([fetch(pictures[index]) for index in part], views)

    failures: dict[str, str] = {}
    unit = "pictures" if len(views) == 1 else "views"
    with (
        phase(listen, "Computing features", len(pictures) * len(views), unit) as advance,
        ExitStack() as open_,
    ):
        segments = [open_.enter_context(writer) for writer in writers]
        for part, answers in in_order(work, len(pictures), max(_CHUNK // len(views), 1)):
            for picture, answer in zip((pictures[index] for index in part), answers, strict=True):
                if isinstance(answer, PictureError):
                    failures[picture.digest] = str(answer)
                    continue
                for segment, row_D in zip(segments, answer, strict=True):
                    segment.append(picture.digest, row_D)
            advance(len(part) * len(views))
    return failures


def kept_in(layers: Layers, preprocess: Preprocess, view: View | None, kind: Kind) -> str:
    """The folder, below the cache's, with what these layers put out of a view, as numbers of this kind."""
    precision = "" if kind is np.float32 else f"-{np.dtype(kind).name}"
    seen = "" if view is None else f"-{view.key}"
    return f"activations/{layers.key}-{preprocess.digest[:16]}{precision}{seen}"


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
