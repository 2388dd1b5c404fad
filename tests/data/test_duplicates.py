"""Groups of pictures that show the same thing."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from pellucid.data import duplicates as room
from pellucid.data.duplicates import find_duplicates, near_pairs
from pellucid.data.scan import Scan, scan
from pellucid.data.source import open_source

Draw = Callable[..., bytes]
Entry = tuple[str, str, str | None]
MakeScan = Callable[[Iterable[Entry]], Scan]


def found(thumbnails: NDArray[np.uint8]) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in near_pairs(thumbnails).tolist()}


def by_hand(thumbnails: NDArray[np.uint8]) -> set[tuple[int, int]]:
    """Every pair compared with every other, by the definition."""
    flat = thumbnails.reshape(len(thumbnails), 256).astype(np.float64)
    difference = flat[:, None] - flat[None]
    rms = np.sqrt((difference**2).mean(axis=2))
    flatter = np.minimum(flat.std(axis=1)[:, None], flat.std(axis=1)[None])
    near = (
        (flatter >= 1)
        & (rms <= np.minimum(2.5, 0.1 * flatter))
        & (np.abs(difference).max(axis=2, initial=0) <= 10)
    )
    return {(one, other) for one, other in np.argwhere(near).tolist() if one < other}


def variations(seed: int, count: int, noise: float) -> NDArray[np.uint8]:
    """Thumbnails of a few motifs, of much and of little contrast, each with noise of several strengths."""
    rng = np.random.default_rng(seed)
    motifs = rng.normal(0, 1, (max(count // 6, 1), 16, 16)) * rng.choice(
        [3, 10, 40], (max(count // 6, 1), 1, 1)
    )
    strengths = noise * rng.uniform(0, 2, (count, 1, 1))
    chosen = motifs[rng.integers(0, len(motifs), count)]
    return np.clip(128 + chosen + strengths * rng.normal(0, 1, (count, 16, 16)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_all_pairs_that_are_near_are_found_and_no_others(seed: int, noise: float) -> None:
    """The projection loses no pair: the same ones come out as by comparing all with all."""
    thumbnails = variations(seed, 90, noise)
    expected = by_hand(thumbnails)
    assert expected
    assert found(thumbnails) == expected


def test_blocks_and_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the sizes in which the work is cut, the pairs are the same."""
    thumbnails = variations(9, 200, 0.5)
    whole = found(thumbnails)
    assert len(whole) > 50
    for name, size in (("_ROWS", 7), ("_TILE", 11), ("_CHUNK", 13)):
        monkeypatch.setattr(room, name, size)
    assert found(thumbnails) == whole


@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(0, 12), st.just(16), st.just(16)),
        elements=st.sampled_from([0, 1, 200]),
    )
)
def test_any_thumbnails_are_compared(thumbnails: NDArray[np.uint8]) -> None:
    """None, one, flat and equal thumbnails all work, and agree with the definition."""
    assert found(thumbnails) == by_hand(thumbnails)


def test_flat_pictures_are_no_twins() -> None:
    """Two grey walls, or two nights, are not the same picture."""
    flat = np.full((2, 16, 16), 100, np.uint8)
    flat[1, :8] += 1
    assert found(flat) == set()


def test_a_crowd_is_one_group_without_all_its_pairs() -> None:
    """Of 3,000 pictures that are all alike, a few pairs each join the whole; memory stays bounded."""
    rng = np.random.default_rng(0)
    crowd = (rng.integers(20, 230, (16, 16)) + rng.normal(0, 0.5, (3000, 16, 16))).astype(np.uint8)
    pairs_P2 = near_pairs(crowd)
    assert len(pairs_P2) <= 16 * 3000
    assert set(room._components(pairs_P2, 3000)) == {0}


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))
    )
)
def test_components_are_those_of_the_graph(case: tuple[int, list[tuple[int, int]]]) -> None:
    """Each thing gets the least number that a chain of pairs leads to, as a plain search finds it."""
    count, pairs = case
    expected = []
    for start in range(count):
        reached = {start}
        for _ in range(count):
            reached |= {b for a, b in pairs if a in reached} | {a for a, b in pairs if b in reached}
        expected.append(min(reached))
    given_pairs = np.array(pairs, np.int64).reshape(-1, 2)
    assert room._components(given_pairs, count).tolist() == expected


