"""Reads recordings, each once, and runs all checks on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from contract.errors import LapwingError, RecordingError
from contract.recordings import archive
from contract.recordings.archive import Recording
from contract.recordings.steering_unit import RECORDER_UNIT
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
    full_lock: float = RECORDER_UNIT,
    errors: list[LapwingError] | None = None,
) -> list[RecordingArrays]:
    """Read every recording in the given folders, zip files and tar files.

    Args:
        paths: recordings, or folders that hold several recordings.
        scratch: a folder in which archives are unpacked for the time of the reading.
        on_progress: is called with the progress of the reading.
        full_lock: the value of the steering at full lock, 25 for degrees.
        errors: receives the errors of recordings that cannot be read, so that the others are.

    Raises:
        RecordingError: a recording cannot be read, or has no row that can be used, and there is no
            list of errors.
    """
    cv2.setNumThreads(1)  # The threads below use all cores already.
    recordings = []
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="measure") as executor:
        for path in paths:
            with (
                _collecting(errors),
                archive.open_recordings(path, scratch) as sources,
            ):
                for source in sources:
                    with _collecting(errors):
                        recordings.append(read_recording(source, executor, on_progress, full_lock))
    return recordings


@contextmanager
def _collecting(errors: list[LapwingError] | None) -> Iterator[None]:
    """Add an error of Lapwing to a list, if there is one, and go on after the `with` block."""
    try:
        yield
    except LapwingError as error:
        if errors is None:
            raise
        errors.append(error)


def read_recording(
    source: Recording,
    executor: ThreadPoolExecutor,
    on_progress: OnProgress,
    full_lock: float = RECORDER_UNIT,
) -> RecordingArrays:
    """Read one recording as ingest reads it.

    Raises:
        RecordingError: its log cannot be read, or none of its lines is a row.
    """
    try:
        log = source.read(full_lock, as_logged=True)
    except RecordingError as error:
        raise RecordingError(
            f"{source.name}: {error.what}", got=error.got, remedy=error.remedy
        ) from error
    if not log.rows:
        reasons = [
            f"line {rejection.line}: {rejection.field}: {rejection.reason}"
            for rejection in log.rejections[:3]
        ]
        raise RecordingError(
            f"no line of {source.log} is a row",
            got=", ".join(reasons),
            remedy="Check that Udacity's simulator or a Donkey car recorded it",
        )
    rows = log.rows
    alone = sum(len(row.images) == 1 for row in rows)
    notes = list(log.notes)
    if 0 < alone < len(rows):
        notes.append(f"{alone} of {len(rows)} rows have the centre camera alone")
    return RecordingArrays(
        source.name,
        np.array([row.line for row in rows], dtype=np.int64),
        [row.images for row in rows],
        np.array([row.time_s for row in rows]),
        np.array([row.steering for row in rows]),
        np.array([row.speed_mph for row in rows]) * MPS_PER_MPH,
        log.rejections,
        frame_features.measure_frames(
            rows, source.images, executor, lambda done: on_progress(source.name, done, len(rows))
        ),
        notes,
    )
