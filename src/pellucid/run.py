"""The run folder on disk: written whole, read back with every damage named; what ``pellucid.load`` returns.

It holds the record of what was done (``run.json``), the weights that learnt (``model.safetensors``), and
what was said of each picture. How a run comes about is left to ``recipe``.
"""

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from pellucid.classifier import Answers, Classifier, Pictures, Prediction
from pellucid.data.source import Source
from pellucid.errors import BackboneError, PellucidError, RunError, shown
from pellucid.events import Listener, silent
from pellucid.network.shapes import ShapeError
from pellucid.network.text import parse
from pellucid.network.values import BlueprintError
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.affine import Head
from pellucid.training.own import OwnLayers, joined
from pellucid.training.trunk import Trunk, open_trunk
from pellucid.training.tuned import Tuned

FORMAT = 1
RECORD = "run.json"
MODEL = "model.safetensors"
SPLITS = "splits.csv"
METRICS = "metrics.jsonl"
PREDICTIONS = "predictions.csv"
REPORT = "report.html"
_LARGEST = 2**30  # bytes of a file of a run that are read; one of more is no run's
_NETWORK = "network."


@dataclass(frozen=True)
class Run:
    """A trained classifier and the record of how it came about.

    Attributes:
        folder: Where it lies.
        record: The content of ``run.json``.
        classifier: What answers.
    """

    folder: Path
    record: Mapping[str, Any]
    classifier: Classifier

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the probabilities."""
        return self.classifier.classes

    @property
    def report(self) -> Path:
        """The report: one HTML file that opens offline."""
        return self.folder / REPORT

    def predict(self, pictures: Pictures) -> list[Prediction]:
        """A label, its confidence and all probabilities for each picture file; see ``Classifier``."""
        return self.classifier.predict(pictures)

    def embed(self, pictures: Pictures) -> NDArray[np.float32]:
        """What the frozen layers put out for picture files, ``(N, D)`` float32; see ``Classifier``."""
        return self.classifier.embed(pictures)

    def evaluate(self, source: str | Path | Source, listen: Listener = silent) -> Answers:
        """Figures on other labelled pictures; see ``Classifier.evaluate``."""
        return self.classifier.evaluate(source, listen)

    def learnt_from(self, digest: str) -> bool:
        """Whether the picture with this digest stood in the training or the validation split.

        Raises:
            RunError: the table that would say so is missing or damaged.
        """
        return digest in self._learnt

    @cached_property
    def _learnt(self) -> frozenset[str]:
        try:
            with (self.folder / SPLITS).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                return frozenset(row["digest"] for row in csv.DictReader(file) if row["split"] != "test")
        except OSError as error:
            raise damaged(self.folder, f"{SPLITS} cannot be read ({error.strerror})") from error
        except (KeyError, csv.Error) as error:
            raise damaged(self.folder, f"{SPLITS} lacks or mistakes {error}") from error


def write_model(folder: Path, classifier: Classifier) -> None:
    """Write the weights that learnt into ``folder``; equal weights give equal bytes.

    Raises:
        ValueError: the classifier has no head, as a bare backbone.
    """
    head = classifier.head
    if head is None:
        raise ValueError("a classifier without a head has learnt nothing")
    tensors: dict[str, NDArray[Any]] = {
        **{f"{_NETWORK}{name}": values for name, values in classifier.layers.tensors().items()},
        "head.weight": np.ascontiguousarray(head.weight_DK, np.float32),
        "head.bias": np.ascontiguousarray(head.bias_K, np.float32),
        "head.temperature": np.array([head.temperature], np.float64),
    }
    (folder / MODEL).write_bytes(save_tensors(tensors, {"format": str(FORMAT)}))


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file in UTF-8; bytes of a file name that are not UTF-8 stand in it as they are."""
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``run.json``, last of all, with the digests of the model and the tables."""
    files = {name: _digest(folder / name) for name in (MODEL, SPLITS, PREDICTIONS)}
    text = json.dumps({"format": FORMAT, **record, "files": files}, indent=1, allow_nan=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def is_run(path: Path) -> bool:
    """Whether ``path`` is a folder that looks like a run, whole or damaged."""
    return any((path / name).is_file() for name in (RECORD, MODEL))


def load_run(folder: Path, *, listen: Listener = silent) -> Run:
    """Read a run folder back.

    Raises:
        RunError: there is no run, it is damaged, or a newer version wrote it.
        BackboneError: the backbone that it stands on is not on this machine, or has other weights.
    """
    record = read_record(folder)
    try:
        tensors = _read_tensors(folder, record)
        head = _head(folder, tensors)
        layers = _layers(folder, record, tensors, head, listen)
        if head.weight_DK.shape != (int(np.prod(layers.output_shape)), len(head.bias_K)):
            raise damaged(
                folder, f"{MODEL} does not fit the {'network' if 'network' in record else 'backbone'}"
            )
        classifier = Classifier(
            classes=tuple(str(name) for name in record["classes"]),
            layers=layers,
            preprocess=Preprocess.from_json(record["preprocess"]),
            head=head,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder, f"{RECORD} lacks or mistakes {error}") from error
    if len(head.bias_K) != len(classifier.classes):
        raise damaged(folder, f"{MODEL} has {len(head.bias_K)} classes, {RECORD} {len(classifier.classes)}")
    return Run(folder, record, classifier)


def read_record(folder: Path) -> dict[str, Any]:
    """What ``run.json`` holds; every number in it is finite.

    Raises:
        RunError: It is not there, is no such record, or a newer version wrote it.
    """
    wanted = f"A run folder was expected: one that 'pellucid train' made, with {RECORD} in it."
    try:
        record = parsed(read_file(folder, RECORD))
    except FileNotFoundError as error:
        if is_run(folder):
            raise damaged(folder, f"{RECORD} is missing") from error
        raise RunError(
            f"There is no run at {shown(folder)}.",
            wanted,
            "Check the path.",
        ) from error
    except NotADirectoryError as error:
        raise RunError(
            f"{shown(folder)} is a file.",
            wanted,
            "Name the folder; 'pellucid predict', 'evaluate' and 'serve' take an exported .onnx file, too.",
        ) from error
    except OSError as error:
        raise RunError(
            f"The run {shown(folder)} cannot be read ({error.strerror}).",
            f"A run folder with {RECORD} in it was expected.",
            "Check the path and its permissions.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise damaged(folder, f"{RECORD} is not JSON") from error
    version = record.get("format") if isinstance(record, dict) else None
    if type(version) is not int:
        raise damaged(folder, f"{RECORD} does not say its format")
    if version > FORMAT:
        raise RunError(
            f"The run {shown(folder)} has format {version}; Pellucid {record.get('pellucid', '?')} wrote it.",
            f"This version reads formats up to {FORMAT}.",
            "Update Pellucid: pip install --upgrade pellucid",
        )
    return dict(record)


def read_file(folder: Path, name: str) -> bytes:
    """The bytes of a file of a run.

    Raises:
        RunError: it is too large to be one.
        OSError: it cannot be read.
    """
    size = (folder / name).stat().st_size
    if size > _LARGEST:
        raise damaged(folder, f"{name} has {size:,} bytes")
    return (folder / name).read_bytes()


def parsed(text: str | bytes) -> Any:
    """JSON in which every number is finite, and small enough for whoever reads it.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) > 2**63:
        raise ValueError(f"{text[:20]}... is too large")
    return value


