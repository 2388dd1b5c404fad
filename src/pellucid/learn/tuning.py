"""One step of fine-tuning: how long it will take, how layers and head learn, and what came of it.

What they learn from is ``ground``'s. Which steps are taken, and which is kept, is the ladder's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.events import Event, Listener, Notice, silent
from pellucid.learn.features import Base
from pellucid.learn.folds import Fold
from pellucid.learn.ground import Ground, with_validation
from pellucid.learn.unfinished import Watch
from pellucid.request import TrainRequest
from pellucid.training.affine import Head
from pellucid.training.freeze import prove, tensors_of
from pellucid.training.plan import TUNING_BATCH, Plan
from pellucid.training.schedule import order

if TYPE_CHECKING:
    from accelerate import Accelerator

    from pellucid.network.tail import Tail
    from pellucid.training.loop import Loop, Trained

RATES = (3e-4, 1e-3, 3e-3)
_SMOOTHING = 0.1
_FAINT = np.float32(0.02)  # of the fitted head; of none at all the first step would move no layer
_EPOCHS, _STEPS = 6, 200  # at least so many epochs, and at least so many steps
_TRIED_STEPS = 30
_PROBED = 64  # pictures that a forecast is measured with
_VIEWS = "views"  # among the facts of a state
_EXPORT = 1.0  # seconds, in which what learnt is put into the graph
_FACTOR = 0.5  # of the learning rate, from each block to the one below it
_FACTOR_OF_ALL = 0.7  # where every block learns: half of half is soon less than a float32 can tell


@dataclass(frozen=True)
class Climbed:
    """What came of a rung.

    Attributes:
        head: The head that learnt with the layers.
        sure_NK: What these very layers and head say of the validation pictures, float32; no measure of them
            where these were learnt from too, but of whether an export says the same.
        changed: The backbone's tensors that learnt, by its own names.
        val_logits_NK: Of the validation pictures, which were not learnt from, float32.
        held_logits_MK: Of the pictures that were held out, float32; (0, K) where none were.
        epochs: The lines of ``metrics.jsonl``.
        record: What ``run.json`` says of it.
    """

    head: Head
    changed: Mapping[str, NDArray[np.float32]]
    sure_NK: NDArray[np.float32]
    val_logits_NK: NDArray[np.float32]
    held_logits_MK: NDArray[np.float32]
    epochs: list[dict[str, Any]]
    record: dict[str, Any]


def plan_of(request: TrainRequest, pictures: int) -> Plan:
    """How a rung is trained: short, with small batches, and a rate that is still to be found."""
    batch = min(request.batch or TUNING_BATCH, max(pictures, 1))
    steps = -(-max(pictures, 1) // batch)
    epochs = request.epochs or max(_EPOCHS, min(-(-_STEPS // steps), 30))
    rate = request.learning_rate or RATES[0]
    return Plan(epochs=epochs, batch=batch, rate=rate, smoothing=_SMOOTHING, seed=request.seed)


def forecast(
    ground_pace: float,
    step_pace: float,
    plan: Plan,
    views: int,
    train: int,
    val: int,
    test: int,
    again: float = 0.0,
    *,
    laid: bool = False,
) -> float:
    """Seconds that a rung will take: its maps, the trial of rates, its epochs, and its delivery.

    Args:
        ground_pace: Pictures a second through the frozen layers.
        step_pace: Pictures a second in training.
        plan: Its epochs and batches.
        views: Of each training picture.
        train: Training pictures.
        val: Validation pictures, which are learnt from in the end.
        test: Test pictures, which the tuned layers answer for as they do for those of validation.
        again: How often more the training pictures are learnt from, for cross-validation.
        laid: Whether the maps that are needed to choose are there.
    """
    tried = len(RATES) * min(train, _TRIED_STEPS * plan.batch)
    learnt = plan.epochs * (1 + again) * train
    maps = 0 if laid else views * train + val
    there = delivery(ground_pace, step_pace, plan, views, train, val, test)
    return maps / ground_pace + (learnt + tried) / step_pace + there


def delivery(
    ground_pace: float, step_pace: float, plan: Plan, views: int, train: int, val: int, test: int
) -> float:
    """Seconds of what follows once a rung is chosen: the last training with the validation pictures, the
    tuned layers' export, and their answers. The arguments are those of ``forecast``."""
    maps = views * val + 2 * (val + test)  # the whole backbone counts as two frozen parts
    return maps / ground_pace + plan.epochs * (train + val) / step_pace + _EXPORT


