"""Checks that each camera is where its name says, and that its images are not mirrored.

Two facts decide, and together they tell which of three faults it is. First, a turn to the right
moves the image to the left in every camera. A turn seen against the steering is a mirrored image,
or steering with the wrong sign. Second, the road moves to the left from the left image to the
centre one, and from there to the right one. Otherwise cameras are exchanged, or images mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from contract.vehicle import CAMERA_NAMES
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.yaw_correlation import strongest_correlation

MIRRORED: Final = "mirrored-cameras"
MAX_CORRELATION: Final = -0.3
"""If the seen and the expected yaw correlate by less than this, they contradict each other.

In the four real recordings the correlation is 0.85 to 0.96."""
MIN_SHIFT_PX: Final = 2.0
"""Side cameras are exchanged if the road moves by more than this to the wrong side.

With cameras in order, it moves by 8 to 15 pixels to the other side."""
MIN_ROWS: Final = 5


def check(recording: RecordingArrays) -> list[Finding]:
    """Look for mirrored images, steering with the wrong sign, and exchanged cameras."""
    correlations = [strongest_correlation(recording, camera) for camera in range(recording.cameras)]
    shifts = _median_side_shifts(recording)
    against = [
        CAMERA_NAMES[camera]
        for camera, correlation in enumerate(correlations)
        if correlation < MAX_CORRELATION
    ]
    known = sum(bool(np.isfinite(correlation)) for correlation in correlations)
    exchanged = [bool(shift > MIN_SHIFT_PX) for shift in shifts]
    figures: dict[str, Any] = {
        "correlation": {
            CAMERA_NAMES[camera]: round(float(correlation), 3)
            for camera, correlation in enumerate(correlations)
            if np.isfinite(correlation)
        },
        "side_px": [None if np.isnan(shift) else round(float(shift), 2) for shift in shifts],
    }
    road_moves = (
        f"the road moves by {shifts[0]:+.1f} px from the left image to the centre one and by "
        f"{shifts[1]:+.1f} px from there to the right one, instead of about -14 px"
    )
    if against and (len(against) < known or all(exchanged)):
        cameras = " and ".join(against)
        values = ", ".join(f"{correlations[CAMERA_NAMES.index(name)]:+.2f}" for name in against)
        evidence = f"Images of {cameras} turn against the steering (correlation {values})"
        if all(exchanged):
            evidence += f"; {road_moves}"
        cure = f"Mirror the images of {cameras}, or record again"
        figures["cameras"] = against
        return [Finding(MIRRORED, recording.name, evidence, cure, figures)]
    findings = []
    if against:
        evidence = f"The image turns against the steering (correlation {correlations[0]:+.2f})"
        cure = "Change the sign of the steering in the log"
        findings.append(Finding("inverted-steering", recording.name, evidence, cure, figures))
    if any(exchanged):
        pair = _exchanged_pair(exchanged)
        evidence = f"{pair.capitalize()} are exchanged: {road_moves}"
        cure = (
            f"Exchange the columns {pair} of driving_log.csv. Until then, train with --no-cameras"
        )
        findings.append(Finding("swapped-cameras", recording.name, evidence, cure, figures))
    return findings


def _exchanged_pair(exchanged: Sequence[bool]) -> str:
    """Return which cameras are exchanged, by the pairs between which the road moves wrongly."""
    if all(exchanged):
        return "left and right"
    return "left and center" if exchanged[0] else "center and right"


def _median_side_shifts(recording: RecordingArrays) -> list[float]:
    """Return the medians of both shifts between the cameras; NaN if too few are known."""
    shifts = recording.features.side_px
    enough = np.isfinite(shifts).sum(axis=0) >= MIN_ROWS
    return [
        float(np.nanmedian(shifts[:, pair])) if enough[pair] else float("nan") for pair in range(2)
    ]


def is_mirrored(recording: RecordingArrays, findings: Sequence[Finding]) -> bool:
    """Tell whether the centre camera of a recording shows left as right, by the findings."""
    return any(
        finding.name == MIRRORED
        and finding.recording == recording.name
        and CAMERA_NAMES[0] in finding.figures["cameras"]
        for finding in findings
    )
