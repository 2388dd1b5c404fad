"""Leak-safe, stratified splits that content decides."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data import split as room
from pellucid.data.duplicates import find_duplicates
from pellucid.data.fractions import Fractions
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan
from pellucid.data.split import Split, split_pictures
from pellucid.errors import SourceError

Entry = tuple[str, str, str | None]
MakeScan = Callable[[Iterable[Entry]], Scan]
NAMES = ("train", "val", "test")
EASY = Fractions(0.7, 0.15, 0.15)
FALLBACKS = (
    "There are too few different pictures",
    "many pictures have near copies",
    "nearly all look alike",
)


def singles(label: str, number: int, split: str | None = None, first: int = 0) -> list[Entry]:
    return [(f"{label} {split} {n}", label, split) for n in range(first, first + number)]


def placed(scan: Scan, split: Split) -> dict[str, set[str]]:
    """For each picture, by its bytes, the splits that it stands in."""
    found: dict[str, set[str]] = {}
    for name in NAMES:
        for index in getattr(split, name).tolist():
            found.setdefault(scan.pictures[index].digest, set()).add(name)
    return found


def counts(scan: Scan, split: Split) -> dict[str, tuple[int, ...]]:
    per_split = [
        Counter(scan.pictures[index].label for index in getattr(split, name).tolist()) for name in NAMES
    ]
    return {label: tuple(counter[label] for counter in per_split) for label in scan.classes}


def fell_back(split: Split) -> bool:
    return any(words in note for note in split.notes for words in FALLBACKS)


@st.composite
def sources(draw: st.DrawFn, least: int = 12) -> list[Entry]:
    """Two or three classes of different pictures, some with exact or near copies, some of those elsewhere."""
    labels = draw(st.sampled_from([("a", "b"), ("a", "b", "c")]))
    key = draw(st.integers(0, 10**6))
    entries: list[Entry] = []
    for label in labels:
        number = draw(st.integers(least, 70))
        entries += [(f"{key} {label} {n}/0", label, None) for n in range(number)]
    for _ in range(draw(st.integers(0, 12))):
        shows, label, _ = draw(st.sampled_from(entries))
        motif = shows.split("/")[0]
        copy = draw(st.sampled_from(["0", "1", "2"]))
        entries.append((f"{motif}/{copy}", draw(st.sampled_from([label, label, *labels])), None))
    return entries


fractions = st.sampled_from(
    [
        EASY,
        Fractions(0.5, 0.25, 0.25),
        Fractions(0.8, 0.1, 0.1),
        Fractions(0.8, 0.0, 0.2),
        Fractions(0.8, 0.2, 0.0),
        Fractions(0.2, 0.2, 0.6),
        Fractions(1, 0, 0),
    ]
)


@given(entries=sources(), fractions=fractions, seed=st.integers(-5, 10**9))
def test_every_picture_stands_in_exactly_one_split(
    make_scan: MakeScan, entries: list[Entry], fractions: Fractions, seed: int
) -> None:
    """The three splits are sorted, int64, share nothing and leave nothing out; a share of 0 gets none."""
    scan = make_scan(entries)
    split = split_pictures(scan, fractions, seed)
    parts = [getattr(split, name) for name in NAMES]
    assert all(part.dtype == np.int64 and (np.diff(part) > 0).all() for part in parts)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(entries)))
    assert [bool(len(part)) for part in parts] == [True, fractions.val > 0, fractions.test > 0]
    assert split.set_aside == ()


@given(entries=sources(), fractions=fractions, seed=st.integers(0, 10**9))
def test_copies_are_never_split_apart(
    make_scan: MakeScan, entries: list[Entry], fractions: Fractions, seed: int
) -> None:
    """A group of exact or near duplicates stands in one split."""
    scan = make_scan(entries)
    split = split_pictures(scan, fractions, seed)
    group_N = find_duplicates(scan).group_N
    groups = [set(group_N[getattr(split, name)].tolist()) for name in NAMES]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


@given(
    numbers=st.lists(st.integers(3, 300), min_size=2, max_size=4),
    fractions=st.sampled_from([EASY, Fractions(0.5, 0.25, 0.25), Fractions(0.8, 0.1, 0.1)]),
    seed=st.integers(0, 10**9),
)
def test_every_class_gets_its_shares(
    make_scan: MakeScan, numbers: list[int], fractions: Fractions, seed: int
) -> None:
    """Without copies, test is within 20 % and never above its rounded share, train likewise, val the rest."""
    scan = make_scan([entry for n, number in enumerate(numbers) for entry in singles("abcd"[n], number)])
    split = split_pictures(scan, fractions, seed)
    for label, (train, val, test) in counts(scan, split).items():
        total = train + val + test
        quota_val, quota_test = (max(round(share * total), 1) for share in (fractions.val, fractions.test))
        if total > 4:
            assert math.ceil(0.8 * quota_test) <= test <= quota_test, label
            assert 0.8 * (total - quota_val - quota_test) <= train <= total - quota_val - quota_test, label
        assert min(train, val, test) >= 1, label


def test_large_classes_get_their_shares_to_the_picture(make_scan: MakeScan) -> None:
    """With some hundred pictures a class, the shares are exact for almost every seed."""
    scan = make_scan(singles("a", 400) + singles("b", 300))
    found = [counts(scan, split_pictures(scan, EASY, seed)) for seed in range(20)]
    exact = [one == {"a": (280, 60, 60), "b": (210, 45, 45)} for one in found]
    assert sum(exact) >= 18


@given(
    entries=sources(least=40),
    more=sources(least=1),
    copies=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["0", "1", "2"])), max_size=6),
    fractions=st.sampled_from([EASY, Fractions(0.5, 0.25, 0.25), Fractions(0.8, 0.0, 0.2)]),
    seed=st.integers(0, 10**9),
)
@settings(max_examples=200)
def test_an_added_picture_never_brings_one_from_test_to_train(
    make_scan: MakeScan,
    entries: list[Entry],
    more: list[Entry],
    copies: list[tuple[int, str]],
    fractions: Fractions,
    seed: int,
) -> None:
    """Whatever is added, new pictures or copies of old ones, what was tested on is not learnt from."""
    scan = make_scan(entries)
    classes = {label for _, label, _ in entries}  # a new class of one picture would be refused
    added = [*entries, *(entry for entry in more if entry[1] in classes)]
    for place, copy in copies:
        shows, label, _ = entries[place % len(entries)]
        added.append((f"{shows.split('/')[0]}/{copy}", label, None))
    grown = make_scan(added)
    before, after = (split_pictures(one, fractions, seed) for one in (scan, grown))
    if fell_back(before) or fell_back(after):
        return
    was, now = placed(scan, before), placed(grown, after)
    assert not [digest for digest in was if was[digest] == {"test"} and "train" in now[digest]]


def test_most_sources_need_no_fallback(make_scan: MakeScan) -> None:
    """The property above says something: of 50 ordinary sources hardly one is split by rank."""
    scan = make_scan(singles("a", 60) + singles("b", 60))
    fallen = [fell_back(split_pictures(scan, EASY, seed)) for seed in range(50)]
    assert sum(fallen) <= 10


@given(entries=sources(), fractions=fractions, seed=st.integers(0, 10**9), data=st.data())
def test_the_order_of_the_source_does_not_count(
    make_scan: MakeScan, entries: list[Entry], fractions: Fractions, seed: int, data: st.DataObject
) -> None:
    """The same pictures in another order, or under other names, are split alike."""
    mixed = data.draw(st.permutations(entries))
    one, other = make_scan(entries), make_scan(mixed)
    assert placed(one, split_pictures(one, fractions, seed)) == placed(
        other, split_pictures(other, fractions, seed)
    )


def test_the_seed_draws_another_split(make_scan: MakeScan) -> None:
    """Equal seeds give equal splits, other seeds others."""
    scan = make_scan(singles("a", 50) + singles("b", 50))
    tests = [tuple(split_pictures(scan, EASY, seed).test.tolist()) for seed in (0, 0, 1, 2)]
    assert tests[0] == tests[1]
    assert len(set(tests)) == 3


def test_the_numbers_that_decide_are_uniform(make_scan: MakeScan) -> None:
    """Of 20,000 pictures, each tenth of [0, 1) gets a tenth within four standard deviations."""
    drawn = [room._uniform(7, f"{n:032x}") for n in range(20_000)]
    tenths = np.histogram(drawn, 10, (0, 1))[0]
    assert np.abs(tenths - 2000).max() < 4 * math.sqrt(20_000 * 0.1 * 0.9)
    assert sum(tenths) == 20_000


@pytest.mark.parametrize("numbers", [(3, 3), (3, 30), (4, 5)])
def test_the_smallest_classes_stand_in_every_split(make_scan: MakeScan, numbers: tuple[int, int]) -> None:
    """Three pictures are one each, whatever the seed."""
    scan = make_scan(singles("a", numbers[0]) + singles("b", numbers[1]))
    for seed in range(20):
        assert min(min(parts) for parts in counts(scan, split_pictures(scan, EASY, seed)).values()) >= 1


def test_a_class_split_by_rank_is_told(make_scan: MakeScan) -> None:
    """Where content alone leaves a class short, a note names it and says what may happen."""
    scan = make_scan(singles("a\n", 3) + singles("b", 400))
    notes = {note for seed in range(20) for note in split_pictures(scan, EASY, seed).notes}
    assert (
        "There are too few different pictures in the class 'a\\n' to split them by content alone: pictures"
        " added later may move others between train, val and test." in notes
    )


def test_bursts_meet_their_shares_and_are_told(make_scan: MakeScan) -> None:
    """Where every picture has near copies, the shares hold, bursts stay whole, and a note says what moves."""
    entries: list[Entry] = [
        (f"{label} {n}/{copy}", label, None) for label in "ab" for n in range(80) for copy in range(5)
    ]
    scan = make_scan(entries)
    split = split_pictures(scan, EASY, 0)
    for train, val, test in counts(scan, split).values():
        assert 0.8 * 280 <= train <= 285
        assert 0.8 * 60 <= test <= 65
        assert val >= 30
    assert split.notes == (
        "In the classes 'a', 'b' many pictures have near copies. Copies stay together; should a picture gain"
        " a copy later, it may change its split.",
    )
    grown = make_scan([*entries, *singles("a", 40), *singles("b", 40)])
    was, now = placed(scan, split), placed(grown, split_pictures(grown, EASY, 0))
    assert not [digest for digest in was if was[digest] == {"test"} and "train" in now[digest]]


def test_one_large_burst_spoils_nothing(make_scan: MakeScan) -> None:
    """A burst that is larger than the test split's share does not fill it."""
    entries = [(f"burst/{n}", "a", None) for n in range(20)] + singles("a", 40) + singles("b", 60)
    scan = make_scan(entries)
    for seed in range(20):
        train, val, test = counts(scan, split_pictures(scan, EASY, seed))["a"]
        assert 7 <= test <= 13
        assert train >= 25
        assert val >= 1


