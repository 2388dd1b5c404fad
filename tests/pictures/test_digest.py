"""A picture is known by its bytes: published values, and every bit counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.pictures.digest import picture_digest, picture_digests


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "cae66941d9efbd404e4d88758ea67670"),
        (b"abc", "cf4ab791c62b8d2b2109c90275287816"),
    ],
)
def test_the_digest_is_that_of_b2sum(data: bytes, digest: str) -> None:
    """What ``b2sum --length 128`` of GNU coreutils prints: caches written today are found tomorrow."""
    assert picture_digest(data) == digest


@given(st.binary(max_size=300))
def test_a_digest_is_16_bytes_in_lower_case_hexadecimal(data: bytes) -> None:
    """Caches keep it as 16 raw bytes and give it back as the same text."""
    digest = picture_digest(data)
    assert len(bytes.fromhex(digest)) == 16
    assert bytes.fromhex(digest).hex() == digest


@given(st.binary(min_size=1, max_size=300), st.data())
def test_one_bit_makes_another_picture(data: bytes, draw: st.DataObject) -> None:
    """A file with any one bit flipped, or cut by its last byte, has another digest."""
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    assert len({picture_digest(one) for one in (data, bytes(flipped), data[:-1])}) == 3


@given(st.binary(max_size=30), st.lists(st.binary(max_size=60), max_size=5))
def test_pictures_that_begin_alike_have_the_digests_of_their_own_bytes(
    head: bytes, bodies: list[bytes]
) -> None:
    """Many at once are known by what each of them is."""
    assert picture_digests(head, bodies) == [picture_digest(head + body) for body in bodies]
