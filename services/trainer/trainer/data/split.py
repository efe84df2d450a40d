"""Splits rows into training and validation by time, before anything is expanded.

Neighbouring frames of a recording are almost the same image, so a random split would only measure
memory. Validation takes whole recordings, or contiguous blocks of time with a gap around them
within which nothing trains. A frame that several rows or datasets hold is on one side only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset.row_identity import near
from contract.dataset.timeline import SESSION_BREAK_S
from contract.errors import TrainingError
from trainer.data.dataset_rows import DatasetRows

MANY_RECORDINGS: Final = 5
"""From this number of recordings on, `auto` validates on whole recordings."""
MAX_BLOCKS: Final = 5
"""Maximum number of validation blocks in a recording."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Masks over the rows of each dataset; rows in neither mask lie in a gap or are not usable."""

    train: list[Mask]
    validation: list[Mask]


def split(
    datasets: Sequence[DatasetRows],
    mode: str,
    share: float,
    gap_s: float,
    seed: int,
    never_validate: Sequence[Mask] = (),
) -> Split:
    """Split the rows of all datasets; the same arguments give the same split.

    Args:
        datasets: the rows of each dataset.
        mode: "recordings", "blocks" or "auto".
        share: share of the rows (blocks) or of the datasets that validates.
        gap_s: seconds around validation rows that belong to neither side. It holds across datasets
            of the same drive too.
        seed: seed of the choice.
        never_validate: for each dataset the rows that trained the network before, which it may
            remember. Neither they nor rows within the gap of them validate, but all of them may
            train. None means that there are no such rows.

    Raises:
        TrainingError: one side would be empty.
    """
    rng = np.random.default_rng([seed, 0x5EED])
    trained = list(never_validate) or [np.zeros(len(data.usable), np.bool_) for data in datasets]
    eligible = _rows_outside_gap(datasets, trained, gap_s)
    used = [number for number, dataset in enumerate(datasets) if dataset.usable.any()]
    unseen = [
        number for number in used if np.array_equal(eligible[number], datasets[number].usable)
    ]
    many = len(used) >= MANY_RECORDINGS and bool(unseen)
    if mode == "recordings" or (mode == "auto" and many):
        validation = _whole_recordings(datasets, used, unseen, share, rng)
    else:
        validation = [
            _blocks(dataset, mask, share, gap_s, rng)
            for dataset, mask in zip(datasets, eligible, strict=True)
        ]
    train = _rows_outside_gap(datasets, validation, gap_s)
    for use, masks in (("train on", train), ("validate on", validation)):
        if not any(mask.any() for mask in masks):
            if not any(mask.any() for mask in eligible):
                raise TrainingError(
                    "no row is left to validate on: all rows lie near rows that trained the "
                    "version to go on from, or one of its ancestors",
                    got=f"{[int(dataset.usable.sum()) for dataset in datasets]} rows",
                    remedy="Add a new recording",
                )
            raise TrainingError(
                f"the split leaves no row to {use}",
                got=f"{[int(dataset.usable.sum()) for dataset in datasets]} rows",
                remedy=f"Record more than a few seconds, or lower validation_gap_s ({gap_s})",
            )
    return Split(train, validation)


def _whole_recordings(
    datasets: Sequence[DatasetRows],
    used: Sequence[int],
    unseen: Sequence[int],
    share: float,
    rng: np.random.Generator,
) -> list[Mask]:
    """Choose whole datasets among the unseen ones, which have no row that trained before."""
    if len(used) < 2:
        raise TrainingError(
            "a split by recordings needs at least two recordings",
            got=len(used),
            remedy="Import another recording, or train with split=blocks",
        )
    if not unseen:
        raise TrainingError(
            "a split by recordings needs a recording that trained no ancestor of the version",
            got=f"{len(used)} recordings, each with rows that did",
            remedy="Add a new recording, or train with split=blocks",
        )
    count = min(len(used) - 1, max(1, round(share * len(used))))
    held_out = set(rng.permutation(np.array(unseen))[:count].tolist())
    return [
        dataset.usable & np.bool_(number in held_out) for number, dataset in enumerate(datasets)
    ]


