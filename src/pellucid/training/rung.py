"""A step of the ladder as a person writes it: what learns, and from which views of the pictures.

How a step is carried out, and whether it is kept, is ``learn``'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pellucid.errors import RequestError, shown

PLAIN = "none"
FROM_PIXELS, FROZEN, EVERYTHING = "scratch", "features", "all"
BEST = "best"
_UPDATE = "update"
_WORDS = {"last": "last block", "last-two": "last two blocks", EVERYTHING: "all layers"}


@dataclass(frozen=True)
class Rung:
    """What is to be tried.

    Attributes:
        learns: ``scratch`` (a network from nothing), ``features`` (a head on the frozen backbone), or what
            of the backbone learns, as ``--unfreeze`` has it: ``last``, ``last-two``, ``all`` or a boundary;
            or ``best``, which stands for what is best when its turn comes.
        augment: The preset that its views are made by, or the text of an augmentation.
        update: Whether the batch statistics of the layers that learn follow the pictures.
    """

    learns: str
    augment: str = PLAIN
    update: bool = False

    def on(self, best: "Rung") -> "Rung":
        """The step itself, where it is written as a change of the best before it."""
        if self.learns != BEST:
            return self
        augment = best.augment if self.augment == PLAIN else self.augment
        return Rung(best.learns, augment, best.update or self.update)

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
        views = "" if self.augment == PLAIN else f", {called(self.augment)} views"
        return f"{what}{views}{', updated statistics' if self.update else ''}"


def called(augment: str) -> str:
    """An augmentation in a word: a preset's name, or ``own`` where it is a text."""
    return augment if augment.isalpha() else "own"


def parse_rungs(text: str, presets: Sequence[str]) -> tuple[Rung, ...]:
    """The steps of ``scratch,scratch+light,features,last+light,best+update``, in that order.

    Args:
        text: Steps with commas between them, each of them a word and, after ``+``, a preset or ``update``, or
            both.
        presets: The presets that there are.

    Raises:
        RequestError: a step is empty, stands there twice, has a preset that there is not, or is to update
            what it has not.
    """
    rungs: list[Rung] = []
    for written in text.split(","):
        learns, *more = (word.strip() for word in written.split("+"))
        views = [word for word in more if word != _UPDATE]
        rung = Rung(learns, "+".join(views) if views else PLAIN, len(views) < len(more))
        if rung.augment not in presets:
            near = get_close_matches(rung.augment, presets, n=1) if len(views) == 1 else []
            raise RequestError(
                f"The step {shown(written.strip()[:60])} has unknown views: {shown(rung.augment)}.",
                f"One of {', '.join(presets)} or {_UPDATE} was expected after '+'.",
                f"Did you mean {near[0]}?" if near else "Write for example last+light.",
            )
        if rung.update and not rung.tunes:
            raise RequestError(
                f"The step {shown(written.strip()[:60])} is to update batch statistics.",
                "A step was expected in which layers of the backbone learn: only their statistics can follow "
                "the pictures.",
                "Write for example last+update.",
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
