"""What ``pellucid explain`` does without ``--cell``: a PNG with a saliency map, and what it says in words."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.output import complain, emit, say
from pellucid.cli.png import check_png, free_png
from pellucid.cli.progress import Progress
from pellucid.errors import RequestError, printable, shown
from pellucid.insight.saliency import METHODS
from pellucid.network.weights import nearest

if TYPE_CHECKING:
    from pellucid.insight.saliency.frame import Box, Frame
    from pellucid.insight.saliency.map import Saliency
    from pellucid.insight.saliency.overlay import Words

_CHANNELS = 10


def draw_map(
    model: str,
    picture: str,
    target: str | None,
    method: str,
    layer: str | None,
    out: Path | None,
    *,
    download: bool = False,
    as_json: bool = False,
) -> None:
    """Find the map, write the PNG, and tell.

    Raises:
        PellucidError: There is no such network, picture, class, method or layer; the PNG cannot be written.
    """
    _check_method(method)
    check_png(out, picture)
    from pellucid.insight.saliency.frame import frame_of  # PyTorch takes seconds to import
    from pellucid.insight.saliency.method import saliency
    from pellucid.insight.saliency.overlay import overlay
    from pellucid.insight.subject import open_subject
    from pellucid.pictures.decode import decode
    from pellucid.pictures.file import read_picture
    from pellucid.storage import storage_errors, write_whole

    with Progress() as listen:
        subject = open_subject(model, download=download, listen=listen)
        data = read_picture(picture, (subject.preprocess.height, subject.preprocess.width))
        inside = subject.look(subject.preprocess.read(data))
        found = saliency(
            inside,
            method,
            layer=layer,
            target=target,
            classes=subject.classes,
            temperature=subject.temperature,
            listen=listen,
        )
    pixels_HWC = decode(data)
    frame = frame_of(subject.preprocess, *pixels_HWC.shape[:2])
    box = _box(found, frame)
    place = out or free_png(Path(picture).stem, method)
    with storage_errors(place, "the picture"):
        write_whole(place, overlay(pixels_HWC, frame, found, _words(found, frame, box)))
    notes = [*subject.notes, *found.notes]
    if as_json:
        emit({"path": picture, "out": str(place), **_json(found, box), "notes": notes})
        return
    for note in notes:
        complain(note)
    _tell(found, frame, box)
    say(f"The picture: {printable(place)}")


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise RequestError(
            f"There is no method {shown(method)}.",
            f"{', '.join(METHODS)} are known.",
            nearest(method, [*METHODS]) or "Choose one of them.",
        )


def _box(found: "Saliency", frame: "Frame") -> "tuple[Box, float] | None":
    """The strongest region in the picture's own pixels, and its share of the map."""
    region = found.region()
    if region is None:
        return None
    return frame.box(region.top, region.left, region.bottom, region.right), region.share


def _method(found: "Saliency") -> str:
    """The method with its layer: ``Grad-CAM at bn2``."""
    from pellucid.insight.saliency.overlay import TITLES

    title = TITLES[found.method]
    return title if found.layer is None else f"{title} at {found.layer}"


def _words(found: "Saliency", frame: "Frame", box: "tuple[Box, float] | None") -> "Words":
    """What stands over the pictures."""
    from pellucid.insight.saliency.overlay import Words

    under = f"{_method(found)}. "
    if box is None:
        under += "No place of the picture speaks for it."
    else:
        under += f"The box around the strongest region holds {_percent(box[1])} of the map."
    if frame.cut:
        under += " The network sees what lies between the dashed lines."
    return Words(f"{found.label}  {_percent(found.confidence)}", under)


def _tell(found: "Saliency", frame: "Frame", box: "tuple[Box, float] | None") -> None:
    """What the map says, in words."""
    from pellucid.insight.saliency.sentences import details

    chance = "" if found.confidence is None else f", {_percent(found.confidence)}"
    say(f"{printable(found.label)}{chance}")
    if found.label != found.predicted:
        best = _percent(found.predicted_confidence)
        say(f"The network's own answer is {printable(found.predicted)}, {best}.")
    rows, columns = found.map_HW.shape
    cells = f"{_method(found)}, {rows} x {columns} cells"
    if box is None:
        say(f"{cells}: no place of the picture speaks for this class.")
    else:
        row, column = found.peak
        say(f"{cells}: strongest at row {row}, column {column}, with {found.scale:.4g}.")
        place, share = box
        rows_columns = f"rows {place.top} to {place.bottom}, columns {place.left} to {place.right}"
        say(
            f"The strongest region is {rows_columns} of the picture's {frame.height} x {frame.width}; "
            f"it holds {_percent(share)} of the map."
        )
    for line in details(found):
        say(line)


def _json(found: "Saliency", box: "tuple[Box, float] | None") -> dict[str, Any]:
    """The keys of the contract."""
    from pellucid.insight.saliency.cam import GradCam

    row, column = found.peak
    evidence = found.evidence
    weights = evidence.parts(_CHANNELS) if isinstance(evidence, GradCam) else []
    names = ("window", "stride", "whole", "steps", "score", "baseline_score", "residue", "bias")
    return {
        "label": found.predicted,
        "confidence": found.predicted_confidence,
        "class": found.label,
        "class_confidence": found.confidence,
        "logit": found.logit,
        "method": found.method,
        "layer": found.layer,
        "map_shape": list(found.map_HW.shape),
        "peak": None if box is None else {"row": row, "column": column, "value": found.scale},
        "region": None if box is None else {**box[0].to_json(), "share": box[1]},
        "weights": [asdict(part) for part in weights],
        "details": {name: getattr(evidence, name) for name in names if hasattr(evidence, name)},
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
