"""The rows of recordings as they are trained on: steering made smooth, then made less common.

The one place where that happens: the training does it, and `lapwing explain` shows what it did.
"""

from __future__ import annotations

from collections.abc import Sequence

from contract.dataset.store import Rows
from contract.dataset.timeline import row_segments, row_times
from trainer.data import labels
from trainer.data.samples import Mask, Material


def prepared(
    recordings: Sequence[Rows],
    masks: Sequence[Mask],
    *,
    smooth_s: float,
    balance: float,
    seed: int,
) -> list[Material]:
    """Return what is trained on, recording by recording.

    Args:
        recordings: the rows of each store, in the order of the training.
        masks: (rows,) of each, those that train.
        smooth_s: window over which labels are means.
        balance: times the mean that a bin of the steering histogram may hold; 0: any.
        seed: of the choice of rows that are left out.
    """
    found = []
    for number, (rows, mask) in enumerate(zip(recordings, masks, strict=True)):
        stretch = row_segments(rows)
        wanted = labels.smoothed(rows["steering"], row_times(rows), stretch, smooth_s)
        kept = labels.balanced(wanted, mask, balance, seed + number)
        found.append(Material(rows, mask, kept, stretch, wanted))
    return found
