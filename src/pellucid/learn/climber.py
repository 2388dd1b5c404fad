"""One step of the ladder: forecast for this machine, carried out, and how its classifier would be made.

Which steps there are, and which is kept, is the ladder's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.events import Listener, Notice
from pellucid.learn import scratch
from pellucid.learn.features import VIEWS, Base, learn_from_views, learned, without
from pellucid.learn.finetune import delivered, frozen
from pellucid.learn.folds import Fold
from pellucid.learn.ground import Ground, Stock, break_ground, take_stock, views_wanted
from pellucid.learn.learned import Clock, Learned
from pellucid.learn.race import Candidate, Race, Verdict
from pellucid.learn.standing import of_probabilities, of_validation
from pellucid.learn.tuning import (
    Climbed,
    climb,
    climb_again,
    delivery,
    forecast,
    out_of_fold,
    plan_of,
    step_pace,
    views_begun,
)
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest
from pellucid.training.rung import EVERYTHING, FROM_PIXELS, FROZEN, PLAIN, Rung

_FIRST_PACE = 30.0  # pictures a second through frozen layers, before any was measured
_HOW_FAST = {"last": 2.0, EVERYTHING: 0.2}  # as fast in training, before that was measured
_HEAD = 2.0  # seconds, to fit one


@dataclass(frozen=True)
class Tried:
    """A step that was carried out: how it did, how its classifier is made, its forecast and its epochs.

    Attributes:
        delivery: Seconds that making its classifier is thought to take.
    """

    candidate: Candidate
    deliver: Callable[[], Learned]
    forecast: float | None
    epochs: tuple[Mapping[str, Any], ...] = ()
    delivery: float = 0.0


class TooLongError(Exception):
    """A step would take longer than what is left; its argument is the forecast in seconds."""


@dataclass
class Climber:
    """What all steps share: the pictures, the frozen backbone, and what this machine was seen to do.

    Attributes:
        unfinished: Keeps the state of each training, so that a ladder that is killed goes on.
        folds: Training pictures to hold out in turn; none where the validation split can tell alone.
        pace: Pictures a second through the frozen layers.
        stock: The backbone in PyTorch, once a step needs it.
    """

    request: TrainRequest
    looked: Scan
    split: Split
    base: Base
    unfinished: Unfinished
    listen: Listener
    folds: Sequence[Fold] = ()
    pace: float = _FIRST_PACE
    stock: Stock | None = field(default=None, repr=False)

    def carry_out(self, rung: Rung, left: float) -> Tried:
        """Take the step, if it can be done in so many seconds.

        Raises:
            TooLongError: it cannot.
        """
        if rung.learns == FROM_PIXELS:
            return self._from_pixels(rung, left)
        if rung.learns == FROZEN:
            return self._frozen(rung, left)
        return self._tuned(rung, left)

    def _begin(self, rung: Rung, needed: float, left: float, most: float | None = None) -> None:
        """Say that the step begins, and how long it will take: without folds, and with all of them."""
        if needed > left:
            raise TooLongError(needed)
        there = "" if left == math.inf else f" of the {left:.0f} s that are left"
        more = f", with all folds {most:.0f} s" if most is not None else ""
        self.listen(Notice(f"Trying {rung.name}: about {needed:.0f} s{more}{there}."))

    def _from_pixels(self, rung: Rung, left: float) -> Tried:
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
        self._begin(rung, needed, left)
        begin = partial(self.unfinished.watch, rung.name)
        outcome = scratch.learn(request, self.looked, self.split, Clock(), begin, self.listen)
        part = outcome.parts["val"]
        answers_NK = outcome.answers["val"]
        reached = of_probabilities(rung.name, answers_NK, part.labels_N, self._weights_K)
        return Tried(Candidate(reached), lambda: outcome, needed, tuple(outcome.metrics))

    def _frozen(self, rung: Rung, left: float) -> Tried:
        base, needed = self.base, None
        if rung.augment != PLAIN:
            pictures = (self.request.views or VIEWS) * len(base.material.parts["train"].pictures)
            needed = pictures / self.pace + _HEAD
            self._begin(rung, needed, left)
            base = learn_from_views(base, rung, self.request, self.looked, self.listen)
        rows = base.material.rows["train"]

        def answer(fold: Fold) -> NDArray[np.float32]:
            unseen = without(base, fold.seen_M, self.request, self._classes).fitted.unseen
            return unseen.logits(rows.take(fold.held_M).array())

        return Tried(
            Candidate(frozen(base), answer, _HEAD), lambda: learned(base, self.looked.classes), needed
        )

    def _tuned(self, rung: Rung, left: float) -> Tried:
        begun = perf_counter()
        least, most, _ = self._foretold(rung)
        self._begin(rung, least, left, most if self.folds else None)
        self.stock = self.stock or take_stock(self.request)
        watch = self.unfinished.watch(rung.name)
        started = perf_counter()
        ground = break_ground(
            rung,
            self.request,
            self.looked,
            self.base,
            self.stock,
            self.listen,
            plain=bool(self.folds),
            number=views_begun(watch),
        )
        laid = perf_counter() - started
        self.pace = _measured_pace(ground, laid, self.pace)
        measured = step_pace(ground, self.request, self.base)
        least, most, after = self._foretold(rung, measured)
        if least > left - (perf_counter() - begun):
            raise TooLongError(least)
        climbed = climb(ground, self.request, self.base, watch, self.listen)

        def answer(fold: Fold) -> NDArray[np.float32]:
            make = partial(out_of_fold, ground, fold, self.base, climbed, self.request, self.listen)
            return self.unfinished.answers(f"{rung.name}, fold {fold.number}", make)

        reached = of_validation(rung.name, climbed.val_logits_NK, self.base)
        each = (most - least) / max(len(self.folds), 1)
        return Tried(
            Candidate(reached, answer, each),
            lambda: self._delivered(ground, climbed),
            least + laid,
            tuple(climbed.epochs),
            after,
        )

    def _delivered(self, ground: Ground, climbed: Climbed) -> Learned:
        watch = self.unfinished.watch(f"{ground.rung.name}, final")
        again = climb_again(ground, climbed, self.request, self.base, watch, self.listen)
        return delivered(again, self.base, self.looked, self.listen)

    @property
    def _classes(self) -> int:
        return len(self.looked.classes)

    @property
    def _weights_K(self) -> Sequence[float] | None:  # noqa: N802 - a legend of shapes, as everywhere
        return self.base.fitted.class_weights_K

    def race(self, best: Tried, tried: Tried, left: float) -> Verdict:
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


def _measured_pace(ground: Ground, seconds: float, before: float) -> float:
    """Pictures a second through the frozen layers; as before where most came from the cache, or all learn."""
    pictures = len(ground.train) * len(ground.shown) + len(ground.val)
    if ground.rung.whole or 2 * ground.maps.computed < pictures:
        return before
    return ground.maps.computed / max(seconds, 1e-6)
