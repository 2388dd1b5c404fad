"""What is wrong with the pictures of a source."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from pellucid.data import check as room
from pellucid.data.check import Finding, check_source, summary
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan

Entry = tuple[str, str, str | None]
MakeScan = Callable[[Iterable[Entry]], Scan]


def many(label: str, number: int, split: str | None = None) -> list[Entry]:
    return [(f"{label} {split} {n}", label, split) for n in range(number)]


def test_a_good_source_has_no_findings(make_scan: MakeScan) -> None:
    """Enough different pictures in each class are no reason to say anything."""
    assert check_source(make_scan(many("a", 20) + many("b", 59))) == ()


def test_duplicates_are_told_group_by_group(make_scan: MakeScan) -> None:
    """Equal and nearly equal pictures of one class, one finding a group."""
    entries = [("x", "a", None), ("x", "a", None), ("y/1", "b", None), ("y/2", "b", None)]
    assert check_source(make_scan(entries + many("a", 20) + many("b", 20))) == (
        Finding(
            "duplicate",
            ("a/x-0.png", "a/x-1.png"),
            "The same picture: one is enough. Copies are never split apart.",
        ),
        Finding(
            "near duplicate",
            ("b/y/1-2.png", "b/y/2-3.png"),
            "Nearly the same picture: one is enough. Copies are never split apart.",
        ),
    )


def test_a_picture_in_two_classes_is_told(make_scan: MakeScan) -> None:
    """The same picture under two labels is worse than a duplicate."""
    entries = [("x", "a", None), ("x", "b\n", None)]
    assert check_source(make_scan(entries + many("a", 20) + many("b\n", 20))) == (
        Finding(
            "two classes",
            ("a/x-0.png", "b\n/x-1.png"),
            "The same picture stands in 'a' and 'b\\n': keep it where it belongs.",
        ),
    )


def test_a_leak_is_told_first(make_scan: MakeScan) -> None:
    """A picture in two given splits, and in two classes at that, is two findings."""
    entries: list[Entry] = [("x/1", "a", "train"), ("x/2", "b", "test")]
    entries += [*many("a", 20, "train"), *many("b", 20, "train")]
    paths = ("a/x/1-0.png", "b/x/2-1.png")
    assert check_source(make_scan(entries)) == (
        Finding(
            "leak",
            paths,
            "Nearly the same picture stands in test and train: figures would be too good. Keep it in one"
            " of them.",
        ),
        Finding(
            "two classes", paths, "Nearly the same picture stands in 'a' and 'b': keep it where it belongs."
        ),
    )


def test_of_very_many_groups_the_rest_is_told_together(make_scan: MakeScan) -> None:
    """After a hundred groups of a kind one finding names all other pictures."""
    entries: list[Entry] = [(f"{n}", "a", None) for n in range(103) for _ in range(2)] + many("b", 100)
    findings = check_source(make_scan(entries))
    assert len(findings) == 101
    assert findings[-1].kind == "duplicate"
    assert findings[-1].advice == "3 more such groups."
    assert findings[-1].paths == tuple(
        f"a/{n}-{2 * n + copy}.png" for n in (100, 101, 102) for copy in (0, 1)
    )


def test_what_was_set_aside_is_told_by_reason(make_scan: MakeScan) -> None:
    """Unreadable pictures, placeholders and what listing skipped, one finding for each reason."""
    looked = make_scan(many("a", 20) + many("b", 20))
    listed = (
        Skipped("a/noimage.gif", "a placeholder by its name"),
        Skipped("c", "a folder without a picture, so it is no class"),
        Skipped("d", "a folder without a picture, so it is no class"),
    )
    broken = (Skipped("a/9.jpg", "it is empty"), Skipped("b/9.jpg", "it is cut short"))
    looked = replace(looked, source=replace(looked.source, skipped=listed), skipped=listed + broken)
    findings = check_source(looked)
    assert findings == (
        Finding("unreadable", ("a/9.jpg", "b/9.jpg"), "Replace or delete what cannot be read."),
        Finding(
            "placeholder",
            ("a/noimage.gif",),
            "By its name a site's placeholder for a picture that is gone: delete it, or rename it.",
        ),
        Finding("set aside", ("c", "d"), "Not used: a folder without a picture, so it is no class."),
    )


def test_small_and_uneven_classes_are_told(make_scan: MakeScan) -> None:
    """Less than 20 pictures, and a class of three times another's size, each with its numbers."""
    assert check_source(make_scan(many("a", 57) + many("b", 19) + many("c", 1))) == (
        Finding("few pictures", (), "The class 'b' has 19 pictures: add some, 20 at the least."),
        Finding("few pictures", (), "The class 'c' has 1 picture: add some, 20 at the least."),
        Finding(
            "imbalance",
            (),
            "'a' has 57 pictures and 'c' has 1: add to the smaller, and look at the balanced accuracy.",
        ),
    )


