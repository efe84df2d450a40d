"""Makes rows of a store's table without a store."""

from __future__ import annotations

import numpy as np

from contract.dataset import timeline
from contract.dataset.row_identity import RowIds
from contract.dataset.store import ROW, Rows
from trainer.data.dataset_rows import DatasetRows, Mask


def rows(count: int, start_s: float = 1000.0, step_s: float = 0.1, sides: bool = True) -> Rows:
    """Return rows of which row i has the frames 3i, 3i+1 and 3i+2 and the steering i/1000.

    The car drives at 10 mph, at which the tyres hold at any steering.
    """
    table = np.zeros(count, dtype=ROW)
    number = np.arange(count)
    table["line"] = number + 1
    table["time_s"] = start_s + number * step_s
    table["steering"] = number / 1000
    table["speed_mph"] = 10.0
    table["center"] = 3 * number
    table["left"] = 3 * number + 1 if sides else -1
    table["right"] = 3 * number + 2 if sides else -1
    return table


def dataset(table: Rows, ids: RowIds | None = None, usable: Mask | None = None) -> DatasetRows:
    """Return rows as a training gets them.

    Args:
        table: the rows.
        ids: identities of the rows; by default, rows of equal time and steering show one frame.
        usable: mask of the rows that may be used; by default, all.
    """
    if ids is None:
        seen = zip(table["time_s"].tolist(), table["steering"].tolist(), strict=True)
        ids = np.array([abs(hash(pair)) for pair in seen], dtype=np.uint64)
    if usable is None:
        usable = np.ones(len(table), dtype=np.bool_)
    return DatasetRows(table, timeline.build(table["time_s"]), ids, usable)
