"""What a method's own numbers say, in sentences: for the command line, and for the page."""

from pellucid.insight.saliency.cam import GradCam
from pellucid.insight.saliency.integrated import IntegratedGradients
from pellucid.insight.saliency.map import Saliency
from pellucid.insight.saliency.occlusion import Occlusion

_TOLD = 3


def details(found: Saliency) -> list[str]:
    """The numbers behind a whole map, in a sentence; LayerCAM has none of its own."""
    match found.evidence:
        case GradCam() as cam:
            listed = ", ".join(f"{part.channel} ({part.adds:+.3g})" for part in cam.parts(_TOLD))
            return [f"The channels with the largest parts in it: {listed}."]
        case Occlusion() as covering:
            least, whole = float(covering.covered_HW.min()), covering.whole
            chance = found.confidence is not None
            numbers = [f"{100 * one:.1f} %" if chance else f"{one:.4g}" for one in (whole, least)]
            seen = " x ".join(str(axis.length) for axis in found.grid)
            square = f"{covering.window} x {covering.window}"
            return [
                f"Squares of {square} of the {seen} pixels that the network sees were covered, one by one: "
                f"the answer is {numbers[0]} with none and {numbers[1]} at least."
            ]
        case IntegratedGradients() as path:
            return [
                f"The score is {path.score:.4g}, and {path.baseline_score:.4g} for a picture of nothing; the "
                f"parts of all pixels add up to the difference but for {path.residue:+.2g}."
            ]
    return []