def _blocks(
    dataset: DatasetRows, eligible: Mask, share: float, gap_s: float, rng: np.random.Generator
) -> Mask:
    """Choose contiguous blocks, one at a random position in each of several equal parts.

    The share is one of all usable rows, but only eligible rows are chosen, and at most all of them.
    """
    candidates = np.flatnonzero(eligible)
    mask = np.zeros(len(eligible), dtype=np.bool_)
    if not len(candidates):
        return mask
    steps_s = np.diff(dataset.timeline.time_s[dataset.usable])
    duration_s = float(steps_s[steps_s < SESSION_BREAK_S].sum())
    # A block shorter than four gaps would lose more rows to the gaps than it validates.
    parts = int(np.clip(share * duration_s // (4 * gap_s), 1, MAX_BLOCKS))
    share_of_candidates = min(1.0, share * (int(dataset.usable.sum()) / len(candidates)))
    for first, last in zip(*_bounds(len(candidates), parts), strict=True):
        length = round(share_of_candidates * (last - first))
        start = first + int(rng.integers(0, last - first - length + 1))
        mask[candidates[start : start + length]] = True
    return mask


def _bounds(count: int, parts: int) -> tuple[list[int], list[int]]:
    edges = np.linspace(0, count, parts + 1).astype(int).tolist()
    return edges[:-1], edges[1:]


def _rows_outside_gap(
    datasets: Sequence[DatasetRows], chosen: Sequence[Mask], gap_s: float
) -> list[Mask]:
    """Return the usable rows farther than the gap from every chosen row of the same drive."""
    chosen_ids = np.concatenate(
        [dataset.ids[mask] for dataset, mask in zip(datasets, chosen, strict=True)]
    )
    masks = []
    for dataset, mask in zip(datasets, chosen, strict=True):
        # Rows that show a chosen row's frame, whichever dataset or session it was chosen from.
        shown = np.isin(dataset.ids, chosen_ids)
        time_s = dataset.timeline.time_s
        outside = dataset.usable & ~near(time_s, time_s[shown], gap_s) & ~mask
        for other, other_mask in zip(datasets, chosen, strict=True):
            if other_mask.any() and _same_clock(dataset, other, gap_s):
                outside &= ~_near_stamps(dataset, other.table["time_s"][other_mask], gap_s)
        masks.append(outside)
    return masks


def _same_clock(one: DatasetRows, other: DatasetRows, gap_s: float) -> bool:
    """Tell whether equal time stamps in two datasets mean the same moment of the same drive.

    They do if one dataset goes on where the other one ends, or if most rows show the same frames
    where their times overlap. Overlapping times alone are not enough: two people may have driven
    at once, and a simulator's clock may start at the same time. Sessions of one dataset that
    overlap in time are always kept apart, as they may come from one drive.
    """
    if one is other:
        return True
    times, others = one.table["time_s"], other.table["time_s"]
    if not (np.isfinite(times).any() and np.isfinite(others).any()):
        return False
    overlap = (times >= np.nanmin(others)) & (times <= np.nanmax(others))
    if not overlap.any() or np.ptp(times[overlap]) <= gap_s:
        return True
    return bool(np.isin(one.ids[overlap], other.ids).mean() > 0.5)


def _near_stamps(dataset: DatasetRows, events_s: npt.NDArray[np.float64], gap_s: float) -> Mask:
    """Tell which rows have a stamp within the gap of one of the given stamps; NaN is near none."""
    stamps_s = dataset.table["time_s"]
    stamped = np.isfinite(stamps_s)
    mask = np.zeros(len(stamps_s), dtype=np.bool_)
    mask[stamped] = near(stamps_s[stamped], events_s[np.isfinite(events_s)], gap_s)
    return mask
