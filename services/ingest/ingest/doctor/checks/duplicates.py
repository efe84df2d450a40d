"""Checks whether anything exists twice: rows, frozen images, or frames in two recordings.

Two images are the same if their files have the same bytes. Only images of a moving car count: while
the car stands, and where the recordings of a track begin, images are alike without a fault.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from contract.vehicle import CAMERA_NAMES
from ingest.doctor.finding import MAX_EXAMPLES, Finding, find_runs, format_count, format_lines
from ingest.doctor.recording_arrays import (
    MOVING_MPS,
    Flags,
    RecordingArrays,
    log_lines,
    true_runs,
)

MIN_CHANGE: Final = 0.05
"""Smallest change, in grey levels of 255, between two images of a moving car.

The smallest change in the real recordings is 1.2, and 0.7 in simulated ones. Only a copy that was
encoded again has less."""


def check_duplicates(recording: RecordingArrays) -> list[Finding]:
    """Find images that several rows list, and the same image under several names."""
    rows_by_name: dict[str, list[int]] = defaultdict(list)
    for row, names in enumerate(recording.images):
        rows_by_name[names[0]].append(row)
    repeated = sorted(row for rows in rows_by_name.values() for row in rows[1:])
    copies = _find_copies(recording, [rows[0] for rows in rows_by_name.values()])
    if not repeated and not copies:
        return []
    evidence = []
    if repeated:
        evidence.append(
            f"An earlier row already lists the image of {format_count(len(repeated), 'row')}: "
            f"{format_lines(log_lines(recording, repeated))}"
        )
    if copies:
        evidence.append(
            f"There is another name for the image of {format_count(len(copies), 'row')}: "
            f"{format_lines(log_lines(recording, copies))}"
        )
    rows = sorted(repeated + copies)
    return [
        Finding(
            "duplicate-rows",
            recording.name,
            ". ".join(evidence),
            "Delete these lines of driving_log.csv. Ingest leaves out lines that repeat another "
            "one as a whole; other copies count twice, on one side of the split",
            {
                "repeated_rows": len(repeated),
                "copied_pictures": len(copies),
                "lines": log_lines(recording, rows[:MAX_EXAMPLES]),
                "files": [recording.images[row][0] for row in rows[:MAX_EXAMPLES]],
            },
            (find_runs(log_lines(recording, rows)),),
        )
    ]


def _find_copies(recording: RecordingArrays, rows: Sequence[int]) -> list[int]:
    """Return rows whose image is that of an earlier row. A frozen image is not a copy."""
    last_rows: dict[int, int] = {}
    copies = []
    for row in sorted(rows):
        digest = int(recording.features.digests[row, 0])
        if not digest or recording.speed_mps[row] <= MOVING_MPS:
            continue
        last = last_rows.get(digest)
        if last is not None and row > last + 1:
            copies.append(row)
        last_rows[digest] = row
    return copies


def check_frozen(recording: RecordingArrays) -> list[Finding]:
    """Find images that stay the same from row to row while the car moves."""
    cameras = range(recording.cameras)
    frozen = np.stack([_frozen_rows(recording, camera) for camera in cameras], axis=1)
    any_frozen: Flags = np.logical_or.reduce(frozen, axis=1)
    if not any_frozen.any():
        return []
    rows = np.flatnonzero(any_frozen)
    longest = max(end - first for first, end in true_runs(any_frozen))
    names = [CAMERA_NAMES[camera] for camera in np.flatnonzero(frozen.any(axis=0))]
    lines = log_lines(recording, rows)
    return [
        Finding(
            "frozen-frames",
            recording.name,
            f"The image is that of the row before, although the car moves, in "
            f"{format_count(len(rows), 'row')} ({', '.join(names)}; at most {longest} in "
            f"succession): {format_lines(lines)}",
            "Delete these lines of driving_log.csv, because their steering belongs to an image "
            "that was never recorded",
            {
                "rows": len(rows),
                "longest": longest,
                "cameras": names,
                "lines": lines[:MAX_EXAMPLES],
                "files": [recording.images[row][0] for row in rows[:MAX_EXAMPLES]],
            },
            (find_runs(log_lines(recording, rows)),),
        )
    ]


def _frozen_rows(recording: RecordingArrays, camera: int) -> Flags:
    """Return in which rows (N,) a camera shows the image of the row before, by another name."""
    digests = recording.features.digests[:, camera]
    moving = recording.speed_mps > MOVING_MPS
    frozen = np.zeros(len(moving), dtype=np.bool_)
    same = (digests[1:] == digests[:-1]) & (digests[1:] != 0)
    alike = recording.features.change[1:, camera] < MIN_CHANGE  # This is false for NaN.
    names = [row[camera] if camera < len(row) else None for row in recording.images]
    renamed = np.array([a != b for a, b in itertools.pairwise(names)], dtype=np.bool_)
    frozen[1:] = (same | alike) & renamed & moving[1:] & moving[:-1]
    return frozen


def check_leaks(recordings: Sequence[RecordingArrays]) -> list[Finding]:
    """Find frames that two recordings share, so that one cannot validate what the other trains."""
    findings = []
    for pair in itertools.combinations(recordings, 2):
        rows = [_rows_by_digest(recording) for recording in pair]
        shared = sorted(rows[0].keys() & rows[1].keys(), key=rows[0].__getitem__)
        if not shared:
            continue
        lines = [
            log_lines(recording, sorted(rows_of_one[digest] for digest in shared))
            for recording, rows_of_one in zip(pair, rows, strict=True)
        ]
        first, second = pair
        findings.append(
            Finding(
                "leak",
                f"{first.name} + {second.name}",
                f"Both recordings share {format_count(len(shared), 'frame')} "
                f"({len(shared) / len(first.lines):.0%} and "
                f"{len(shared) / len(second.lines):.0%} of their rows): "
                f"{format_lines(lines[0])} of {first.name} and {format_lines(lines[1])} of "
                f"{second.name}",
                "Import only one of the two, or delete these lines from one of them. A model must "
                "not be validated on frames that it was trained on",
                {
                    "frames": len(shared),
                    "lines": [numbers[:MAX_EXAMPLES] for numbers in lines],
                    "files": [first.images[rows[0][digest]][0] for digest in shared[:MAX_EXAMPLES]],
                },
                tuple(find_runs(numbers) for numbers in lines),
            )
        )
    return findings


def _rows_by_digest(recording: RecordingArrays) -> dict[int, int]:
    """Return a row for the digest of each centre image that was recorded while the car moved."""
    digests = recording.features.digests[:, 0]
    rows = np.flatnonzero((digests != 0) & (recording.speed_mps > MOVING_MPS))
    return {int(digests[row]): int(row) for row in rows[::-1]}
