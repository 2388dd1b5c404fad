"""The ladder: steps tried one after another within a budget, each kept only where it beats what was there.

Each step is forecast in seconds for this machine before it begins. An interrupt ends the ladder, and the
best so far is delivered. How a step is carried out is ``climber``'s.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from pellucid.data.duplicates import Duplicates
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.errors import BackboneError, PellucidError, RequestError, shown
from pellucid.events import Listener, Notice
from pellucid.learn.climber import Climber, TooLongError, Tried
from pellucid.learn.features import Base, learn_base
from pellucid.learn.finetune import FEW, Step, rung_of, with_steps
from pellucid.learn.folds import Fold, deal
from pellucid.learn.ground import take_stock
from pellucid.learn.learned import Clock, Learned
from pellucid.learn.standing import Standing
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest
from pellucid.training.freeze import FreezeError
from pellucid.training.rung import BEST, FROM_PIXELS, FROZEN, PLAIN, Rung

_VIEWS = ("light", "lecture", "strong")  # presets, the mildest first


def learn(
    request: TrainRequest,
    looked: Scan,
    split: Split,
    duplicates: Duplicates,
    clock: Clock,
    unfinished: Unfinished,
    listen: Listener,
) -> Learned:
    """Try the steps in order, as long as the budget allows, and deliver what the validation pictures keep.

    Args:
        duplicates: Which pictures show the same thing; in cross-validation they stay together.
        unfinished: Keeps what each training has learnt: one that is killed goes on, with a budget anew.

    Raises:
        BackboneError: the backbone is not to be had, or cannot be cut where a step that was asked for begins.
        SourceError, StorageError, RequestError: as for the recipe that a step follows.
        DivergedError: the loss was no number any more.
        FreezeError: what was frozen changed.
    """
    named = [rung for rung in request.rungs if rung.tunes and rung.learns != BEST]
    with clock("network"):
        stock = take_stock(request, named) if named else None
    base = learn_base(request, looked, split, clock, listen)
    with clock("ladder"):
        folds = _folds(request, looked, duplicates, base)
        if folds:
            listen(Notice(_too_few(base, folds)))
        unfinished.begin(request, looked.digest)
        if unfinished.resumed and request.budget is not None:
            listen(Notice(f"Going on: the budget of {request.budget:.0f} s counts from here."))
        climber = Climber(request, looked, split, base, unfinished, listen, folds, stock=stock)
        kept, steps = _climb(climber, request)
    with clock("answers"):
        outcome, steps = _deliver(kept, steps)
    return with_steps(outcome, base.stage, steps, listen, folded=bool(folds))


def rungs_of(request: TrainRequest) -> tuple[Rung, ...]:
    """The steps that were asked for; or else deeper and deeper, and then other views of the best of these.

    A frozen one is always among them. Where nobody named views, each preset is tried.
    """
    rungs = list(request.rungs)
    if not rungs:
        rungs = [rung_of(request, learns) for learns in ("last", "last-two")]
        rungs += [Rung(BEST, augment) for augment in _VIEWS if request.augment == PLAIN]
    if Rung(FROZEN) not in rungs:
        place = next((at for at, one in enumerate(rungs) if one.learns != FROM_PIXELS), len(rungs))
        rungs.insert(place, Rung(FROZEN))
    return tuple(rungs)


def _climb(climber: Climber, request: TrainRequest) -> tuple[list[Tried], list[Step]]:
    """Step by step; those that were kept, the best last, and the table."""
    begun = perf_counter()
    kept: list[Tried] = []
    at = Rung(FROZEN)
    budget = math.inf if request.budget is None else request.budget
    steps: list[Step] = []
    met: set[Rung] = set()
    for written in rungs_of(request):
        rung = written.on(at)
        if rung in met or (rung.update and not rung.tunes):
            continue  # a change of the best that is none
        met.add(rung)
        started, best = perf_counter(), kept[-1] if kept else None
        left = max(budget - (started - begun), 0.0)
        try:
            # A tuned step's own delivery, which is part of its forecast, takes about as long as the best's.
            aside = 0.0 if best is None or rung.tunes else best.delivery
            tried = climber.carry_out(rung, max(left - aside, 0.0))
            better, why, reached = _judged(climber, best, tried, left - (perf_counter() - started))
        except TooLongError as error:
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
            at = rung
            kept.append(tried)
    # A frozen step is always among them, and costs nothing any more.
    return kept or [climber.carry_out(Rung(FROZEN), math.inf)], steps


def _deliver(kept: Sequence[Tried], steps: Sequence[Step]) -> tuple[Learned, list[Step]]:
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


def _judged(climber: Climber, best: Tried | None, tried: Tried, left: float) -> tuple[bool, str, Standing]:
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


def _not_tried(rung: Rung, needed: float, left: float) -> Step:
    why = f"It would have taken about {needed:.0f} s, and {left:.0f} s of the budget were left."
    return Step(rung.name, "not tried", why, needed)


def _go_on(request: TrainRequest) -> str:
    return (
        f"Interrupted: the best so far of {shown(request.source)} is being written (interrupt again to "
        "write nothing). To go on, type the same command again: what was computed is in the cache."
    )