def climb(
    ground: Ground,
    request: TrainRequest,
    base: Base,
    watch: Watch,
    listen: Listener,
    *,
    to_the_end: bool = False,
    threads: int | None = None,
) -> Climbed:
    """Find a learning rate in short trials, train, and prove what changed and what did not.

    The head starts from nearly nothing: the fitted one, fifty times fainter. The layers learn the more
    slowly the lower they stand (Howard and Ruder 2018: discriminative rates). A head that is fitted already,
    as Kumar et al. 2022 advise, knows the few training pictures by heart: it leaves nothing to learn from,
    and measured worse (docs/decisions/0010-ladder.md).

    Args:
        to_the_end: Whether all epochs are trained, and the last is kept (``training.loop``).
        threads: Of PyTorch, as the loop has them.

    Raises:
        DivergedError: the loss was no number any more.
        FreezeError: a frozen tensor changed, or one that learns did not.
    """
    from pellucid.training.device import choose_place
    from pellucid.training.loop import Loop, logits

    listen(Notice(ground.freeze.told()))
    place = choose_place(request.device, request.precision)
    factors = _factors(ground)
    plan, tried = _planned(request, ground, base, place, factors, watch)
    tail = _tail(ground, base, plan.seed)
    loop = Loop(tail, ground.train, ground.val, plan, place, threads, factors, to_the_end=to_the_end)
    chosen = {"rate": plan.rate, "rates": tried, _VIEWS: len(ground.shown)}
    watch.take_up(loop)
    trained, lines = watch.see_through(loop, listen, chosen)
    val_logits_NK = logits(tail, ground.val, place)
    changed, proof = _changed(ground)
    weight_DK, bias_K = tail.head_out()
    return Climbed(
        head=Head(weight_DK, bias_K),
        changed=changed,
        sure_NK=val_logits_NK,
        val_logits_NK=val_logits_NK,
        held_logits_MK=val_logits_NK[:0] if ground.held is None else logits(tail, ground.held, place),
        epochs=lines,
        record=_record(ground, loop, trained, tried) | {"proof": proof, "epochs": lines},
    )


