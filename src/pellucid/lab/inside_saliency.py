"""Where a picture speaks for a class, in the room Inside: a map to lay over it, and the numbers behind it.

The maps are ``insight.saliency``'s.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.insight.cell import finite
from pellucid.insight.saliency import METHODS
from pellucid.lab.held import HELD, Growth
from pellucid.lab.inside import asked
from pellucid.lab.question import Question, QuestionError, brief, choice, whole

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.saliency.map import Saliency
    from pellucid.insight.subject import Subject

_MOST = 10**6

_WEIGHTS = 5
_ORANGE = (230, 97, 1)


def saliency(question: Question) -> dict[str, Any]:
    """A saliency map for a class.

    The question's fields: network, picture, method, unit (the class's place among the answers; null for the
    one that is answered), and ``upto``: occlusion and integrated gradients take seconds, and answer when so
    much of the work is done; without it, or at a layer, all of it is. In the reply ``done`` of ``total`` went
    into ``over``, a PNG of the picture's size as the network sees it: orange, the more opaque the more the
    place speaks for the class. ``weights`` are the channels that count most, with Grad-CAM's weights.
    """
    from pellucid.insight.saliency.cam import GradCam
    from pellucid.insight.saliency.sentences import details

    method = choice(question, "method", METHODS, "grad-cam")
    upto = whole(question, "upto", 0, _MOST, _MOST)
    with HELD.lock:
        found, subject = _grown(question, method, _unit(question), upto)
        height, width = subject.preprocess.height, subject.preprocess.width
        map_HW = found.upsampled(height, width)
    weights = found.evidence.largest(_WEIGHTS) if isinstance(found.evidence, GradCam) else []
    return {
        "over": _over(map_HW),
        "method": method,
        "layer": found.layer,
        "unit": found.index,
        "name": found.label,
        "logit": finite(found.logit),
        "scale": finite(found.scale),
        "done": found.done,
        "total": found.total,
        "weights": [{"channel": channel, "weight": finite(weight)} for channel, weight in weights],
        "notes": [
            *(details(found) if found.layer is None and found.done == found.total else ()),
            *found.notes,
        ],
    }


def _unit(question: Question) -> int | None:
    unit = question.get("unit")
    if unit is not None and (isinstance(unit, bool) or not isinstance(unit, int)):
        raise QuestionError(
            f"The question's 'unit' is {brief(unit)}.",
            "A whole number from 0 was expected, or none for the class that is answered.",
            "Ask again with such a value.",
        )
    return unit


def _grown(question: Question, method: str, unit: int | None, upto: int) -> tuple["Saliency", "Subject"]:
    """The map once so much of the work is done, which goes on from where another question left it."""
    from pellucid.insight.saliency.method import growing

    inside, subject = asked(question)
    key = question["network"], question["picture"], method, unit
    kept = HELD.growing.get(key)
    if kept is None or kept.inside is not inside or kept.latest.done > upto:
        parts = growing(inside, method, target=unit, classes=subject.classes, temperature=subject.temperature)
        kept = Growth(inside, parts, next(parts))
    while kept.latest.done < min(upto, kept.latest.total):
        kept.latest = next(kept.parts)
    HELD.growing.put(key, kept, 1)
    return kept.latest, subject


def _over(map_HW: NDArray[np.float32]) -> bytes:
    """Orange, as opaque as the map is high."""
    over_HWC = np.empty((*map_HW.shape, 4), np.uint8)
    over_HWC[:, :, :3] = _ORANGE
    over_HWC[:, :, 3] = np.rint(255 * np.clip(np.nan_to_num(map_HW), 0, 1))
    file = io.BytesIO()
    Image.fromarray(over_HWC).save(file, "PNG", compress_level=1)
    return file.getvalue()
