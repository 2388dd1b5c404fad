"""Steps as they are written: read, named, and refused where they cannot be."""

import pytest

from pellucid.errors import RequestError
from pellucid.training.rung import Rung, parse_rungs

PRESETS = ("none", "light", "strong")


def test_steps_are_read_in_order_and_named_in_words() -> None:
    """A word, and a preset after a plus sign; blanks do not matter."""
    rungs = parse_rungs("scratch, scratch+light,features,last-two + strong,blocks.3", PRESETS)
    assert [(one.learns, one.augment) for one in rungs] == [
        ("scratch", "none"),
        ("scratch", "light"),
        ("features", "none"),
        ("last-two", "strong"),
        ("blocks.3", "none"),
    ]
    assert [one.name for one in rungs] == [
        "scratch",
        "scratch, light views",
        "features",
        "finetune, last two blocks, strong views",
        "finetune, above blocks.3",
    ]
    assert [one.tunes for one in rungs] == [False, False, False, True, True]
    assert Rung("last", "RandomFlip horizontal; RandomHue 0.1").name == "finetune, last block, own views"
    assert not any(one.whole for one in rungs)
    assert Rung("all").whole
    assert Rung("last") == Rung("last", "none")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "last+lihgt",
            "The step 'last+lihgt' has unknown views: 'lihgt'. One of none, light, strong was expected after "
            "'+'. Did you mean light?",
        ),
        (
            "last+",
            "The step 'last+' has unknown views: ''. One of none, light, strong was expected after '+'. "
            "Write for example last+light.",
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
