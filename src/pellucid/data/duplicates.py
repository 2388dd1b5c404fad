"""Which pictures of a scan are the same, or nearly the same, as groups.

Exact means equal bytes. Near means that the 16 x 16 grey thumbnails are nearly equal, as they are after
re-encoding or resizing. Candidates are found on the thumbnails' principal components: a projection never
lengthens a distance, so a true pair is always among them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pellucid.data.scan import Scan
from pellucid.errors import shown

RMS = 2.5  # grey levels
LARGEST = 10  # grey levels, at any of the 256 places
CONTRAST = 0.1  # of the standard deviation of the flatter thumbnail
_AXES = 32
_CROWD = 16
_SLACK = 2.0  # for rounding in float32; what it lets through is not confirmed
_ROWS = 256
_TILE = 2048
_CHUNK = 4096
_BELIEVED = 20
_BELIEVED_SHARE = 0.05


@dataclass(frozen=True)
class Duplicates:
    """Groups of pictures that show the same thing.

    Attributes:
        exact_N: int64, for each picture of the scan the number of its group of equal bytes.
        group_N: int64, the number of its group of equal or nearly equal pictures.
        notes: Doubts, as sentences.
    """

    exact_N: NDArray[np.int64]
    group_N: NDArray[np.int64]
    notes: tuple[str, ...] = ()


def find_duplicates(scan: Scan) -> Duplicates:
    """Group the pictures of ``scan``; groups are numbered by their first picture's place.

    A near group of more than 20 different pictures and more than 5 % of its commonest class is not believed
    (a fixed camera sees nearly the same thing every time): in it only equal bytes count, and a note says so.
    """
    digests = np.array([picture.digest for picture in scan.pictures], dtype="S32")
    exact_N = _numbered(np.unique(digests, return_inverse=True)[1])
    first_E = np.unique(exact_N, return_index=True)[1]
    near_E = _components(near_pairs(scan.thumbnails[first_E]), len(first_E))
    doubted = _too_large(near_E, [scan.pictures[index].label for index in first_E.tolist()])
    group_E = np.where(np.isin(near_E, doubted), np.arange(len(first_E)), near_E)
    notes = tuple(_note(scan, first_E[near_E == number]) for number in doubted)
    return Duplicates(exact_N, _numbered(group_E[exact_N]), notes)


def near_pairs(thumbnails: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The pairs (P, 2) of thumbnails (N, S, S) that are nearly equal.

    The root of the mean squared difference is at most 2.5 grey levels and at most a tenth of the flatter
    thumbnail's standard deviation (flat pictures all look alike), and no place differs by more than 10.
    Of a picture with very many candidates only 16 are looked at: it is in a crowd, not one of a few copies.
    """
    if len(thumbnails) < 2:
        return np.empty((0, 2), np.int64)
    flat_ND = thumbnails.reshape(len(thumbnails), -1)
    spread_N = np.concatenate([part.std(axis=1) for part in _chunks(flat_ND)])
    limit_N = np.where(spread_N < 1, -1, np.minimum(RMS, CONTRAST * spread_N)).astype(np.float32)
    projected_NA = _project(flat_ND)
    order = np.argsort(projected_NA[:, -1], kind="stable")
    sorted_NA, reach_N = projected_NA[order], limit_N[order] * np.float32(np.sqrt(flat_ND.shape[1]))
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(order), _ROWS):
        candidates = order[_candidates(sorted_NA, reach_N, start)]
        found += [_confirmed(flat_ND, limit_N, part) for part in np.split(candidates, _cuts(candidates))]
    return np.concatenate(found)


def _chunks(flat_ND: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(flat_ND), _CHUNK):
        yield flat_ND[start : start + _CHUNK].astype(np.float32)


