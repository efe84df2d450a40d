"""Which rows train and which validate: decided before anything is expanded, by time.

Neighbouring frames of a recording are almost the same picture, so a random split measures memory.
Validation is whole recordings, or contiguous blocks of time with a gap around them from which
nothing trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset.store import Rows
from contract.dataset.timeline import row_times
from contract.errors import TrainingError

MANY_RECORDINGS: Final = 5
"""From here on `auto` validates on whole recordings."""
MOST_BLOCKS: Final = 5

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Masks over the rows of each store; rows in neither lie in the gap."""

    train: list[Mask]
    validation: list[Mask]


def split(recordings: Sequence[Rows], how: str, share: float, gap_s: float, seed: int) -> Split:
    """Part the rows of all recordings; the same arguments give the same split.

    Args:
        recordings: the rows of each store.
        how: "recordings", "blocks" or "auto".
        share: of the rows (blocks) or of the recordings that validates.
        gap_s: seconds around validation rows that belong to neither side. Holds across stores of
            the same drive too, so that a piece that was imported twice is never on both sides.
        seed: of the choice.

    Raises:
        TrainingError: one side would be empty.
    """
    random = np.random.default_rng([seed, 0x5EED])
    whole = how == "recordings" or (how == "auto" and len(recordings) >= MANY_RECORDINGS)
    if whole:
        validation = _whole_recordings(recordings, share, random)
    else:
        validation = [_blocks(rows, share, gap_s, random) for rows in recordings]
    train = _outside(recordings, validation, gap_s)
    for name, masks in (("train on", train), ("validate on", validation)):
        if not any(mask.any() for mask in masks):
            raise TrainingError(
                f"the split leaves no row to {name}",
                got=f"{[len(rows) for rows in recordings]} rows",
                remedy=f"Record more than a few seconds, or lower gap_s ({gap_s})",
            )
    return Split(train, validation)


def _whole_recordings(
    recordings: Sequence[Rows], share: float, random: np.random.Generator
) -> list[Mask]:
    if len(recordings) < 2:
        raise TrainingError(
            "a split by recordings needs two of them",
            got=len(recordings),
            remedy="Import another, or train with split=blocks",
        )
    count = min(len(recordings) - 1, max(1, round(share * len(recordings))))
    held_out = set(random.permutation(len(recordings))[:count].tolist())
    return [np.full(len(rows), number in held_out) for number, rows in enumerate(recordings)]


def _blocks(rows: Rows, share: float, gap_s: float, random: np.random.Generator) -> Mask:
    """Choose contiguous blocks, one at a random place in each of equal parts of the recording."""
    count = len(rows)
    duration_s = float(np.ptp(row_times(rows))) if count else 0.0
    # A block shorter than four gaps would throw away more rows than it validates.
    parts = int(np.clip(share * duration_s // (4 * gap_s), 1, MOST_BLOCKS))
    mask = np.zeros(count, dtype=np.bool_)
    for first, last in zip(*_bounds(count, parts), strict=True):
        length = round(share * (last - first))
        start = first + int(random.integers(0, last - first - length + 1))
        mask[start : start + length] = True
    return mask


def _bounds(count: int, parts: int) -> tuple[list[int], list[int]]:
    edges = np.linspace(0, count, parts + 1).astype(int).tolist()
    return edges[:-1], edges[1:]


def _outside(recordings: Sequence[Rows], validation: list[Mask], gap_s: float) -> list[Mask]:
    """Return the rows farther than the gap from every validation row of the same drive."""
    masks = []
    for rows, mask in zip(recordings, validation, strict=True):
        near = _near(row_times(rows), np.sort(row_times(rows)[mask]), gap_s)
        for other, held in zip(recordings, validation, strict=True):
            if other is not rows and held.any() and _same_drive(rows, other):
                near |= _near(rows["time_s"], np.sort(other["time_s"][held]), gap_s)
        masks.append(~near & ~mask)
    return masks


def _same_drive(one: Rows, other: Rows) -> bool:
    """Tell whether two recordings hold pieces of the same drive.

    Where their times overlap most rows are then the same. That the clocks overlap is not enough:
    two people may have driven at once, and a simulator's clock may begin at the same moment.
    """
    times, others = one["time_s"], other["time_s"]
    if not (len(times) and len(others)):
        return False
    if not (np.isfinite(times).all() and np.isfinite(others).all()):
        return False
    both = (times >= others.min()) & (times <= others.max())
    told = [(row["time_s"], row["steering"], row["speed_mph"]) for row in other]
    known = {tuple(map(float, each)) for each in told}
    same = [
        (float(row["time_s"]), float(row["steering"]), float(row["speed_mph"])) in known
        for row in one[both]
    ]
    return bool(same) and sum(same) * 2 > len(same)


def _near(times: npt.NDArray[np.float64], moments: npt.NDArray[np.float64], gap_s: float) -> Mask:
    """Tell which times lie within the gap of any of the sorted moments; NaN lies near none."""
    if not len(moments):
        return np.zeros(len(times), dtype=np.bool_)
    after = np.searchsorted(moments, times).clip(0, len(moments) - 1)
    before = (after - 1).clip(0)
    distance = np.minimum(np.abs(moments[after] - times), np.abs(moments[before] - times))
    return np.asarray(distance <= gap_s)
