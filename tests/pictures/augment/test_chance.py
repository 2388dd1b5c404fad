"""The numbers that belong to a run, a picture and a view, with the definition of the hash as referee."""

import hashlib
import struct

import numpy as np
from scipy import stats

from pellucid.pictures.augment.chance import Chance, generator

N = 10_000


def test_a_lot_is_the_hash_of_what_it_belongs_to() -> None:
    """The shares are the upper 53 bits of the words of keyed BLAKE2b, worked out here step by step."""
    key = hashlib.blake2b(b"RandomFlip 0\x007", digest_size=64).digest()
    digest = hashlib.blake2b(struct.pack("<Q", 3) + b"ant", digest_size=64, key=key).digest()
    words = np.frombuffer(digest, "<u8")
    lot = Chance("RandomFlip 0", 7).lot(b"ant", 3)
    assert lot.shares == tuple(int(word) // 2**11 / 2**53 for word in words[:6])
    assert lot.noise == int(words[6]) // 2**11


def test_a_lot_stays_what_it_was() -> None:
    """These numbers are written down: views of recorded runs are made from them."""
    lot = Chance("RandomRotation 0", 0).lot(b"picture", 1)
    assert lot.shares[0] == 0.6122352166397704
    assert lot.noise == 5928985907052267


def test_shares_are_uniform_and_independent() -> None:
    """Over 10,000 views of a picture each share is uniform, and no two of them are correlated."""
    chance = Chance("RandomZoom 0", 1)
    shares_N6 = np.array([chance.lot(b"one picture", view).shares for view in range(N)])
    assert shares_N6.min() >= 0
    assert shares_N6.max() < 1
    for column in shares_N6.T:
        assert stats.kstest(column, "uniform").pvalue > 0.001
    between_slots = np.corrcoef(shares_N6.T) - np.eye(6)
    between_views = np.corrcoef(shares_N6[:-1, 0], shares_N6[1:, 0])[0, 1]
    assert np.abs(between_slots).max() < 0.05
    assert abs(between_views) < 0.05


def test_another_stream_seed_picture_or_view_gives_other_numbers() -> None:
    """Whatever changes, everything changes; and no two of 4 x 1,000 lots are alike."""
    lots = {
        Chance(f"Random {stream}", seed).lot(str(picture).encode(), view)
        for stream in range(10)
        for seed in range(10)
        for picture in range(10)
        for view in range(4)
    }
    assert len(lots) == 4000
    assert len({lot.shares[0] for lot in lots}) == 4000
    assert len({lot.noise for lot in lots}) == 4000


def test_where_the_view_ends_and_the_picture_begins_is_unmistakable() -> None:
    """A picture whose name looks like a view number shares its lot with none."""
    chance = Chance("Random", 0)
    names = [b"", b"\0", b"\0" * 8, b"\1" + b"\0" * 7]
    assert len({chance.lot(name, view) for name in names for view in (0, 1, 256)}) == 12


def test_noise_makes_the_same_field_every_time() -> None:
    """Equal noise gives equal fields, other noise gives others."""
    one, same, other = (generator(noise).standard_normal(8) for noise in (5, 5, 6))
    assert np.array_equal(one, same)
    assert not np.isclose(one, other).any()
