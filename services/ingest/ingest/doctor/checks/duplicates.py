"""Is there anything twice: rows, pictures that froze, or the same frames in two recordings?

Pictures are the same when their files are, byte for byte. Only those of a moving car count: at a
standstill, and where every recording of a track begins, pictures are rightly alike.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from contract.vehicle import CAMERA_NAMES
from ingest.doctor.finding import SHOWN, Finding, spans
from ingest.doctor.recording_arrays import MOVING_MPS, Drive, Flags, line_numbers, runs

STILL: Final = 0.05
"""Grey levels of 255 by which the picture of a moving car changes at least from row to row. The
least in the real recordings is 1.2, in simulated ones 0.7; only a copy, encoded anew, has less."""


def duplicates(drive: Drive) -> list[Finding]:
    """Find pictures that several rows list, and the same picture under several names."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for row, names in enumerate(drive.images):
        by_name[names[0]].append(row)
    again = sorted(row for rows in by_name.values() for row in rows[1:])
    copies = _copies(drive, [rows[0] for rows in by_name.values()])
    if not again and not copies:
        return []
    parts = []
    if again:
        parts.append(
            f"{len(again)} rows list a picture that an earlier row lists: lines "
            f"{spans(line_numbers(drive, again))}"
        )
    if copies:
        parts.append(
            f"{len(copies)} pictures are there under another name already: lines "
            f"{spans(line_numbers(drive, copies))}"
        )
    rows = sorted(again + copies)
    return [
        Finding(
            "duplicate-rows",
            drive.name,
            "; ".join(parts),
            "Delete these lines of driving_log.csv, or the copies count twice and may stand on "
            "both sides of the split",
            {
                "repeated_rows": len(again),
                "copied_pictures": len(copies),
                "lines": line_numbers(drive, rows[:SHOWN]),
                "files": [drive.images[row][0] for row in rows[:SHOWN]],
            },
        )
    ]


def _copies(drive: Drive, rows: Sequence[int]) -> list[int]:
    """Return rows whose picture is that of an earlier row; a frozen picture is one picture."""
    seen: dict[int, int] = {}
    found = []
    for row in sorted(rows):
        digest = int(drive.pictures.digests[row, 0])
        if not digest or drive.speed_mps[row] <= MOVING_MPS:
            continue
        last = seen.get(digest)
        if last is not None and row > last + 1:
            found.append(row)
        seen[digest] = row
    return found


def frozen(drive: Drive) -> list[Finding]:
    """Find pictures that stay the same from row to row while the car moves."""
    still = np.stack([_still(drive, camera) for camera in range(len(drive.images[0]))], axis=1)
    any_still: Flags = np.logical_or.reduce(still, axis=1)
    if not any_still.any():
        return []
    rows = np.flatnonzero(any_still)
    stretches = runs(any_still)
    longest = max(after - first for first, after in stretches)
    cameras = [CAMERA_NAMES[camera] for camera in np.flatnonzero(still.any(axis=0))]
    lines = line_numbers(drive, rows)
    return [
        Finding(
            "frozen-frames",
            drive.name,
            f"{len(rows)} rows show the picture of the row before although the car moves "
            f"({', '.join(cameras)}; at most {longest} in a row): lines {spans(lines)}",
            "Delete these lines of driving_log.csv: their steering belongs to a picture that was "
            "never taken",
            {
                "rows": len(rows),
                "longest": longest,
                "cameras": cameras,
                "lines": lines[:SHOWN],
                "files": [drive.images[row][0] for row in rows[:SHOWN]],
            },
        )
    ]


def _still(drive: Drive, camera: int) -> Flags:
    """Tell in which rows (N,) a camera shows, under another name, what it showed before."""
    digests = drive.pictures.digests[:, camera]
    moving = drive.speed_mps > MOVING_MPS
    still = np.zeros(len(moving), dtype=np.bool_)
    same = (digests[1:] == digests[:-1]) & (digests[1:] != 0)
    alike = drive.pictures.change[1:, camera] < STILL  # NaN is not
    names = [row[camera] for row in drive.images]
    renamed = np.array([a != b for a, b in itertools.pairwise(names)], dtype=np.bool_)
    still[1:] = (same | alike) & renamed & moving[1:] & moving[:-1]
    return still


def leaks(drives: Sequence[Drive]) -> list[Finding]:
    """Find the same frames in two recordings: one cannot be held out while the other is learnt."""
    findings = []
    for one, two in itertools.combinations(drives, 2):
        rows = [_rows_by_digest(each) for each in (one, two)]
        common = sorted(rows[0].keys() & rows[1].keys(), key=rows[0].__getitem__)
        if not common:
            continue
        lines = [
            line_numbers(drive, sorted(found[digest] for digest in common))
            for drive, found in zip((one, two), rows, strict=True)
        ]
        findings.append(
            Finding(
                "leak",
                f"{one.name} + {two.name}",
                f"{len(common)} frames are in both ({len(common) / len(one.lines):.0%} and "
                f"{len(common) / len(two.lines):.0%} of the rows): lines {spans(lines[0])} of "
                f"{one.name} and {spans(lines[1])} of {two.name}",
                "Import one of them, or delete the lines from one: never validate on the one what "
                "the other taught",
                {
                    "frames": len(common),
                    "lines": [each[:SHOWN] for each in lines],
                    "files": [one.images[rows[0][digest]][0] for digest in common[:SHOWN]],
                },
            )
        )
    return findings


def _rows_by_digest(drive: Drive) -> dict[int, int]:
    """Return a row of each picture of the centre camera, taken while the car moved."""
    digests = drive.pictures.digests[:, 0]
    rows = np.flatnonzero((digests != 0) & (drive.speed_mps > MOVING_MPS))
    return {int(digests[row]): int(row) for row in rows[::-1]}
