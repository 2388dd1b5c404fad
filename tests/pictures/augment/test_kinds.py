"""Every kind by its name: one contract for all of them."""

import json

import numpy as np
import pytest

from pellucid.errors import RequestError
from pellucid.pictures.augment.kinds import KINDS, transform_from_json, transform_to_json
from pellucid.pictures.augment.plan import Augment, Drawn

# A factor for each kind that has no default for it.
NEEDED = {
    "RandomRotation": {"factor": 0.1},
    "RandomZoom": {"height_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": [0.0, 0.2]},
    "RandomBrightness": {"factor": 0.2},
    "RandomContrast": {"factor": 0.2},
    "RandomSaturation": {"factor": [0.2, 0.6]},
    "RandomHue": {"factor": 0.1},
}


def made(name: str) -> object:
    return transform_from_json({"name": name, **NEEDED.get(name, {})})


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_keeps_the_contract(name: str, channels: int) -> None:
    """Size, channels and dtype stay; what came stays; numbers are JSON and make the same view again."""
    transform = KINDS[name](
        **{k: tuple(v) if isinstance(v, list) else v for k, v in NEEDED.get(name, {}).items()}
    )
    plan = Augment((transform,))
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (17, 22, channels), np.uint8)
    pixels_HWC.setflags(write=False)
    for view in range(20):
        drawn = plan.draw(3, "key", view)
        found = plan.view(pixels_HWC, 3, "key", view)
        assert found.shape == pixels_HWC.shape
        assert found.dtype == np.uint8
        assert found.flags.writeable
        again = Drawn.from_json(json.loads(json.dumps(drawn.to_json(), allow_nan=False)))
        assert again == drawn
        assert np.array_equal(plan.apply(pixels_HWC, again), found)
        assert plan.said(drawn)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_written_and_read(name: str) -> None:
    """Through JSON and back it is equal, and its name stands in it."""
    transform = made(name)
    told = transform_to_json(transform)  # type: ignore[arg-type]
    assert told == json.loads(json.dumps(told))
    assert told["name"] == name
    assert transform_from_json(told) == transform


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"name": "RandomRotaton", "factor": 0.1},
            "There is no augmentation 'RandomRotaton'. " + ", ".join(KINDS) + " are known. Did you mean "
            "RandomRotation?",
        ),
        (
            {"name": "RandomZoom", "hight_factor": 0.1},
            "There is no factor of RandomZoom 'hight_factor'. height_factor, width_factor are known. Did you "
            "mean height_factor?",
        ),
        (
            {"name": "RandomTranslation", "height_factor": 0.1},
            "RandomTranslation was given height_factor. Its factors are height_factor, width_factor, and not "
            "all have a default. Name those that are missing.",
        ),
        (
            {"name": "TrivialAugment", "strength": 1},
            "TrivialAugment was given 'strength'. It has no factors. Leave it out.",
        ),
        (
            {"name": "RandomHue", "factor": 3},
            "RandomHue's factor is 3. A number from 0 to 1, or a pair of them (lower, upper), was expected. "
            "0.05 turns by at most 9 degrees of the colour circle.",
        ),
    ],
)
def test_what_is_not_known_is_refused(told: dict[str, object], message: str) -> None:
    """The nearest name is told."""
    with pytest.raises(RequestError) as caught:
        transform_from_json(told)
    assert str(caught.value) == message
