"""From a run to a file of the format that was asked for: made beside its place, proved, and then put there.

The proof: other pictures, shipped ones and noise, are answered by the run and by the file alone, with the
program that reads such files. A page proves itself, whenever it is opened. What stands in a file is each
format's own room's business.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.builtin import clipart_bytes, clipart_names
from pellucid.errors import PellucidError, RequestError, shown
from pellucid.events import Listener, phase, silent
from pellucid.export.network import whole_network
from pellucid.export.onnx_file import INPUT, onnx_classifier
from pellucid.export.tensors_file import answers_of, tensors_file
from pellucid.export.web_page import web_page
from pellucid.network.weights import nearest
from pellucid.run import Run
from pellucid.storage import partial_name, put_whole, refuse_no_place, storage_errors
from pellucid.training.features import Engine
from pellucid.training.own import OwnLayers
from pellucid.training.session import open_session

Format = Literal["onnx", "safetensors", "keras", "web"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: dict[Format, str] = {
    "onnx": ".onnx",
    "safetensors": ".safetensors",
    "keras": ".keras",
    "web": ".html",
}
_PICTURES = 16  # shipped ones, and as many of noise
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Exported:
    """A file that was made and proved.

    Attributes:
        path: Where it lies.
        format: What it is.
        size: Its bytes.
        pictures: How many the run and the file both answered; of a page, how many it will answer itself.
        difference: The most by which two probabilities differ; None of a page, which finds out itself.
    """

    path: Path
    format: Format
    size: int
    pictures: int
    difference: float | None

    def to_json(self) -> dict[str, Any]:
        """path, format, bytes, and proof {pictures, difference}."""
        return {
            "path": str(self.path),
            "format": self.format,
            "bytes": self.size,
            "proof": {"pictures": self.pictures, "difference": self.difference},
        }


def export_run(
    run: Run, kind: str | None = None, out: Path | None = None, listen: Listener = silent
) -> Exported:
    """Write the run's classifier as a file that gives the same answers.

    Args:
        run: The run.
        kind: ``onnx``, ``safetensors``, ``keras`` or ``web``; by default what ``out`` ends in, else ``onnx``.
        out: The file, which must not exist yet; by default the run's name here.
        listen: Told of the progress.

    Raises:
        RequestError: there is no such format, ``out`` ends otherwise, the file exists, or its folder does
            not.
        RunError, BackboneError: the run cannot be written in that format.
        KerasError: Keras is not installed, or has no such layer.
        StorageError: the file cannot be written.
        PellucidError: the file answers otherwise than the run.
    """
    chosen = _format(kind, out)
    path = out or Path(run.folder.absolute().name + _SUFFIXES[chosen])
    refuse_no_place(path)
    with (
        storage_errors(path, "the exported file"),
        tempfile.TemporaryDirectory(prefix=partial_name(path), dir=path.parent) as folder,
        phase(listen, f"Exporting as {chosen}", unit=""),
    ):
        partial = Path(folder) / f"model{_SUFFIXES[chosen]}"
        if chosen == "web":
            pictures, difference = _write_page(run, partial), None
        else:
            answer = _WRITERS[chosen](run.classifier, partial)
            pictures, difference = _proved(run.classifier, answer, chosen)
        size = partial.stat().st_size
        put_whole(partial, path)
    return Exported(path, chosen, size, pictures, difference)


_Answer = Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[Any]]
"""Pixels (N, H, W, C) and the same normalised (N, C, H, W) -> probabilities (N, K), by the file alone."""


def _write_onnx(classifier: Classifier, path: Path) -> _Answer:
    onnx.save(onnx_classifier(classifier), path)
    session = open_session(path)
    return lambda pixels_NHWC, _: np.asarray(session.run(None, {INPUT: pixels_NHWC})[0])


def _write_tensors(classifier: Classifier, path: Path) -> _Answer:
    path.write_bytes(tensors_file(classifier))
    return lambda pixels_NHWC, x_NCHW: answers_of(path, pixels_NHWC, x_NCHW)


def _write_keras(classifier: Classifier, path: Path) -> _Answer:
    from pellucid.network.keras_write import import_keras, save_keras

    if not isinstance(classifier.layers, OwnLayers):
        raise RequestError(
            "The run stands on a backbone, whose layers meet and part.",
            "A network that the run trained from scratch was expected: Keras gets chains of layers.",
            "Export it with --format onnx.",
        )
    save_keras(*whole_network(classifier), path)
    model = import_keras().models.load_model(path)
    return lambda pixels_NHWC, _: np.asarray(model.predict(pixels_NHWC.astype(np.float32), verbose=0))


_WRITERS: dict[Format, Callable[[Classifier, Path], _Answer]] = {
    "onnx": _write_onnx,
    "safetensors": _write_tensors,
    "keras": _write_keras,
}


def _write_page(run: Run, path: Path) -> int:
    """The page, with as many pictures to prove itself on."""
    pixels_NHWC = _probes(run.classifier)[:: _PICTURES // 2]
    _, expected_NK = _expected(run.classifier, pixels_NHWC)
    name = run.folder.absolute().name
    path.write_text(web_page(run.classifier, name, pixels_NHWC, expected_NK), encoding="utf-8")
    return len(pixels_NHWC)


def _proved(classifier: Classifier, answer: _Answer, kind: str) -> tuple[int, float]:
    """How many pictures both answered, and the most by which two probabilities differ."""
    pixels_NHWC = _probes(classifier)
    x_NCHW, expected_NK = _expected(classifier, pixels_NHWC)
    found_NK = answer(pixels_NHWC, x_NCHW)
    difference = float(np.abs(found_NK - expected_NK).max())
    if not difference <= _TOLERANCE:
        raise PellucidError(
            f"The {kind} file's probabilities differ from the run's by up to {difference:.1e}.",
            f"At most {_TOLERANCE:.0e} was expected, and nothing was written.",
            "This is a fault of Pellucid's: report the run's network or backbone.",
        )
    return len(pixels_NHWC), difference


def _expected(
    classifier: Classifier, pixels_NHWC: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The pictures as the layers take them, and the run's probabilities."""
    if classifier.head is None:
        raise TypeError("a run has a head")
    preprocess = classifier.preprocess
    x_NCHW = np.stack([preprocess.normalise(pixels_HWC) for pixels_HWC in pixels_NHWC])
    return x_NCHW, classifier.head.probabilities(Engine(classifier.layers, preprocess).rows(x_NCHW))


