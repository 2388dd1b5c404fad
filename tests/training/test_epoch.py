"""The figures of a training."""

from pellucid.training.epoch import Epoch, Outcome, best_line


def test_outcomes_add_up() -> None:
    """Losses, right answers and counts are sums, so that the mean over batches of any size is right."""
    assert Outcome(1.5, 2, 3) + Outcome(0.5, 1, 4) == Outcome(2.0, 3, 7)


def test_an_epoch_is_a_line() -> None:
    """Its line names the event first and holds every figure."""
    epoch = Epoch(2, 0.5, 0.75, 0.25, 1.0, "averaged", 0.001, 1.5, 800.0, 0.375)
    assert epoch.to_json() == {
        "event": "epoch",
        "epoch": 2,
        "loss": 0.5,
        "accuracy": 0.75,
        "val_loss": 0.25,
        "val_accuracy": 1.0,
        "weights": "averaged",
        "rate": 0.001,
        "seconds": 1.5,
        "pictures_per_second": 800.0,
        "val_objective": 0.375,
    }


def test_the_best_line_is_that_of_the_least_objective() -> None:
    """Lines of an older run, which tell none, go by their validation loss."""
    lines = [
        {"epoch": 1, "val_loss": 0.2, "val_objective": 0.6},
        {"epoch": 2, "val_loss": 0.3, "val_objective": 0.5},
    ]
    assert best_line(lines)["epoch"] == 2
    older = [{key: line[key] for key in ("epoch", "val_loss")} for line in lines]
    assert best_line(older)["epoch"] == 1
