"""Feature extraction: the frozen layers of a backbone, and a new head on what they put out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
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
from pellucid.learn.learned import SPLITS, Clock, Learned, Part, Stage, parts_of, refuse_gone
from pellucid.learn.views import refuse_other_size
from pellucid.pictures.augment.text import augmentation
from pellucid.pictures.augment.view import View
from pellucid.pictures.preprocess import Fit, Preprocess
from pellucid.record import record_backbone, record_head
from pellucid.request import TrainRequest
from pellucid.training.activations import CachedRows
from pellucid.training.affine import softmax
from pellucid.training.features import extract, extract_views
from pellucid.training.fit import FITS, FitTrial, choose_fit, fits_differ
from pellucid.training.head import Fitted, fit_head
from pellucid.training.rows import JoinedRows, Rows
from pellucid.training.rung import FROZEN, PLAIN, Rung
from pellucid.training.trunk import Trunk, open_trunk

VIEWS = 4  # of each training picture, where views are asked for and no number
_FEW = 400  # pictures to learn from and to choose by, up to which trying three fits costs little


@dataclass(frozen=True)
class Material:
    """What the head learns from, chooses by and is tested on; the rows of a part are its features."""

    preprocess: Preprocess
    parts: dict[str, Part]
    rows: dict[str, CachedRows]
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
        augment: Which views of each training picture the head learnt from besides.
        views: The features of each of these views.
    """

    trunk: Trunk
    material: Material
    fits: Mapping[str, Any]
    fitted: Fitted
    temperature: Temperature
    stage: Stage
    augment: str = PLAIN
    views: tuple[CachedRows, ...] = ()


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
    base = learn_base(request, looked, split, clock, listen)
    if request.augment != PLAIN:
        with clock("views"):
            base = learn_from_views(base, Rung(FROZEN, request.augment), request, looked, listen)
    return learned(base, looked.classes)


def learn_base(request: TrainRequest, looked: Scan, split: Split, clock: Clock, listen: Listener) -> Base:
    """The features and the head, before anything is made of them; raises what ``learn`` does."""
    with clock("backbone"):
        trunk = open_trunk(
            request.backbone, weights=request.weights, download=request.download, listen=listen
        )
    refuse_other_size(augmentation(request.augment), trunk.preprocess)
    with clock("fit"):
        fit, fits = _choose_fit(request, looked, split, trunk, listen)
    with clock("features"):
        material = _material(looked, split, trunk, replace(trunk.preprocess, fit=fit), SPLITS, listen)
    with clock("head"):
        fitted = _fit(request, material, len(looked.classes), refit=True, listen=listen)
        temperature = fit_temperature(fitted.val_logits_NK, material.parts["val"].labels_N)
    stage = Stage(FROZEN, right(fitted.val_logits_NK, material), clock.spent("features", "head"))
    return Base(trunk, material, fits, fitted, temperature, stage)


def learn_from_views(base: Base, rung: Rung, request: TrainRequest, looked: Scan, listen: Listener) -> Base:
    """The same frozen layers with a head that learnt from views of the training pictures too.

    Each picture, as it is and in all its views, counts as one.

    Raises:
        SourceError: a picture has gone since its features were computed.
        StorageError: the cache cannot be written.
    """
    begun = perf_counter()
    material, part = base.material, base.material.parts["train"]
    found = extract_views(
        part.pictures,
        looked.source.read,
        base.trunk,
        material.preprocess,
        [View(augmentation(rung.augment), request.seed, number) for number in range(request.views or VIEWS)],
        listen,
    )
    refuse_gone(found[0].skipped)
    views = tuple(one.rows for one in found)
    fitted = _fit(request, material, len(looked.classes), views=views, refit=True, listen=listen)
    temperature = fit_temperature(fitted.val_logits_NK, material.parts["val"].labels_N)
    stage = Stage(rung.name, right(fitted.val_logits_NK, material), perf_counter() - begun)
    fresh = replace(base, fitted=fitted, temperature=temperature, stage=stage)
    return replace(fresh, augment=rung.augment, views=views)


def without(base: Base, seen_M: NDArray[np.int64], request: TrainRequest, classes: int) -> Base:
    """The base as it would be had the head learnt from these of the training pictures alone."""
    part = base.material.parts["train"]
    fewer = replace(
        base.material,
        parts={
            **base.material.parts,
            "train": Part(tuple(part.pictures[place] for place in seen_M), part.labels_N[seen_M]),
        },
        rows={**base.material.rows, "train": base.material.rows["train"].take(seen_M)},
    )
    views = tuple(one.take(seen_M) for one in base.views)
    fitted = _fit(request, fewer, classes, views=views, refit=False, listen=silent)
    return replace(base, material=fewer, fitted=fitted, views=views)


def right(val_logits_NK: NDArray[np.float32], material: Material) -> Proportion:
    """How many of the validation pictures these logits answer rightly."""
    labels_N = material.parts["val"].labels_N
    return Proportion(len(labels_N), int((val_logits_NK.argmax(axis=1) == labels_N).sum()))


def learned(base: Base, classes: tuple[str, ...]) -> Learned:
    """The base as the outcome of a recipe."""
    head = replace(base.fitted.head, temperature=base.temperature.value)
    classifier = Classifier(classes, base.trunk, base.material.preprocess, head)
    told = record_head(base.fitted, head, base.temperature.reason, classes)
    if base.views:
        told = {**told, "augment": base.augment, "views": len(base.views)}
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


def _fit(
    request: TrainRequest,
    material: Material,
    classes: int,
    *,
    refit: bool,
    views: Sequence[CachedRows] = (),
    listen: Listener,
) -> Fitted:
    rows: Rows = material.rows["train"]
    for one in views:
        rows = JoinedRows(rows, one)
    return fit_head(
        rows,
        np.tile(material.parts["train"].labels_N, 1 + len(views)),
        material.rows["val"],
        material.parts["val"].labels_N,
        classes,
        class_weights=request.class_weights,
        refit=refit,
        views=1 + len(views),
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
    losses_N = log_losses(calibrated(fitted.val_logits_NK, labels_N), labels_N)
    return FitTrial(fit, right(fitted.val_logits_NK, material), losses_N)


def calibrated(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities ``(N, K)`` once the logits have a temperature of their own."""
    return softmax(logits_NK, fit_temperature(logits_NK, labels_N).value)
