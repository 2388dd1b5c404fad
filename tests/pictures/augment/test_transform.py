"""What all transforms have in common, and the words they share."""

import numpy as np
import pytest

from pellucid.pictures.augment.affine import IDENTITY
from pellucid.pictures.augment.chance import Lot
from pellucid.pictures.augment.transform import Numbers, Transform, joined, percent


class Still(Transform):
    """Draws one number and changes nothing."""

    def draw(self, lot: Lot) -> Numbers:
        """The first share."""
        return {"share": lot.shares[0]}

    def said(self, numbers: Numbers) -> str:
        """Nothing."""
        return ""


def test_a_transform_moves_and_paints_nothing_unless_it_says_so() -> None:
    """The defaults are the identity and the pixels that came."""
    pixels_HWC = np.zeros((4, 5, 3), np.uint8)
    assert Still().place({}, (4, 5)) == (IDENTITY, (4, 5))
    assert Still().paint({}, pixels_HWC) is pixels_HWC


def test_a_transform_must_draw_and_say() -> None:
    """Neither has a default."""
    with pytest.raises(TypeError, match="abstract"):
        Transform()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.08, "8 %"), (-0.08, "8 %"), (0.0195, "2 %"), (0.0194, "1.9 %"), (0.001, "0.1 %"), (1.0, "100 %")],
)
def test_shares_are_told_in_per_cent(share: float, text: str) -> None:
    """Whole ones, and tenths where they are few; the sign is told in words."""
    assert percent(share) == text


def test_what_says_nothing_leaves_no_comma() -> None:
    """Empty parts vanish."""
    assert joined("", "a", "", "b") == "a, b"
    assert joined("", "") == ""