def _layers(
    folder: Path, record: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], head: Head, listen: Listener
) -> OwnLayers | Trunk | Tuned:
    """What stands below the head: the run's own network, a backbone, or a backbone that learnt further."""
    if "network" in record:
        return _own_layers(folder, record, tensors, head)
    trunk = _trunk(record, listen)
    if not record["backbone"].get("tuned"):
        return trunk
    changed = _network_tensors(tensors)
    if not changed:
        raise damaged(folder, f"{MODEL} lacks the backbone's layers that learnt")
    return Tuned(trunk, changed)


def _network_tensors(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(_NETWORK): values for name, values in tensors.items() if name.startswith(_NETWORK)
    }


def _trunk(record: Mapping[str, Any], listen: Listener) -> Trunk:
    backbone = record["backbone"]
    given = record["request"].get("weights")
    trunk = open_trunk(
        backbone["name"], backbone["boundary"], weights=Path(given) if given else None, listen=listen
    )
    if trunk.weights.digest != backbone["weights"]:
        raise BackboneError(
            f"The run was trained on weights of {shown(backbone['name'])} with the digest "
            f"{backbone['weights']}, and those on this machine have {trunk.weights.digest}.",
            "The very same weights were expected, since every figure of the run rests on them.",
            f"Bring the original weights file ({shown(trunk.weights.path)}) back, or train again.",
        )
    return trunk


def _own_layers(
    folder: Path, record: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], head: Head
) -> OwnLayers:
    """The network that the run trained itself."""
    own = _network_tensors(tensors)
    preprocess = record["preprocess"]
    size = (preprocess["height"], preprocess["width"], len(preprocess["mean"]))
    try:
        blueprint = parse(str(record["network"]))
        if size != (blueprint.input.height, blueprint.input.width, blueprint.input.channels):
            raise damaged(folder, f"{RECORD} prepares pictures that are not of the network's size")
        return joined(blueprint, own, head)
    except KeyError as error:
        raise damaged(folder, f"{MODEL} lacks '{_NETWORK}{error.args[0]}'") from error
    except ValueError as error:
        raise damaged(folder, f"{MODEL} does not fit the network ({error})") from error
    except (BlueprintError, ShapeError) as error:
        raise damaged(folder, f"{RECORD} holds no network that can be ({error.came})") from error


def _read_tensors(folder: Path, record: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    try:
        data = (folder / MODEL).read_bytes()
    except OSError as error:
        raise damaged(folder, f"{MODEL} cannot be read ({error.strerror})") from error
    if hashlib.blake2b(data, digest_size=16).hexdigest() != record["files"][MODEL]:
        raise damaged(folder, f"{MODEL} is not the file that training wrote")
    try:
        return dict(load_tensors(data))
    except SafetensorError as error:
        raise damaged(folder, f"{MODEL} cannot be read ({error})") from error


def _head(folder: Path, tensors: Mapping[str, NDArray[Any]]) -> Head:
    try:
        return Head(
            weight_DK=tensors["head.weight"],
            bias_K=tensors["head.bias"],
            temperature=float(tensors["head.temperature"][0]),
        )
    except (KeyError, PellucidError) as error:
        raise damaged(folder, f"{MODEL} cannot be read ({error})") from error


def damaged(folder: Path, what: str) -> RunError:
    """The error that says what is wrong with a run's folder."""
    return RunError(
        f"The run {shown(folder)} is damaged: {what}.",
        "A run folder as 'pellucid train' wrote it was expected.",
        "Restore it from a copy, or train again; run.json says with what.",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
