"""The ten digits as pictures of 7x12 pixels: what the units of LeNet-5's last layer compare their input with.

LeCun et al. 1998, figure 3, has such a picture for each printable character. These are drawn anew after its
idea, not copied: similar digits have similar pictures, so that a mistaken digit is near the right one.
"""

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 12, 7

# Twelve rows of each digit, side by side: 0 1 2 3 4, then 5 6 7 8 9.
_DRAWN = """
....... ....... ....... ....... .......
..###.. ...#... ..###.. ..###.. ....##.
.##.##. ..##... .##.##. .##.##. ...###.
##...## .###... ##...## ##...## ..##.#.
##...## ...#... .....## .....## .##..#.
##...## ...#... ....##. ...###. ##...#.
##...## ...#... ...##.. ...###. #######
##...## ...#... ..##... .....## #######
##...## ...#... .##.... ##...## .....#.
.##.##. ...#... ##..... .##.##. .....#.
..###.. .#####. ####### ..###.. .....#.
....... ....... ....... ....... .......

....... ....... ....... ....... .......
####### ..####. ####### ..###.. ..###..
##..... .##..## .....## .##.##. .##.##.
##..... ##..... .....## ##...## ##...##
##..... ##..... ....##. .##.##. ##...##
#####.. #####.. ....##. ..###.. ##...##
##..##. ##..##. ...##.. .##.##. .##..##
.....## ##...## ...##.. ##...## ..#####
.....## ##...## ..##... ##...## .....##
##..##. .##.##. ..##... .##.##. ##..##.
.####.. ..###.. .##.... ..###.. .####..
....... ....... ....... ....... .......
"""


def drawn_digits() -> NDArray[np.float32]:
    """The digits 0 to 9 as (84, 10) float32, pixels row by row: 1 is ink and -1 is paper."""
    tiers = [tier.split("\n") for tier in _DRAWN.strip().split("\n\n")]
    digits = [
        [row.split(" ")[column] for row in tier]
        for tier in tiers
        for column in range(len(tier[0].split(" ")))
    ]
    inked = [[letter == "#" for row in digit for letter in row] for digit in digits]
    return np.where(np.array(inked).T, 1, -1).astype(np.float32)