def test_a_picture_in_two_classes_stays_together(make_scan: MakeScan) -> None:
    """Copies under two labels stand in one split, counted to their commonest class."""
    entries = singles("a", 30) + singles("b", 30)
    entries += [(f"both {n}", label, None) for n in range(10) for label in ("a", "a", "b")]
    scan = make_scan(entries)
    for seed in range(5):
        found = placed(scan, split_pictures(scan, EASY, seed))
        assert all(len(splits) == 1 for splits in found.values())


def test_the_camera_that_stands_still_can_be_split(make_scan: MakeScan) -> None:
    """Pictures that nearly all look alike are split by equal bytes, with the doubt as a note."""
    scan = make_scan([(f"part/{n}", "good" if n % 3 else "bad", None) for n in range(90)])
    split = split_pictures(scan, EASY, 0)
    assert counts(scan, split)["good"] == (42, 9, 9)
    assert any("too many to be copies of one picture" in note for note in split.notes)


def test_a_small_class_that_looks_alike_can_be_split(make_scan: MakeScan) -> None:
    """Ten defects before a fixed camera are not refused as one picture; the note warns of the figures."""
    scan = make_scan([(f"part/{n}", "bad", None) for n in range(10)] + singles("good", 40))
    split = split_pictures(scan, EASY, 0)
    assert sum(counts(scan, split)["bad"]) == 10
    assert min(counts(scan, split)["bad"]) >= 1
    assert split.notes[0] == (
        "The pictures of the class 'bad' nearly all look alike, so only equal files were kept together:"
        " figures for such a class may be too good."
    )


