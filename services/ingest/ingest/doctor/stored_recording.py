"""Reads a dataset as the checks want a recording: its rows, and features of its stored frames.

The recording itself may be gone, and what is stored is what is trained on. A stored frame has 128
columns of the 320 that the recording had, so the yaw that it shows is less exact; docs/doctor.md
compares what the checks find in both.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from contract.dataset.store import ABSENT, StoreReader
from contract.frames import spec
from contract.vehicle import CAMERA_NAMES, MPS_PER_MPH
from ingest.doctor import frame_features
from ingest.doctor.frame_features import ImageFeatures
from ingest.doctor.recording_arrays import RecordingArrays


def read_stored(
    reader: StoreReader,
    name: str,
    executor: Executor,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> RecordingArrays:
    """Read a dataset for the checks.

    Lines of the log that were not imported are not in it, so the checks of values and of files are
    silent; the report of the import tells of them.

    Args:
        reader: the opened store.
        name: the name that the findings give to it.
        executor: a pool of threads.
        on_progress: is called with the number of rows that are done.
    """
    rows = reader.rows
    numbers = np.stack([rows[camera] for camera in CAMERA_NAMES], axis=1)
    # The cameras are those of most rows: a row without a camera has an absent image there.
    cameras = 1 if (numbers[:, 1] == ABSENT).mean() > 0.5 else len(CAMERA_NAMES)

    def measure_image(row: int, camera: int) -> ImageFeatures | None:
        number = numbers[row, camera : camera + 1]
        if number[0] == ABSENT:
            return None
        frame = np.empty((1, *spec.SHAPE), np.uint8)
        reader.gather(number, frame)
        return frame_features.measure_prepared(frame[0])

    return RecordingArrays(
        name,
        rows["line"].astype(np.int64),
        [tuple(f"frame {number}" for number in row) for row in numbers[:, :cameras].tolist()],
        rows["time_s"].astype(np.float64),
        rows["steering"].astype(np.float64),
        rows["speed_mph"].astype(np.float64) * MPS_PER_MPH,
        [],
        frame_features.measure_rows(len(rows), cameras, measure_image, executor, on_progress),
    )
