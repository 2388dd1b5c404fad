"""What is wrong with the pictures of a scan, each with one line of advice, before anything is learnt.

It only tells; `split` is what keeps duplicates together and leaks out.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data.duplicates import Duplicates, find_duplicates
from pellucid.data.item import PLACEHOLDER
from pellucid.data.scan import Picture, Scan
from pellucid.errors import shown

FEW = 20  # pictures in a class
IMBALANCE = 3  # largest class / smallest class
SMALL = 32  # pixels of the shorter side
_GROUPS = 100  # groups of one kind that are told one by one


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its kind, the pictures it concerns (none for a whole class), what to do."""

    kind: str
    paths: tuple[str, ...]
    advice: str


def check_source(scan: Scan, duplicates: Duplicates | None = None) -> tuple[Finding, ...]:
    """All findings, the gravest kinds first; duplicates come one finding a group, and may be given."""
    duplicates = duplicates or find_duplicates(scan)
    return (
        *_groups(scan, duplicates),
        *_set_aside(scan),
        *_sizes_of_classes(scan),
        *_small_pictures(scan),
        *(Finding("look-alikes", (), note) for note in duplicates.notes),
    )


def summary(scan: Scan, findings: tuple[Finding, ...]) -> dict[str, object]:
    """What ``pellucid check --json`` prints: pictures, readable, unreadable, classes, findings."""
    unreadable = scan.skipped[len(scan.source.skipped) :]
    counts = _counts(scan)
    return {
        "pictures": len(scan.source.items),
        "readable": len(scan.pictures),
        "unreadable": [{"path": skipped.path, "reason": skipped.reason} for skipped in unreadable],
        "classes": {label: counts[label] for label in scan.classes},
        "findings": [
            {"kind": finding.kind, "paths": list(finding.paths), "advice": finding.advice}
            for finding in findings
        ],
    }


def _counts(scan: Scan) -> Counter[str]:
    return Counter(picture.label for picture in scan.pictures)


def _groups(scan: Scan, duplicates: Duplicates) -> list[Finding]:
    """Findings on the groups of several pictures: in two splits, in two classes, or merely twice."""
    found: dict[str, list[Finding]] = {"leak": [], "two classes": [], "duplicate": [], "near duplicate": []}
    for group in np.split(*_sorted_groups(duplicates)):
        if len(group) < 2:
            continue
        pictures = [scan.pictures[index] for index in group.tolist()]
        exact = len(set(duplicates.exact_N[group].tolist())) == 1
        for finding in _about(pictures, exact):
            found[finding.kind].append(finding)
    return [finding for findings in found.values() for finding in _bounded(findings)]


def _bounded(findings: list[Finding]) -> list[Finding]:
    """The first of many findings of one kind, and one that stands for all others."""
    rest = findings[_GROUPS:]
    if not rest:
        return findings
    paths = tuple(path for finding in rest for path in finding.paths)
    return [*findings[:_GROUPS], Finding(rest[0].kind, paths, f"{len(rest)} more such groups.")]


def _sorted_groups(duplicates: Duplicates) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pictures in the order of their groups, and where a new group begins."""
    order = np.argsort(duplicates.group_N, kind="stable")
    return order, np.flatnonzero(np.diff(duplicates.group_N[order])) + 1


def _about(pictures: list[Picture], exact: bool) -> list[Finding]:
    paths = tuple(picture.path for picture in pictures)
    what = "The same picture" if exact else "Nearly the same picture"
    splits = sorted({picture.split or "train" for picture in pictures})
    labels = sorted({picture.label for picture in pictures})
    findings = []
    if len(splits) > 1:
        advice = (
            f"{what} stands in {' and '.join(splits)}: figures would be too good. Keep it in one of them."
        )
        findings.append(Finding("leak", paths, advice))
    if len(labels) > 1:
        names = " and ".join(shown(label) for label in labels)
        findings.append(Finding("two classes", paths, f"{what} stands in {names}: keep it where it belongs."))
    if not findings:
        kind = "duplicate" if exact else "near duplicate"
        findings.append(Finding(kind, paths, f"{what}: one is enough. Copies are never split apart."))
    return findings


def _set_aside(scan: Scan) -> list[Finding]:
    listed = len(scan.source.skipped)
    findings = []
    unreadable = tuple(skipped.path for skipped in scan.skipped[listed:])
    if unreadable:
        findings.append(Finding("unreadable", unreadable, "Replace or delete what cannot be read."))
    by_reason: dict[str, list[str]] = {}
    for skipped in scan.source.skipped:
        by_reason.setdefault(skipped.reason, []).append(skipped.path)
    for reason, paths in by_reason.items():
        if reason == PLACEHOLDER:
            advice = "By its name a site's placeholder for a picture that is gone: delete it, or rename it."
            findings.append(Finding("placeholder", tuple(paths), advice))
        else:
            findings.append(Finding("set aside", tuple(paths), f"Not used: {reason}."))
    return findings


def _sizes_of_classes(scan: Scan) -> list[Finding]:
    counts = _counts(scan)
    findings = []
    if len(scan.classes) == 1:
        advice = f"There is one class only, {shown(scan.classes[0])}: add another to tell it from."
        findings.append(Finding("one class", (), advice))
    few = [label for label in scan.classes if counts[label] < FEW]
    for label in few:
        number = "1 picture" if counts[label] == 1 else f"{counts[label]} pictures"
        advice = f"The class {shown(label)} has {number}: add some, {FEW} at the least."
        findings.append(Finding("few pictures", (), advice))
    most = max(scan.classes, key=lambda label: counts[label])
    least = min(scan.classes, key=lambda label: counts[label])
    if counts[most] >= IMBALANCE * max(counts[least], 1):
        advice = (
            f"{shown(most)} has {counts[most]} pictures and {shown(least)} has {counts[least]}: add to the"
            " smaller, and look at the balanced accuracy."
        )
        findings.append(Finding("imbalance", (), advice))
    return findings


def _small_pictures(scan: Scan) -> list[Finding]:
    sides = np.array([min(picture.height, picture.width) for picture in scan.pictures])
    if len(sides) == 0 or np.median(sides) < 2 * SMALL:
        return []
    small = tuple(scan.pictures[index].path for index in np.flatnonzero(sides < SMALL))
    if not small:
        return []
    advice = (
        f"Less than {SMALL} pixels high or wide, where most are larger: look whether they are thumbnails."
    )
    return [Finding("small picture", small, advice)]
