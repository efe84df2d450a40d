"""Splits rows into training and validation by time, before anything is expanded.

Neighbouring frames of a recording are almost the same image, so a random split would only measure
memory. Validation takes whole recordings, or contiguous blocks of time with a gap around them
within which nothing trains.
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
"""From this number of recordings on, `auto` validates on whole recordings."""
MAX_BLOCKS: Final = 5
"""Maximum number of validation blocks in a recording."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Masks over the rows of each store; rows in neither mask lie in a gap."""

    train: list[Mask]
    validation: list[Mask]


def split(
    recordings: Sequence[Rows],
    mode: str,
    share: float,
    gap_s: float,
    seed: int,
    never_validate: Sequence[Mask] = (),
) -> Split:
    """Split the rows of all recordings; the same arguments give the same split.

    Args:
        recordings: the rows of each store.
        mode: "recordings", "blocks" or "auto".
        share: share of the rows (blocks) or of the recordings that validates.
        gap_s: seconds around validation rows that belong to neither side. It holds across stores
            of the same drive too, so that a part that was imported twice is never on both sides.
        seed: seed of the choice.
        never_validate: for each store the rows that trained the network before, which it may
            remember. Neither they nor rows within the gap of them validate, but all of them may
            train. None means that there are no such rows.

    Raises:
        TrainingError: one side would be empty.
    """
    rng = np.random.default_rng([seed, 0x5EED])
    trained = list(never_validate) or [np.zeros(len(rows), np.bool_) for rows in recordings]
    eligible = _rows_outside_gap(recordings, trained, gap_s)
    unseen = [number for number, mask in enumerate(eligible) if mask.all()]
    whole = mode == "recordings" or (
        mode == "auto" and len(recordings) >= MANY_RECORDINGS and bool(unseen)
    )
    if whole:
        validation = _whole_recordings(recordings, unseen, share, rng)
    else:
        validation = [
            _blocks(rows, mask, share, gap_s, rng)
            for rows, mask in zip(recordings, eligible, strict=True)
        ]
    train = _rows_outside_gap(recordings, validation, gap_s)
    for use, masks in (("train on", train), ("validate on", validation)):
        if not any(mask.any() for mask in masks):
            if not any(mask.any() for mask in eligible):
                raise TrainingError(
                    "no row is left to validate on: all rows lie near rows that trained the "
                    "version to go on from, or one of its ancestors",
                    got=f"{[len(rows) for rows in recordings]} rows",
                    remedy="Add a new recording",
                )
            raise TrainingError(
                f"the split leaves no row to {use}",
                got=f"{[len(rows) for rows in recordings]} rows",
                remedy=f"Record more than a few seconds, or lower validation_gap_s ({gap_s})",
            )
    return Split(train, validation)


def _whole_recordings(
    recordings: Sequence[Rows], unseen: Sequence[int], share: float, rng: np.random.Generator
) -> list[Mask]:
    """Choose whole recordings among the unseen ones, which have no row that trained before."""
    if len(recordings) < 2:
        raise TrainingError(
            "a split by recordings needs at least two recordings",
            got=len(recordings),
            remedy="Import another recording, or train with split=blocks",
        )
    if not unseen:
        raise TrainingError(
            "a split by recordings needs a recording that trained no ancestor of the version",
            got=f"{len(recordings)} recordings, each with rows that did",
            remedy="Add a new recording, or train with split=blocks",
        )
    count = min(len(recordings) - 1, max(1, round(share * len(recordings))))
    held_out = set(rng.permutation(np.array(unseen))[:count].tolist())
    return [np.full(len(rows), number in held_out) for number, rows in enumerate(recordings)]


def _blocks(
    rows: Rows, eligible: Mask, share: float, gap_s: float, rng: np.random.Generator
) -> Mask:
    """Choose contiguous blocks, one at a random position in each of several equal parts.

    The share is one of all rows, but only eligible rows are chosen, and at most all of them.
    """
    candidates = np.flatnonzero(eligible)
    mask = np.zeros(len(rows), dtype=np.bool_)
    if not len(candidates):
        return mask
    duration_s = float(np.ptp(row_times(rows)))
    # A block shorter than four gaps would lose more rows to the gaps than it validates.
    parts = int(np.clip(share * duration_s // (4 * gap_s), 1, MAX_BLOCKS))
    share_of_candidates = min(1.0, share * (len(rows) / len(candidates)))
    for first, last in zip(*_bounds(len(candidates), parts), strict=True):
        length = round(share_of_candidates * (last - first))
        start = first + int(rng.integers(0, last - first - length + 1))
        mask[candidates[start : start + length]] = True
    return mask


def _bounds(count: int, parts: int) -> tuple[list[int], list[int]]:
    edges = np.linspace(0, count, parts + 1).astype(int).tolist()
    return edges[:-1], edges[1:]


def _rows_outside_gap(
    recordings: Sequence[Rows], validation: list[Mask], gap_s: float
) -> list[Mask]:
    """Return the rows farther than the gap from every validation row of the same drive."""
    masks = []
    for rows, mask in zip(recordings, validation, strict=True):
        near = _near(row_times(rows), np.sort(row_times(rows)[mask]), gap_s)
        for other, other_mask in zip(recordings, validation, strict=True):
            if other is not rows and other_mask.any() and _same_drive(rows, other):
                near |= _near(rows["time_s"], np.sort(other["time_s"][other_mask]), gap_s)
        masks.append(~near & ~mask)
    return masks


def _same_drive(one: Rows, other: Rows) -> bool:
    """Tell whether two recordings hold parts of the same drive.

    They do if most rows are the same where their times overlap. Overlapping times alone are not
    enough: two people may have driven at once, and a simulator's clock may start at the same time.
    """
    times, others = one["time_s"], other["time_s"]
    if not (len(times) and len(others)):
        return False
    if not (np.isfinite(times).all() and np.isfinite(others).all()):
        return False
    overlap = (times >= others.min()) & (times <= others.max())
    other_rows = {_identity(row) for row in other}
    same = [_identity(row) in other_rows for row in one[overlap]]
    return bool(same) and sum(same) * 2 > len(same)


def _identity(row: np.void) -> tuple[float, float, float]:
    return float(row["time_s"]), float(row["steering"]), float(row["speed_mph"])


def _near(times: npt.NDArray[np.float64], events: npt.NDArray[np.float64], gap_s: float) -> Mask:
    """Tell which times lie within the gap of a sorted event; NaN lies near none."""
    if not len(events):
        return np.zeros(len(times), dtype=np.bool_)
    after = np.searchsorted(events, times).clip(0, len(events) - 1)
    before = (after - 1).clip(0)
    distance = np.minimum(np.abs(events[after] - times), np.abs(events[before] - times))
    return np.asarray(distance <= gap_s)