def _cuts(candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(_CHUNK, len(candidates), _CHUNK)


def _project(flat_ND: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The thumbnails' principal components, an orthonormal projection, the largest last: (N, A)."""
    mean_D = flat_ND.mean(axis=0, dtype=np.float64).astype(np.float32)
    products_DD = np.zeros((flat_ND.shape[1], flat_ND.shape[1]))
    for part in _chunks(flat_ND):
        products_DD += (part - mean_D).T @ (part - mean_D)
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # more threads wait for each other longer than they work
        axes_DA = np.linalg.eigh(products_DD)[1][:, -_AXES:].astype(np.float32)
    return np.concatenate([(part - mean_D) @ axes_DA for part in _chunks(flat_ND)])


def _candidates(
    sorted_NA: NDArray[np.float32], reach_N: NDArray[np.float32], start: int
) -> NDArray[np.int64]:
    """Pairs (P, 2) of a block of rows with later rows that are within the former's reach.

    Rows are sorted by their last component, so a row's partners stand in a window behind it. The window is
    walked in tiles until it ends or each row has its fill.
    """
    rows_BA, reach_B = sorted_NA[start : start + _ROWS], reach_N[start : start + _ROWS]
    places_B = np.arange(start, start + len(rows_BA))
    end = int(np.searchsorted(sorted_NA[:, -1], (rows_BA[:, -1] + reach_B).max() + _SLACK, side="right"))
    asked_BX = _extended(rows_BA, -2, 1, (rows_BA**2).sum(axis=1) - reach_B**2)
    room_B = np.where(reach_B < 0, 0, _CROWD)
    found = [np.empty((0, 2), np.int64)]
    for left in range(start, end, _TILE):
        tile_TA = sorted_NA[left : min(left + _TILE, end)]
        beyond_BT = asked_BX @ _extended(tile_TA, 1, (tile_TA**2).sum(axis=1), 1).T
        rows, columns = np.divmod(np.flatnonzero(beyond_BT <= _SLACK), len(tile_TA))
        later = columns + left > places_B[rows]
        rows, columns = rows[later], columns[later]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)  # among the hits of its row
        kept = rank < room_B[rows]
        found.append(np.stack([places_B[rows[kept]], columns[kept] + left], axis=1))
        room_B = room_B - np.bincount(rows[kept], minlength=len(room_B))
        if not room_B.any():
            break
    return np.concatenate(found)


def _extended(
    points_PA: NDArray[np.float32],
    scale: int,
    one: NDArray[np.float32] | int,
    other: NDArray[np.float32] | int,
) -> NDArray[np.float32]:
    """Points with two more columns, so that one matrix product gives |a|^2 - 2ab + |b|^2 - reach^2."""
    extended_PX = np.empty((len(points_PA), points_PA.shape[1] + 2), np.float32)
    extended_PX[:, :-2] = scale * points_PA
    extended_PX[:, -2] = one
    extended_PX[:, -1] = other
    return extended_PX


def _confirmed(
    flat_ND: NDArray[np.uint8], limit_N: NDArray[np.float32], pairs_P2: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Those of the candidate pairs that are near on all numbers."""
    one, other = pairs_P2.T
    difference_PD = flat_ND[one].astype(np.float32) - flat_ND[other]
    rms_P = np.sqrt((difference_PD**2).mean(axis=1))
    near_P = (rms_P <= np.minimum(limit_N[one], limit_N[other])) & (
        np.abs(difference_PD).max(axis=1) <= LARGEST
    )
    return np.asarray(pairs_P2[near_P])


def _components(pairs_P2: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """For each of ``count`` things the least one that it is joined to by ``pairs_P2``, over any chain."""
    root_N = np.arange(count)
    while True:
        ends_P2 = root_N[pairs_P2]
        least_P = ends_P2.min(axis=1)
        joined_N = root_N.copy()
        np.minimum.at(joined_N, ends_P2, least_P[:, None])
        while (joined_N[joined_N] != joined_N).any():
            joined_N = joined_N[joined_N]
        if np.array_equal(joined_N, root_N):
            return root_N
        root_N = joined_N


def _numbered(group_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same groups, numbered in the order of their first members."""
    _, first, inverse = np.unique(group_N, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _too_large(near_E: NDArray[np.int64], labels: list[str]) -> list[int]:
    """The numbers of the groups that are too large to be copies of one picture."""
    class_sizes = Counter(labels)
    sizes = np.bincount(near_E)
    doubted = []
    for number in np.flatnonzero(sizes > _BELIEVED).tolist():
        within = Counter(labels[place] for place in np.flatnonzero(near_E == number).tolist())
        commonest = min(within, key=lambda label: (-within[label], label))
        if sizes[number] > _BELIEVED_SHARE * class_sizes[commonest]:
            doubted.append(number)
    return doubted


def _note(scan: Scan, members: NDArray[np.int64]) -> str:
    one, other = (shown(scan.pictures[members[place]].path) for place in (0, -1))
    return (
        f"{len(members)} different pictures look nearly the same in small, such as {one} and {other}. That is"
        " too many to be copies of one picture, so only equal files among them are kept together in one"
        " split. If they are of one film or one object, the figures are too good."
    )