# --- splits that the source gives ----------------------------------------------------------------------


def given_in(scan: Scan, split: Split) -> dict[str, set[str | None]]:
    return {name: {scan.pictures[index].split for index in getattr(split, name).tolist()} for name in NAMES}


def test_given_splits_are_kept(make_scan: MakeScan) -> None:
    """Where the source gives all three, nothing is decided."""
    scan = make_scan([entry for name in NAMES for label in "ab" for entry in singles(label, 5, name)])
    split = split_pictures(scan, EASY, 0)
    assert given_in(scan, split) == {name: {name} for name in NAMES}
    assert split.notes == ()


def test_a_missing_test_split_is_carved_out_of_train(make_scan: MakeScan) -> None:
    """With train and val given, val stays, and test gets its share of train; a note says so."""
    scan = make_scan([*singles("a", 300, "train"), *singles("b", 300, "train"), *singles("a", 9, "val")])
    split = split_pictures(scan, EASY, 0)
    assert given_in(scan, split) == {"train": {"train"}, "val": {"val"}, "test": {"train"}}
    assert len(split.val) == 9
    assert abs(len(split.test) - 600 * 15 / 85) < 4 * math.sqrt(600 * 15 / 85 * 70 / 85)
    assert split.notes == (
        "The source gives val, so the test split was carved out of its train pictures: 18% of them.",
    )


