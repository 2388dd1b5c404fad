"""The training loop: it learns, keeps the best, stops, resumes to the same bits, and says when it fails."""

import os
import signal
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional

from pellucid.events import Event, Measured
from pellucid.network.blueprint import Blueprint, Conv, Dense, Dropout, Flatten, Input, MaxPool
from pellucid.network.build import build
from pellucid.network.parameters import initial_parameters
from pellucid.pictures.augment.mix import Mixture
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.text import mixing
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.checkpoint import State
from pellucid.training.epoch import Epoch, Outcome
from pellucid.training.feed import Feed
from pellucid.training.loop import DivergedError, Loop, Trained, logits
from pellucid.training.pixels import HeldPixels
from pellucid.training.plan import Plan

CPU = Accelerator(cpu=True)
BLUEPRINT = Blueprint(
    Input(8, 8, 1),
    (Conv(8, (3, 3), activation="relu"), MaxPool(), Dropout(0.2), Flatten(), Dense(2, "softmax")),
)
PLAN = Plan(epochs=4, batch=16, rate=0.02, seed=5)


def bars(number: int, seed: int, augment: str = "none") -> Feed:
    """Noise with a bright row (class 0) or a bright column (class 1) at a random place."""
    chance = np.random.default_rng(seed)
    pixels_NHWC = chance.integers(0, 80, (number, 8, 8, 1), np.uint8)
    labels_N = chance.integers(0, 2, number)
    for picture, label, place in zip(pixels_NHWC, labels_N, chance.integers(0, 8, number), strict=True):
        if label:
            picture[:, place] = 255
        else:
            picture[place] = 255
    pre = Preprocess(8, 8, "squash", (0.0,), (255.0,))
    keys = [str(n) for n in range(number)]
    return Feed(HeldPixels(pixels_NHWC), labels_N, pre, preset(augment), keys, seed)


def loop(plan: Plan = PLAN, augment: str = "none", number: int = 200) -> Loop:
    network = build(BLUEPRINT, initial_parameters(BLUEPRINT, plan.seed), fast=True, seed=plan.seed)
    return Loop(network, bars(number, 0, augment), bars(100, 1), plan, CPU, 1)


def run(
    one: Loop, keep: Any = lambda state: None, every: float = 1e9, listen: Any = lambda event: None
) -> Trained:
    return one.run(listen, keep, every, lambda epoch: None)


def weights(one: Loop) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in one.network.parameters_out().items()}


def test_it_learns_and_ends_with_the_best_weights() -> None:
    """Rows and columns are told apart; what the network holds is what did best on the validation pictures."""
    one = loop(replace(PLAN, epochs=8))
    trained = run(one)
    assert trained.best.val_accuracy > 0.95
    assert trained.best.val_objective == min(epoch.val_objective for epoch in trained.epochs)
    assert trained.stopped == "All 8 epochs were done."
    assert run(loop(replace(PLAN, epochs=1))).stopped == "The one epoch was done."
    logits_NK = logits(one.network, one.val, CPU)
    assert (logits_NK.argmax(1) == one.val.labels_N).mean() == pytest.approx(trained.best.val_accuracy)


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    """Weights of two trainings are equal to the bit; of another seed they are not."""
    ends = []
    for seed in (5, 5, 6):
        one = loop(replace(PLAN, seed=seed), augment="lecture")
        run(one)
        ends.append(weights(one))
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize(
    ("step", "mix"), [(1, "none"), (13, "none"), (26, "none"), (40, "none"), (30, "MixUp")]
)
def test_a_training_that_goes_on_ends_in_the_same_bits(step: int, mix: str) -> None:
    """Stopped after any step (in an epoch or at its end) and restored in a new process' objects."""
    plan = replace(PLAN, mix=mix)
    whole = loop(plan, augment="light")
    expected = run(whole)

    class StoppedError(Exception):
        pass

    kept: list[State] = []
    first = loop(plan, augment="light")

    def keep(state: State) -> None:
        if state.facts["step"] >= step:
            kept.append(state)
            raise StoppedError

    with pytest.raises(StoppedError):
        run(first, keep, every=-1.0)
    second = loop(plan, augment="light")
    second.restore(kept[0])
    assert second.step == step
    trained = run(second)
    assert weights(second) == weights(whole)
    for found, wanted in zip(trained.epochs, expected.epochs, strict=True):
        same = {"seconds": 0.0, "pictures_per_second": 0.0}
        assert replace(found, **same) == replace(wanted, **same)


