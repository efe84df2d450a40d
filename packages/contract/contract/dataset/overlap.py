"""Finds out which datasets hold the same frames, and which rows of them count in a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.dataset.row_identity import RowIds

__all__ = ["Overlap", "compare", "other_holders", "rows_that_count"]

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Overlap:
    """Says how many rows of a dataset show frames that another one holds too."""

    shared: int
    """Number of rows of the other dataset whose frames this one holds."""
    rows: int
    """Number of rows of the other dataset."""

    @property
    def complete(self) -> bool:
        """Whether this dataset holds all frames of the other one."""
        return self.shared == self.rows


def compare(ids: RowIds, other: RowIds) -> Overlap:
    """Return which part of another dataset a dataset holds, given the identities of their rows."""
    return Overlap(int(np.isin(other, ids).sum()), len(other))


def rows_that_count(datasets: Sequence[RowIds]) -> list[Mask]:
    """Return for each dataset which rows a training uses, so that each frame counts once.

    Of a frame that several datasets hold, the row of the last one counts. Within one dataset all
    rows count: a car that stands still is recorded in many equal frames.

    Args:
        datasets: for each dataset, the identities of its rows, shape (rows,).
    """
    ids = _concatenate(datasets)
    dataset = _dataset_of_each_row(datasets)
    frames, frame = np.unique(ids, return_inverse=True)
    last = np.zeros(len(frames), dtype=np.int64)
    np.maximum.at(last, frame, dataset)
    return np.split(last[frame] == dataset, _borders(datasets))[: len(datasets)]


def other_holders(datasets: Sequence[RowIds]) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield for each dataset which of its frames other datasets hold too, and which these are.

    The work grows with the number of rows and of the pairs that are found, and not with the number
    of pairs of datasets.

    Args:
        datasets: for each dataset, the identities of its rows, shape (rows,).

    Yields:
        The number of a row and the number of another dataset that holds its frame, for each such
        pair; both of shape (pairs,).
    """
    dataset = _dataset_of_each_row(datasets)
    frames, frame = np.unique(_concatenate(datasets), return_inverse=True)
    # Each frame with each of its holders, once, in the order of the frames.
    held, holder = np.divmod(np.unique(frame * len(datasets) + dataset), max(len(datasets), 1))
    holders = np.bincount(held, minlength=len(frames))
    first = np.cumsum(holders) - holders
    for number, own in enumerate(np.split(frame, _borders(datasets))[: len(datasets)]):
        shared = np.flatnonzero(holders[own] > 1)
        count = holders[own[shared]]
        row = np.repeat(shared, count)
        within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        other = holder[first[own[row]] + within]
        yield row[other != number], other[other != number]


def _concatenate(datasets: Sequence[RowIds]) -> RowIds:
    return np.concatenate([np.zeros(0, dtype=np.uint64), *datasets])


def _dataset_of_each_row(datasets: Sequence[RowIds]) -> Numbers:
    return np.repeat(np.arange(len(datasets)), [len(ids) for ids in datasets])


def _borders(datasets: Sequence[RowIds]) -> Numbers:
    return np.cumsum([len(ids) for ids in datasets], dtype=np.int64)[:-1]