def _probes(classifier: Classifier) -> NDArray[np.uint8]:
    """Shipped pictures and noise of several grains at the network's size: (N, H, W, C)."""
    preprocess, names = classifier.preprocess, clipart_names()
    chosen = names[:: max(len(names) // _PICTURES, 1)][:_PICTURES]
    shipped = [preprocess.pixels(clipart_bytes(name)) for name in chosen]
    chance = np.random.default_rng(0)
    size = (preprocess.height, preprocess.width, preprocess.channels)
    noise = []
    for number in range(_PICTURES):
        grain = 2 ** (number % 4)
        coarse = chance.integers(0, 256, (-(-size[0] // grain), -(-size[1] // grain), size[2]), np.uint8)
        noise.append(coarse.repeat(grain, axis=0).repeat(grain, axis=1)[: size[0], : size[1]])
    return np.stack([*shipped, *noise])


def _format(kind: str | None, out: Path | None) -> Format:
    ending = out.suffix.lower() if out else ""
    chosen = kind or next((one for one, suffix in _SUFFIXES.items() if suffix == ending), "onnx")
    for one in FORMATS:
        if one == chosen:
            if out is not None and ending != _SUFFIXES[one]:
                raise _other_ending(one, out, kind)
            return one
    raise RequestError(
        f"There is no format {shown(chosen)}.",
        f"One of {', '.join(FORMATS)} was expected.",
        nearest(chosen, list(FORMATS)) or "Choose one of them.",
    )


def _other_ending(chosen: Format, out: Path, kind: str | None) -> RequestError:
    """The error that says how a file of this format ends."""
    ending = _SUFFIXES[chosen]
    named = kind is not None and out.suffix.lower() in _SUFFIXES.values()
    other = ", or leave --format out" if named else ""
    return RequestError(
        f"{shown(out)} does not end in {ending}.",
        f"A file of the format {chosen} ends so: programs know it by that.",
        f"Write --out {shown(out.with_suffix(ending))}{other}.",
    )