def _record(
    ground: Ground, loop: "Loop", trained: "Trained", tried: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """What ``run.json`` says of a training."""
    return {
        **ground.freeze.to_json(),
        "plan": loop.plan.to_json(),
        "rates": list(tried),
        "augment": ground.rung.augment,
        "views": min(len(ground.shown), loop.plan.epochs),
        "threads": loop.threads,
        "best": trained.best.epoch,
        "weights": trained.best.weights,
        "stopped": trained.stopped,
    }


def climb_again(
    ground: Ground, climbed: Climbed, request: TrainRequest, base: Base, watch: Watch, listen: Listener
) -> Climbed:
    """The same training once more, on training and validation pictures together, as the head is fitted again.

    It goes for as many epochs as were best, at the rate that was found, on as many threads, and to their end.
    What is told of the validation pictures stays what was said before they were learnt from; the watch keeps
    this training's states, and hears none of its figures.
    """
    found = climbed.record
    same = replace(request, learning_rate=found["plan"]["rate"], epochs=found["best"])
    both, threads = with_validation(ground, base), found["threads"]
    unheard = replace(watch, tell=lambda lines: None)
    again = climb(both, same, base, unheard, listen, to_the_end=True, threads=threads)
    record = {**found, "proof": again.record["proof"], "refitted": len(ground.train) + len(ground.val)}
    return replace(climbed, head=again.head, changed=again.changed, sure_NK=again.sure_NK, record=record)


def out_of_fold(
    ground: Ground, fold: Fold, base: Base, climbed: Climbed, request: TrainRequest, listen: Listener
) -> NDArray[np.float32]:
    """What is said of a fold's held-out pictures by a training that had not seen them: (M, K) float32.

    It goes as the whole one, ``climbed``, went: at the rate that was found. Of its progress is told, and
    nothing else.
    """

    def progress(event: Event) -> None:
        if not isinstance(event, Notice):
            listen(replace(event, name="Training on a fold"))

    found = climbed.record
    same, threads = replace(request, learning_rate=found["plan"]["rate"]), found["threads"]
    held = (ground.plain or ground.train).take(fold.held_M)
    fewer = replace(ground, train=ground.train.take(fold.seen_M), held=held)
    return climb(fewer, same, base, Watch(), progress, threads=threads).held_logits_MK


def views_begun(watch: Watch) -> int | None:
    """How many views a training that goes on began with; None where it begins, or nobody wrote them down."""
    if watch.state is None or _VIEWS not in watch.state.facts:
        return None
    with watch.restoring():
        return int(watch.state.facts[_VIEWS])


def step_pace(ground: Ground, request: TrainRequest, base: Base) -> float:
    """Pictures a second in training, measured on a few."""
    from pellucid.training.device import choose_place

    rows = np.arange(min(len(ground.val), _PROBED))
    plan = replace(plan_of(request, len(rows)), epochs=1)
    small = replace(ground, train=ground.val.take(rows), val=ground.val.take(rows[:1]))
    begun = perf_counter()
    _try_rate(1e-6, small, base, plan, choose_place(request.device, request.precision), {})
    return len(rows) / max(perf_counter() - begun, 1e-6)


def _tail(ground: Ground, base: Base, seed: int) -> "Tail":
    """The layers above the boundary as the backbone had them, and a head that says hardly anything yet."""
    from pellucid.network.tail import Tail

    ground.stock.backbone.take(ground.stock.before)
    unseen = base.fitted.unseen
    weight_DK, bias_K = _FAINT * unseen.weight_DK, _FAINT * unseen.bias_K
    return Tail(ground.top, weight_DK, bias_K, seed, update=ground.rung.update)


def _planned(
    request: TrainRequest,
    ground: Ground,
    base: Base,
    place: "Accelerator",
    factors: Mapping[str, float],
    watch: Watch,
) -> tuple[Plan, list[dict[str, float]]]:
    """The plan with the rate that was asked for, or that was found when the training began, or the best in
    short trials; and these."""
    mix = request.mix if ground.rung.whole else "none"
    plan = replace(plan_of(request, len(ground.train)), class_weights=base.fitted.class_weights_K, mix=mix)
    if request.learning_rate is not None:
        return plan, []
    if watch.state is not None and "rate" in watch.state.facts:
        with watch.restoring():
            return replace(plan, rate=float(watch.state.facts["rate"])), list(watch.state.facts["rates"])
    tried = [_try_rate(rate, ground, base, plan, place, factors) for rate in RATES]
    return replace(plan, rate=min(tried, key=lambda one: one["val_objective"])["rate"]), tried


def _try_rate(
    rate: float, ground: Ground, base: Base, plan: Plan, place: "Accelerator", factors: Mapping[str, float]
) -> dict[str, float]:
    """What the validation pictures say after one short cycle with this peak rate; a lot where it diverged."""
    from pellucid.training.loop import DivergedError, Loop

    rows = order(plan.seed, 0, len(ground.train))[: _TRIED_STEPS * plan.batch]
    short = replace(plan, epochs=1, rate=rate)
    tail = _tail(ground, base, plan.seed)
    try:
        loop = Loop(tail, ground.train.take(rows), ground.val, short, place, factors=factors)
        loss = loop.run(silent, lambda state: None, float("inf"), lambda epoch: None).best.val_objective
    except DivergedError:
        loss = 1e9
    return {"rate": rate, "val_objective": loss}


def _factors(ground: Ground) -> dict[str, float]:
    """What the rate is multiplied by: 1 for the head, and less for each block further down."""
    from pellucid.network.top import PIXELS, stages

    backbone, boundary = ground.stock.backbone, ground.freeze.boundary
    blocks = stages(backbone)
    if boundary == PIXELS:
        stem = backbone.boundaries()[: backbone.boundaries().index(blocks[0])]
        falling, lowest = _FACTOR_OF_ALL, stem
    else:
        blocks = blocks[blocks.index(boundary) + 1 :] if boundary in blocks else ()
        falling, lowest = _FACTOR, ()
    found = {f"top.module.{name}": falling ** (len(blocks) + 1) for name in lowest}
    found |= {f"top.module.{name}": falling ** (depth + 1) for depth, name in enumerate(reversed(blocks))}
    return {"top.": falling, **found}


def _changed(ground: Ground) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """What learnt, and the proof that nothing else did."""
    after, freeze = tensors_of(ground.stock.backbone.module.state_dict()), ground.freeze
    proof = prove(freeze, ground.stock.before, after)
    names = [name for name in freeze.learning | freeze.updated if after[name].dtype.kind == "f"]  # no counter
    return {name: np.asarray(after[name], np.float32) for name in sorted(names)}, proof
