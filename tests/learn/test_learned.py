"""What recipes share: the parts of a split, stages, and the clock."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data.fractions import Fractions
from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.errors import SourceError
from pellucid.evaluation.proportion import Proportion
from pellucid.learn.learned import SPLITS, Clock, Stage, parts_of


def test_parts_name_the_pictures_that_could_be_read(colours: Path) -> None:
    """Each part holds its split's readable pictures with their classes, and where their rows stand."""
    looked = scan(open_source(colours))
    split = split_pictures(looked, Fractions(), 0)
    chosen = {name: getattr(split, name) for name in SPLITS}
    readable_N = np.delete(np.arange(len(looked.pictures)), int(split.train[0]))
    parts = parts_of(looked, chosen, readable_N)
    assert [len(parts[name][0].pictures) for name in SPLITS] == [
        len(split.train) - 1,
        len(split.val),
        len(split.test),
    ]
    for part, here_N in parts.values():
        assert part.pictures == tuple(looked.pictures[place] for place in readable_N[here_N])
        assert [looked.classes[label] for label in part.labels_N] == [one.label for one in part.pictures]


def test_a_split_without_a_readable_picture_is_refused(colours: Path) -> None:
    """The message names the split and the source."""
    looked = scan(open_source(colours))
    split = split_pictures(looked, Fractions(), 0)
    with pytest.raises(SourceError) as caught:
        parts_of(looked, {"train": split.train, "test": split.test}, split.train)
    assert str(caught.value) == (
        f"The test split of '{colours}' has no picture that can be read. At least one picture in each of"
        " train, val and test was expected. 'pellucid check' names the files that cannot be read; or change"
        " the shares with --split."
    )


def test_a_stage_tells_its_figure_and_time() -> None:
    """The JSON of a stage has the contract's keys."""
    assert Stage("features", Proportion(4, 3), 1.23456).to_json() == {
        "name": "features",
        "val": Proportion(4, 3).to_json(),
        "seconds": 1.235,
    }


def test_the_clock_adds_up() -> None:
    """The total holds every step, and steps can be added."""
    clock = Clock()
    with clock("a"), clock("b"):
        pass
    told = clock.to_json()
    assert list(told) == ["total", "b", "a"]
    assert told["total"] >= told["a"] >= told["b"] >= 0
    assert clock.spent("a", "b") >= clock.spent("a") > 0
