"""What answers for a picture: frozen layers, a head, and the names of the classes.

A run and a bare backbone answer through the same object; where it came from is left to ``run``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.data.item import Skipped
from pellucid.data.scan import Scan, scan
from pellucid.data.source import Source, open_source
from pellucid.errors import PictureError, SourceError, shown
from pellucid.evaluation.metrics import Evaluation, evaluate
from pellucid.events import Listener, silent
from pellucid.pictures.file import read_file, why_unread
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.features import Engine, embed, extract
from pellucid.training.head import Head
from pellucid.training.rows import BLOCK, Rows
from pellucid.training.session import Layers

Pictures = str | Path | Sequence[str | Path]
"""One picture file, or several."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        path: As it was given.
        label: The most probable class; None where the picture could not be read.
        confidence: Its probability, 0 to 1.
        probabilities: Class -> probability, in the order of the classes.
        error: Why there is no answer; None where there is one.
    """

    path: str
    label: str | None
    confidence: float | None
    probabilities: dict[str, float]
    error: str | None = None

    def to_json(self) -> dict[str, object]:
        """The keys of the contract: path, label, confidence, probabilities; or path, error."""
        if self.error is not None:
            return {"path": self.path, "error": self.error}
        return {
            "path": self.path,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": self.probabilities,
        }


@dataclass(frozen=True)
class Answers:
    """What a classifier said of the pictures of a source.

    Attributes:
        scan: The source as it was read.
        positions: ``(N,)`` which of the scan's pictures were answered.
        probabilities_NK: ``(N, K)`` float64.
        labels_N: ``(N,)`` the true classes as indices.
        evaluation: The figures.
        skipped: What was not answered, and why.
    """

    scan: Scan
    positions: NDArray[np.int64]
    probabilities_NK: NDArray[np.float64]
    labels_N: NDArray[np.int64]
    evaluation: Evaluation
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, object]:
        """The keys of the contract: those of the evaluation, and skipped."""
        return {
            **self.evaluation.to_json(),
            "skipped": [{"path": one.path, "reason": one.reason} for one in self.skipped],
        }


@dataclass(frozen=True)
class Classifier:
    """Frozen layers and what stands on them.

    Attributes:
        classes: The names of the K classes, in the order of the probabilities.
        layers: The frozen layers, up to where the head begins.
        preprocess: What is done to a picture first.
        head: The classifier on the features; None for a bare backbone, which ends in its own logits.
    """

    classes: tuple[str, ...]
    layers: Layers
    preprocess: Preprocess
    head: Head | None

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self.layers, self.preprocess)

    def predict(self, pictures: Pictures) -> list[Prediction]:
        """Answer for each picture file in order; one that cannot be read is named in its prediction."""
        return list(self.stream(_listed(pictures)))

    def stream(self, paths: Sequence[str | Path]) -> Iterator[Prediction]:
        """The same, one after the other as they come, so that any number of pictures fits in memory."""
        for path, row in zip(paths, embed(self._engine, len(paths), _reader(paths)), strict=True):
            yield self._said(str(path), row)

    def open(self) -> None:
        """Open the layers now, so that the first picture does not wait for that.

        Raises:
            BackboneError: their graph in the cache is damaged.
        """
        self._engine.open()

    def answer(self, data: bytes, path: str = "") -> Prediction:
        """Answer for one encoded picture; several threads may ask at the same time.

        Args:
            data: What a picture's file holds.
            path: What it is called in the prediction.
        """
        (found,) = self._engine([data])
        return self._said(path, found if isinstance(found, PictureError) else found[0])

    def _said(self, path: str, row: NDArray[np.float32] | PictureError) -> Prediction:
        """The prediction from a picture's features, or of a picture that cannot be read."""
        if isinstance(row, PictureError):
            return Prediction(path, None, None, {}, error=str(row))
        (probabilities_K,) = self._probabilities(row[None])
        best = int(probabilities_K.argmax())
        return Prediction(
            path=path,
            label=self.classes[best],
            confidence=float(probabilities_K[best]),
            probabilities=dict(zip(self.classes, probabilities_K.tolist(), strict=True)),
        )

    def embed(self, pictures: Pictures) -> NDArray[np.float32]:
        """The frozen layers' output for picture files: ``(N, D)`` float32.

        Raises:
            SourceError: a picture cannot be read; the message names it.
        """
        paths = _listed(pictures)
        rows_ND = np.empty((len(paths), self._engine.width), np.float32)
        for number, row in enumerate(embed(self._engine, len(paths), _reader(paths))):
            if isinstance(row, PictureError):
                raise SourceError(
                    f"The picture {shown(paths[number])} cannot be read: {row}.",
                    "Pictures that can be read were expected, one row of numbers for each.",
                    "Leave it out.",
                )
            rows_ND[number] = row
        return rows_ND

    def evaluate(self, source: str | Path | Source, listen: Listener = silent) -> Answers:
        """Measure the classifier on labelled pictures; its classes are found by their names.

        Raises:
            SourceError: the source cannot be read, or it holds none of the classes.
        """
        opened = source if isinstance(source, Source) else open_source(source)
        looked = scan(opened, listen)
        known = {name: index for index, name in enumerate(self.classes)}
        chosen = [n for n, picture in enumerate(looked.pictures) if picture.label in known]
        if not chosen:
            raise _no_class_in_common(opened, looked, self.classes)
        pictures = [looked.pictures[number] for number in chosen]
        features = extract(pictures, opened.read, self.layers, self.preprocess, listen)
        positions = np.array(chosen, np.int64)[features.positions]
        labels_N = np.array([known[looked.pictures[n].label] for n in positions], np.int64)
        probabilities_NK = self.probabilities(features.rows)
        strangers = tuple(
            Skipped(picture.path, f"its class {shown(picture.label)} is not one that was learnt")
            for picture in looked.pictures
            if picture.label not in known
        )
        return Answers(
            scan=looked,
            positions=positions,
            probabilities_NK=probabilities_NK,
            labels_N=labels_N,
            evaluation=evaluate(probabilities_NK, labels_N, self.classes),
            skipped=looked.skipped + features.skipped + strangers,
        )

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """``(N, K)`` probabilities for features ``(N, D)``, block by block."""
        probabilities_NK = np.empty((rows.shape[0], len(self.classes)), np.float64)
        for part, block_ND in rows.blocks(BLOCK):
            probabilities_NK[part] = self._probabilities(block_ND)
        return probabilities_NK

    def _probabilities(self, features_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.head is not None:
            return self.head.probabilities(features_ND)
        shifted_NK = features_ND.astype(np.float64) - features_ND.max(axis=1, keepdims=True)
        exponentials_NK = np.exp(shifted_NK)
        return np.asarray(exponentials_NK / exponentials_NK.sum(axis=1, keepdims=True))


def _listed(pictures: Pictures) -> list[str | Path]:
    return [pictures] if isinstance(pictures, str | Path) else list(pictures)


def _reader(paths: Sequence[str | Path]) -> Callable[[int], bytes | PictureError]:
    def read(index: int) -> bytes | PictureError:
        try:
            return read_file(Path(paths[index]))
        except (OSError, PictureError) as error:
            return PictureError(why_unread(error))

    return read


def _no_class_in_common(source: Source, looked: Scan, classes: Sequence[str]) -> SourceError:
    there, here = (", ".join(shown(name) for name in names[:10]) for names in (looked.classes, classes))
    if not looked.pictures:
        return SourceError(
            f"No picture of {shown(source.name)} can be read.",
            "Pictures of the classes that were learnt were expected.",
            "'pellucid check' names each file and what is wrong with it.",
        )
    return SourceError(
        f"The classes of {shown(source.name)} are {there}.",
        f"Pictures of the classes that were learnt were expected: {here}.",
        "Name the class folders, or the labels, as they were named in training.",
    )
