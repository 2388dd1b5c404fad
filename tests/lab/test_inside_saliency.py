"""Where a picture speaks for a class: the map that the page lays over it, and what is refused."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.insight.saliency.method import saliency
from pellucid.insight.saliency.sentences import details
from pellucid.lab.answer import answer
from pellucid.lab.held import HELD

ASKED = {
    "network": "input 28x28x1; conv 4 3x3 relu; maxpool 2x2; conv 6 3x3 relu; flatten; dense 10 softmax",
    "picture": "digits/7",
}


def asked(**fields: Any) -> dict[str, Any]:
    return answer({"kind": "inside.saliency", **ASKED, **fields})


@pytest.mark.parametrize("unit", [None, 0, 9])
@pytest.mark.parametrize("method", ["grad-cam", "layer-cam"])
def test_the_map_is_the_methods(method: str, unit: int | None) -> None:
    """As opaque as the map is high, at the size that the network sees; with Grad-CAM's largest weights."""
    reply = asked(method=method, unit=unit)
    inside = HELD.inside(ASKED["network"], ASKED["picture"])
    wanted = saliency(inside, method, target=unit)
    over_HWC = np.asarray(Image.open(io.BytesIO(reply["over"])))
    assert over_HWC.shape == (28, 28, 4)
    assert np.abs(over_HWC[:, :, 3] / 255 - wanted.upsampled(28, 28)).max() <= 0.5 / 255 + 1e-6
    assert (reply["layer"], reply["unit"], reply["name"]) == ("conv2d_1", wanted.index, wanted.label)
    assert reply["logit"] == wanted.logit
    weights = wanted.evidence.largest(5) if method == "grad-cam" else []
    assert [(one["channel"], one["weight"]) for one in reply["weights"]] == weights


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_a_map_that_takes_seconds_grows(method: str) -> None:
    """Each question goes on where another left off; equal ones have equal answers."""
    first = asked(method=method, upto=1)
    assert 0 < first["done"] < first["total"]
    assert first["notes"] == []
    later = asked(method=method, upto=first["done"] + 1)
    assert later["done"] > first["done"]
    assert asked(method=method, upto=1) == first
    assert asked(method=method, upto=first["done"] + 1) == later
    whole = asked(method=method)
    wanted = saliency(HELD.inside(ASKED["network"], ASKED["picture"]), method)
    over_HWC = np.asarray(Image.open(io.BytesIO(whole["over"])))
    assert np.abs(over_HWC[:, :, 3] / 255 - wanted.upsampled(28, 28)).max() <= 0.5 / 255 + 1e-6
    assert (whole["done"], whole["layer"], whole["scale"]) == (whole["total"], None, wanted.scale)
    assert whole["notes"] == [*details(wanted), *wanted.notes]
    assert asked(method=method, unit=3, upto=1)["unit"] == 3


@pytest.mark.parametrize("unit", [True, "3", 1.5, []])
def test_a_unit_that_is_none(unit: Any) -> None:
    """It is refused by what it must be."""
    with pytest.raises(PellucidError) as caught:
        asked(unit=unit)
    assert str(caught.value).endswith(
        "A whole number from 0 was expected, or none for the class that is answered. "
        "Ask again with such a value."
    )


def test_what_cannot_be_shown_is_told() -> None:
    """A class that there is not, a method that there is not, a network without maps."""
    with pytest.raises(PellucidError, match=r"^The network has no class '10'\."):
        asked(unit=10)
    with pytest.raises(PellucidError, match=r"^The question's 'method' is 'guided'\. One of grad-cam, "):
        asked(method="guided")
    with pytest.raises(
        PellucidError, match=r"^The question's 'upto' is -1\. A whole number from 0 to 1,000,000"
    ):
        asked(method="occlusion", upto=-1)
    with pytest.raises(PellucidError, match=r"^The network has no layer with a map of more than one cell\."):
        asked(network="input 28x28x1; flatten; dense 3 softmax")
