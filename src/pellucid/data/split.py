"""Which pictures are learnt from, chosen by, and tested on: leak-safe, stratified, decided by content.

How. Each picture has a number u, uniform in [0, 1), from a hash of the seed and its bytes; a group of
duplicates has the least u of its members and is placed whole. With cut = test + val / 2, only groups with
u < cut may be tested on and only groups with u >= cut may be learnt from; val is the buffer between. Within a
class, test takes eligible groups in ascending u up to its share, train in descending u up to its share, and
val takes the rest. Shares are therefore met nearly exactly, and neither an added picture nor a group that
grows (its least u can only fall) can bring a picture from test to train.

Where this leaves a class short, two fallbacks follow, each told in a note. Bursts of near duplicates have low
least values, so u is first made uniform again for the group's size m: 1 - (1 - u)^m; then only a group that
itself grows may move. A class too small for that is cut by the rank of u, and an added picture may move one.

Splits that the source gives are kept; what is missing of val and test is carved out of train the same way,
but of val no more than is enough to choose by.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data.duplicates import Duplicates, find_duplicates
from pellucid.data.fractions import Fractions
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan
from pellucid.errors import SourceError, shown

# Validation pictures where the source gives the test split and nobody asked for shares: their interval is
# narrower than half a point at 99 %, and what is more is missing where it is learnt from.
_ENOUGH = 2500
_SHORT = 0.8  # of its share: a split with less is short


@dataclass(frozen=True)
class Split:
    """Indices into ``scan.pictures``, int64, each sorted; together with `set_aside` they are all of them."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]
    set_aside: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Group:
    """Duplicates that stay together: their least u, a key of their own, their places in the scan."""

    u: float
    key: str
    members: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def level(self) -> float:
        """u made uniform again: the least of m uniform numbers has the distribution 1 - (1 - u)^m."""
        return -math.expm1(self.size * math.log1p(-self.u))


_Parts = tuple[list[_Group], list[_Group], list[_Group]]  # train, val, test


def split_pictures(
    scan: Scan, fractions: Fractions, seed: int, duplicates: Duplicates | None = None
) -> Split:
    """Split the pictures of ``scan``; how, the module's own words say.

    Args:
        scan: The source as it was read.
        fractions: The shares of train, val and test.
        seed: Another seed gives another split.
        duplicates: Where they were looked for already: of 70,000 pictures that takes ten seconds.

    Raises:
        SourceError: where no picture can be read, there is one class only, or a class has too few pictures
            to stand in every split.
    """
    _refuse_hopeless(scan)
    duplicates = duplicates or find_duplicates(scan)
    notes = list(duplicates.notes)
    given_N = np.array([picture.split or "train" for picture in scan.pictures], dtype="U5")
    aside = _leaks(scan, duplicates, given_N)
    given_N[list(aside)] = "aside"
    pool = np.flatnonzero(given_N == "train")
    carved = _carved(fractions, given_N, notes)
    group_N = _fine_enough(scan, pool, duplicates, carved, notes)
    train, val, test = _carve(scan, pool, group_N, carved, seed, notes)
    _refuse_nothing_to_learn(scan, train)
    return Split(
        np.sort(train),
        np.sort(np.concatenate([val, np.flatnonzero(given_N == "val")])),
        np.sort(np.concatenate([test, np.flatnonzero(given_N == "test")])),
        tuple(Skipped(scan.pictures[index].path, aside[index]) for index in sorted(aside)),
        tuple(notes),
    )


# --- splits that the source gives ----------------------------------------------------------------------


def _carved(fractions: Fractions, given_N: NDArray[np.str_], notes: list[str]) -> Fractions:
    """The shares of train that are left to decide where the source gives val or test already."""
    given = [name for name in ("val", "test") if (given_N == name).any()]
    if not given:
        return fractions
    val = 0.0 if "val" in given else fractions.val
    test = 0.0 if "test" in given else fractions.test
    total = fractions.train + val + test
    val, test = val / total, test / total
    told = {"validation": f"{val:.0%} of them" if val else "", "test": f"{test:.0%} of them" if test else ""}
    most = _ENOUGH / max(int((given_N == "train").sum()), 1)
    if "test" in given and val > most and fractions == Fractions():
        val = most
        told["validation"] = f"{_ENOUGH:,} of them, which are enough to choose by; another --split takes more"
    for name, words in told.items():
        if words:
            notes.append(
                f"The source gives {' and '.join(given)}, so the {name} split was carved out of its train"
                f" pictures: {words}."
            )
    return Fractions(1 - val - test, val, test)