def test_the_best_epoch_is_that_of_the_loss_that_is_learnt_from() -> None:
    """Its objective is the validation loss with smoothed labels, by PyTorch's own formula."""
    one = loop(replace(PLAN, smoothing=0.2))
    trained = run(one)
    answers_NK = torch.from_numpy(logits(one.network, one.val, CPU)).double()
    labels_N = torch.from_numpy(one.val.labels_N)
    smooth = torch.nn.functional.cross_entropy(answers_NK, labels_N, label_smoothing=0.2)
    plain = torch.nn.functional.cross_entropy(answers_NK, labels_N)
    assert trained.best.val_objective == pytest.approx(float(smooth), rel=1e-5)
    assert trained.best.val_loss == pytest.approx(float(plain), rel=1e-5)


def test_to_the_end_the_last_epochs_average_is_kept() -> None:
    """Whatever the validation pictures say, and without patience: here their labels are all wrong."""
    plan = replace(PLAN, epochs=8, patience=2)
    one, other = loop(plan), loop(plan)
    for each in (one, other):
        each.val = replace(each.val, labels_N=1 - each.val.labels_N)
    one.to_the_end = True
    trained, stopped = run(one), run(other)
    assert stopped.best.epoch < len(stopped.epochs) < 8
    assert trained.best.epoch == len(trained.epochs) == 8
    assert {epoch.weights for epoch in trained.epochs} == {"averaged"}
    for own, average in zip(one.network.parameters(), one.averaged.parameters(), strict=True):
        assert torch.equal(own, average)


def test_it_stops_when_validation_no_longer_gets_better() -> None:
    """With a patience of one epoch it ends early, and says so."""
    trained = run(loop(replace(PLAN, epochs=200, patience=2, rate=0.05)))
    assert len(trained.epochs) < 200
    assert trained.best.epoch == len(trained.epochs) - 2
    assert trained.stopped == (
        f"The validation loss had not fallen for 2 epochs, so {len(trained.epochs)} of 200 were done."
    )