@pytest.mark.parametrize(("larger", "told"), [(59, False), (60, True)])
def test_three_times_as_many_is_uneven(make_scan: MakeScan, larger: int, told: bool) -> None:
    """20 and 60 pictures are told, 20 and 59 are not."""
    findings = check_source(make_scan(many("a", larger) + many("b", 20)))
    assert [finding.kind for finding in findings] == ["imbalance"] * told


def test_one_class_is_told(make_scan: MakeScan) -> None:
    """A single class can be checked; it is a finding, not an error."""
    assert check_source(make_scan(many("a", 20))) == (
        Finding("one class", (), "There is one class only, 'a': add another to tell it from."),
    )


def test_a_class_of_which_nothing_can_be_read_counts_none(make_scan: MakeScan) -> None:
    """A class whose pictures are all broken is few and uneven, not gone."""
    looked = replace(make_scan(many("a", 20)), classes=("a", "b"))
    assert [finding.advice for finding in check_source(looked)] == [
        "The class 'b' has 0 pictures: add some, 20 at the least.",
        "'a' has 20 pictures and 'b' has 0: add to the smaller, and look at the balanced accuracy.",
    ]
    assert summary(looked, ())["classes"] == {"a": 20, "b": 0}


def test_a_scan_without_a_readable_picture_can_be_checked(make_scan: MakeScan) -> None:
    """Where nothing can be read, each class has none and nothing is uneven."""
    looked = replace(make_scan([]), classes=("a", "b"), skipped=(Skipped("a/1", "it is empty"),))
    assert [finding.kind for finding in check_source(looked)] == [
        "unreadable",
        "few pictures",
        "few pictures",
    ]


def test_thumbnails_among_photographs_are_told(make_scan: MakeScan) -> None:
    """A picture under 32 pixels is named where most are larger, and not where all are small."""
    looked = make_scan(many("a", 20) + many("b", 20))
    one_small = tuple(
        replace(picture, width=31) if picture.index == 3 else picture for picture in looked.pictures
    )
    assert check_source(replace(looked, pictures=one_small)) == (
        Finding(
            "small picture",
            ("a/a None 3-3.png",),
            "Less than 32 pixels high or wide, where most are larger: look whether they are thumbnails.",
        ),
    )
    all_small = tuple(replace(picture, width=28, height=28) for picture in looked.pictures)
    assert check_source(replace(looked, pictures=all_small)) == ()


def test_a_fixed_camera_is_told(make_scan: MakeScan) -> None:
    """The doubt about too large a near group is a finding too."""
    looked = make_scan([(f"part/{n}", "ab"[n % 2], None) for n in range(60)])
    assert [finding.kind for finding in check_source(looked)] == ["look-alikes"]
    assert check_source(looked)[0].advice.startswith("60 different pictures look nearly the same in small")


def test_the_summary_is_the_contract_of_the_command(make_scan: MakeScan) -> None:
    """pictures, readable, unreadable, classes and findings; it is JSON, and the numbers add up."""
    entries = [("x", "a", None), ("x", "a", None), *many("b", 3)]
    looked = make_scan(entries)
    listed, broken = (Skipped("c", "no class"),), (Skipped("b/9.jpg", "it is empty"),)
    items = (*looked.source.items, looked.source.items[0])
    looked = replace(
        looked, source=replace(looked.source, items=items, skipped=listed), skipped=listed + broken
    )
    told = json.loads(json.dumps(summary(looked, (Finding("k", ("p", "q"), "do"),))))
    assert told == {
        "pictures": 6,
        "readable": 5,
        "unreadable": [{"path": "b/9.jpg", "reason": "it is empty"}],
        "classes": {"a": 2, "b": 3},
        "findings": [{"kind": "k", "paths": ["p", "q"], "advice": "do"}],
    }
    assert told["readable"] == sum(told["classes"].values()) == told["pictures"] - len(told["unreadable"])


def test_the_bound_on_groups_is_what_the_test_above_says() -> None:
    """A hundred groups of a kind are told one by one."""
    assert room._GROUPS == 100