def test_equal_bytes_and_near_pictures_are_grouped(make_scan: MakeScan) -> None:
    """Groups are numbered by their first picture; exact ones are finer than near ones."""
    shows = ["sea", "hill/1", "sea", "tree", "hill/2", "hill/1", "hill/3"]
    groups = find_duplicates(make_scan((show, "a", None) for show in shows))
    assert groups.exact_N.tolist() == [0, 1, 0, 2, 3, 1, 4]
    assert groups.group_N.tolist() == [0, 1, 0, 2, 1, 1, 1]
    assert groups.notes == ()


def test_a_scan_without_pictures_has_no_groups(make_scan: MakeScan) -> None:
    """Nothing readable is no failure."""
    groups = find_duplicates(make_scan([]))
    assert (len(groups.exact_N), len(groups.group_N)) == (0, 0)


def fixed_camera(number: int, others: int = 0) -> list[Entry]:
    entries: list[Entry] = [(f"part/{n}", "good" if n % 5 else "bad", None) for n in range(number)]
    return entries + [(f"other {n}", "good", None) for n in range(others)]


def test_pictures_of_a_fixed_camera_are_no_copies(make_scan: MakeScan) -> None:
    """A near group of more than 20 that is more than 5 % of its class is not believed, and it is said."""
    entries = [*fixed_camera(21), ("part/3", "good", None)]
    groups = find_duplicates(make_scan(entries))
    assert groups.group_N.tolist() == [*range(21), 3]
    assert groups.notes == (
        "21 different pictures look nearly the same in small, such as 'bad/part/0-0.png' and"
        " 'bad/part/20-20.png'. That is too many to be copies of one picture, so only equal files among them"
        " are kept together in one split. If they are of one film or one object, the figures are too good.",
    )


@pytest.mark.parametrize(
    "entries", [fixed_camera(20), fixed_camera(25, others=600)], ids=["20", "4 % of the class"]
)
def test_a_burst_is_believed(make_scan: MakeScan, entries: list[Entry]) -> None:
    """Up to 20 near pictures, or 5 % of a class, are kept together."""
    groups = find_duplicates(make_scan(entries))
    near = sum(show.startswith("part/") for show, _, _ in entries)
    assert set(groups.group_N[:near]) == {0}
    assert groups.notes == ()


def test_many_copies_of_one_file_are_believed(make_scan: MakeScan) -> None:
    """Equal bytes are copies however many there are."""
    groups = find_duplicates(make_scan([("logo/1", "a", None)] * 30 + [("logo/2", "a", None)] * 30))
    assert set(groups.group_N) == {0}


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_copies_of_real_files_are_found_and_different_pictures_are_not(
    tmp_path: Path, draw: Draw, own_cache: Path
) -> None:
    """JPEG at quality 50, half the size, a square of 224 and a PNG of one picture are one group each."""
    for n in range(12):
        picture = Image.open(io.BytesIO(draw(n, 300, 400)))
        copies = {
            "q95.jpg": encoded(picture, "JPEG", quality=95),
            "q50.jpg": encoded(picture, "JPEG", quality=50),
            "half.jpg": encoded(picture.resize((200, 150)), "JPEG", quality=85),
            "square.webp": encoded(picture.resize((224, 224)), "WEBP", quality=80),
            "whole.png": encoded(picture, "PNG"),
        }
        for name, data in copies.items():
            (tmp_path / f"p/{n:02d}").mkdir(parents=True, exist_ok=True)
            (tmp_path / f"p/{n:02d}" / name).write_bytes(data)
    looked = scan(open_source(tmp_path / "p"))
    groups = find_duplicates(looked)
    assert groups.group_N.tolist() == [n for n in range(12) for _ in range(5)]
    assert len(set(groups.exact_N.tolist())) == 60


def test_different_digits_are_not_twins(own_cache: Path) -> None:
    """Of 6,000 handwritten digits, many nearly alike, no two are called the same picture."""
    groups = find_duplicates(scan(open_source("builtin:digits")))
    assert len(set(groups.group_N.tolist())) == 6000
