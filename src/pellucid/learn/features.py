"""Feature extraction: the frozen layers of a backbone, and a new head on what they put out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.evaluation.calibration import Temperature, fit_temperature
from pellucid.evaluation.metrics import log_losses
from pellucid.evaluation.proportion import Proportion
from pellucid.events import Listener, silent
from pellucid.learn.learned import SPLITS, Clock, Learned, Part, Stage, parts_of
from pellucid.pictures.preprocess import Fit, Preprocess
from pellucid.record import record_backbone, record_head
from pellucid.request import TrainRequest
from pellucid.training.affine import softmax
from pellucid.training.features import extract
from pellucid.training.fit import FITS, FitTrial, choose_fit, fits_differ
from pellucid.training.head import Fitted, fit_head
from pellucid.training.rows import Rows
from pellucid.training.trunk import Trunk, open_trunk

_FEW = 400  # pictures to learn from and to choose by, up to which trying three fits costs little


@dataclass(frozen=True)
class Material:
    """What the head learns from, chooses by and is tested on; the rows of a part are its features."""

    preprocess: Preprocess
    parts: dict[str, Part]
    rows: dict[str, Rows]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Base:
    """The frozen backbone with a head on it: what feature extraction ends in, and fine-tuning begins with.

    Attributes:
        trunk: The backbone up to its pooled features.
        material: What the head learnt from, chose by, and is tested on.
        fits: The record of how pictures come to size.
        fitted: The head, and the one that saw the training split alone.
        temperature: Of the answers.
        stage: Its figure on the validation split.
    """

    trunk: Trunk
    material: Material
    fits: Mapping[str, Any]
    fitted: Fitted
    temperature: Temperature
    stage: Stage


def learn(request: TrainRequest, looked: Scan, split: Split, clock: Clock, listen: Listener) -> Learned:
    """Cut the backbone at its pooled features and fit a head on them.

    The head's regularisation and temperature are chosen on the validation split; then it is fitted once
    more on training and validation pictures together. The answers for the validation split are of the head
    that was fitted without them.

    Raises:
        SourceError: a split has no picture that can be read.
        BackboneError: the backbone or its weights are not to be had.
        StorageError: the cache cannot be written.
    """
    return learned(learn_base(request, looked, split, clock, listen), looked.classes)


def learn_base(request: TrainRequest, looked: Scan, split: Split, clock: Clock, listen: Listener) -> Base:
    """The features and the head, before anything is made of them; raises what ``learn`` does."""
    with clock("backbone"):
        trunk = open_trunk(
            request.backbone, weights=request.weights, download=request.download, listen=listen
        )
    with clock("fit"):
        fit, fits = _choose_fit(request, looked, split, trunk, listen)
    with clock("features"):
        material = _material(looked, split, trunk, replace(trunk.preprocess, fit=fit), SPLITS, listen)
    with clock("head"):
        fitted = _fit(request, material, len(looked.classes), refit=True, listen=listen)
        val_labels_N = material.parts["val"].labels_N
        temperature = fit_temperature(fitted.val_logits_NK, val_labels_N)
    right = int((fitted.val_logits_NK.argmax(axis=1) == val_labels_N).sum())
    stage = Stage("features", Proportion(len(val_labels_N), right), clock.spent("features", "head"))
    return Base(trunk, material, fits, fitted, temperature, stage)


def learned(base: Base, classes: tuple[str, ...]) -> Learned:
    """The base as the outcome of a recipe."""
    head = replace(base.fitted.head, temperature=base.temperature.value)
    classifier = Classifier(classes, base.trunk, base.material.preprocess, head)
    told = record_head(base.fitted, head, base.temperature.reason, classes)
    return Learned(
        chosen="features",
        classifier=classifier,
        parts=base.material.parts,
        answers={
            "val": softmax(base.fitted.val_logits_NK, base.temperature.value),
            "test": classifier.probabilities(base.material.rows["test"]),
        },
        skipped=base.material.skipped,
        stages=(base.stage,),
        record={"backbone": record_backbone(base.trunk), "fits": base.fits, "head": told},
        metrics=[{"event": "head", **step} for step in told["tried"]],
    )


def _material(
    looked: Scan,
    split: Split,
    trunk: Trunk,
    preprocess: Preprocess,
    names: Sequence[str],
    listen: Listener,
) -> Material:
    """The features of the named splits, computed in one go."""
    chosen: dict[str, NDArray[np.int64]] = {name: getattr(split, name) for name in names}
    places_N = np.sort(np.concatenate(list(chosen.values())))
    pictures = [looked.pictures[place] for place in places_N]
    features = extract(pictures, looked.source.read, trunk, preprocess, listen)
    found = parts_of(looked, chosen, places_N[features.positions])
    return Material(
        preprocess,
        {name: part for name, (part, _) in found.items()},
        {name: features.rows.take(here_N) for name, (_, here_N) in found.items()},
        features.skipped,
    )


def _fit(request: TrainRequest, material: Material, classes: int, *, refit: bool, listen: Listener) -> Fitted:
    return fit_head(
        material.rows["train"],
        material.parts["train"].labels_N,
        material.rows["val"],
        material.parts["val"].labels_N,
        classes,
        class_weights=request.class_weights,
        refit=refit,
        listen=listen,
    )


def _choose_fit(
    request: TrainRequest, looked: Scan, split: Split, trunk: Trunk, listen: Listener
) -> tuple[Fit, dict[str, Any]]:
    """How pictures come to the network's size, and the record of why."""

    def told(fit: Fit, why: str, trials: Sequence[FitTrial] = ()) -> tuple[Fit, dict[str, Any]]:
        return fit, {"chosen": fit, "why": why, "tried": [trial.to_json() for trial in trials]}

    if request.fit != "auto" and request.fit != "measure":
        return told(request.fit, "It was asked for.")
    if not fits_differ(looked.pictures, trunk.preprocess):
        return told("squash", "All pictures have the network's aspect, so that every fit is the same.")
    number = len(split.train) + len(split.val)
    if request.fit == "auto" and number > _FEW:
        return told(
            "squash",
            "The network sees the whole picture. The other fits were not tried, since there are more than "
            f"{_FEW} pictures to compute anew for each; --fit measure tries them.",
        )
    trials = [_try_fit(fit, request, looked, split, trunk, listen) for fit in FITS]
    return told(*choose_fit(trials), trials)


def _try_fit(
    fit: Fit, request: TrainRequest, looked: Scan, split: Split, trunk: Trunk, listen: Listener
) -> FitTrial:
    preprocess = replace(trunk.preprocess, fit=fit)
    material = _material(looked, split, trunk, preprocess, ("train", "val"), listen)
    fitted = _fit(request, material, len(looked.classes), refit=False, listen=silent)
    labels_N = material.parts["val"].labels_N
    right = int((fitted.val_logits_NK.argmax(axis=1) == labels_N).sum())
    losses_N = calibrated_losses(fitted.val_logits_NK, labels_N)
    return FitTrial(fit, Proportion(len(labels_N), right), losses_N)


def calibrated_losses(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log loss of each picture, (N,) in nats, once the logits have a temperature of their own."""
    probabilities_NK = softmax(logits_NK, fit_temperature(logits_NK, labels_N).value)
    return log_losses(probabilities_NK, labels_N)
