"""A network from nothing: all of its layers learn, from the pictures alone."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan
from pellucid.data.split import Split
from pellucid.errors import PellucidError, RequestError, shown
from pellucid.evaluation.calibration import fit_temperature
from pellucid.evaluation.proportion import Proportion
from pellucid.evaluation.shift import shift_curve
from pellucid.events import Listener, Notice, phase, silent
from pellucid.learn.learned import SPLITS, Clock, Learned, Part, Stage, parts_of
from pellucid.learn.sight import Sight, choose_sight, spread, standardised
from pellucid.learn.unfinished import Watch
from pellucid.learn.views import refuse_other_size, views_of
from pellucid.network.account import account
from pellucid.network.blueprint import Blueprint
from pellucid.network.catalogue import find_named, find_network, is_text
from pellucid.network.keras_read import from_keras
from pellucid.network.parameters import Parameters, initial_parameters
from pellucid.network.text import format_blueprint
from pellucid.pictures.augment.text import augmentation
from pellucid.request import TrainRequest
from pellucid.training.affine import Head, softmax
from pellucid.training.features import Engine
from pellucid.training.feed import Feed
from pellucid.training.head import balanced
from pellucid.training.own import classes_out, cut
from pellucid.training.pixels import HeldPixels, load_pixels, machine_memory
from pellucid.training.plan import Plan
from pellucid.workers import in_order

_COPIES = 6  # of the parameters: weights, gradients, two moments, the average and the best
_SMALL = 64  # pixels a side, up to which a shift of six matters
_MOVED = 500  # test pictures that are moved, each to 24 places
_TOLERANCE = 1e-4
_GUESSED_FLOPS, _GUESSED_VIEWS, _AROUND = 2.5e10, 2000.0, 5.0  # a second, a second, and seconds
_KERAS = ".keras"


@dataclass(frozen=True)
class _Material:
    """The pictures of each split at the network's size."""

    parts: Mapping[str, Part]
    feeds: Mapping[str, Feed]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class _Outcome:
    """What training gave: the best tensors, its own logits for val, and its record."""

    parameters: Parameters
    val_logits_NK: NDArray[np.float32]
    epochs: list[dict[str, Any]]
    record: dict[str, Any]


def settled(request: TrainRequest, listen: Listener = silent) -> TrainRequest:
    """The request with its network looked at, before any picture is: a file is replaced by what it says.

    Of a Keras model the layers are taken and its numbers are not, which a notice says.

    Raises:
        NetworkError, BlueprintError, ShapeError: there is no such network, or it cannot be.
        KerasError: it is a ``.keras`` file that is damaged, or no chain of layers that are known.
        RequestError: it does not end in classes, or would not fit in memory.
    """
    if request.network is None:
        return request
    if not is_text(request.network) and Path(request.network).suffix.lower() == _KERAS:
        blueprint = from_keras(Path(request.network).expanduser())[0]
        listen(
            Notice(
                f"Of the Keras model {shown(request.network)} the layers are taken and not what it has "
                "learnt: everything is learnt anew, from your pictures alone."
            )
        )
    else:
        blueprint = find_network(request.network)
    classes_out(blueprint)
    _refuse_too_large(blueprint, 1)
    if find_named(request.network) is not None or is_text(request.network):
        return request
    return replace(request, network=format_blueprint(blueprint))


