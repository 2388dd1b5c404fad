"""Fine-tuning that proves itself: from frozen features upwards, and no further than validation confirms.

Asked for by name, one step is taken and delivered, whatever it is worth, and its worth is told. In ``auto``
within a budget, each step is forecast first and kept only where it beats what was there outside the noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.evaluation.calibration import fit_temperature
from pellucid.evaluation.comparison import gain, pair
from pellucid.evaluation.proportion import Proportion
from pellucid.events import Listener, Notice
from pellucid.learn.features import Base, calibrated_losses, learn_base, learned
from pellucid.learn.learned import Clock, Learned, Stage
from pellucid.learn.rung import (
    Climbed,
    Ground,
    Rung,
    Watch,
    break_ground,
    climb,
    forecast,
    plan_of,
    step_pace,
    views_wanted,
)
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest
from pellucid.training.affine import softmax
from pellucid.training.features import extract
from pellucid.training.tuned import Tuned

_FEW = 200  # validation pictures, below which small gains cannot be told
_FIRST_PACE = 30.0  # pictures a second through frozen layers, before any was measured
Outcome = Literal["kept", "refused", "not tried"]


@dataclass(frozen=True)
class Standing:
    """What is best so far, as the validation pictures see it.

    Attributes:
        name: The stage's.
        losses_N: (N,) each picture's log loss in nats, calibrated.
        right_N: (N,) whether each is answered rightly.
    """

    name: str
    losses_N: NDArray[np.float64]
    right_N: NDArray[np.bool_]

    @property
    def val(self) -> Proportion:
        """How many are right."""
        return Proportion(len(self.right_N), int(self.right_N.sum()))


@dataclass(frozen=True)
class Step:
    """One line of the ladder's table.

    Attributes:
        name: What was tried, or would have been.
        outcome: Whether it was kept.
        why: In a sentence.
        forecast: Seconds foretold before it began; None where it was asked for by name.
        standing: How it did; None where it was not tried.
        seconds: How long it took.
    """

    name: str
    outcome: Outcome
    why: str
    forecast: float | None
    standing: Standing | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """name, outcome, why, forecast, seconds, and where it was tried val and log_loss."""
        told: dict[str, Any] = {"name": self.name, "outcome": self.outcome, "why": self.why}
        told["forecast"] = None if self.forecast is None else round(self.forecast, 1)
        if self.standing is not None:
            told["val"] = self.standing.val.to_json()
            told["log_loss"] = float(self.standing.losses_N.mean())
        return {**told, "seconds": round(self.seconds, 3)}


def learn(
    request: TrainRequest,
    looked: Scan,
    split: Split,
    clock: Clock,
    unfinished: Unfinished,
    listen: Listener,
) -> Learned:
    """Fit a head on frozen features, then let layers of the backbone learn too.

    Raises:
        BackboneError: the backbone cannot be cut where learning was to begin.
        SourceError, StorageError: as for features.
        DivergedError: the loss was no number any more.
        FreezeError: what was frozen changed.
    """
    base = learn_base(request, looked, split, clock, listen)
    with clock("finetuning"):
        if request.recipe == "finetune":
            climbed = _asked(request, looked, base, unfinished, listen)
        else:
            climbed = _ladder(request, looked, base, listen)
    best, steps, climbs = climbed
    notes = _notes(base, steps)
    for note in notes:
        listen(Notice(note))
    first = learned(base, looked.classes)
    table = [step.to_json() for step in steps]
    stages = [base.stage, *(Stage(s.name, s.standing.val, s.seconds) for s in steps if s.standing)]
    metrics = [*first.metrics, *(line for one in climbs for line in one.epochs)]
    record = {**first.record, "ladder": table}
    so_far = replace(first, record=record, stages=stages, metrics=metrics, notes=notes)
    if best is None:
        return so_far
    with clock("answers"):
        return _delivered(best, so_far, base, looked, listen)


def _asked(
    request: TrainRequest, looked: Scan, base: Base, unfinished: Unfinished, listen: Listener
) -> tuple[Climbed | None, list[Step], list[Climbed]]:
    """The one step that was asked for by name; it is delivered, and judged all the same."""
    state = unfinished.begin(request, looked.digest)
    rung = Rung(request.unfreeze, request.augment)
    begun = perf_counter()
    ground = break_ground(rung, request, looked, base, listen)
    watch = Watch(state, unfinished.restoring, unfinished.keep, unfinished.tell)
    climbed = climb(ground, request, base, watch, listen)
    standing = _standing(rung.name, climbed.val_logits_NK, base)
    better, why = judge(_first(base), standing)
    told = why if better else f"{why} It was asked for, and is kept."
    return climbed, [Step(rung.name, "kept", told, None, standing, perf_counter() - begun)], [climbed]


def _ladder(
    request: TrainRequest, looked: Scan, base: Base, listen: Listener
) -> tuple[Climbed | None, list[Step], list[Climbed]]:
    """Step by step, as long as the budget allows; the best, the table, and all that was trained."""
    budget = request.budget or 0.0
    begun, best, champion = perf_counter(), None, _first(base)
    steps: list[Step] = []
    climbs: list[Climbed] = []
    pace = _FIRST_PACE
    for rung in _rungs(request):
        left = budget - (perf_counter() - begun)
        needed = _foretold(rung, request, base, pace, None)
        if needed > left:
            steps.append(_not_tried(rung, needed, left))
            continue
        listen(Notice(f"Trying {rung.name}: about {needed:.0f} s of the {left:.0f} s that are left."))
        started = perf_counter()
        ground = break_ground(rung, request, looked, base, listen)
        pace = _measured_pace(ground, perf_counter() - started, pace)
        needed = _foretold(rung, request, base, math.inf, step_pace(ground, request, base))
        left = budget - (perf_counter() - begun)
        if needed > left:
            steps.append(_not_tried(rung, needed, left))
            continue
        climbed = climb(ground, request, base, Watch(), listen)
        standing = _standing(rung.name, climbed.val_logits_NK, base)
        better, why = judge(champion, standing)
        spent = perf_counter() - started
        steps.append(Step(rung.name, "kept" if better else "refused", why, needed, standing, spent))
        climbs.append(climbed)
        if better:
            best, champion = climbed, standing
    return best, steps, climbs


def _rungs(request: TrainRequest) -> list[Rung]:
    """What the ladder tries, in order: deeper first, then other views of the pictures."""
    augments = [request.augment] if request.augment != "none" else ["none", "light"]
    return [Rung(unfreeze, augment) for augment in augments for unfreeze in ("last", "last-two")]


def _foretold(rung: Rung, request: TrainRequest, base: Base, pace: float, steps: float | None) -> float:
    parts = {name: len(part.pictures) for name, part in base.material.parts.items()}
    views = views_wanted(rung, request)
    plan = plan_of(request, parts["train"])
    usual = 2.0 * _FIRST_PACE if rung.unfreeze == "last" else _FIRST_PACE
    return forecast(pace, steps or usual, plan, views, parts["train"], parts["val"] + parts["test"])


def _measured_pace(ground: Ground, seconds: float, before: float) -> float:
    """Pictures a second through the frozen layers; what it was before where most came from the cache."""
    pace = (len(ground.train) * len(ground.train.views) + len(ground.val)) / max(seconds, 1e-6)
    return min(pace, 4 * before)


def _not_tried(rung: Rung, needed: float, left: float) -> Step:
    why = f"It would have taken about {needed:.0f} s, and {max(left, 0):.0f} s of the budget were left."
    return Step(rung.name, "not tried", why, needed)


def _first(base: Base) -> Standing:
    return _standing("features", base.fitted.val_logits_NK, base)


def _standing(name: str, val_logits_NK: NDArray[np.float32], base: Base) -> Standing:
    """How answers do on the validation pictures, after a temperature of their own."""
    labels_N = base.material.parts["val"].labels_N
    right_N = val_logits_NK.argmax(axis=1) == labels_N
    return Standing(name, calibrated_losses(val_logits_NK, labels_N), right_N)


def judge(before: Standing, after: Standing) -> tuple[bool, str]:
    """Whether ``after`` is better outside the noise, and why, as a sentence.

    It is where the log loss, picture by picture, is lower by more than twice the standard error of the
    difference, and no fewer pictures are right. Losses see a gain that a count of right answers is too
    coarse for; McNemar's p for these counts is told beside it.
    """
    figures = f"{100 * after.right_N.mean():.1f} against {100 * before.right_N.mean():.1f} %"
    p = pair(after.right_N, before.right_N).p
    told = f"log loss {after.losses_N.mean():.3f} against {before.losses_N.mean():.3f}, McNemar's p {p:.2g}"
    if gain(before.losses_N, after.losses_N).outside_noise and after.val.correct >= before.val.correct:
        return True, f"It beats {before.name} outside the noise: {figures} ({told})."
    return False, f"It did not beat {before.name} outside the noise: {figures} ({told})."


def _notes(base: Base, steps: Sequence[Step]) -> tuple[str, ...]:
    """What a person should know of the ladder."""
    notes = [f"{step.name}: {step.why}" for step in steps]
    count = len(base.material.parts["val"].pictures)
    if any(step.standing for step in steps) and count < _FEW:
        notes.append(
            f"The {count} validation pictures can only tell large gains; more pictures, or a larger share "
            "for validation with --split, would show smaller ones."
        )
    return tuple(notes)


def _delivered(best: Climbed, so_far: Learned, base: Base, looked: Scan, listen: Listener) -> Learned:
    """The fine-tuned classifier, and its answers through ONNX Runtime, as a run gives them."""
    layers = Tuned(base.trunk, best.changed)
    preprocess = base.material.preprocess
    rows, parts = {}, base.material.parts
    for name in ("val", "test"):
        found = extract(parts[name].pictures, looked.source.read, layers, preprocess, listen)
        rows[name] = found.rows
    val_logits_NK = best.head.logits(rows["val"].array())
    temperature = fit_temperature(val_logits_NK, parts["val"].labels_N)
    head = replace(best.head, temperature=temperature.value)
    classifier = Classifier(looked.classes, layers, preprocess, head)
    difference = float(np.abs(val_logits_NK - best.val_logits_NK).max())
    record = {
        **so_far.record,
        "backbone": {**so_far.record["backbone"], "tuned": True},
        "head": {
            **so_far.record["head"],
            "temperature": temperature.value,
            "calibration": temperature.reason,
        },
        "finetune": {**best.record, "difference": difference},
    }
    return replace(
        so_far,
        chosen="finetune",
        classifier=classifier,
        answers={
            "val": softmax(val_logits_NK, temperature.value),
            "test": classifier.probabilities(rows["test"]),
        },
        record=record,
    )
