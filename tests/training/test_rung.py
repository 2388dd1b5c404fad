"""Steps as they are written: read, named, and refused where they cannot be."""

import pytest

from pellucid.errors import RequestError
from pellucid.training.rung import Rung, parse_rungs

PRESETS = ("none", "light", "strong")


def test_steps_are_read_in_order_and_named_in_words() -> None:
    """A word, and after plus signs a preset and what else changes; blanks do not matter."""
    rungs = parse_rungs(
        "scratch, scratch+light,features,last-two + strong,blocks.3,last+update+light", PRESETS
    )
    assert [(one.learns, one.augment, one.update) for one in rungs] == [
        ("scratch", "none", False),
        ("scratch", "light", False),
        ("features", "none", False),
        ("last-two", "strong", False),
        ("blocks.3", "none", False),
        ("last", "light", True),
    ]
    assert [one.name for one in rungs] == [
        "scratch",
        "scratch, light views",
        "features",
        "finetune, last two blocks, strong views",
        "finetune, above blocks.3",
        "finetune, last block, light views, updated statistics",
    ]
    assert [one.tunes for one in rungs] == [False, False, False, True, True, True]
    assert Rung("last", "RandomFlip horizontal; RandomHue 0.1").name == "finetune, last block, own views"
    assert not any(one.whole for one in rungs)
    assert Rung("all").whole
    assert Rung("last") == Rung("last", "none")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "last+lihgt",
            "The step 'last+lihgt' has unknown views: 'lihgt'. One of none, light, strong or update was "
            "expected after '+'. Did you mean light?",
        ),
        (
            "last+",
            "The step 'last+' has unknown views: ''. One of none, light, strong or update was expected after "
            "'+'. Write for example last+light.",
        ),
        (
            "last+light+strong",
            "The step 'last+light+strong' has unknown views: 'light+strong'. One of none, light, strong or "
            "update was expected after '+'. Write for example last+light.",
        ),
        (
            "features+update",
            "The step 'features+update' is to update batch statistics. A step was expected in which layers "
            "of the backbone learn: only their statistics can follow the pictures. Write for example "
            "last+update.",
        ),
        (
            "last,,features",
            "Among the steps 'last,,features' stands one that is empty. Different steps with commas between "
            "them were expected. Write for example --steps scratch,features,last.",
        ),
        (
            "last,features,last+none",
            "Among the steps 'last,features,last+none' stands 'last+none' twice. Different steps with commas "
            "between them were expected. Write for example --steps scratch,features,last.",
        ),
    ],
)
def test_what_is_no_step_is_refused(text: str, words: str) -> None:
    """With the step that is meant and a way out."""
    with pytest.raises(RequestError) as caught:
        parse_rungs(text, PRESETS)
    assert str(caught.value) == words


def test_a_change_of_the_best_is_a_step_of_its_own() -> None:
    """Its layers, its views unless others are named, and its statistics."""
    light, update = parse_rungs("best+light,best+update", PRESETS)
    assert light.on(Rung("last-two", update=True)) == Rung("last-two", "light", update=True)
    assert update.on(Rung("last", "strong")) == Rung("last", "strong", update=True)
    assert light.on(Rung("features")) == Rung("features", "light")
    assert Rung("last").on(Rung("all", "strong", update=True)) == Rung("last")
