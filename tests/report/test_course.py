"""The curves of a training in words."""

from typing import Any

import pytest

from pellucid.report.course import course


def lines(*figures: tuple[float, float, float, float]) -> list[dict[str, Any]]:
    """Epochs of (training loss, training accuracy, validation loss, validation accuracy)."""
    keys = ("loss", "accuracy", "val_loss", "val_accuracy")
    return [{"epoch": n, **dict(zip(keys, one, strict=True))} for n, one in enumerate(figures, 1)]


BY_HEART = lines((1.0, 0.5, 0.9, 0.6), (0.5, 0.9, 0.6, 0.75), (0.2, 0.95, 0.7, 0.7), (0.1, 1.0, 0.9, 0.7))
HELP = "Against learning by heart help more pictures, views (--augment light), dropout, or a smaller network."


def test_learning_by_heart_is_told_with_its_figures() -> None:
    """Where the validation loss rises while the training loss falls, and where the accuracies part."""
    assert [one.replace("\xa0", " ") for one in course(BY_HEART, 2, 3)] == [
        "After epoch 2 the training loss still fell, from 0.500 to 0.100, and the validation loss rose, from "
        "0.600 to 0.900: the network began to learn its pictures by heart. That is why an earlier epoch was "
        "kept.",
        "In the epoch that was kept it is right on 90.0 % of the training pictures and on 75.0 % of the "
        "validation pictures, 15.0 points fewer.",
        HELP,
    ]


def test_a_small_rise_is_noise() -> None:
    """Within a twentieth nothing is claimed, nor where the training loss rose too."""
    calm = lines((1.0, 0.5, 0.9, 0.6), (0.5, 0.8, 0.60, 0.75), (0.45, 0.8, 0.62, 0.75))
    alike = ["Training and validation pictures fare alike: no sign that it learnt its pictures by heart."]
    assert course(calm, 2, 3) == alike
    both = lines((1.0, 0.5, 0.9, 0.6), (0.5, 0.8, 0.60, 0.75), (0.9, 0.6, 0.9, 0.6))
    assert course(both, 2, 3) == alike


def test_a_loss_that_still_falls_asks_for_more_epochs() -> None:
    """Only where the last epoch was kept and the last third brought more than a tenth."""
    falling = lines((1.0, 0.5, 0.9, 0.6), (0.8, 0.6, 0.7, 0.7), (0.6, 0.7, 0.5, 0.75))
    (told,) = course(falling, 3, 3)
    assert told.replace("\xa0", " ") == (
        "The validation loss was still falling in the last of 3 epochs: more of them may do better "
        "(--epochs 6)."
    )
    flat = lines((1.0, 0.5, 0.9, 0.6), (0.8, 0.6, 0.51, 0.7), (0.6, 0.7, 0.5, 0.75))
    assert "falling" not in course(flat, 3, 3)[0]


def test_little_learnt_is_told_with_what_does_better() -> None:
    """Near the loss of guessing a pretrained network is named; that alone is no learning by heart."""
    assert course(lines((1.0, 0.5, 0.95, 0.5), (0.9, 0.6, 0.9, 0.6)), 2, 3) == [
        "Little was learnt: the validation loss is 0.900, and that of answering all 3 classes alike 1.099. "
        "Where pictures are few, a pretrained network does better (--recipe features)."
    ]


@pytest.mark.parametrize("classes", [2, 10])
def test_nothing_learnt_is_told_alone(classes: int) -> None:
    """Above the loss of answering all classes alike there is nothing else to see."""
    (told,) = course(lines((3.0, 0.9, 2.4, 0.1), (0.1, 1.0, 9.0, 0.1)), 1, classes)
    assert told.startswith(f"The validation loss never fell below {0.693 if classes == 2 else 2.303}, ")


def test_one_epoch_is_enough() -> None:
    """A training of one epoch has a sentence too."""
    assert len(course(lines((1.0, 0.5, 0.9, 0.6)), 1, 3)) == 1
