"""Fine-tuning that was asked for by name: one step, which is delivered, and whose worth is told.

What layers the ladder lets learn, and whether it keeps them, is ``ladder``'s; how they learn is ``tuning``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np

from pellucid.classifier import Classifier
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.evaluation.calibration import fit_temperature
from pellucid.events import Listener, Notice
from pellucid.learn.features import Base, learn_base, learned
from pellucid.learn.ground import break_ground, take_stock
from pellucid.learn.learned import Clock, Learned, Stage
from pellucid.learn.standing import Standing, judge, of_validation
from pellucid.learn.tuning import Climbed, climb, climb_again, views_begun
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest
from pellucid.training.affine import softmax
from pellucid.training.features import extract
from pellucid.training.rung import FROZEN, Rung
from pellucid.training.tuned import Tuned

FEW = 200  # validation pictures, below which small gains cannot be told
Outcome = Literal["kept", "refused", "not tried", "stopped"]


@dataclass(frozen=True)
class Step:
    """One line of the table of what was tried.

    Attributes:
        name: What was tried, or would have been.
        outcome: Whether it was kept.
        why: In a sentence.
        forecast: Seconds foretold before it began; None where nothing was.
        standing: How it did; None where it was not tried to its end.
        seconds: How long it took.
        epochs: The lines of its training, where it had any.
    """

    name: str
    outcome: Outcome
    why: str
    forecast: float | None = None
    standing: Standing | None = None
    seconds: float = 0.0
    epochs: tuple[Mapping[str, Any], ...] = ()

    @property
    def stage(self) -> Stage | None:
        """What it learnt, where it was tried."""
        return Stage(self.name, self.standing.val, self.seconds) if self.standing else None

    def to_json(self) -> dict[str, Any]:
        """name, outcome, why, forecast, seconds, epochs; where it was tried val, log_loss and held_out."""
        told: dict[str, Any] = {"name": self.name, "outcome": self.outcome, "why": self.why}
        told["forecast"] = None if self.forecast is None else round(self.forecast, 1)
        if self.standing is not None:
            told["val"] = self.standing.val.to_json()
            told["log_loss"], told["brier_score"] = self.standing.loss, self.standing.brier
            if self.standing.held is not None:
                told["held_out"] = self.standing.held.val.to_json()
        return {**told, "seconds": round(self.seconds, 3), "epochs": list(self.epochs)}


def learn(
    request: TrainRequest,
    looked: Scan,
    split: Split,
    clock: Clock,
    unfinished: Unfinished,
    listen: Listener,
) -> Learned:
    """Fit a head on frozen features, then let layers of the backbone learn too; they are delivered.

    Raises:
        BackboneError: the backbone cannot be cut where learning was to begin.
        SourceError, StorageError: as for features.
        DivergedError: the loss was no number any more.
        FreezeError: what was frozen changed.
    """
    rung = rung_of(request, request.unfreeze)
    with clock("network"):
        stock = take_stock(request, [rung])
    base = learn_base(request, looked, split, clock, listen)
    with clock("finetuning"):
        begun = perf_counter()
        watch = unfinished.begin(request, looked.digest)
        ground = break_ground(rung, request, looked, base, stock, listen, number=views_begun(watch))
        climbed = climb(ground, request, base, watch, listen)
        spent = perf_counter() - begun
        reached = of_validation(rung.name, climbed.val_logits_NK, base)
        better, why = judge(frozen(base), reached)
    told = why if better else f"{why} It was asked for, and is kept."
    step = Step(rung.name, "kept", told, None, reached, spent, tuple(climbed.epochs))
    with clock("refit"):
        watch = unfinished.watch(f"{rung.name}, final")
        climbed = climb_again(ground, climbed, request, base, watch, listen)
    with clock("answers"):
        outcome = delivered(climbed, base, looked, listen)
    return with_steps(outcome, base.stage, [step], listen)


def rung_of(request: TrainRequest, learns: str) -> Rung:
    """The step in which these layers learn, with the views and the batch statistics that were asked for."""
    return Rung(learns, request.augment, request.batch_norm == "update")


def frozen(base: Base) -> Standing:
    """How the head on the frozen backbone does."""
    return of_validation(Rung(FROZEN, base.augment).name, base.fitted.val_logits_NK, base)


def with_steps(
    outcome: Learned, first: Stage, steps: list[Step], listen: Listener, *, folded: bool = False
) -> Learned:
    """The outcome with the table of what was tried, its stages, curves and notes.

    Args:
        outcome: Of the step that was kept.
        first: The stage that all stood on.
        steps: What was tried besides, in order.
        listen: Told of the notes.
        folded: Whether training pictures could help to judge.
    """
    notes = [f"{step.name}: {step.why}" for step in steps]
    tried = [step.standing for step in steps if step.standing]
    if tried and len(tried[0].right_N) < FEW and not folded:
        notes.append(
            f"The {len(tried[0].right_N)} validation pictures can only tell large gains; more pictures, or a "
            "larger share for validation with --split, would show smaller ones."
        )
    for note in notes:
        listen(Notice(note))
    stages = [step.stage for step in steps if step.stage]
    return replace(
        outcome,
        record={**outcome.record, "ladder": [step.to_json() for step in steps]},
        stages=stages if first.name in {one.name for one in stages} else [first, *stages],
        metrics=[
            *(line for line in outcome.metrics if line["event"] == "head"),
            *({**line, "step": step.name} for step in steps for line in step.epochs),
        ],
        notes=(*outcome.notes, *notes),
    )


def delivered(best: Climbed, base: Base, looked: Scan, listen: Listener) -> Learned:
    """The fine-tuned classifier, and its answers through ONNX Runtime, as a run gives them."""
    so_far = learned(base, looked.classes)
    layers = Tuned(base.trunk, best.changed)
    preprocess = base.material.preprocess
    rows, parts = {}, base.material.parts
    for name in ("val", "test"):
        found = extract(parts[name].pictures, looked.source.read, layers, preprocess, listen)
        rows[name] = found.rows
    temperature = fit_temperature(best.val_logits_NK, parts["val"].labels_N)
    head = replace(best.head, temperature=temperature.value)
    classifier = Classifier(looked.classes, layers, preprocess, head)
    difference = float(np.abs(best.head.logits(rows["val"].array()) - best.sure_NK).max())
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
            "val": softmax(best.val_logits_NK, temperature.value),
            "test": classifier.probabilities(rows["test"]),
        },
        record=record,
    )
