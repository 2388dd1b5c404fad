"""One step of fine-tuning: what is frozen stays, a killed training goes on to the same bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import nn

from pellucid.data.scan import Scan
from pellucid.events import Event, Notice, silent
from pellucid.learn import tuning
from pellucid.learn.features import Base
from pellucid.learn.folds import deal
from pellucid.learn.ground import Ground, Stock, break_ground
from pellucid.learn.tuning import (
    climb,
    climb_again,
    delivery,
    forecast,
    out_of_fold,
    plan_of,
    views_begun,
)
from pellucid.learn.unfinished import Watch
from pellucid.network.tail import Tail
from pellucid.network.top import top_of
from pellucid.request import TrainRequest
from pellucid.training.checkpoint import State
from pellucid.training.freeze import FreezeError
from pellucid.training.loop import DivergedError, Loop
from pellucid.training.plan import Plan
from pellucid.training.rung import Rung

pytestmark = pytest.mark.slow


def test_what_is_frozen_stays_and_what_learns_changes(
    ground: Ground, request_: TrainRequest, base: Base
) -> None:
    """All tensors up to blocks.5 and all batch statistics are equal; the 18 above that learn have changed."""
    climbed = climb(ground, request_, base, Watch(), silent)
    assert set(climbed.changed) == set(ground.freeze.learning)
    assert all(name.startswith(("blocks.6.", "conv_head.", "bn2.")) for name in climbed.changed)
    assert climbed.record["proof"]["changed"] == len(climbed.changed)
    assert climbed.record["proof"]["equal"] == len(ground.stock.before) - len(climbed.changed)
    assert [line["epoch"] for line in climbed.epochs] == [1, 2]


def test_a_batch_norm_layer_that_is_unfrozen_behind_its_back_is_caught(
    ground: Ground, request_: TrainRequest, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One layer in training mode moves its statistics, and the training is refused with its name.

    The layers are plain here: folded ones have no pass that could move a statistic.
    """
    honest = Tail.train

    def sly(self: Tail, mode: bool = True) -> Tail:
        honest(self, mode)
        layers = [one for one in self.modules() if isinstance(one, nn.BatchNorm2d)]
        layers[-1].train(mode)
        return self

    monkeypatch.setattr(Tail, "train", sly)
    plain = top_of(ground.stock.backbone, ground.freeze.boundary)
    with pytest.raises(FreezeError, match=r"tensors that were frozen have changed in training: 'bn2\."):
        climb(replace(ground, top=plain), request_, base, Watch(), silent)
    assert climb(ground, request_, base, Watch(), silent).record["proof"]["bit_for_bit"]


def test_batch_statistics_follow_the_pictures_where_it_was_asked(
    source: Scan, request_: TrainRequest, base: Base, stock: Stock
) -> None:
    """Those above the boundary move and are kept with what learnt, the others stay, and a training that was
    killed goes on to the same bits."""
    ground = break_ground(Rung("last", "light", update=True), request_, source, base, stock, silent)
    states: list[State] = []
    climbed = climb(ground, request_, base, Watch(keep=states.append, every=0.0), silent)
    moved = {name for name in climbed.changed if name.endswith(("running_mean", "running_var"))}
    assert set(climbed.changed) == set(ground.freeze.learning) | moved
    assert {name.rpartition(".")[0] for name in moved} == {f"blocks.6.0.bn{n}" for n in (1, 2, 3)} | {"bn2"}
    proof = climbed.record["proof"]
    assert proof["changed"] == len(climbed.changed) + 4  # a counter of batches for each layer
    assert climbed.record["updated"] == 12
    for state in states[:3]:
        again = climb(ground, request_, base, Watch(state=state), silent)
        for name, values in climbed.changed.items():
            assert values.tobytes() == again.changed[name].tobytes(), name


