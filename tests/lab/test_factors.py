"""The sliders: one for every factor there is, and their limits are the transforms' own."""

import dataclasses
from typing import Any

import pytest

from pellucid.errors import RequestError
from pellucid.lab.factors import BEGUN, SLIDERS, Slider, begun, controls
from pellucid.pictures.augment.geometry import RandomFlip, RandomRotation, RandomZoom
from pellucid.pictures.augment.kinds import KINDS

EVERY = [(kind, factor, slider) for kind, factors in SLIDERS.items() for factor, slider in factors.items()]


def test_every_kind_and_every_factor_has_its_slider() -> None:
    """A kind that is added to the package cannot be forgotten here."""
    assert set(SLIDERS) == set(BEGUN) == set(KINDS)
    for name, kind in KINDS.items():
        fields = {one.name for one in dataclasses.fields(kind) if one.init}  # type: ignore[arg-type]
        assert fields - {"mode"} == set(SLIDERS[name])


def with_value(kind: str, factor: str, value: Any) -> Any:
    one = begun(kind)
    pair = isinstance(getattr(one, factor), tuple)
    return dataclasses.replace(one, **{factor: (value, value) if pair else value})  # type: ignore[type-var]


@pytest.mark.parametrize(("kind", "factor", "slider"), EVERY)
def test_the_ends_of_a_slider_are_taken_and_what_lies_beyond_is_refused(
    kind: str, factor: str, slider: Slider
) -> None:
    """The limits of the number beside it are the transform's: one step further is out of range."""
    whole = slider.step >= 1
    for value in (slider.least, slider.low, slider.high, slider.most):
        with_value(kind, factor, int(value) if whole else value)
    for value in (slider.least - 1, slider.most + 1):
        with pytest.raises(RequestError):
            with_value(kind, factor, int(value) if whole else value)
    assert slider.least <= slider.low < slider.high <= slider.most


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_added_has_controls_with_its_values(kind: str) -> None:
    """The values of the controls are the transform's own, within their sliders."""
    one = begun(kind)
    for control in controls(one):
        value = getattr(one, control["name"])
        if control["choices"]:
            assert control["value"] == value
            assert value in control["choices"]
            continue
        pair = value if isinstance(value, tuple) else (value,)
        assert [part["value"] for part in control["parts"]] == list(pair)
        assert all(part["low"] <= part["value"] <= part["high"] for part in control["parts"])


def test_one_number_that_is_drawn_both_ways_begins_at_nought() -> None:
    """0.1 means from -0.1 to 0.1, so its slider has no side below 0; a pair has."""
    assert controls(RandomRotation(0.1))[0]["parts"][0]["low"] == 0
    assert [part["low"] for part in controls(RandomRotation((0.1, 0.2)))[0]["parts"]] == [-0.5, -0.5]
    assert controls(RandomRotation(-0.7))[0]["parts"][0]["low"] == -0.7


def test_a_factor_that_is_not_set_has_no_control() -> None:
    """Nor has a transform without factors any."""
    assert [one["name"] for one in controls(RandomZoom(0.1))] == ["height_factor"]
    assert controls(RandomFlip("vertical"))[0]["value"] == "vertical"
    assert controls(begun("TrivialAugment")) == []
