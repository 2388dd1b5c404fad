"""One step of the ladder: how long it is thought to take, and who wins a race."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from pellucid.events import silent
from pellucid.learn import climber
from pellucid.learn.climber import Climber, Tried
from pellucid.request import TrainRequest
from pellucid.training.rung import Rung


def test_a_race_leaves_the_time_to_deliver_who_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer of both is kept free; without a budget there is all the time."""
    seconds: list[float] = []
    race = SimpleNamespace(run=lambda before, after, left: seconds.append(left))
    monkeypatch.setattr(climber, "Race", lambda *words: race)
    train_part, fitted = SimpleNamespace(labels_N=()), SimpleNamespace(class_weights_K=None)
    base: Any = SimpleNamespace(material=SimpleNamespace(parts={"train": train_part}), fitted=fitted)
    nothing: Any = None
    one = Climber(TrainRequest(source="unused"), nothing, nothing, base, nothing, silent)
    best, tried = (Tried(nothing, nothing, None, (), after) for after in (24.0, 10.0))
    for left in (30.0, math.inf):
        one.race(best, tried, left)
        one.race(tried, best, left)
    assert seconds == [6.0, 6.0, math.inf, math.inf]


def test_what_was_cached_says_nothing_of_the_pace() -> None:
    """It is measured by what was computed, where that was most of the maps."""

    def pace(computed: int) -> float:
        ground: Any = SimpleNamespace(
            rung=Rung("last", "light"), train=range(10), val=range(4), shown=range(2), maps=None
        )
        ground.maps = SimpleNamespace(computed=computed)
        return climber._measured_pace(ground, 2.0, 30.0)

    assert [pace(computed) for computed in (0, 11, 12, 24)] == [30.0, 30.0, 6.0, 12.0]
