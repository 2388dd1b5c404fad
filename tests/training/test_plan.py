"""How long a network is trained, and what is refused before any work."""

import pytest

from pellucid.errors import RequestError
from pellucid.training.plan import Plan, default_epochs


def test_few_pictures_are_seen_more_often() -> None:
    """About 60,000 looks in all, in 3 to 60 epochs."""
    assert [default_epochs(n) for n in (1, 100, 2_000, 6_000, 60_000, 10**6)] == [60, 60, 30, 10, 3, 3]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"epochs": 0},
            "The number of epochs is 0. A whole number from 1 to 10,000 was expected. Write for example "
            "--epochs 10.",
        ),
        (
            {"epochs": 1, "batch": 0},
            "The batch size is 0. A whole number from 1 to 65,536 was expected. Write for example "
            "--batch 128.",
        ),
        (
            {"epochs": 1, "rate": -0.1},
            "The learning rate is -0.1. A number above 0 and at most 10 was expected. Write for example "
            "--learning-rate 0.001.",
        ),
        (
            {"epochs": 1, "rate": float("nan")},
            "The learning rate is nan. A number above 0 and at most 10 was expected. Write for example "
            "--learning-rate 0.001.",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(fields: dict, text: str) -> None:
    """The value that came stands in the message."""
    with pytest.raises(RequestError) as caught:
        Plan(**fields)
    assert str(caught.value) == text