def _leaks(scan: Scan, duplicates: Duplicates, given_N: NDArray[np.str_]) -> dict[int, str]:
    """The places of pictures that also stand in a split that must not see them, and why each is set aside.

    Of copies in several given splits the one in test stays, else the one in val.
    """
    aside: dict[int, str] = {}
    several_N = np.bincount(duplicates.group_N)[duplicates.group_N] > 1
    for members in _members(duplicates.group_N, np.flatnonzero(several_N)).values():
        standing = {given_N[index] for index in members}
        if len(standing) < 2:
            continue
        keeper = "test" if "test" in standing else "val"
        kept = [index for index in members if given_N[index] == keeper]
        for index in members:
            if given_N[index] == keeper:
                continue
            same = [other for other in kept if duplicates.exact_N[other] == duplicates.exact_N[index]]
            what = "the same picture" if same else "nearly the same picture"
            where = shown(scan.pictures[(same or kept)[0]].path)
            aside[index] = f"{what} stands in the {keeper} split: {where}"
    return aside


# --- groups ----------------------------------------------------------------------------------------------


def _members(group_N: NDArray[np.int64], pool: NDArray[np.int64]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for index, group in zip(pool.tolist(), group_N[pool].tolist(), strict=True):
        members.setdefault(group, []).append(index)
    return members


def _fine_enough(
    scan: Scan, pool: NDArray[np.int64], duplicates: Duplicates, fractions: Fractions, notes: list[str]
) -> NDArray[np.int64]:
    """The groups to split by: near ones, but equal bytes only for a class with fewer groups than splits.

    Raises:
        SourceError: where a class has fewer different pictures than there are splits to stand in.
    """
    needed = 1 + (fractions.val > 0) + (fractions.test > 0)
    group_N = duplicates.group_N.copy()
    by_class: dict[str, list[int]] = {label: [] for label in scan.classes}
    for index in pool.tolist():
        by_class[scan.pictures[index].label].append(index)
    different = {label: len(set(duplicates.exact_N[by_class[label]].tolist())) for label in scan.classes}
    too_few = [label for label in scan.classes if different[label] < needed]
    if too_few:
        raise _too_few(too_few, len(by_class[too_few[0]]), different[too_few[0]], needed)
    loosened = [label for label, places in by_class.items() if len(set(group_N[places].tolist())) < needed]
    for label in loosened:
        alike = np.isin(duplicates.group_N, duplicates.group_N[by_class[label]])
        group_N[alike] = duplicates.exact_N[alike] + len(group_N)
    if loosened:
        notes.append(
            f"The pictures of {_listed(loosened)} nearly all look alike, so only equal files were kept"
            " together: figures for such a class may be too good."
        )
    return group_N


def _groups(
    scan: Scan, pool: NDArray[np.int64], group_N: NDArray[np.int64], seed: int
) -> dict[str, list[_Group]]:
    """The groups of ``pool`` under the commonest label of each."""
    strata: dict[str, list[_Group]] = {}
    for members in _members(group_N, pool).values():
        if len(members) == 1:  # nearly always, and many times faster
            alone = scan.pictures[members[0]]
            group = _Group(_uniform(seed, alone.digest), alone.digest, tuple(members))
            strata.setdefault(alone.label, []).append(group)
            continue
        digests = {scan.pictures[index].digest for index in members}
        u, key = min((_uniform(seed, digest), digest) for digest in digests)
        labels = Counter(scan.pictures[index].label for index in members)
        label = min(labels, key=lambda name: (-labels[name], name))
        strata.setdefault(label, []).append(_Group(u, key, tuple(members)))
    return strata


def _uniform(seed: int, digest: str) -> float:
    """A number in [0, 1) that any change of the seed or of the picture's bytes draws anew."""
    drawn = hashlib.blake2b(f"{seed} {digest}".encode(), digest_size=8).digest()
    return (int.from_bytes(drawn, "big") >> 11) / 2**53


# --- placing groups --------------------------------------------------------------------------------------


def _carve(
    scan: Scan,
    pool: NDArray[np.int64],
    group_N: NDArray[np.int64],
    fractions: Fractions,
    seed: int,
    notes: list[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Train, val and test of ``pool``, class by class."""
    placed: _Parts = ([], [], [])
    burst, small = [], []
    for label, groups in sorted(_groups(scan, pool, group_N, seed).items()):
        parts = _by_content(groups, fractions, lambda group: group.u)
        if parts is None:
            parts = _by_content(groups, fractions, lambda group: group.level)
            if parts is not None and max(group.size for group in groups) > 1:
                burst.append(label)
        if parts is None:
            parts = _by_rank(groups, fractions)
            small.append(label)
        for all_of, one in zip(placed, parts, strict=True):
            all_of.extend(one)
    if burst:
        notes.append(
            f"In {_listed(burst)} many pictures have near copies. Copies stay together; should a picture gain"
            " a copy later, it may change its split."
        )
    if small:
        notes.append(
            f"There are too few different pictures in {_listed(small)} to split them by content alone:"
            " pictures added later may move others between train, val and test."
        )
    train, val, test = (
        np.array([index for group in part for index in group.members], dtype=np.int64) for part in placed
    )
    return train, val, test


def _by_content(
    groups: list[_Group], fractions: Fractions, height: Callable[[_Group], float]
) -> _Parts | None:
    """Place by ``height`` on either side of the cut; None where a split comes out short."""
    ordered = sorted(groups, key=lambda group: (height(group), group.key))
    quota = _quota(groups, fractions)
    cut = fractions.test + fractions.val / 2 if fractions.test else 0.0
    low = [group for group in ordered if height(group) < cut]
    high = [group for group in ordered if height(group) >= cut]
    if fractions.val:
        test, left = _take(low, quota[2])
        train, right = _take(high[::-1], quota[0])
        parts = (train, left + right, test)
    else:
        parts = (high, [], low)
    sizes = [sum(group.size for group in part) for part in parts]
    short = sizes[0] < _SHORT * quota[0] or sizes[2] < _SHORT * quota[2] or (quota[1] and not sizes[1])
    return None if short else parts


def _by_rank(groups: list[_Group], fractions: Fractions) -> _Parts:
    """Place by the rank of u alone: the first are test, the last train."""
    ordered = sorted(groups, key=lambda group: (group.level, group.key))
    quota = _quota(groups, fractions)
    test, rest = _take(ordered, quota[2], leave=1 + (quota[1] > 0))
    if not quota[1]:
        return rest, [], test
    train, val = _take(rest[::-1], quota[0], leave=1, first=True)
    return train, val, test


def _quota(groups: list[_Group], fractions: Fractions) -> tuple[int, int, int]:
    """How many pictures train, val and test should get: at least one where the share is above 0."""
    total = sum(group.size for group in groups)
    val = max(round(fractions.val * total), fractions.val > 0)
    test = max(round(fractions.test * total), fractions.test > 0)
    while val + test >= total and max(val, test) > 1:
        val, test = (val - 1, test) if val > test else (val, test - 1)
    return max(total - val - test, 1), val, test


def _take(
    ordered: list[_Group], quota: int, leave: int = 0, first: bool = False
) -> tuple[list[_Group], list[_Group]]:
    """Groups from the front while each brings the number of pictures nearer to ``quota``, and the others.

    At least ``leave`` groups are left. Where every group is too large, the smallest is taken.
    """
    taken: list[_Group] = []
    others: list[_Group] = []
    missing = quota
    room = len(ordered) - leave
    for group in ordered:
        if len(taken) < room and group.size < 2 * missing:
            taken.append(group)
            missing -= group.size
        else:
            others.append(group)
    if quota and not taken and (room > 0 or (first and ordered)):
        smallest = min(others, key=lambda group: group.size)
        others.remove(smallest)
        taken = [smallest]
    return taken, others


# --- words -----------------------------------------------------------------------------------------------


def _listed(labels: list[str]) -> str:
    names = ", ".join(shown(label) for label in labels[:5])
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return f"the class {names}" if len(labels) == 1 else f"the classes {names}{more}"


def _refuse_hopeless(scan: Scan) -> None:
    name = shown(scan.source.name)
    if not scan.pictures:
        last = scan.skipped[-1]
        raise SourceError(
            f"None of the {len(scan.source.items)} pictures of {name} can be read (the last is"
            f" {shown(last.path)}: {last.reason}).",
            "Pictures as JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF were expected.",
            "Open one of them in a picture viewer; where that fails too, copy them again.",
        )
    if len(scan.classes) == 1:
        raise SourceError(
            f"The source {name} holds one class only, {shown(scan.classes[0])}.",
            "At least two classes to tell apart were expected.",
            "Add a folder of pictures that show something else.",
        )


def _too_few(labels: list[str], count: int, different: int, needed: int) -> SourceError:
    pictures = "1 readable picture" if count == 1 else f"{count} readable pictures"
    copies = "" if different == count else f", only {different} of them different"
    others = f" ({len(labels) - 1} more classes have too few)" if len(labels) > 1 else ""
    expected = "one was" if needed == 1 else f"{needed} different ones were"
    return SourceError(
        f"The class {shown(labels[0])} has {pictures} to learn from{copies}{others}.",
        f"At least {expected} expected in each class, so that each split has one.",
        "Add pictures to this class, or take the class away.",
    )


def _refuse_nothing_to_learn(scan: Scan, train: NDArray[np.int64]) -> None:
    present = {scan.pictures[index].label for index in train.tolist()}
    for label in scan.classes:
        if label not in present:
            raise SourceError(
                f"The class {shown(label)} has no picture left to learn from: its pictures also stand in"
                " other classes.",
                "Each class was expected to have pictures of its own.",
                "Run 'pellucid check' to see which pictures stand in two classes, and delete wrong copies.",
            )
