"""Finds out which datasets hold the same frames, and which rows of them count in a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.dataset.row_identity import RowIds

__all__ = ["Overlap", "compare", "rows_that_count"]

Mask = npt.NDArray[np.bool_]


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
    masks = []
    later: RowIds = np.zeros(0, dtype=np.uint64)
    for ids in reversed(datasets):
        masks.append(~np.isin(ids, later))
        later = np.union1d(later, ids)
    return masks[::-1]