def test_classes_count_as_they_did_for_the_head(ground: Ground, request_: TrainRequest, base: Base) -> None:
    """Where the head of frozen features did better with its classes weighed, the layers learn so too."""
    weighed = replace(base, fitted=replace(base.fitted, class_weights_K=(1.5, 0.5)))
    found = climb(ground, request_, weighed, Watch(), silent)
    assert found.record["plan"]["class_weights"] == (1.5, 0.5)
    plain = climb(ground, request_, base, Watch(), silent)
    assert plain.record["plan"]["class_weights"] is None
    name = "conv_head.weight"
    assert found.changed[name].tobytes() != plain.changed[name].tobytes()


def test_all_layers_learn_from_the_pictures_themselves(
    source: Scan, request_: TrainRequest, base: Base, stock: Stock
) -> None:
    """Every tensor but the old classifier's and the statistics changes, the lower the less; and a killed
    training goes on to the same bits."""
    ground = break_ground(Rung("all", "light"), request_, source, base, stock, silent)
    states: list[State] = []
    climbed = climb(ground, request_, base, Watch(keep=states.append, every=0.0), silent)
    own = {name for name, _ in stock.backbone.module.named_parameters() if "classifier" not in name}
    assert set(climbed.changed) == own
    assert climbed.record["views"] == 2

    def moved(name: str) -> float:
        change = climbed.changed[name] - stock.before[name]
        return float(np.abs(change).max())

    assert 0 < moved("conv_stem.weight") < moved("blocks.3.0.conv_pw.weight") < moved("conv_head.weight")
    again = climb(ground, request_, base, Watch(state=states[0]), silent)
    assert all(values.tobytes() == again.changed[name].tobytes() for name, values in climbed.changed.items())


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_training_that_goes_on_ends_in_the_same_bits(
    ground: Ground, request_: TrainRequest, base: Base, stop: int
) -> None:
    """From the state after any of its steps it comes to the tensors of one that was never stopped."""
    states: list[State] = []
    whole = climb(ground, request_, base, Watch(keep=states.append, every=0.0), silent)
    assert len(states) >= 3
    again = climb(ground, request_, base, Watch(state=states[stop]), silent)
    for name, values in whole.changed.items():
        assert values.tobytes() == again.changed[name].tobytes(), name
    np.testing.assert_array_equal(whole.head.weight_DK, again.head.weight_DK)


