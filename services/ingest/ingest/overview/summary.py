"""Sums a dataset up: its time, laps and steering, and what the doctor finds in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset import store_catalog
from contract.dataset.overviews import DatasetOverview
from contract.dataset.store import StoreReader
from contract.files import atomic_files
from ingest.doctor.checks import timestamps
from ingest.doctor.finding import find_runs
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.runner import check_recordings
from ingest.doctor.stored_recording import read_stored

Floats = npt.NDArray[np.float64]

TURN_BACK_RAD: Final = 1.8 * math.pi
"""A heading that goes back by this much began another lap, the other way round.

It is a little less than a turn. The bends of the jungle track turn back by up to 0.8 of a turn."""


def summarize(
    data_dir: Path,
    dataset: str,
    name: str,
    reader: StoreReader,
    executor: Executor,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> DatasetOverview:
    """Return the overview of a dataset.

    Args:
        data_dir: the data volume.
        dataset: name of the dataset.
        name: the name that the findings give to it.
        reader: the opened store.
        executor: a pool of threads.
        on_progress: is called with the number of rows that are done.
    """
    recording = read_stored(reader, name, executor, on_progress)
    rows = reader.rows
    step_s = driven_steps(reader)
    steering = rows["steering"].astype(np.float64)
    return DatasetOverview(
        dataset=dataset,
        manifest_sha256=atomic_files.sha256(store_catalog.paths(data_dir, dataset)[1]),
        rows=len(rows),
        cameras=recording.cameras,
        lines=find_runs(sorted(rows["line"].tolist())),
        minutes=float(step_s.sum() / 60),
        segments=int(reader.timeline.segment[-1] + 1),
        laps=count_laps(headings(recording, step_s)),
        speed_mph=float(rows["speed_mph"].astype(np.float64).mean()),
        steering_mean=float(steering.mean()),
        steering_std=float(steering.std()),
        steering_zero_share=float((steering == 0).mean()),
        pauses=timestamps.count_pauses(recording),
        findings=[dataclasses.asdict(finding) for finding in check_recordings([recording])],
    )


def driven_steps(reader: StoreReader) -> Floats:
    """Return the time in s from the row before to each row (rows,); 0 where a segment begins."""
    time_s, segment, _ = reader.timeline
    step_s = np.diff(time_s, prepend=time_s[:1])
    step_s[np.diff(segment, prepend=segment[:1]) != 0] = 0.0
    return np.asarray(step_s, dtype=np.float64)


def headings(recording: RecordingArrays, step_s: Floats) -> Floats:
    """Return the heading of the car in each row (rows,), in rad, positive to the right, from 0.

    It is the sum of the yaw rate that the car model expects (docs/protocol.md) over driven time.
    """
    return np.asarray(np.cumsum(recording.expected_yaw_rate() * step_s), dtype=np.float64)


def count_laps(heading: Floats) -> float:
    """Return how many turns of 360° a car made, where turns to both sides count.

    The heading (rows,), in rad, is cut into legs where it goes back by TURN_BACK_RAD from the
    farthest that it came. So a lap each way round counts two, and an S-bend counts nothing.
    """
    total, base = 0.0, float(heading[0])
    low = high = base
    direction = 0
    for value in heading.tolist():
        if direction >= 0 and high - value >= TURN_BACK_RAD:
            if direction > 0:
                total += high - base
                base = high
            direction, low = -1, value
        elif direction <= 0 and value - low >= TURN_BACK_RAD:
            if direction < 0:
                total += base - low
                base = low
            direction, high = 1, value
        low, high = min(low, value), max(high, value)
    return (total + abs(float(heading[-1]) - base)) / (2 * math.pi)
