"""Whether one step beats another: outside the noise, and with no fewer right answers."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.evaluation.comparison import Gain
from pellucid.learn.standing import Lead, Standing, counted, judge, lead_of, standing


def stood(name: str, losses: list[float], right: list[bool]) -> Standing:
    return Standing(name, np.array(losses), np.array(losses), np.array(right))


def test_a_gain_outside_the_noise_is_kept() -> None:
    """Losses of 40 pictures that fall by 0.5, give or take 0.1, with no fewer right answers."""
    chance = np.random.default_rng(0)
    before = stood("features", list(chance.normal(1.0, 0.1, 40)), [True] * 30 + [False] * 10)
    after = stood("finetune", list(chance.normal(0.5, 0.1, 40)), [True] * 36 + [False] * 4)
    better, why = judge(before, after)
    assert better
    assert why.startswith("It beats features outside the noise: 90.0 against 75.0 % (Brier score 0.")


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


def test_more_right_answers_outside_the_noise_are_kept_though_losses_are_noisy() -> None:
    """Ten more of 100 pictures right and the loss lower by less than its noise; not where it is higher."""
    before = stood("features", [1.0] * 100, [True] * 80 + [False] * 20)
    losses = [0.5] * 90 + [5.0] * 10
    after = stood("finetune", losses, [True] * 90 + [False] * 10)
    assert lead_of(before, after).scores.score == pytest.approx(0.05 / (1.35 / np.sqrt(99)))
    assert lead_of(before, after).answers.score == pytest.approx(0.1 / (0.3 / np.sqrt(99)))
    better, why = judge(before, after)
    assert better
    assert why == (
        "It beats features outside the noise: 90.0 against 80.0 % (Brier score 0.950 against 1.000, "
        "McNemar's p 0.002)."
    )
    assert not judge(before, replace(after, scores_N=after.scores_N + 0.1))[0]


def test_a_lead_is_that_of_what_says_more() -> None:
    """Losses ahead by four standard errors and answers by one, and the other way round."""
    assert Lead(Gain(0.4, 0.1), Gain(0.1, 0.1)).score == Lead(Gain(0.1, 0.1), Gain(0.4, 0.1)).score == 4.0
    assert Lead(Gain(0.4, 0.1), Gain(0.0, 0.1)).beyond(3.9)
    assert not Lead(Gain(0.4, 0.1), Gain(0.0, 0.1)).beyond(4.0)
    assert not Lead(Gain(0.4, 0.1), Gain(-0.01, 0.1)).beyond(2.0)


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


def test_where_classes_are_weighed_a_rare_one_is_not_given_away() -> None:
    """Of 32 common and 8 rare pictures, a step that gains on the common by losing the rare is refused, and
    one that finds the rare is kept; where all count alike both are."""
    labels_N = np.array([0] * 32 + [1] * 8)
    noise_N = np.random.default_rng(0).normal(0, 0.02, 40)
    common_N = np.array([0.3] * 32 + [0.9] * 8) + noise_N
    rare_N = np.array([0.55] * 32 + [0.05] * 8) + noise_N
    some_N, all_N = np.array([True] * 32 + [False] * 8), np.array([True] * 40)

    def judged(losses_N: np.ndarray, right_N: np.ndarray, weights_K: list[float] | None) -> tuple[bool, str]:
        counted_N = counted(labels_N, weights_K)
        before = Standing("features", np.full(40, 0.5), np.full(40, 0.5), some_N, counted_N)
        return judge(before, Standing("last", losses_N, losses_N, right_N, counted_N))

    balanced = [40 / 64, 40 / 16]
    assert not judged(common_N, some_N, balanced)[0]
    better, why = judged(rare_N, all_N, balanced)
    assert better
    assert why.startswith(
        "It beats features outside the noise: 100.0 against 50.0 % with classes weighed (Brier score 0.3"
    )
    assert judged(common_N, some_N, None)[0]
    assert judged(rare_N, all_N, None)[0]
    told = Standing("features", np.full(40, 0.5), np.full(40, 0.5), some_N, counted(labels_N, balanced)).told
    assert told == "50.0 % with classes weighed, Brier score 0.500"


def test_pictures_that_were_held_out_count_by_their_class_too() -> None:
    """The held-out pictures' weights stand behind those of the validation pictures."""

    def of(
        name: str, scores: np.ndarray, right: bool, counts: float, held: Standing | None = None
    ) -> Standing:
        number = len(scores)
        return Standing(name, scores, scores, np.array([right] * number), np.full(number, counts), held)

    after = of("finetune", np.full(10, 0.9), False, 1.0, of("finetune", np.full(30, 0.1), True, 3.0))
    before_held = of("features", np.linspace(0.4, 0.6, 30), True, 3.0)
    before = of("features", np.linspace(0.8, 1.0, 10), False, 1.0, before_held)
    better, why = judge(before, after)
    assert better
    assert "90.0 against 90.0 % with classes weighed (Brier score 0.180 against 0.540" in why
