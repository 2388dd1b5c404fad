"""One step of fine-tuning: what learns and from which views, how long it will take, and what came of it.

The frozen layers below the boundary are computed once for each picture and view; what learns is trained on
what they put out. Which steps are taken, and which is kept, is the ladder's business.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Scan
from pellucid.errors import StorageError
from pellucid.events import Listener, Notice, silent
from pellucid.learn.features import VIEWS, Base
from pellucid.learn.folds import Fold
from pellucid.learn.learned import Part, gone
from pellucid.learn.unfinished import Watch
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.view import View
from pellucid.request import TrainRequest
from pellucid.storage import cache_folder
from pellucid.training.affine import Head
from pellucid.training.boundary import BoundaryFeed
from pellucid.training.features import cache_limit, extract
from pellucid.training.freeze import Freeze, plan_freeze, prove, tensors_of
from pellucid.training.plan import TUNING_BATCH, Plan
from pellucid.training.rung import PLAIN, Rung
from pellucid.training.schedule import order
from pellucid.training.trunk import Trunk, open_trunk

if TYPE_CHECKING:
    from accelerate import Accelerator

    from pellucid.network.backbone import Backbone
    from pellucid.network.tail import Tail
    from pellucid.network.top import Top

RATES = (1e-4, 3e-4, 1e-3)
_EPOCHS, _STEPS = 6, 200  # at least so many epochs, and at least so many steps
_TRIED_STEPS = 30
_PROBED = 64  # pictures that a forecast is measured with
_EXPORT = 15.0  # seconds, of the tuned layers
_DISK_SHARE = 0.5  # of what is free
_FACTOR = 0.5  # of the learning rate, from each block to the one below it


@dataclass(frozen=True)
class Stock:
    """A backbone that one step after another learns from.

    Attributes:
        backbone: Its layers; their numbers are those of the step that learnt last.
        before: All of its tensors as it came.
    """

    backbone: "Backbone"
    before: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Ground:
    """What a rung stands on: the pictures' maps at the boundary, and the backbone that is cut there.

    Attributes:
        top: The layers above the boundary; their tensors are the backbone's own.
        train: The training pictures in their views.
        plain: The training pictures as they are; None where nobody is to be asked about them.
        held: Pictures that are neither learnt from nor serve any choice, to be answered for; None for none.
    """

    rung: Rung
    stock: Stock
    top: "Top"
    train: BoundaryFeed
    plain: BoundaryFeed | None
    val: BoundaryFeed
    freeze: Freeze
    held: BoundaryFeed | None = None


@dataclass(frozen=True)
class Climbed:
    """What came of a rung.

    Attributes:
        head: The head that learnt with the layers.
        changed: The backbone's tensors that learnt, by its own names.
        val_logits_NK: Of the validation pictures, float32.
        held_logits_MK: Of the pictures that were held out, float32; None where none were.
        epochs: The lines of ``metrics.jsonl``.
        record: What ``run.json`` says of it.
    """

    head: Head
    changed: Mapping[str, NDArray[np.float32]]
    val_logits_NK: NDArray[np.float32]
    held_logits_MK: NDArray[np.float32] | None
    epochs: list[dict[str, Any]]
    record: dict[str, Any]


def take_stock(request: TrainRequest) -> Stock:
    """The backbone that the request names, in PyTorch, which takes seconds: once for all steps.

    Raises:
        BackboneError: it or its weights are not to be had.
    """
    from pellucid.network.backbone import load_backbone

    backbone = load_backbone(request.backbone, weights=request.weights, download=request.download)
    return Stock(backbone, tensors_of(backbone.module.state_dict()))


def plan_of(request: TrainRequest, pictures: int) -> Plan:
    """How a rung is trained: short, with small batches, and a rate that is still to be found."""
    batch = min(request.batch or TUNING_BATCH, max(pictures, 1))
    steps = -(-max(pictures, 1) // batch)
    epochs = request.epochs or max(_EPOCHS, min(-(-_STEPS // steps), 30))
    rate = request.learning_rate or RATES[0]
    return Plan(epochs=epochs, batch=batch, rate=rate, smoothing=0.0, seed=request.seed)


def views_wanted(rung: Rung, request: TrainRequest) -> int:
    """How many views of each training picture a rung learns from, where there is room for them."""
    return 1 if rung.augment == PLAIN else request.views or VIEWS


def forecast(
    ground_pace: float,
    step_pace: float,
    plan: Plan,
    views: int,
    train: int,
    others: int,
    again: float = 0.0,
) -> float:
    """Seconds that a rung will take: its maps, the trial of rates, its epochs, and the tuned layers' export.

    Args:
        ground_pace: Pictures a second through the frozen layers; infinite where all is in the cache.
        step_pace: Pictures a second in training.
        plan: Its epochs and batches.
        views: Of each training picture.
        train: Training pictures.
        others: Validation and test pictures, which the tuned layers answer for.
        again: How often more the training pictures are learnt from, for cross-validation.
    """
    tried = len(RATES) * min(train, _TRIED_STEPS * plan.batch)
    learnt = (1 + again) * plan.epochs * train
    return (views * train + others) / ground_pace + (learnt + tried) / step_pace + _EXPORT


def break_ground(
    rung: Rung,
    request: TrainRequest,
    looked: Scan,
    base: Base,
    stock: Stock,
    listen: Listener,
    *,
    plain: bool = False,
) -> Ground:
    """Compute the maps at the boundary for every view of the training pictures, and for validation.

    Args:
        plain: Of the training pictures as they are, too.

    Raises:
        BackboneError: the backbone cannot be cut there.
        SourceError: a picture has gone since its features were computed.
        StorageError: there is no room for the maps of a single view.
    """
    from pellucid.network.top import boundary_of, timm_name, top_of

    boundary = boundary_of(stock.backbone, rung.learns)
    top = top_of(stock.backbone, boundary)  # refuses what cannot be cut before anything is computed
    learning = frozenset(timm_name(name) for name, _ in top.named_parameters())
    head = int(base.fitted.unseen.weight_DK.size + base.fitted.unseen.bias_K.size)
    trunk = open_trunk(request.backbone, boundary, weights=request.weights, listen=listen)
    parts = base.material.parts
    augment = preset(rung.augment)
    number = _affordable(request, rung, trunk, parts, listen)
    views = [View(augment, request.seed, one) for one in range(number)] if augment.transforms else [None]
    wanted = [("val", [None]), ("train", views)]
    feeds = {}
    for name, shown_views in [*wanted, ("plain", [None])] if plain else wanted:
        part = parts["val" if name == "val" else "train"]
        rows = []
        for view in shown_views:
            found = extract(
                part.pictures,
                looked.source.read,
                trunk,
                base.material.preprocess,
                listen,
                view=view,
                kind=np.float16,
            )
            if len(found.positions) != len(part.pictures):
                raise gone(found.skipped[0].path)
            rows.append(found.rows)
        channels, height, width = trunk.output_shape
        feeds[name] = BoundaryFeed(rows, (channels, height, width), part.labels_N)
    freeze = plan_freeze(boundary, stock.before, learning, head)
    return Ground(rung, stock, top, feeds["train"], feeds.get("plain"), feeds["val"], freeze)


def climb(ground: Ground, request: TrainRequest, base: Base, watch: Watch, listen: Listener) -> Climbed:
    """Find a learning rate in short trials, train, and prove what changed and what did not.

    The head starts as the logistic regression that saw the training split alone; then head and layers learn
    together, the layers the more slowly the lower they stand (Kumar et al. 2022: fine-tuning from a head
    that is fitted already distorts the features less; Howard and Ruder 2018: discriminative rates).

    Raises:
        DivergedError: the loss was no number any more.
        FreezeError: a frozen tensor changed, or one that learns did not.
    """
    from pellucid.training.device import choose_place
    from pellucid.training.loop import Loop, logits

    listen(Notice(ground.freeze.told()))
    place = choose_place(request.device, request.precision)
    factors = _factors(ground)
    plan, tried = _planned(request, ground, base, place, factors)
    tail = _tail(ground, base, plan.seed)
    loop = Loop(tail, ground.train, ground.val, plan, place, factors=factors)
    if watch.state is not None:
        with watch.restoring():
            loop.restore(watch.state)
    lines = [epoch.to_json() for epoch in loop.epochs]

    def tell(epoch: Any) -> None:
        lines.append(epoch.to_json())
        watch.tell(lines)

    trained = loop.run(listen, watch.keep, watch.every, tell)
    val_logits_NK = logits(tail, ground.val, place)
    changed, proof = _changed(ground)
    weight_DK, bias_K = tail.head_out()
    return Climbed(
        head=Head(weight_DK, bias_K),
        changed=changed,
        val_logits_NK=val_logits_NK,
        held_logits_MK=None if ground.held is None else logits(tail, ground.held, place),
        epochs=lines,
        record={
            **ground.freeze.to_json(),
            "proof": proof,
            "plan": plan.to_json(),
            "rates": tried,
            "augment": ground.rung.augment,
            "views": len(ground.train.views),
            "threads": loop.threads,
            "best": trained.best.epoch,
            "weights": trained.best.weights,
            "stopped": trained.stopped,
            "epochs": lines,
        },
    )


def out_of_fold(
    ground: Ground, folds: Sequence[Fold], bases: Sequence[Base], climbed: Climbed, request: TrainRequest
) -> NDArray[np.float32]:
    """What is said of each held-out training picture by a training that had not seen it: (M, K) float32.

    Each goes as the whole one went: from a head that saw as little, at the rate that was found. The answers
    come fold by fold.

    Args:
        bases: The frozen base of each fold.
        climbed: The training on all training pictures.
    """
    same = replace(request, learning_rate=climbed.record["plan"]["rate"])
    answers = []
    for fold, base in zip(folds, bases, strict=True):
        held = (ground.plain or ground.train).take(fold.held_M)
        fewer = replace(ground, train=ground.train.take(fold.seen_M), held=held)
        answers.append(climb(fewer, same, base, Watch(), silent).held_logits_MK)
    return np.concatenate([one for one in answers if one is not None])


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
    """The layers above the boundary as the backbone had them, and the head that saw the training split."""
    from pellucid.network.tail import Tail

    ground.stock.backbone.take(ground.stock.before)
    unseen = base.fitted.unseen
    return Tail(ground.top, unseen.weight_DK, unseen.bias_K, seed)


def _planned(
    request: TrainRequest, ground: Ground, base: Base, place: "Accelerator", factors: Mapping[str, float]
) -> tuple[Plan, list[dict[str, float]]]:
    """The plan with the rate that was asked for, or the best in short trials; and these."""
    plan = plan_of(request, len(ground.train))
    if request.learning_rate is not None:
        return plan, []
    tried = [_try_rate(rate, ground, base, plan, place, factors) for rate in RATES]
    return replace(plan, rate=min(tried, key=lambda one: one["val_loss"])["rate"]), tried


def _try_rate(
    rate: float, ground: Ground, base: Base, plan: Plan, place: "Accelerator", factors: Mapping[str, float]
) -> dict[str, float]:
    """The least validation loss after one short cycle with this peak rate; a large one where it diverged."""
    from pellucid.training.loop import DivergedError, Loop

    rows = order(plan.seed, 0, len(ground.train))[: _TRIED_STEPS * plan.batch]
    short = replace(plan, epochs=1, rate=rate)
    tail = _tail(ground, base, plan.seed)
    try:
        loop = Loop(tail, ground.train.take(rows), ground.val, short, place, factors=factors)
        loss = loop.run(silent, lambda state: None, float("inf"), lambda epoch: None).best.val_loss
    except DivergedError:
        loss = 1e9
    return {"rate": rate, "val_loss": loss}


def _factors(ground: Ground) -> dict[str, float]:
    """What the rate is multiplied by: 1 for the head, and half as much for each block further down."""
    from pellucid.network.top import stages

    blocks = stages(ground.stock.backbone)
    above = blocks[blocks.index(ground.freeze.boundary) + 1 :] if ground.freeze.boundary in blocks else ()
    lower = {f"top.module.{name}": _FACTOR ** (depth + 1) for depth, name in enumerate(reversed(above))}
    return {"top.": _FACTOR, **lower}


def _changed(ground: Ground) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """What learnt, and the proof that nothing else did."""
    after = tensors_of(ground.stock.backbone.module.state_dict())
    proof = prove(ground.freeze, ground.stock.before, after)
    return {name: np.asarray(after[name], np.float32) for name in sorted(ground.freeze.learning)}, proof


def _affordable(
    request: TrainRequest, rung: Rung, trunk: Trunk, parts: Mapping[str, Part], listen: Listener
) -> int:
    """How many views of each training picture there is room for on the disk."""
    wanted = views_wanted(rung, request)
    if rung.augment == PLAIN:
        return wanted
    each = 2 * int(np.prod(trunk.output_shape))
    folder = cache_folder()
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    room = min(int(_DISK_SHARE * shutil.disk_usage(there).free), cache_limit())
    fitting = (room - each * len(parts["val"].pictures)) // (each * len(parts["train"].pictures))
    if fitting < 1:
        raise StorageError(
            f"The maps of one view at {trunk.boundary} take {each * len(parts['train'].pictures):,} bytes.",
            f"At most {room:,} bytes were expected: half of what is free, and the cache's limit at most.",
            "Free some space, raise PELLUCID_CACHE_LIMIT, or use --recipe features.",
        )
    if fitting < wanted:
        listen(
            Notice(f"There is room for {fitting} of {wanted} views of each picture; so many are learnt from.")
        )
    return int(min(wanted, fitting))
