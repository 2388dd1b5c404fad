"""The ladder: steps tried one after another within a budget, each kept only where it beats what was there.

Each step is forecast in seconds for this machine before it begins. An interrupt ends the ladder, and the
best so far is delivered.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.duplicates import Duplicates
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.errors import BackboneError, PellucidError, RequestError, shown
from pellucid.events import Listener, Notice
from pellucid.learn import scratch
from pellucid.learn.features import VIEWS, Base, learn_base, learn_from_views, learned, without
from pellucid.learn.finetune import FEW, Step, delivered, frozen, with_steps
from pellucid.learn.folds import Fold, deal
from pellucid.learn.ground import Ground, Stock, break_ground, take_stock, views_wanted
from pellucid.learn.learned import Clock, Learned
from pellucid.learn.race import Candidate, Race, Verdict
from pellucid.learn.standing import Standing, of_probabilities, of_validation
from pellucid.learn.tuning import (
    Climbed,
    climb,
    climb_again,
    delivery,
    forecast,
    out_of_fold,
    plan_of,
    step_pace,
)
from pellucid.learn.unfinished import Watch
from pellucid.request import TrainRequest
from pellucid.training.freeze import FreezeError
from pellucid.training.rung import EVERYTHING, FROM_PIXELS, FROZEN, PLAIN, Rung

_FIRST_PACE = 30.0  # pictures a second through frozen layers, before any was measured
_HOW_FAST = {"last": 2.0, EVERYTHING: 0.2}  # as fast in training, before that was measured
_HEAD = 2.0  # seconds, to fit one
_VIEWS = ("light", "lecture", "strong")  # presets, the mildest first


@dataclass(frozen=True)
class _Tried:
    """A step that was carried out: how it did, how its classifier is made, its forecast and its epochs.

    Attributes:
        delivery: Seconds that making its classifier is thought to take.
    """

    candidate: Candidate
    deliver: Callable[[], Learned]
    forecast: float | None
    epochs: tuple[Mapping[str, Any], ...] = ()
    delivery: float = 0.0


class _TooLongError(Exception):
    """A step would take longer than what is left; its argument is the forecast in seconds."""


@dataclass
class _Climber:
    """What all steps share: the pictures, the frozen backbone, and what this machine was seen to do.

    Attributes:
        folds: Training pictures to hold out in turn; none where the validation split can tell alone.
        pace: Pictures a second through the frozen layers.
        stock: The backbone in PyTorch, once a step needs it.
    """

    request: TrainRequest
    looked: Scan
    split: Split
    base: Base
    listen: Listener
    folds: Sequence[Fold] = ()
    pace: float = _FIRST_PACE
    stock: Stock | None = field(default=None, repr=False)

    def carry_out(self, rung: Rung, left: float) -> _Tried:
        """Take the step, if it can be done in so many seconds.

        Raises:
            _TooLongError: it cannot.
        """
        if rung.learns == FROM_PIXELS:
            return self._from_pixels(rung, left)
        if rung.learns == FROZEN:
            return self._frozen(rung, left)
        return self._tuned(rung, left)

    def begin(self, rung: Rung, needed: float, left: float, most: float | None = None) -> None:
        """Say that the step begins, and how long it will take: without folds, and with all of them."""
        if needed > left:
            raise _TooLongError(needed)
        there = "" if left == math.inf else f" of the {left:.0f} s that are left"
        more = f", with all folds {most:.0f} s" if most is not None else ""
        self.listen(Notice(f"Trying {rung.name}: about {needed:.0f} s{more}{there}."))

    def _from_pixels(self, rung: Rung, left: float) -> _Tried:
        request = replace(
            self.request,
            recipe="scratch",
            steps=None,
            budget=None,
            augment=rung.augment,
            views=None,
            class_weights="none" if self._weights_K is None else "balanced",  # as it will be judged
        )
        needed = scratch.forecast(request, self.looked, len(self.split.train))
        self.begin(rung, needed, left)
        outcome = scratch.learn(request, self.looked, self.split, Clock(), None, self.listen)
        part = outcome.parts["val"]
        answers_NK = outcome.answers["val"]
        reached = of_probabilities(rung.name, answers_NK, part.labels_N, self._weights_K)
        return _Tried(Candidate(reached), lambda: outcome, needed, tuple(outcome.metrics))

    def _frozen(self, rung: Rung, left: float) -> _Tried:
        base, needed = self.base, None
        if rung.augment != PLAIN:
            pictures = (self.request.views or VIEWS) * len(base.material.parts["train"].pictures)
            needed = pictures / self.pace + _HEAD
            self.begin(rung, needed, left)
            base = learn_from_views(base, rung, self.request, self.looked, self.listen)
        rows = base.material.rows["train"]

        def answer(fold: Fold) -> NDArray[np.float32]:
            unseen = without(base, fold.seen_M, self.request, self._classes).fitted.unseen
            return unseen.logits(rows.take(fold.held_M).array())

        return _Tried(
            Candidate(frozen(base), answer, _HEAD), lambda: learned(base, self.looked.classes), needed
        )

    def _tuned(self, rung: Rung, left: float) -> _Tried:
        begun = perf_counter()
        least, most, _ = self._foretold(rung)
        self.begin(rung, least, left, most if self.folds else None)
        self.stock = self.stock or take_stock(self.request)
        started = perf_counter()
        ground = break_ground(
            rung, self.request, self.looked, self.base, self.stock, self.listen, plain=bool(self.folds)
        )
        laid = perf_counter() - started
        self.pace = _measured_pace(ground, laid, self.pace)
        measured = step_pace(ground, self.request, self.base)
        least, most, after = self._foretold(rung, measured)
        if least > left - (perf_counter() - begun):
            raise _TooLongError(least)
        climbed = climb(ground, self.request, self.base, Watch(), self.listen)

        def answer(fold: Fold) -> NDArray[np.float32]:
            return out_of_fold(ground, fold, self.base, climbed, self.request, self.listen)

        reached = of_validation(rung.name, climbed.val_logits_NK, self.base)
        each = (most - least) / max(len(self.folds), 1)
        return _Tried(
            Candidate(reached, answer, each),
            lambda: self._delivered(ground, climbed),
            least + laid,
            tuple(climbed.epochs),
            after,
        )

    def _delivered(self, ground: Ground, climbed: Climbed) -> Learned:
        again = climb_again(ground, climbed, self.request, self.base, self.listen)
        return delivered(again, self.base, self.looked, self.listen)

    @property
    def _classes(self) -> int:
        return len(self.looked.classes)

    @property
    def _weights_K(self) -> Sequence[float] | None:  # noqa: N802 - a legend of shapes, as everywhere
        return self.base.fitted.class_weights_K

    def race(self, best: _Tried, tried: _Tried, left: float) -> Verdict:
        """Whether a step is better than the best so far, with what that takes and so many seconds allow.

        Whichever it is, it has to be delivered in them, too.
        """
        labels_N = self.base.material.parts["train"].labels_N
        left -= max(best.delivery, tried.delivery)
        return Race(self.folds, labels_N, self._weights_K).run(best.candidate, tried.candidate, left)

    def _foretold(self, rung: Rung, measured: float | None = None) -> tuple[float, float, float]:
        """Seconds that the step takes: without folds, with all of them, and of these what its delivery takes.

        Args:
            rung: The step.
            measured: Pictures a second in training, once its maps are there and it was measured.
        """
        parts = {name: len(part.pictures) for name, part in self.base.material.parts.items()}
        views = views_wanted(rung, self.request) + (1 if self.folds and rung.augment != PLAIN else 0)
        views = 0 if rung.whole else views
        plan = plan_of(self.request, parts["train"])
        usual = measured or _FIRST_PACE * _HOW_FAST.get(rung.learns, 1.0)
        again = sum(len(fold.seen_M) for fold in self.folds) / max(parts["train"], 1)
        known = self.pace, usual, plan, views, parts["train"], parts["val"], parts["test"]
        least, most = (forecast(*known, more, laid=measured is not None) for more in (0.0, again))
        return least, most, delivery(*known)


def learn(
    request: TrainRequest,
    looked: Scan,
    split: Split,
    duplicates: Duplicates,
    clock: Clock,
    listen: Listener,
) -> Learned:
    """Try the steps in order, as long as the budget allows, and deliver what the validation pictures keep.

    Args:
        duplicates: Which pictures show the same thing; in cross-validation they stay together.

    Raises:
        BackboneError: the backbone is not to be had, or cannot be cut where a step that was asked for begins.
        SourceError, StorageError, RequestError: as for the recipe that a step follows.
        DivergedError: the loss was no number any more.
        FreezeError: what was frozen changed.
    """
    named = [rung for rung in request.rungs if rung.tunes]
    with clock("network"):
        stock = take_stock(request, named) if named else None
    base = learn_base(request, looked, split, clock, listen)
    with clock("ladder"):
        folds = _folds(request, looked, duplicates, base)
        if folds:
            listen(Notice(_too_few(base, folds)))
        kept, steps = _climb(_Climber(request, looked, split, base, listen, folds, stock=stock), request)
    with clock("answers"):
        outcome, steps = _deliver(kept, steps)
    return with_steps(outcome, base.stage, steps, listen, folded=bool(folds))


def rungs_of(request: TrainRequest) -> tuple[Rung, ...]:
    """The steps that were asked for, or else deeper and deeper; a frozen one is always among them."""
    rungs = list(request.rungs) or [Rung(learns, request.augment) for learns in ("last", "last-two")]
    if Rung(FROZEN) not in rungs:
        place = next((at for at, one in enumerate(rungs) if one.learns != FROM_PIXELS), len(rungs))
        rungs.insert(place, Rung(FROZEN))
    return tuple(rungs)


def other_views(request: TrainRequest, best: Rung) -> tuple[Rung, ...]:
    """What is tried last, where nobody named steps or views: the best so far from other views, one by one."""
    if request.rungs or request.augment != PLAIN:
        return ()
    return tuple(Rung(best.learns, augment) for augment in _VIEWS)


def _climb(climber: _Climber, request: TrainRequest) -> tuple[list[_Tried], list[Step]]:
    """Step by step; those that were kept, the best last, and the table."""
    begun = perf_counter()
    best: _Tried | None = None
    kept: list[_Tried] = []
    at = Rung(FROZEN)
    budget = math.inf if request.budget is None else request.budget
    steps: list[Step] = []

    def rungs() -> Iterator[Rung]:
        yield from rungs_of(request)
        yield from other_views(request, at)

    for rung in rungs():
        started = perf_counter()
        left = max(budget - (started - begun), 0.0)
        try:
            # A tuned step's own delivery, which is part of its forecast, takes about as long as the best's.
            aside = 0.0 if best is None or rung.tunes else best.delivery
            tried = climber.carry_out(rung, max(left - aside, 0.0))
            better, why, reached = _judged(climber, best, tried, left - (perf_counter() - started))
        except _TooLongError as error:
            steps.append(_not_tried(rung, error.args[0], left))
            continue
        except BackboneError as error:  # the head on frozen layers is there all the same
            steps.append(Step(rung.name, "not tried", str(error)))
            continue
        except (FreezeError, RequestError):
            raise  # a fault of ours, or what somebody can set right
        except PellucidError as error:  # its loss was no number any more, or the disk is full
            if best is None:
                raise
            steps.append(Step(rung.name, "stopped", str(error), seconds=perf_counter() - started))
            continue
        except KeyboardInterrupt:
            if best is None:
                raise
            steps.append(Step(rung.name, "stopped", "It was interrupted: the best until then was kept."))
            climber.listen(Notice(_go_on(request)))
            break
        spent = climber.base.stage.seconds if rung == Rung(FROZEN) else perf_counter() - started
        steps.append(
            Step(
                name=rung.name,
                outcome="kept" if better else "refused",
                why=why,
                forecast=tried.forecast,
                standing=reached,
                seconds=spent,
                epochs=tried.epochs,
            )
        )
        if better:
            best, at = tried, rung
            kept.append(tried)
    # A frozen step is always among them, and costs nothing any more.
    return kept or [climber.carry_out(Rung(FROZEN), math.inf)], steps


def _deliver(kept: Sequence[_Tried], steps: Sequence[Step]) -> tuple[Learned, list[Step]]:
    """The best; where it cannot be delivered, what it was better than, and the table says so."""
    *before, best = kept
    try:
        return best.deliver(), list(steps)
    except (FreezeError, RequestError):
        raise  # as while it was tried
    except PellucidError as error:  # the disk is full, for example
        if not before:
            raise
        at = max(place for place, step in enumerate(steps) if step.outcome == "kept")
        failed = replace(steps[at], outcome="stopped", why=f"It could not be delivered: {error}")
        return _deliver(before, [*steps[:at], failed, *steps[at + 1 :]])


def _judged(climber: _Climber, best: _Tried | None, tried: _Tried, left: float) -> tuple[bool, str, Standing]:
    """Whether it is kept, why, and how it did on the pictures that were looked at."""
    reached = tried.candidate.val
    if best is None:
        return True, f"The first step: {reached.told}.", reached
    if len(best.candidate.val.right_N) != len(reached.right_N):
        return (
            False,
            "Not the same validation pictures could be read, so that nothing can be compared.",
            reached,
        )
    found = climber.race(best, tried, left)
    return found.better, found.why, found.after


def _folds(request: TrainRequest, looked: Scan, duplicates: Duplicates, base: Base) -> list[Fold]:
    """Where there are too few validation pictures, how training pictures take their part in turn."""
    if len(base.material.parts["val"].pictures) >= FEW:
        return []
    numbers = duplicates.group_N.tolist()
    group = {one.digest: number for one, number in zip(looked.pictures, numbers, strict=True)}
    least: dict[int, str] = {}  # a group is named by its least digest, which no order of the pictures changes
    for digest, number in group.items():
        least[number] = min(digest, least.get(number, digest))
    part = base.material.parts["train"]
    return deal(part.labels_N, [least[group[one.digest]] for one in part.pictures], request.seed)


def _too_few(base: Base, folds: Sequence[Fold]) -> str:
    held, few = sum(len(fold.held_M) for fold in folds), len(base.material.parts["val"].pictures)
    return (
        f"The {few} validation pictures are too few to tell a small gain: up to {held} training pictures "
        f"help to judge, each answered for by a training that has not seen it ({len(folds)} folds, as many "
        "as it takes to tell)."
    )


def _measured_pace(ground: Ground, seconds: float, before: float) -> float:
    """Pictures a second through the frozen layers; as before where most came from the cache, or all learn."""
    pictures = len(ground.train) * len(ground.shown) + len(ground.val)
    if ground.rung.whole or 2 * ground.maps.computed < pictures:
        return before
    return ground.maps.computed / max(seconds, 1e-6)


def _not_tried(rung: Rung, needed: float, left: float) -> Step:
    why = f"It would have taken about {needed:.0f} s, and {left:.0f} s of the budget were left."
    return Step(rung.name, "not tried", why, needed)


def _go_on(request: TrainRequest) -> str:
    return (
        f"Interrupted: the best so far of {shown(request.source)} is being written (interrupt again to "
        "write nothing). To go on, type the same command again: what was computed is in the cache."
    )
