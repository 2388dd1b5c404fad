"""Where a picture speaks for a class, in the room Inside: a map to lay over it, and the numbers behind it.

The maps are ``insight.saliency``'s.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.insight.cell import finite
from pellucid.lab.held import HELD
from pellucid.lab.inside import asked
from pellucid.lab.question import Question, QuestionError, brief, choice

METHODS = ("grad-cam", "layer-cam")
"""Those that are quick enough to wait for; ``pellucid explain`` has slower ones."""

_WEIGHTS = 5
_ORANGE = (230, 97, 1)


def saliency(question: Question) -> dict[str, Any]:
    """A saliency map for a class.

    The question's fields: network, picture, method, and unit (the class's place among the answers; null for
    the one that is answered). In the reply ``over`` is a PNG of the picture's size as the network sees it:
    orange, the more opaque the more the place speaks for the class. ``weights`` are the channels that count
    most, with Grad-CAM's weights.
    """
    from pellucid.insight.saliency.cam import GradCam
    from pellucid.insight.saliency.method import saliency as find

    method = choice(question, "method", METHODS, "grad-cam")
    unit = question.get("unit")
    if unit is not None and (isinstance(unit, bool) or not isinstance(unit, int)):
        raise QuestionError(
            f"The question's 'unit' is {brief(unit)}.",
            "A whole number from 0 was expected, or none for the class that is answered.",
            "Ask again with such a value.",
        )
    with HELD.lock:
        inside, subject = asked(question)
        found = find(inside, method, target=unit, classes=subject.classes, temperature=subject.temperature)
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
        "weights": [{"channel": channel, "weight": finite(weight)} for channel, weight in weights],
        "notes": list(found.notes),
    }


def _over(map_HW: NDArray[np.float32]) -> bytes:
    """Orange, as opaque as the map is high."""
    over_HWC = np.empty((*map_HW.shape, 4), np.uint8)
    over_HWC[:, :, :3] = _ORANGE
    over_HWC[:, :, 3] = np.rint(255 * np.clip(np.nan_to_num(map_HW), 0, 1))
    file = io.BytesIO()
    Image.fromarray(over_HWC).save(file, "PNG", compress_level=1)
    return file.getvalue()
