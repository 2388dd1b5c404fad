"""A step of the ladder as a person writes it: what learns, and from which views of the pictures.

How a step is carried out, and whether it is kept, is ``learn``'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pellucid.errors import RequestError, shown

PLAIN = "none"
FROM_PIXELS, FROZEN, EVERYTHING = "scratch", "features", "all"
_WORDS = {"last": "last block", "last-two": "last two blocks", EVERYTHING: "all layers"}


@dataclass(frozen=True)
class Rung:
    """What is to be tried.

    Attributes:
        learns: ``scratch`` (a network from nothing), ``features`` (a head on the frozen backbone), or what
            of the backbone learns, as ``--unfreeze`` has it: ``last``, ``last-two``, ``all`` or a boundary.
        augment: The preset that its views are made by, or the text of an augmentation.
    """

    learns: str
    augment: str = PLAIN

    @property
    def tunes(self) -> bool:
        """Whether layers of the backbone learn."""
        return self.learns not in (FROM_PIXELS, FROZEN)

    @property
    def whole(self) -> bool:
        """Whether all layers learn: then it is pictures that are learnt from, and no maps are kept."""
        return self.learns == EVERYTHING

    @property
    def name(self) -> str:
        """In words, as a stage is called."""
        what = f"finetune, {_WORDS.get(self.learns, f'above {self.learns}')}" if self.tunes else self.learns
        return what if self.augment == PLAIN else f"{what}, {called(self.augment)} views"


def called(augment: str) -> str:
    """An augmentation in a word: a preset's name, or ``own`` where it is a text."""
    return augment if augment.isalpha() else "own"


def parse_rungs(text: str, presets: Sequence[str]) -> tuple[Rung, ...]:
    """The steps of ``scratch,scratch+light,features,last+light``, in that order.

    Args:
        text: Steps with commas between them, each of them a word and, after ``+``, a preset.
        presets: The presets that there are.

    Raises:
        RequestError: a step is empty, stands there twice, or has a preset that there is not.
    """
    rungs: list[Rung] = []
    for written in text.split(","):
        learns, plus, augment = written.strip().partition("+")
        rung = Rung(learns.strip(), augment.strip() if plus else PLAIN)
        if rung.augment not in presets:
            near = get_close_matches(rung.augment, presets, n=1)
            raise RequestError(
                f"The step {shown(written.strip()[:60])} has unknown views: {shown(rung.augment)}.",
                f"One of {', '.join(presets)} was expected after '+'.",
                f"Did you mean {near[0]}?" if near else "Write for example last+light.",
            )
        if not rung.learns or rung in rungs:
            what = f"{shown(written.strip()[:60])} twice" if rung.learns else "one that is empty"
            raise RequestError(
                f"Among the steps {shown(text[:100])} stands {what}.",
                "Different steps with commas between them were expected.",
                "Write for example --steps scratch,features,last.",
            )
        rungs.append(rung)
    return tuple(rungs)
