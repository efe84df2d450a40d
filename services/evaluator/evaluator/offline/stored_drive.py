"""Selects rows of a store, with frames of 128 x 128, for log replay and scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.dataset import store, timeline
from contract.dataset.store import StoreReader
from contract.frames.spec import SHAPE
from contract.vehicle import CAMERA_NAMES, MPS_PER_MPH
from evaluator.offline.logged_drive import LoggedDrive

MIN_ROWS: Final = 2


@dataclass(frozen=True)
class StoredDrive(LoggedDrive):
    """Rows of a store; valid while the store is open."""

    reader: StoreReader
    frames: NDArray[np.int64]
    """Numbers of the frames in the store, shape (rows, cameras)."""

    @property
    def camera_count(self) -> int:
        """Number of cameras: 1 or 3."""
        return int(self.frames.shape[1])

    def image(self, row: int, camera: int) -> NDArray[np.uint8]:
        """Return a camera's frame of a row, RGB, shape (128, 128, 3).

        Raises:
            StoreError: the store is damaged there.
        """
        frame = np.empty((1, *SHAPE), dtype=np.uint8)
        self.reader.gather(self.frames[row : row + 1, camera], frame)
        return np.asarray(frame[0])


def select_rows(
    name: str, reader: StoreReader, selected: NDArray[np.bool_], piece_s: float | None = None
) -> StoredDrive | None:
    """Return the selected rows of a store as segments of driving; None if the car never moves.

    Args:
        name: name of the dataset.
        reader: reader of its store.
        selected: mask of the rows, shape (rows of the store,).
        piece_s: length of the equal pieces into which segments are cut, approximately. Pieces in
            which the car moves for less than half of it are left out: a driver cannot leave the
            path there, so they would hide a difference between two drivers. With None, segments
            are not cut.
    """
    rows = reader.rows
    with_sides = selected & (rows["left"] != store.ABSENT) & (rows["right"] != store.ABSENT)
    three_cameras = int(with_sides.sum()) * 2 > int(selected.sum())
    usable = with_sides if three_cameras else selected & (rows["center"] != store.ABSENT)
    numbers = np.flatnonzero(usable)
    if len(numbers) < MIN_ROWS:
        return None
    time_s = reader.timeline.time_s[numbers]
    ends = np.diff(reader.timeline.segment[numbers]) > 0
    segment = timeline.segments(time_s, interrupted=ends | (np.diff(numbers) > 1))
    if piece_s is not None:
        segment = _split_segments(time_s, segment, piece_s)
    cameras = CAMERA_NAMES if three_cameras else CAMERA_NAMES[:1]
    drive = StoredDrive(
        name=name,
        time_s=time_s - time_s[0],
        steering=rows["steering"][numbers].astype(np.float64),
        speed_mps=rows["speed_mph"][numbers].astype(np.float64) * MPS_PER_MPH,
        segment=segment,
        row_numbers=numbers,
        image_paths=(),
        left_out=int(selected.sum()) - len(numbers),
        nominal=bool(reader.timeline.nominal[numbers].any()),
        reader=reader,
        frames=np.column_stack([rows[camera][numbers] for camera in cameras]).astype(np.int64),
    )
    moving_s = np.bincount(segment, drive.moving_s())
    if piece_s is None:
        return drive if moving_s.any() else None
    kept = moving_s[segment] >= piece_s / 2
    return _keep_segments(drive, kept) if kept.any() else None


def _split_segments(
    time_s: NDArray[np.float64], segment: NDArray[np.int64], piece_s: float
) -> NDArray[np.int64]:
    """Number equal pieces of segments, as near to `piece_s` long as possible; shape (rows,)."""
    begin_s = time_s[np.searchsorted(segment, segment)]
    length_s = time_s[np.searchsorted(segment, segment, side="right") - 1] - begin_s
    count = np.maximum(1, np.round(length_s / piece_s))
    share = np.divide(time_s - begin_s, length_s, out=np.zeros_like(time_s), where=length_s > 0)
    piece = np.minimum(np.floor(share * count), count - 1)
    changed = (np.diff(segment) > 0) | (np.diff(piece) > 0)
    return np.concatenate([[0], np.cumsum(changed)]).astype(np.int64)


def _keep_segments(drive: StoredDrive, kept: NDArray[np.bool_]) -> StoredDrive:
    """Return the segments whose rows are true in `kept`, shape (rows,), numbered from 0 again."""
    return replace(
        drive,
        time_s=drive.time_s[kept] - drive.time_s[kept][0],
        steering=drive.steering[kept],
        speed_mps=drive.speed_mps[kept],
        segment=np.unique(drive.segment[kept], return_inverse=True)[1].astype(np.int64),
        left_out=drive.left_out + int((~kept).sum()),
        row_numbers=drive.row_numbers[kept],
        frames=drive.frames[kept],
    )
