"""Splits rows into training and validation by time, before anything is expanded.

Neighbouring frames of a recording are almost the same image, so a random split would only measure
memory. Validation takes whole recordings, or contiguous blocks of time with a gap around them
within which nothing trains. A frame that several rows or datasets hold is on one side only.

Simulated laps beside a person's own recordings only train. They neither validate, nor count as
recordings of which whole ones could validate, nor as bends that the training has.

Blocks leave the bends to the training. A lap has each bend once, and a block with its gaps can take
all of the only sharp one to the right: a network that never saw it runs wide there. So a block is
drawn again while the blocks would take more than a third of the rows of a bin of steering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract import steering_metrics
from contract.dataset import overlap, timeline
from contract.dataset.row_identity import near
from contract.dataset.timeline import SESSION_BREAK_S
from contract.errors import TrainingError
from trainer.data.dataset_rows import DatasetRows

MANY_RECORDINGS: Final = 5
"""From this number of recordings on, `auto` validates on whole recordings."""
MAX_BLOCKS: Final = 5
"""Maximum number of validation blocks in a recording."""
MAX_TAKEN_SHARE: Final = 1 / 3
"""Maximum share of a bin of steering that the blocks and their gaps may take from the training.

It is one and a half times the share that validates, where that is more."""
DRAWS: Final = 50
"""Number of times that a block's position is drawn before the best one so far is taken."""
STEERING_MEAN_S: Final = 1.0
"""Time over which steering is averaged before it is binned: a bend, and not a keyboard's stroke."""

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


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
    *,
    keep_bends: bool = True,
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
        keep_bends: whether a block that would take a bend from the training is drawn again.

    Raises:
        TrainingError: one side would be empty.
    """
    rng = np.random.default_rng([seed, 0x5EED])
    trained = list(never_validate) or [np.zeros(len(data.usable), np.bool_) for data in datasets]
    eligible = _rows_outside_gap(datasets, trained, gap_s)
    used = [number for number, dataset in enumerate(datasets) if dataset.usable.any()]
    own = [number for number in used if not datasets[number].simulated] or used
    for number in set(range(len(datasets))) - set(own):
        eligible[number] = np.zeros_like(eligible[number])
    unseen = [number for number in own if np.array_equal(eligible[number], datasets[number].usable)]
    many = len(own) >= MANY_RECORDINGS and bool(unseen)
    if mode == "recordings" or (mode == "auto" and many):
        validation = _whole_recordings(datasets, own, unseen, share, rng)
    else:
        bends = _BendCounter(datasets, own) if keep_bends else None
        validation = [
            _blocks(dataset, number, mask, share, gap_s, rng, bends)
            for number, (dataset, mask) in enumerate(zip(datasets, eligible, strict=True))
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


class _BendCounter:
    """Counts which share of each bin of steering the validation blocks take from the training."""

    def __init__(self, datasets: Sequence[DatasetRows], counted: Sequence[int]) -> None:
        self._bins = [_steering_bins(dataset) for dataset in datasets]
        self._left = [dataset.usable.copy() for dataset in datasets]
        bins = len(steering_metrics.BIN_EDGES) - 1
        self._taken = np.zeros(bins, np.int64)
        self._counts = np.zeros(bins, np.int64)
        for number in counted:
            self._counts += self._count(number, self._left[number])

    def share_with(self, number: int, rows: Mask) -> float:
        """Return the largest share of a bin that is taken with some more rows of a dataset."""
        taken = self._taken + self._count(number, rows)
        return float((taken / np.maximum(self._counts, 1)).max())

    def take(self, number: int, rows: Mask) -> None:
        """Count some rows of a dataset as taken."""
        self._taken += self._count(number, rows)
        self._left[number] &= ~rows

    def _count(self, number: int, rows: Mask) -> Numbers:
        """Return how many of the rows that are left in a dataset are in each bin, (bins,)."""
        chosen = self._bins[number][rows & self._left[number]]
        return np.bincount(chosen, minlength=len(steering_metrics.BIN_EDGES) - 1)


def _steering_bins(dataset: DatasetRows) -> Numbers:
    time_s, segment, _ = dataset.timeline
    means = timeline.window_means(dataset.table["steering"], time_s, segment, STEERING_MEAN_S)
    return steering_metrics.bin_numbers(means)


def _blocks(
    dataset: DatasetRows,
    number: int,
    eligible: Mask,
    share: float,
    gap_s: float,
    rng: np.random.Generator,
    bends: _BendCounter | None,
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
    time_s = dataset.timeline.time_s
    for first, last in zip(*_bounds(len(candidates), parts), strict=True):
        length = round(share_of_candidates * (last - first))
        best: tuple[float, Numbers, Mask] | None = None
        for _ in range(DRAWS):
            start = first + int(rng.integers(0, last - first - length + 1))
            block = candidates[start : start + length]
            taken = near(time_s, time_s[block], gap_s)
            taken_share = 0.0 if bends is None else bends.share_with(number, taken)
            if best is None or taken_share < best[0]:
                best = (taken_share, block, taken)
            if taken_share <= max(MAX_TAKEN_SHARE, 1.5 * share):
                break
        if best is not None:
            mask[best[1]] = True
            if bends is not None:
                bends.take(number, best[2])
    return mask


def _bounds(count: int, parts: int) -> tuple[list[int], list[int]]:
    edges = np.linspace(0, count, parts + 1).astype(int).tolist()
    return edges[:-1], edges[1:]


def _rows_outside_gap(
    datasets: Sequence[DatasetRows], chosen: Sequence[Mask], gap_s: float
) -> list[Mask]:
    """Return the usable rows farther than the gap from every chosen row of the same drive.

    The work grows with the number of rows, and not with the number of pairs of datasets.
    """
    if not any(mask.any() for mask in chosen):
        return [dataset.usable.copy() for dataset in datasets]
    ids = np.concatenate([dataset.ids for dataset in datasets])
    # Rows that show a chosen row's frame, whichever dataset or session it was chosen from.
    shown = np.isin(ids, ids[np.concatenate(chosen)])
    borders = np.cumsum([len(dataset.ids) for dataset in datasets])[:-1]
    events = [
        np.sort(_stamps(dataset, mask)) for dataset, mask in zip(datasets, chosen, strict=True)
    ]
    masks = []
    for dataset, mask, shown_here, near_events_s in zip(
        datasets,
        chosen,
        np.split(shown, borders),
        _events_nearby(datasets, events, gap_s),
        strict=True,
    ):
        time_s = dataset.timeline.time_s
        outside = dataset.usable & ~near(time_s, time_s[shown_here], gap_s) & ~mask
        stamped = np.isfinite(dataset.table["time_s"])
        outside[stamped] &= ~near(_stamps(dataset, stamped), near_events_s, gap_s)
        masks.append(outside)
    return masks


def _events_nearby(
    datasets: Sequence[DatasetRows], events: Sequence[Floats], gap_s: float
) -> Iterator[Floats]:
    """Yield for each dataset the events of datasets with the same clock, as far as they are near.

    Args:
        datasets: the rows of each dataset.
        events: for each dataset the times in seconds of some of its rows, ascending.
        gap_s: the gap in seconds.
    """
    stamps = [
        np.sort(_stamps(dataset, np.isfinite(dataset.table["time_s"]))) for dataset in datasets
    ]
    first_s, last_s = _bounds_s(stamps)
    first_event_s, last_event_s = _bounds_s(events)
    # An event that is a second further away than the gap is near no row, however times are rounded.
    reach_s = gap_s + 1.0
    holders = overlap.other_holders([dataset.ids for dataset in datasets])
    for number, (dataset, shared) in enumerate(zip(datasets, holders, strict=True)):
        same = _same_clock(dataset, stamps[number], first_s, last_s, shared, gap_s)
        same[number] = True
        begin_s, end_s = first_s[number] - reach_s, last_s[number] + reach_s
        meet = same & (first_event_s <= end_s) & (last_event_s >= begin_s)
        parts = [
            other[slice(*np.searchsorted(other, (begin_s, end_s)))]
            for other in (events[each] for each in np.flatnonzero(meet).tolist())
        ]
        yield np.concatenate([np.zeros(0), *parts])


def _same_clock(
    dataset: DatasetRows,
    stamps_s: Floats,
    first_s: Floats,
    last_s: Floats,
    shared: tuple[Numbers, Numbers],
    gap_s: float,
) -> Mask:
    """Tell in which datasets a time stamp means the same moment of the same drive as in this one.

    That is so if one dataset goes on where the other one ends, or if most rows show the same frames
    where their times overlap. Overlapping times alone are not enough: two people may have driven
    at once, and a simulator's clock may start at the same time. Sessions of one dataset that
    overlap in time are always kept apart, as they may come from one drive.

    Args:
        dataset: the rows of the dataset.
        stamps_s: its time stamps in seconds, ascending.
        first_s: first time stamp of each dataset, shape (datasets,); NaN where it has none.
        last_s: last time stamp of each dataset, shape (datasets,).
        shared: rows of this dataset whose frame another one holds too, and the other dataset.
        gap_s: the gap in seconds.

    Returns:
        A mask of shape (datasets,).
    """
    if not len(stamps_s):
        return np.zeros(len(first_s), dtype=np.bool_)
    begin = np.searchsorted(stamps_s, first_s, side="left")
    end = np.searchsorted(stamps_s, last_s, side="right")
    # 0 or less where no row lies in the time of the other dataset.
    span_s = stamps_s[np.maximum(end - 1, 0)] - stamps_s[np.minimum(begin, len(stamps_s) - 1)]
    row, other = shared
    stamp_s = dataset.table["time_s"][row]
    inside = (stamp_s >= first_s[other]) & (stamp_s <= last_s[other])
    common = np.bincount(other[inside], minlength=len(first_s))
    same = (span_s <= gap_s) | (2 * common > end - begin)
    return np.asarray(same & np.isfinite(first_s))


def _stamps(dataset: DatasetRows, mask: Mask) -> Floats:
    """Return the time stamps in seconds of those rows of a mask that have one."""
    stamps_s = dataset.table["time_s"][mask]
    return np.asarray(stamps_s[np.isfinite(stamps_s)])


def _bounds_s(ascending: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the first and the last of each of several arrays; NaN where one is empty."""
    return (
        np.array([each[0] if len(each) else np.nan for each in ascending]),
        np.array([each[-1] if len(each) else np.nan for each in ascending]),
    )
