"""Reads recordings, each once, and runs all checks on them."""

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
from ingest.doctor.recording_arrays import RecordingArrays

CHECKS: Final[tuple[Callable[[RecordingArrays], list[Finding]], ...]] = (
    integrity.check_values,
    integrity.check_speed,
    integrity.check_images,
    integrity.check_sizes,
    timestamps.check,
    duplicates.check_duplicates,
    duplicates.check_frozen,
    camera_order.check,
    steering_lag.check,
    steering_bias.check,
    keyboard_steering.check,
)
"""The checks of a single recording, in the order of their findings."""
OnProgress = Callable[[str, int, int], None]
"""Is called with the name of the recording that is read, its rows that are done, and all its
rows."""


def check_recordings(recordings: Sequence[RecordingArrays]) -> list[Finding]:
    """Return all findings: those of each recording, then those of several recordings together."""
    findings = [
        finding for recording in recordings for check in CHECKS for finding in check(recording)
    ]
    mirrored = [camera_order.is_mirrored(recording, findings) for recording in recordings]
    findings += duplicates.check_leaks(recordings)
    findings += lap_direction.check(recordings, mirrored)
    return findings


def read_recordings(
    paths: Sequence[Path],
    scratch: Path,
    on_progress: OnProgress = lambda name, done, total: None,
) -> list[RecordingArrays]:
    """Read every recording in the given folders, zip files and tar files.

    Args:
        paths: recordings, or folders that hold several recordings.
        scratch: a folder in which archives are unpacked for the time of the reading.
        on_progress: is called with the progress of the reading.

    Raises:
        RecordingError: a recording cannot be read, or has no row that can be used.
    """
    cv2.setNumThreads(1)  # The threads below use all cores already.
    recordings = []
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="measure") as executor:
        for path in paths:
            with archive.open_recordings(path, scratch) as sources:
                recordings += [read_recording(source, executor, on_progress) for source in sources]
    return recordings


def read_recording(
    source: Recording, executor: ThreadPoolExecutor, on_progress: OnProgress
) -> RecordingArrays:
    """Read one recording.

    Raises:
        RecordingError: its log cannot be read, or none of its lines is a row.
    """
    log = source.read()
    log = driving_log.without_missing_sides(log, source.images)
    if not log.rows:
        reasons = [f"line {rejection.line}: {rejection.reason}" for rejection in log.rejections[:3]]
        raise RecordingError(
            f"no line of {source.log} is a row",
            got=", ".join(reasons),
            remedy="Check that Udacity's simulator or a Donkey car recorded it",
        )
    # The number of cameras is that of most rows. Rows with another number are damaged.
    cameras = Counter(len(row.images) for row in log.rows).most_common(1)[0][0]
    rows = [row for row in log.rows if len(row.images) == cameras]
    damaged = [
        Rejection(row.line, "images", f"not {cameras} as in the other rows", f"{len(row.images)}")
        for row in log.rows
        if len(row.images) != cameras
    ]
    return RecordingArrays(
        source.name,
        np.array([row.line for row in rows], dtype=np.int64),
        [row.images for row in rows],
        np.array([row.time_s for row in rows]),
        np.array([row.steering for row in rows]),
        np.array([row.speed_mph for row in rows]) * MPS_PER_MPH,
        [*log.rejections, *damaged],
        frame_features.measure_frames(
            rows, source.images, executor, lambda done: on_progress(source.name, done, len(rows))
        ),
    )
