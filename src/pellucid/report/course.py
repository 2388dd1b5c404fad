"""What the curves of a training say, in a sentence or two for whoever does not read curves every day.

Learning by heart, stopping too early, having learnt nothing: each is told with its figures and what to try.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.report.wording import counted, number, percent, points

_RISE = 1.05  # times its least: a validation loss that rises further than that is no noise
_FALL = 0.9  # of what it was a third before the end: a loss that still falls so fast is not done
_LITTLE = 0.75  # of the loss of answering all classes alike
_GAP = 0.1  # of accuracy between training and validation pictures


def course(epochs: Sequence[Mapping[str, Any]], best: int, classes: int) -> list[str]:
    """What a person should see in the curves, as sentences; at least one.

    Args:
        epochs: The lines of ``metrics.jsonl``, at least one.
        best: The number of the epoch that was kept.
        classes: How many classes there are.
    """
    kept, last = epochs[best - 1], epochs[-1]
    guess = math.log(classes)
    if kept["val_loss"] >= guess:
        return [
            f"The validation loss never fell below {number(guess)}, which is that of answering all {classes} "
            "classes alike: nothing was learnt that holds for new pictures."
        ]
    told = []
    if kept["val_loss"] > _LITTLE * guess:
        told.append(
            f"Little was learnt: the validation loss is {number(kept['val_loss'])}, and that of answering "
            f"all {classes} classes alike {number(guess)}. Where pictures are few, a pretrained network does "
            "better (--recipe features)."
        )
    little = len(told)
    if last["val_loss"] > _RISE * kept["val_loss"] and last["loss"] < kept["loss"]:
        told.append(
            f"After epoch {best} the training loss still fell, from {number(kept['loss'])} to "
            f"{number(last['loss'])}, and the validation loss rose, from {number(kept['val_loss'])} to "
            f"{number(last['val_loss'])}: the network began to learn its pictures by heart. That is why an "
            "earlier epoch was kept."
        )
    gap = kept["accuracy"] - kept["val_accuracy"]
    if gap > _GAP:
        told.append(
            f"In the epoch that was kept it is right on {percent(kept['accuracy'])} of the training pictures "
            f"and on {percent(kept['val_accuracy'])} of the validation pictures, {points(gap)} fewer."
        )
    if len(told) > little:
        told.append(
            "Against learning by heart help more pictures, views (--augment light), dropout, or a smaller "
            "network."
        )
    before = epochs[-1 - len(epochs) // 3]["val_loss"]
    if best == len(epochs) > 1 and last["val_loss"] < _FALL * before:
        told.append(
            f"The validation loss was still falling in the last of {counted(len(epochs), 'epoch')}: more of "
            f"them may do better (--epochs {2 * len(epochs)})."
        )
    return told or [
        "Training and validation pictures fare alike: no sign that it learnt its pictures by heart."
    ]