def learn(
    request: TrainRequest,
    looked: Scan,
    split: Split,
    clock: Clock,
    begin: Callable[[], Watch],
    listen: Listener,
) -> Learned:
    """Train the request's network on the training pictures; validation chooses the best weights.

    Args:
        begin: Called once it is plain that the training can be: gives who keeps its state.

    Raises:
        SourceError: a split has no picture that can be read.
        RequestError: the network does not fit the pictures, or would not fit in memory.
        DivergedError: the loss was no number any more.
        StorageError: the checkpoint cannot be written.
    """
    sight = standardised(choose_sight(request, looked), looked, split.train)
    _tell(sight.notes, listen)
    refuse_other_size(augmentation(request.augment), sight.preprocess)
    plan = request.plan(len(split.train))
    _refuse_too_large(sight.blueprint, min(plan.batch, len(split.train)))
    watch = begin()
    with clock("decoding"):
        material = _material(request, looked, split, sight, listen)
    with clock("training"):
        outcome = _train(request, sight.blueprint, material, plan, watch, listen)
    with clock("answers"), phase(listen, "Answering", unit=""):
        layers, head = cut(sight.blueprint, outcome.parameters)
        engine = Engine(layers, sight.preprocess)
        logits = {name: _logits(engine, head, material.feeds[name]) for name in ("val", "test")}
        difference = _proved(logits["val"], outcome.val_logits_NK)
        val_labels_N = material.parts["val"].labels_N
        temperature = fit_temperature(logits["val"], val_labels_N)
    doubts = _doubts(outcome.record["epochs"], len(looked.classes), plan.rate)
    _tell(doubts, listen)
    with clock("shifts"), phase(listen, "Moving the test pictures", unit=""):
        shifts = _shifts(engine, head, material.feeds["test"])
    right = int((logits["val"].argmax(axis=1) == val_labels_N).sum())
    return Learned(
        chosen="scratch",
        classifier=Classifier(
            looked.classes, layers, sight.preprocess, replace(head, temperature=temperature.value)
        ),
        parts=material.parts,
        answers={name: softmax(one_NK, temperature.value) for name, one_NK in logits.items()},
        skipped=material.skipped,
        stages=(Stage("scratch", Proportion(len(val_labels_N), right), clock.spent("training")),),
        record={
            **_record_sight(sight),
            "head": {"temperature": temperature.value, "calibration": temperature.reason},
            "training": {**outcome.record, "difference": difference},
            "shifts": shifts,
        },
        metrics=outcome.epochs,
        notes=sight.notes + doubts,
    )


def forecast(request: TrainRequest, looked: Scan, pictures: int) -> float:
    """Seconds that learning from so many pictures will take, guessed from the multiply-adds alone.

    Raises:
        RequestError: the network does not fit the pictures.
    """
    macs = account(choose_sight(request, looked).blueprint).macs
    each = 6 * macs / _GUESSED_FLOPS + 1 / _GUESSED_VIEWS  # forward, and twice as much backward
    return _AROUND + request.plan(pictures).epochs * pictures * each


def _tell(notes: Sequence[str], listen: Listener) -> None:
    for note in notes:
        listen(Notice(note))


def _class_weights(
    request: TrainRequest, labels_N: NDArray[np.int64], classes: int
) -> tuple[float, ...] | None:
    """What a picture of each class counts, as for a head; None where all count 1, which is auto's choice:
    to try both would take a second training."""
    if request.class_weights != "balanced":
        return None
    return tuple(map(float, balanced(np.bincount(labels_N, minlength=classes))))


def _record_sight(sight: Sight) -> dict[str, Any]:
    """The network, and how pictures come to its size, as ``run.json`` has them."""
    return {
        "network": format_blueprint(sight.blueprint),
        "account": account(sight.blueprint).to_json(),
        "fits": {
            "chosen": sight.preprocess.fit,
            "why": sight.why,
            "tried": [],
            "as_it_is": sight.as_it_is,
        },
    }


def _doubts(epochs: Sequence[Mapping[str, Any]], classes: int, rate: float) -> tuple[str, ...]:
    """A sentence where the network has learnt nothing: it never beat one that calls all classes as likely."""
    best = min(epoch["val_loss"] for epoch in epochs)
    if best < math.log(classes):
        return ()
    return (
        f"The network has learnt nothing: its least loss on the validation pictures, {best:.3f}, is not "
        f"below the {math.log(classes):.3f} of answering all {classes} classes alike. Train again with a "
        f"lower learning rate, such as --learning-rate {rate / 4:g}, or for more epochs.",
    )


def _refuse_too_large(blueprint: Blueprint, batch: int) -> None:
    """Refuse a network that would not fit in memory, before any of it is allocated."""
    told, there = account(blueprint), machine_memory()
    needed = 4 * _COPIES * told.parameters + 3 * batch * told.activation_bytes
    if there is not None and needed > there:
        raise RequestError(
            f"To train this network of {told.parameters:,} parameters, {batch:,} picture"
            f"{'s' if batch > 1 else ''} at a time, would take about {_bytes(needed)} of memory.",
            f"At most the {_bytes(there)} of this machine were expected: for {_COPIES} copies of the "
            "parameters, and for what the layers put out.",
            "Take a smaller network, more pooling before its first dense layer, or a smaller --batch.",
        )


