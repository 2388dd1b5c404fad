"""One step of fine-tuning: what learns and from which views, how long it will take, and what came of it.

The frozen layers below the boundary are computed once for each picture and view; what learns is trained on
what they put out. Which steps are taken, and which is kept, is the ladder's business.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Scan
from pellucid.errors import RequestError, SourceError, StorageError, shown
from pellucid.events import Listener, Notice, silent
from pellucid.learn.features import Base
from pellucid.learn.learned import Part
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.view import View
from pellucid.request import TrainRequest
from pellucid.storage import cache_folder
from pellucid.training.affine import Head
from pellucid.training.boundary import BoundaryFeed
from pellucid.training.features import cache_limit, extract
from pellucid.training.freeze import Freeze, plan_freeze, prove, tensors_of
from pellucid.training.plan import TUNING_BATCH, Plan
from pellucid.training.schedule import order
from pellucid.training.trunk import Trunk, open_trunk

if TYPE_CHECKING:
    from accelerate import Accelerator

    from pellucid.network.backbone import Backbone
    from pellucid.network.tail import Tail
    from pellucid.network.top import Top
    from pellucid.training.checkpoint import State

RATES = (1e-4, 3e-4, 1e-3)
_VIEWS = 4
_EPOCHS, _STEPS = 6, 200  # at least so many epochs, and at least so many steps
_TRIED_STEPS = 30
_PROBED = 64  # pictures that a forecast is measured with
_EXPORT = 15.0  # seconds, of the tuned layers
_DISK_SHARE = 0.5  # of what is free
_FACTOR = 0.5  # of the learning rate, from each block to the one below it


@dataclass(frozen=True)
class Rung:
    """What is to be tried.

    Attributes:
        unfreeze: What learns, as ``--unfreeze`` has it.
        augment: The preset that its views are made by.
    """

    unfreeze: str
    augment: str

    @property
    def name(self) -> str:
        """In words, as a stage is called."""
        what = {"last": "last block", "last-two": "last two blocks"}.get(
            self.unfreeze, f"above {self.unfreeze}"
        )
        return f"finetune, {what}" + ("" if self.augment == "none" else f", {self.augment} views")


@dataclass(frozen=True)
class Ground:
    """What a rung stands on: the pictures' maps at the boundary, and the backbone that is cut there.

    Attributes:
        top: The layers above the boundary; their tensors are the backbone's own.
        before: All tensors of the backbone as it came.
    """

    rung: Rung
    backbone: "Backbone"
    top: "Top"
    train: BoundaryFeed
    val: BoundaryFeed
    freeze: Freeze
    before: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Climbed:
    """What came of a rung.

    Attributes:
        head: The head that learnt with the layers.
        changed: The backbone's tensors that learnt, by its own names.
        val_logits_NK: Of the validation pictures, float32.
        epochs: The lines of ``metrics.jsonl``.
        record: What ``run.json`` says of it.
    """

    head: Head
    changed: Mapping[str, NDArray[np.float32]]
    val_logits_NK: NDArray[np.float32]
    epochs: list[dict[str, Any]]
    record: dict[str, Any]


@dataclass(frozen=True)
class Watch:
    """Who keeps the state of a training that is under way, and who is told of its epochs.

    Attributes:
        state: What to go on from.
        restoring: Surrounds the going on, and says what is wrong where the state is another network's.
        keep, tell, every: As the loop has them.
    """

    state: "State | None" = None
    restoring: Callable[[], AbstractContextManager[None]] = nullcontext
    keep: Callable[["State"], None] = lambda state: None
    tell: Callable[[list[dict[str, Any]]], None] = lambda lines: None
    every: float = 20.0


def plan_of(request: TrainRequest, pictures: int) -> Plan:
    """How a rung is trained: short, with small batches, and a rate that is still to be found."""
    batch = min(request.batch or TUNING_BATCH, max(pictures, 1))
    steps = -(-max(pictures, 1) // batch)
    epochs = request.epochs or max(_EPOCHS, min(-(-_STEPS // steps), 30))
    rate = request.learning_rate or RATES[0]
    return Plan(epochs=epochs, batch=batch, rate=rate, smoothing=0.0, seed=request.seed)


def views_wanted(rung: Rung, request: TrainRequest) -> int:
    """How many views of each training picture a rung learns from, where there is room for them."""
    return 1 if rung.augment == "none" else request.views or _VIEWS


def forecast(ground_pace: float, step_pace: float, plan: Plan, views: int, train: int, others: int) -> float:
    """Seconds that a rung will take: its maps, the trial of rates, its epochs, and the tuned layers' export.

    Args:
        ground_pace: Pictures a second through the frozen layers; infinite where all is in the cache.
        step_pace: Pictures a second in training.
        plan: Its epochs and batches.
        views: Of each training picture.
        train: Training pictures.
        others: Validation and test pictures, which the tuned layers answer for.
    """
    tried = len(RATES) * min(train, _TRIED_STEPS * plan.batch)
    return (views * train + others) / ground_pace + (plan.epochs * train + tried) / step_pace + _EXPORT


def break_ground(rung: Rung, request: TrainRequest, looked: Scan, base: Base, listen: Listener) -> Ground:
    """Compute the maps at the boundary for every view of the training pictures, and for validation.

    Raises:
        BackboneError: the backbone cannot be cut there.
        SourceError: a picture has gone since its features were computed.
        StorageError: there is no room for the maps of a single view.
    """
    from pellucid.network.backbone import load_backbone
    from pellucid.network.top import boundary_of, timm_name, top_of

    backbone = load_backbone(request.backbone, weights=request.weights, download=request.download)
    boundary = boundary_of(backbone, rung.unfreeze)
    top = top_of(backbone, boundary)  # refuses what cannot be cut before anything is computed
    before = tensors_of(backbone.module.state_dict())
    learning = frozenset(timm_name(name) for name, _ in top.named_parameters())
    head = int(base.fitted.unseen.weight_DK.size + base.fitted.unseen.bias_K.size)
    trunk = open_trunk(request.backbone, boundary, weights=request.weights, listen=listen)
    parts = base.material.parts
    augment = preset(rung.augment)
    number = _affordable(request, rung, trunk, parts, listen)
    views = [View(augment, request.seed, one) for one in range(number)] if augment.transforms else [None]
    feeds = {}
    for name, shown_views in (("val", [None]), ("train", views)):
        part = parts[name]
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
                raise _gone(found.skipped[0].path)
            rows.append(found.rows)
        channels, height, width = trunk.output_shape
        feeds[name] = BoundaryFeed(rows, (channels, height, width), part.labels_N)
    freeze = plan_freeze(boundary, before, learning, head)
    return Ground(rung, backbone, top, feeds["train"], feeds["val"], freeze, before)


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
    plan = plan_of(request, len(ground.train))
    factors = _factors(ground)
    tried: list[dict[str, float]] = []
    if request.learning_rate is None:
        tried = [_try_rate(rate, ground, base, plan, place, factors) for rate in RATES]
        plan = replace(plan, rate=min(tried, key=lambda one: one["val_loss"])["rate"])
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

    ground.backbone.take(ground.before)
    unseen = base.fitted.unseen
    return Tail(ground.top, unseen.weight_DK, unseen.bias_K, seed)


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

    blocks = stages(ground.backbone)
    above = blocks[blocks.index(ground.freeze.boundary) + 1 :] if ground.freeze.boundary in blocks else ()
    lower = {f"top.module.{name}": _FACTOR ** (depth + 1) for depth, name in enumerate(reversed(above))}
    return {"top.": _FACTOR, **lower}


def _changed(ground: Ground) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """What learnt, and the proof that nothing else did."""
    after = tensors_of(ground.backbone.module.state_dict())
    proof = prove(ground.freeze, ground.before, after)
    return {name: np.asarray(after[name], np.float32) for name in sorted(ground.freeze.learning)}, proof


def _affordable(
    request: TrainRequest, rung: Rung, trunk: Trunk, parts: Mapping[str, Part], listen: Listener
) -> int:
    """How many views of each training picture there is room for on the disk."""
    wanted = views_wanted(rung, request)
    if rung.augment == "none":
        if request.views is not None and request.views > 1:
            raise RequestError(
                f"{request.views} views of each picture were asked for, without an augmentation.",
                "Views that differ were expected.",
                "Add for example --augment light, or leave --views out.",
            )
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


def _gone(path: str) -> SourceError:
    return SourceError(
        f"The picture {shown(path)} cannot be read any more.",
        "Pictures that stay as they are while they are learnt from were expected.",
        "Bring it back, or take it away and train again.",
    )
