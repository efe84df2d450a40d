"""Examines recordings: reads each once, then asks every examination."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from contract.errors import RecordingError
from contract.recordings import archive, driving_log
from contract.recordings.archive import Recording
from contract.recordings.driving_log import Rejection
from contract.vehicle import MPS_PER_MPH
from ingest.doctor import frame_features
from ingest.doctor.checks import (
    camera_order,
    duplicates,
    integrity,
    keyboard_steering,
    lap_direction,
    steering_bias,
    steering_lag,
    timestamps,
)
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive

OF_ONE: Final[tuple[Callable[[Drive], list[Finding]], ...]] = (
    integrity.values,
    integrity.images,
    integrity.sizes,
    timestamps.examine,
    duplicates.duplicates,
    duplicates.frozen,
    camera_order.examine,
    steering_lag.examine,
    steering_bias.examine,
    keyboard_steering.examine,
)
Told = Callable[[str, int, int], None]
"""Is told which recording is read, how many of its rows are, and how many there are."""


def examine(drives: Sequence[Drive]) -> list[Finding]:
    """Return every finding, recording by recording, and last those of several together."""
    found = [finding for drive in drives for ask in OF_ONE for finding in ask(drive)]
    mirrored = [camera_order.shows_mirrored(drive, found) for drive in drives]
    return [*found, *duplicates.leaks(drives), *lap_direction.examine(drives, mirrored)]


def read(
    paths: Sequence[Path], scratch: Path, told: Told = lambda name, done, total: None
) -> list[Drive]:
    """Read every recording below the paths: folders, zips or tars.

    Args:
        paths: of recordings, or of folders that hold several.
        scratch: where archives are unpacked meanwhile.
        told: is told how far it is.

    Raises:
        RecordingError: one cannot be read as a whole, or has no usable row.
    """
    cv2.setNumThreads(1)  # the cores are ours to share out
    drives = []
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="look") as executor:
        for path in paths:
            with archive.open_recordings(path, scratch) as found:
                drives += [drive(each, executor, told) for each in found]
    return drives


def drive(source: Recording, executor: ThreadPoolExecutor, told: Told) -> Drive:
    """Read one recording.

    Raises:
        RecordingError: its log cannot be read, or no line of it is a row.
    """
    log = driving_log.read(source.read_log())
    log = driving_log.without_missing_sides(log, source.images)
    if not log.rows:
        raise RecordingError(
            f"no line of {source.log} is a row",
            got=", ".join(f"line {each.line}: {each.reason}" for each in log.rejections[:3]),
            remedy="Is it the driving_log.csv of Udacity's simulator?",
        )
    # A recording has as many cameras as most of its rows; the others are damaged.
    count = Counter(len(row.images) for row in log.rows).most_common(1)[0][0]
    good = [row for row in log.rows if len(row.images) == count]
    odd = [
        Rejection(row.line, "images", f"not {count} as in the other rows", f"{len(row.images)}")
        for row in log.rows
        if len(row.images) != count
    ]
    return Drive(
        source.name,
        np.array([row.line for row in good], dtype=np.int64),
        [row.images for row in good],
        np.array([row.time_s for row in good]),
        np.array([row.steering for row in good]),
        np.array([row.speed_mph for row in good]) * MPS_PER_MPH,
        [*log.rejections, *odd],
        frame_features.look(
            good, source.images, executor, lambda done: told(source.name, done, len(good))
        ),
    )