def test_a_loss_that_is_no_number_stops_it_at_its_step() -> None:
    """The message names the step and a lower rate; the state before it has been kept."""
    one = loop(replace(PLAN, rate=1e-3))
    kept: list[State] = []
    run_once = one._learn
    calls = 0

    def learn(x_BHWC: Any, labels_B: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            with torch.no_grad():
                next(one.network.parameters()).fill_(torch.nan)
        run_once(x_BHWC, labels_B)

    one._learn = learn  # type: ignore[method-assign]
    with pytest.raises(DivergedError) as caught:
        run(one, kept.append)
    assert str(caught.value) == (
        "The loss was nan at step 20 (epoch 2). A finite loss was expected: the steps were too long for this "
        "network and these pictures. Train again with a lower learning rate, such as --learning-rate 0.00025."
    )
    assert [state.facts["step"] for state in kept] == [13]
    assert all(np.isfinite(values).all() for values in kept[0].tensors.values())


def test_an_interrupt_keeps_the_state_first() -> None:
    """Ctrl-C in the middle of an epoch: the state of that very step has been kept."""
    one, kept = loop(), []

    def listen(event: Event) -> None:
        if isinstance(event, Measured) and one.step > 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(one, kept.append, listen=listen)
    assert kept[-1].facts["step"] == one.step
    assert kept[-1].facts["sums"]["count"] > 0


def test_ctrl_c_ends_the_step_before_the_state_is_kept() -> None:
    """A signal in the middle of a step is heeded after it: going on ends in the undisturbed bits."""
    whole = loop()
    run(whole)
    one, kept = loop(), []
    learn = one._gradients

    def interrupted(*batch: Any) -> Outcome:
        outcome = learn(*batch)
        if one.step == 17:
            os.kill(os.getpid(), signal.SIGINT)  # gradients are there, the step is not yet taken
        return outcome

    one._gradients = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(one, kept.append)
    assert kept[-1].facts["step"] == one.step == 18
    again = loop()
    again.restore(kept[-1])
    run(again)
    assert weights(again) == weights(whole)


def test_it_goes_on_with_as_many_threads_as_it_began_with() -> None:
    """Another number of threads would give other bits."""
    state = loop().state()
    other = Loop(loop().network, bars(200, 0), bars(100, 1), PLAN, CPU, 2)
    other.restore(state)
    assert other.threads == 1


def test_progress_tells_every_picture_once() -> None:
    """What is advanced adds up to epochs times pictures, also after going on from a state."""
    done = []

    def listen(event: Event) -> None:
        if type(event).__name__ == "Advanced":
            done.append(event.count)

    one, kept = loop(), []
    run(one, kept.append, listen=listen)
    assert sum(done) == 4 * 200
    done.clear()
    second = loop()
    second.restore(kept[1])
    run(second, listen=listen)
    assert sum(done) == 4 * 200


def test_an_epoch_is_a_line_of_metrics() -> None:
    """Its JSON has an event and the figures by name."""
    line = Epoch(1, 0.5, 0.8, 0.4, 0.9, "last", 0.01, 1.0, 100.0, 0.6).to_json()
    assert line["event"] == "epoch"
    assert line["val_accuracy"] == 0.9


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_picture_counts_what_its_class_does(smoothing: float) -> None:
    """With weights of 3 and 1 the gradients are those of the pictures of class 0 three times; the loss that
    is told counts each once, and the best epoch is chosen by the weighted one."""
    weighed = loop(replace(PLAN, smoothing=smoothing, class_weights=(3.0, 1.0)))
    plain = loop(replace(PLAN, smoothing=smoothing))
    for one in (weighed, plain):  # dropout would draw otherwise for other batches
        one.network.get_submodule("dropout").rate = 0.0
    rows_B = np.arange(12)
    labels_B = weighed.train.labels_N[rows_B]
    outcome = weighed._gradients(weighed.train.batch(rows_B, 0), labels_B)
    thrice_B = np.repeat(rows_B, np.where(labels_B == 0, 3, 1))
    plain._gradients(plain.train.batch(thrice_B, 0), plain.train.labels_N[thrice_B])
    for one, other in zip(weighed.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)
    each = plain._gradients(plain.train.batch(rows_B, 0), labels_B)
    assert outcome.loss == pytest.approx(each.loss, rel=1e-5)
    trained = run(weighed)
    answers_NK = logits(weighed.network, weighed.val, CPU).astype(np.float64)
    logs_NK = answers_NK - np.log(np.exp(answers_NK).sum(axis=1, keepdims=True))
    losses_N = -logs_NK[np.arange(100), weighed.val.labels_N]
    counts_N = np.where(weighed.val.labels_N == 0, 3.0, 1.0)
    assert trained.best.val_loss == pytest.approx(np.average(losses_N, weights=counts_N), rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradient_is_that_of_the_mean_loss(smoothing: float) -> None:
    """Gradients are PyTorch's own for the whole batch; the loss that is told is without the smoothing."""
    one = loop(replace(PLAN, smoothing=smoothing))
    blueprint = Blueprint(BLUEPRINT.input, tuple(x for x in BLUEPRINT.layers if not isinstance(x, Dropout)))
    parameters = initial_parameters(blueprint, 0)
    one.network = build(blueprint, parameters, fast=True)
    rows_B = np.arange(5, 50)
    labels_B = one.train.labels_N[rows_B]
    outcome = one._gradients(one.train.batch(rows_B, 0), labels_B)
    plain = build(blueprint, parameters, fast=True)
    logits_NK = plain(torch.from_numpy(one.train.batch(rows_B, 0).transpose(0, 3, 1, 2).copy()))
    labels_N = torch.from_numpy(labels_B)
    functional.cross_entropy(logits_NK, labels_N, label_smoothing=smoothing).backward()
    for found, expected in zip(one.network.parameters(), plain.parameters(), strict=True):
        assert found.grad is not None and expected.grad is not None
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6)
    log_p = logits_NK.detach().log_softmax(1)
    assert outcome.loss == pytest.approx(float(-log_p[range(45), labels_B].sum()), rel=1e-5)
    assert outcome.right == int((logits_NK.argmax(1) == labels_N).sum())
    assert outcome + Outcome(0.5, 1, 4) == Outcome(outcome.loss + 0.5, outcome.right + 1, 49)


@pytest.mark.parametrize("mix", ["MixUp 1", "CutMix"])
@pytest.mark.parametrize("class_weights", [None, (1.0, 1.0)])
def test_mixed_pictures_have_mixed_targets(mix: str, class_weights: tuple[float, ...] | None) -> None:
    """The gradient is PyTorch's own with targets in the pictures' proportions, smoothing included."""
    one = loop(replace(PLAN, smoothing=0.1, mix=mix, class_weights=class_weights))
    blueprint = Blueprint(BLUEPRINT.input, tuple(x for x in BLUEPRINT.layers if not isinstance(x, Dropout)))
    parameters = initial_parameters(blueprint, 0)
    one.network = build(blueprint, parameters, fast=True)
    rows_B = np.arange(5, 50)
    x_BHWC, labels_B = one.train.batch(rows_B, 0), one.train.labels_N[rows_B]
    mixture = mixing(mix).draw(45, 0, 0)  # type: ignore[union-attr]
    outcome = one._gradients(x_BHWC, labels_B, mixture)
    plain = build(blueprint, parameters, fast=True)
    logits_NK = plain(torch.from_numpy(mixture.numbers(x_BHWC).transpose(0, 3, 1, 2).copy()))
    targets_NK = torch.from_numpy(mixture.targets(np.eye(2, dtype=np.float32)[labels_B]))
    functional.cross_entropy(logits_NK, targets_NK, label_smoothing=0.1).backward()
    for found, expected in zip(one.network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6)
    told = functional.cross_entropy(logits_NK, targets_NK, reduction="sum")
    assert outcome.loss == pytest.approx(float(told.detach()), rel=1e-5)


def test_a_mixed_picture_counts_what_its_classes_do() -> None:
    """With a weight of 0 for class 1 a blend of both counts the share of class 0."""
    one = loop(replace(PLAN, smoothing=0.0, class_weights=(1.0, 0.0)))
    one.network.get_submodule("dropout").rate = 0.0
    labels_B = np.array([0, 1])
    x_BHWC = one.train.batch(np.arange(2), 0)
    mixture = Mixture(np.array([1, 0]), np.array([0.75, 0.5]))
    one._gradients(x_BHWC, labels_B, mixture)
    found = [parameter.grad.clone() for parameter in one.network.parameters() if parameter.grad is not None]
    for parameter in one.network.parameters():
        parameter.grad = None
    x_NCHW = torch.from_numpy(mixture.numbers(x_BHWC).transpose(0, 3, 1, 2).copy())
    logs_NK = one.network(x_NCHW).log_softmax(1)
    first = -(0.75 * logs_NK[0, 0] + 0.25 * logs_NK[0, 1])
    second = -(0.5 * logs_NK[1, 1] + 0.5 * logs_NK[1, 0])
    ((0.75 * first + 0.5 * second) / 1.25).backward()
    for slope, parameter in zip(found, one.network.parameters(), strict=True):
        torch.testing.assert_close(slope, parameter.grad, rtol=1e-4, atol=1e-6)


def test_logits_are_those_of_inference_and_threads_are_set_back() -> None:
    """Dropout is off, every picture is answered in order, and PyTorch has as many threads as before."""
    one = loop()
    before = torch.get_num_threads()
    run(one)
    assert torch.get_num_threads() == before
    found = logits(one.network, one.val, CPU, size=30)
    x_NCHW = torch.from_numpy(one.val.batch(np.arange(100), 0)).permute(0, 3, 1, 2)
    np.testing.assert_allclose(found, one.network.eval()(x_NCHW).detach().numpy(), rtol=1e-4, atol=1e-5)
