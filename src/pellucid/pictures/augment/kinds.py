"""Every kind of transform by its name, and how one is written as JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pellucid.errors import RequestError
from pellucid.pictures.augment.colour import (
    RandomBrightness,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from pellucid.pictures.augment.damage import (
    RandomErasing,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomJpegQuality,
)
from pellucid.pictures.augment.factor import check_word
from pellucid.pictures.augment.geometry import (
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from pellucid.pictures.augment.transform import Transform
from pellucid.pictures.augment.trivial import TrivialAugment

KINDS: dict[str, type[Transform]] = {
    kind.__name__: kind
    for kind in (
        RandomFlip,
        RandomRotation,
        RandomZoom,
        RandomTranslation,
        RandomShear,
        RandomCrop,
        RandomResizedCrop,
        RandomBrightness,
        RandomContrast,
        RandomSaturation,
        RandomHue,
        RandomGrayscale,
        RandomGaussianNoise,
        RandomGaussianBlur,
        RandomJpegQuality,
        RandomErasing,
        TrivialAugment,
    )
}


def transform_to_json(transform: Transform) -> dict[str, Any]:
    """``{"name": "RandomRotation", "factor": 0.1}``: the kind and its factors."""
    return {"name": type(transform).__name__} | {
        name: list(value) if isinstance(value, tuple) else value
        for name in _factors(type(transform))
        for value in (getattr(transform, name),)
    }


def transform_from_json(told: Mapping[str, Any]) -> Transform:
    """The transform that ``transform_to_json`` wrote; factors that are left out have their defaults.

    Raises:
        RequestError: for a kind or factor that is not known, is missing, or is out of its range.
    """
    name = str(told.get("name", ""))
    check_word("augmentation", name, tuple(KINDS))
    kind = KINDS[name]
    known = _factors(kind)
    given = {factor: value for factor, value in told.items() if factor != "name"}
    for factor in given:
        check_factor(name, factor, known)
    tuples = {factor: tuple(value) if isinstance(value, list) else value for factor, value in given.items()}
    try:
        return kind(**tuples)
    except TypeError as error:  # a factor that has no default is missing
        raise RequestError(
            f"{name} was given {', '.join(given) or 'no factor'}.",
            f"Its factors are {', '.join(known)}, and not all have a default.",
            "Name those that are missing.",
        ) from error


def check_factor(name: str, factor: str, known: tuple[str, ...]) -> None:
    """Refuse a factor that the kind does not have.

    Raises:
        RequestError: for such a factor.
    """
    if not known:
        raise RequestError(f"{name} was given {factor!r}.", "It has no factors.", "Leave it out.")
    check_word(f"factor of {name}", factor, known)


def _factors(kind: type[Transform]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)  # type: ignore[arg-type]