def test_a_training_that_goes_on_keeps_its_rate_and_its_threads(
    ground: Ground, request_: TrainRequest, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rate is tried anew, and the last training is on as many threads as the first was."""
    states: list[State] = []
    search = replace(request_, learning_rate=None, epochs=1)
    whole = climb(ground, search, base, Watch(keep=states.append, every=0.0), silent)
    watch = Watch(state=replace(states[0], facts={**states[0].facts, "threads": 2}))
    assert views_begun(watch) == 2
    assert views_begun(Watch()) is None
    monkeypatch.setattr(tuning, "_try_rate", lambda *words: pytest.fail("A rate was tried anew."))
    again = climb(ground, search, base, watch, silent)
    assert again.record["plan"] == whole.record["plan"]
    assert again.record["rates"] == whole.record["rates"]
    assert again.record["threads"] == 2
    threads: list[int | None] = []
    make = Loop.__init__

    def making(self: Loop, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        threads.append(self.threads)

    monkeypatch.setattr(Loop, "__init__", making)
    climb_again(ground, replace(again, record={**again.record, "threads": 3}), search, base, Watch(), silent)
    assert threads == [3]


def test_where_the_loss_is_no_number_any_more_the_state_is_pointed_to(
    ground: Ground, request_: TrainRequest, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left behind is told after the advice, as from scratch."""

    def diverging(self: Loop, *given: Any) -> Any:
        raise self._diverged("The loss was nan at step 1 (epoch 1).")

    monkeypatch.setattr(Loop, "run", diverging)
    with pytest.raises(DivergedError) as caught:
        climb(ground, request_, base, Watch(left=lambda: "The state is kept."), silent)
    assert str(caught.value) == (
        "The loss was nan at step 1 (epoch 1). A finite loss was expected: the steps were too long for this "
        "network and these pictures. Train again with a lower learning rate, such as --learning-rate 7.5e-05."
        " The state is kept."
    )


def test_a_plan_has_enough_steps_for_few_pictures() -> None:
    """At least six epochs and about 200 steps, and never more than 30 epochs unless asked."""
    request = TrainRequest(source="unused", recipe="finetune")
    assert plan_of(request, 2000).epochs == 6
    assert plan_of(request, 500).epochs == 13
    assert plan_of(request, 20).epochs == 30
    assert plan_of(TrainRequest(source="unused", epochs=2), 20).epochs == 2


def test_a_forecast_adds_up() -> None:
    """Maps, trials of three rates, epochs with validation and without, answers, export: by hand."""
    plan = Plan(epochs=6, batch=32)
    maps, learnt = 4 * 1100 + 100 + 2 * 300, 6 * (1000 + 1100) + 3 * 960
    assert forecast(100.0, 50.0, plan, 4, 1000, 100, 200) == pytest.approx(maps / 100 + learnt / 50 + 1)
    after = (4 * 100 + 2 * 300) / 100 + 6 * 1100 / 50 + 1  # views of validation, answers, the last training
    assert delivery(100.0, 50.0, plan, 4, 1000, 100, 200) == pytest.approx(after)
    laid = forecast(100.0, 50.0, plan, 4, 1000, 100, 200, laid=True)
    assert laid == pytest.approx((6 * 1000 + 3 * 960) / 50 + after)
    learnt += 6 * 4000  # five folds, of which four are learnt from
    assert forecast(100.0, 50.0, plan, 4, 1000, 100, 200, 4.0) == pytest.approx(maps / 100 + learnt / 50 + 1)


def test_validation_pictures_are_learnt_from_in_the_end(
    ground: Ground, request_: TrainRequest, base: Base
) -> None:
    """Other tensors and another head; what was said of the validation pictures before is what stays."""
    climbed = climb(ground, request_, base, Watch(), silent)
    states: list[State] = []
    watch = Watch(keep=states.append, every=0.0, tell=lambda lines: pytest.fail("Its figures were told."))
    again = climb_again(ground, climbed, request_, base, watch, silent)
    assert again.record["refitted"] == len(ground.train) + len(ground.val)
    assert again.record["plan"] == climbed.record["plan"]
    np.testing.assert_array_equal(again.val_logits_NK, climbed.val_logits_NK)
    assert np.abs(again.sure_NK - climbed.sure_NK).max() > 0
    assert any(again.changed[name].tobytes() != climbed.changed[name].tobytes() for name in climbed.changed)
    for state in states[:3]:  # killed and gone on with, it comes to the same bits
        once_more = climb_again(ground, climbed, request_, base, Watch(state=state), silent)
        for name, values in again.changed.items():
            assert values.tobytes() == once_more.changed[name].tobytes(), name


def test_what_is_held_out_is_answered_for_by_who_has_not_seen_it(
    source: Scan, request_: TrainRequest, base: Base, stock: Stock
) -> None:
    """The answers of a fold are those of a training on the others alone, made here by hand."""
    ground = break_ground(Rung("last", "light"), request_, source, base, stock, silent, plain=True)
    folds = deal(ground.train.labels_N, [str(place) for place in range(len(ground.train))], 0, 2)
    climbed = climb(ground, request_, base, Watch(), silent)
    told: list[Event] = []
    found_MK = out_of_fold(ground, folds[1], base, climbed, request_, told.append)
    assert ground.plain is not None
    held = ground.plain.take(folds[1].held_M)
    seen = replace(ground, train=ground.train.take(folds[1].seen_M), held=held)
    by_hand = climb(seen, request_, base, Watch(), silent)
    np.testing.assert_array_equal(found_MK, by_hand.held_logits_MK)
    assert len(found_MK) == len(held) > 0
    assert climbed.held_logits_MK.shape == (0, 2)
    assert {one.name for one in told if not isinstance(one, Notice)} == {"Training on a fold"}
    assert not any(isinstance(one, Notice) for one in told)
