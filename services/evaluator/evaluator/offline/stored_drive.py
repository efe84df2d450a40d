"""A recording as the store keeps it, to be driven along: frames of 128 x 128, chosen rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.dataset import store, timeline
from contract.dataset.store import StoreReader
from contract.frames.spec import SHAPE
from contract.vehicle import CAMERA_NAMES, MPS_PER_MPH
from evaluator.offline.logged_drive import Recorded

LEAST_ROWS: Final = 2


@dataclass(frozen=True)
class Stored(Recorded):
    """N rows of a store; valid while the store is open."""

    reader: StoreReader
    frames: NDArray[np.int64]
    """(N, cameras), the numbers of the pictures."""

    @property
    def cameras(self) -> int:
        """How many there are: 1 or 3."""
        return int(self.frames.shape[1])

    def picture(self, row: int, camera: int) -> NDArray[np.uint8]:
        """Return what a camera saw, (128, 128, 3) RGB.

        Raises:
            StoreError: the store is damaged there.
        """
        seen = np.empty((1, *SHAPE), dtype=np.uint8)
        self.reader.gather(self.frames[row : row + 1, camera], seen)
        return np.asarray(seen[0])


def rows_of(
    name: str, reader: StoreReader, wanted: NDArray[np.bool_], piece_s: float | None = None
) -> Stored | None:
    """Return the wanted rows of a store as stretches of driving; None if the car never moves.

    Args:
        name: of the dataset.
        reader: of its store.
        wanted: (rows,), which of them.
        piece_s: stretches are cut into equal pieces of about so many seconds, and pieces with less
            than half of that of driving are left out: nobody leaves the path in them, and among
            pairs of figures they would hide a difference. None: stretches stay whole.
    """
    rows = reader.rows
    sides = wanted & (rows["left"] != store.ABSENT) & (rows["right"] != store.ABSENT)
    three = int(sides.sum()) * 2 > int(wanted.sum())
    chosen = np.flatnonzero(sides if three else wanted & (rows["center"] != store.ABSENT))
    if len(chosen) < LEAST_ROWS:
        return None
    clock, nominal = timeline.clock(rows["time_s"])
    time_s = clock[chosen]
    stretch = timeline.segments(time_s, interrupted=np.diff(chosen) > 1)
    if piece_s is not None:
        stretch = _pieces(time_s, stretch, piece_s)
    cameras = CAMERA_NAMES if three else CAMERA_NAMES[:1]
    road = Stored(
        name=name,
        time_s=time_s - time_s[0],
        steering=rows["steering"][chosen].astype(np.float64),
        speed_mps=rows["speed_mph"][chosen].astype(np.float64) * MPS_PER_MPH,
        stretch=stretch,
        number=chosen,
        pictures=(),
        left_out=int(wanted.sum()) - len(chosen),
        nominal=nominal,
        reader=reader,
        frames=np.column_stack([rows[camera][chosen] for camera in cameras]).astype(np.int64),
    )
    driven_s = np.bincount(stretch, road.driven_s())
    if piece_s is None:
        return road if driven_s.any() else None
    kept = driven_s[stretch] >= piece_s / 2
    return _only(road, kept) if kept.any() else None


def _pieces(
    time_s: NDArray[np.float64], stretch: NDArray[np.int64], piece_s: float
) -> NDArray[np.int64]:
    """Number equal pieces of stretches, (N,), as near to `piece_s` as they can be."""
    begun_s = time_s[np.searchsorted(stretch, stretch)]
    length_s = time_s[np.searchsorted(stretch, stretch, side="right") - 1] - begun_s
    count = np.maximum(1, np.round(length_s / piece_s))
    share = np.divide(time_s - begun_s, length_s, out=np.zeros_like(time_s), where=length_s > 0)
    piece = np.minimum(np.floor(share * count), count - 1)
    changed = (np.diff(stretch) > 0) | (np.diff(piece) > 0)
    return np.concatenate([[0], np.cumsum(changed)]).astype(np.int64)


def _only(road: Stored, kept: NDArray[np.bool_]) -> Stored:
    """Return some of the stretches of a road, (N,) true, numbered anew."""
    return replace(
        road,
        time_s=road.time_s[kept] - road.time_s[kept][0],
        steering=road.steering[kept],
        speed_mps=road.speed_mps[kept],
        stretch=np.unique(road.stretch[kept], return_inverse=True)[1].astype(np.int64),
        left_out=road.left_out + int((~kept).sum()),
        number=road.number[kept],
        frames=road.frames[kept],
    )
