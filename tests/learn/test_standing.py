"""Whether one step beats another: outside the noise, and with no fewer right answers."""

import numpy as np
import pytest

from pellucid.learn.standing import Standing, judge, standing


def stood(name: str, losses: list[float], right: list[bool]) -> Standing:
    return Standing(name, np.array(losses), np.array(right))


def test_a_gain_outside_the_noise_is_kept() -> None:
    """Losses of 40 pictures that fall by 0.5, give or take 0.1, with no fewer right answers."""
    chance = np.random.default_rng(0)
    before = stood("features", list(chance.normal(1.0, 0.1, 40)), [True] * 30 + [False] * 10)
    after = stood("finetune", list(chance.normal(0.5, 0.1, 40)), [True] * 36 + [False] * 4)
    better, why = judge(before, after)
    assert better
    assert why.startswith("It beats features outside the noise: 90.0 against 75.0 % (log loss 0.")


@pytest.mark.parametrize("shift", [0.0, 0.01, -0.5])
def test_no_gain_or_one_within_the_noise_is_refused(shift: float) -> None:
    """Equal losses, a gain far below its standard error, and a loss."""
    chance = np.random.default_rng(0)
    losses = chance.normal(1.0, 0.1, 40)
    before = stood("features", list(losses), [True] * 30 + [False] * 10)
    after = stood("finetune", list(losses - shift + chance.normal(0, 0.3, 40)), [True] * 30 + [False] * 10)
    better, why = judge(before, after)
    assert not better
    assert why.startswith("It did not beat features outside the noise: 75.0 against 75.0 %")


def test_a_lower_loss_with_fewer_right_answers_is_refused() -> None:
    """Nobody wants a classifier that is surer and less often right."""
    before = stood("features", [1.0] * 20, [True] * 20)
    after = stood("finetune", [0.5] * 20, [True] * 19 + [False])
    assert not judge(before, after)[0]


def test_a_standing_is_what_calibrated_logits_say() -> None:
    """Logits that are right and ten times too sure lose what softening them by ten gives back."""
    labels_N = np.array([0, 1] * 50)
    honest_NK = np.stack([1.0 - 2.0 * labels_N, 2.0 * labels_N - 1.0], axis=1).astype(np.float32)
    honest_NK[:10] *= -1  # a tenth is wrong
    soft, sure = (standing("features", scale * honest_NK, labels_N) for scale in (1, 10))
    assert soft.val.correct == sure.val.correct == 90
    assert soft.losses_N.mean() == pytest.approx(sure.losses_N.mean(), rel=1e-4)
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))  # the least that any temperature can reach
    assert soft.losses_N.mean() == pytest.approx(entropy, rel=1e-3)