def test_a_missing_val_split_is_carved_out_of_train(make_scan: MakeScan) -> None:
    """With train and test given, test stays, and val gets its share of train to the picture."""
    scan = make_scan([*singles("a", 100, "train"), *singles("b", 100, "train"), *singles("b", 9, "test")])
    split = split_pictures(scan, EASY, 0)
    assert given_in(scan, split) == {"train": {"train"}, "val": {"train"}, "test": {"test"}}
    assert counts(scan, split) == {"a": (82, 18, 0), "b": (82, 18, 9)}
    assert split.notes == (
        "The source gives test, so the validation split was carved out of its train pictures: 18% of them.",
    )


def test_of_a_large_source_no_more_is_carved_out_than_is_needed_to_choose(
    make_scan: MakeScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a given test split val is 2,500 pictures (here 25) at most, unless other shares are asked for."""
    assert room._ENOUGH == 2500
    monkeypatch.setattr(room, "_ENOUGH", 25)
    scan = make_scan([*singles("a", 120, "train"), *singles("b", 80, "train"), *singles("b", 9, "test")])
    split = split_pictures(scan, Fractions(), 0)
    assert counts(scan, split) == {"a": (105, 15, 0), "b": (70, 10, 9)}
    assert split.notes == (
        "The source gives test, so the validation split was carved out of its train pictures: 25 of them, "
        "which are enough to choose by; another --split takes more.",
    )
    asked = split_pictures(scan, Fractions(0.8, 0.2, 0.0), 0)
    assert counts(scan, asked) == {"a": (96, 24, 0), "b": (64, 16, 9)}
    whole = make_scan([*singles("a", 120), *singles("b", 80)])
    assert counts(whole, split_pictures(whole, Fractions(), 0)) == {"a": (84, 18, 18), "b": (56, 12, 12)}


def test_a_lone_train_split_is_a_source_without_splits(make_scan: MakeScan) -> None:
    """train/ alone, and rows without a split, are split like any other source."""
    entries = singles("a", 50) + singles("b", 50)
    scan = make_scan(entries)
    lone = make_scan(
        [(shows, label, "train" if n % 2 else None) for n, (shows, label, _) in enumerate(entries)]
    )
    one, other = split_pictures(scan, EASY, 3), split_pictures(lone, EASY, 3)
    assert [getattr(one, name).tolist() for name in NAMES] == [
        getattr(other, name).tolist() for name in NAMES
    ]
    assert other.notes == one.notes


def test_shares_of_zero_carve_nothing(make_scan: MakeScan) -> None:
    """With train and test given and no share for val, train is learnt from whole."""
    scan = make_scan([*singles("a", 9, "train"), *singles("b", 9, "train"), *singles("a", 9, "test")])
    split = split_pictures(scan, Fractions(0.8, 0.0, 0.2), 0)
    assert (len(split.train), len(split.val), len(split.test)) == (18, 0, 9)
    assert split.notes == ()


def test_a_leak_across_given_splits_is_set_aside(make_scan: MakeScan) -> None:
    """Of copies in given splits, the one in test stays, else the one in val; the others are named."""
    entries: list[Entry] = [
        ("x/1", "a", "train"), ("x/1", "a", "test"), ("x/2", "a", "val"),
        ("y/1", "b", "train"), ("y/1", "b", "val"), ("z", "b", "test"),
        ("z", "b", "test"), ("y/3", "b", None),
    ]  # fmt: skip
    rest = [entry for name in NAMES for label in "ab" for entry in singles(label, 5, name)]
    scan = make_scan([*entries, *rest])
    split = split_pictures(scan, EASY, 0)
    assert split.set_aside == (
        Skipped("a/x/1-0.png", "the same picture stands in the test split: 'a/x/1-1.png'"),
        Skipped("a/x/2-2.png", "nearly the same picture stands in the test split: 'a/x/1-1.png'"),
        Skipped("b/y/1-3.png", "the same picture stands in the val split: 'b/y/1-4.png'"),
        Skipped("b/y/3-7.png", "nearly the same picture stands in the val split: 'b/y/1-4.png'"),
    )
    parts = np.concatenate([split.train, split.val, split.test])
    assert sorted(parts.tolist()) == [1, 4, 5, 6, *range(8, len(scan.pictures))]


# --- errors --------------------------------------------------------------------------------------------


def refusal(scan: Scan, fractions: Fractions = EASY) -> str:
    with pytest.raises(SourceError) as caught:
        split_pictures(scan, fractions, 0)
    return str(caught.value)


def test_one_class_is_an_error(make_scan: MakeScan) -> None:
    """There is nothing to tell apart in one class."""
    assert refusal(make_scan(singles("a", 9))) == (
        "The source 'pictures' holds one class only, 'a'. At least two classes to tell apart were expected."
        " Add a folder of pictures that show something else."
    )


def test_nothing_readable_is_an_error(make_scan: MakeScan) -> None:
    """Where every picture is broken, one of them and its reason are named."""
    whole = make_scan(singles("a", 2) + singles("b", 2))
    broken = tuple(Skipped(item.path, "it is empty") for item in whole.source.items)
    scan = replace(whole, pictures=(), thumbnails=whole.thumbnails[:0], skipped=broken)
    assert refusal(scan) == (
        "None of the 4 pictures of 'pictures' can be read (the last is 'b/b None 1-3.png': it is empty)."
        " Pictures as JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF were expected. Open one of them in a picture"
        " viewer; where that fails too, copy them again."
    )


@pytest.mark.parametrize(
    ("entries", "fractions", "came", "expected"),
    [
        (singles("a", 1), EASY, "1 readable picture to learn from.", "3 different ones were"),
        (singles("a", 2), EASY, "2 readable pictures to learn from.", "3 different ones were"),
        (
            singles("a", 1), Fractions(0.5, 0.5, 0), "1 readable picture to learn from.",
            "2 different ones were",
        ),
        ([], Fractions(1, 0, 0), "0 readable pictures to learn from.", "one was"),
        ([("x", "a", None)] * 5, EASY, "5 readable pictures to learn from, only 1 of them different.",
         "3 different ones were"),
        (singles("a", 2) + singles("c", 1), EASY,
         "2 readable pictures to learn from (1 more classes have too few).", "3 different ones were"),
        (singles("a", 9, "test"), EASY, "0 readable pictures to learn from.", "2 different ones were"),
    ],
)  # fmt: skip
def test_a_class_with_too_few_pictures_is_named(
    make_scan: MakeScan, entries: list[Entry], fractions: Fractions, came: str, expected: str
) -> None:
    """A class that cannot stand in every split is an error with its count, copies counted once."""
    scan = replace(make_scan(entries + singles("b", 9)), classes=("a", "b"))
    if any(label == "c" for _, label, _ in entries):
        scan = replace(scan, classes=("a", "b", "c"))
    assert refusal(scan, fractions) == (
        f"The class 'a' has {came} At least {expected} expected in each class, so that each split has one."
        " Add pictures to this class, or take the class away."
    )


def test_a_class_that_is_another_in_copy_is_an_error(make_scan: MakeScan) -> None:
    """A class all of whose pictures stand outside train with another class has nothing to learn from."""
    shows = [f"{n}" for n in range(200)]
    scan = make_scan([(show, "a", None) for show in shows] + [(show, "b", None) for show in shows[:3]])
    told = set()
    for seed in range(60):
        try:
            split_pictures(scan, EASY, seed)
        except SourceError as error:
            told.add(str(error))
    assert told == {
        "The class 'b' has no picture left to learn from: its pictures also stand in other classes. Each"
        " class was expected to have pictures of its own. Run 'pellucid check' to see which pictures stand in"
        " two classes, and delete wrong copies."
    }