def _bytes(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB" if number < 2**40 else f"{number / 2**40:,.1f} TiB"


def _material(request: TrainRequest, looked: Scan, split: Split, sight: Sight, listen: Listener) -> _Material:
    chosen: dict[str, NDArray[np.int64]] = {name: getattr(split, name) for name in SPLITS}
    places_N = np.sort(np.concatenate(list(chosen.values())))
    loaded = load_pixels(
        [looked.pictures[place] for place in places_N.tolist()],
        looked.source.read,
        sight.preprocess,
        listen,
        stacks=looked.source.stacks,
    )
    found = parts_of(looked, chosen, places_N[loaded.positions])
    feeds = {}
    for name, (part, here_N) in found.items():
        pixels = loaded.pixels.part(here_N)
        learning = name == "train"
        feeds[name] = Feed(
            pixels=pixels,
            labels_N=part.labels_N,
            preprocess=sight.preprocess,
            augment=views_of(sight.blueprint, augmentation(request.augment)) if learning else None,
            keys_N=tuple(picture.digest for picture in part.pictures) if learning else (),
            seed=request.seed,
        )
    return _Material({name: part for name, (part, _) in found.items()}, feeds, loaded.skipped)


def _train(
    request: TrainRequest,
    blueprint: Blueprint,
    material: _Material,
    plan: Plan,
    watch: Watch,
    listen: Listener,
) -> _Outcome:
    # PyTorch takes seconds to import; this is the recipe's one door to it.
    from pellucid.network.build import build
    from pellucid.training.device import choose_place
    from pellucid.training.loop import Loop, logits

    weights_K = _class_weights(request, material.parts["train"].labels_N, classes_out(blueprint))
    plan = replace(plan, class_weights=weights_K)
    place = choose_place(request.device, request.precision)
    network = build(blueprint, initial_parameters(blueprint, plan.seed), fast=True, seed=plan.seed)
    loop = Loop(network, material.feeds["train"], material.feeds["val"], plan, place)
    watch.take_up(loop)
    if watch.state is not None:
        listen(Notice(f"Going on after step {loop.step:,} of {loop.rates.steps:,}."))
    device = str(place.device)
    trained, lines = watch.see_through(loop, listen)
    exact = place if request.precision == "fp32" else choose_place(request.device, "fp32")
    val_logits_NK = logits(network, material.feeds["val"], exact)
    return _Outcome(
        parameters=network.parameters_out(),
        val_logits_NK=val_logits_NK,
        epochs=lines,
        record={
            "plan": plan.to_json(),
            "augment": request.augment,
            "device": device,
            "precision": request.precision,
            "threads": loop.threads,
            "best": trained.best.epoch,
            "weights": trained.best.weights,
            "stopped": trained.stopped,
            "epochs": lines,
        },
    )


def _logits(engine: Engine, head: Head, feed: Feed, size: int = 64) -> NDArray[np.float32]:
    """What the network says in ONNX Runtime, as the run will: (N, K) float32."""

    def work(part: range) -> NDArray[np.float32]:
        x_BHWC = feed.batch(np.arange(part.start, part.stop), 0)
        return head.logits(engine.rows(np.ascontiguousarray(x_BHWC.transpose(0, 3, 1, 2))))

    return np.concatenate([logits_BK for _, logits_BK in in_order(work, len(feed), size)])


def _shifts(engine: Engine, head: Head, test: Feed) -> list[dict[str, Any]]:
    """How many of some test pictures are right when they move; of small pictures only."""
    count, height, width, _ = test.pixels.shape
    if max(height, width) > _SMALL:
        return []
    rows_M = spread(count, _MOVED)
    preprocess = engine.preprocess

    def answer(pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.int64]:
        moved = Feed(HeldPixels(pixels_NHWC), test.labels_N[rows_M], preprocess)
        predicted_M: NDArray[np.int64] = _logits(engine, head, moved).argmax(axis=1)
        return predicted_M

    curve = shift_curve(answer, test.pixels.take(rows_M), test.labels_N[rows_M])
    return [one.to_json() for one in curve]


def _proved(found_NK: NDArray[np.float32], expected_NK: NDArray[np.float32]) -> float:
    """How far ONNX Runtime's logits are from PyTorch's, divided by the largest where that is above 1.

    Raises:
        PellucidError: further than rounding explains.
    """
    difference = float(np.abs(found_NK - expected_NK).max()) / max(1.0, float(np.abs(expected_NK).max()))
    if not difference <= _TOLERANCE:
        raise PellucidError(
            f"ONNX Runtime's answers differ from PyTorch's by {difference:.1e}.",
            f"At most {_TOLERANCE:.0e} was expected.",
            "This is a fault of Pellucid's: report the network.",
        )
    return difference
