"""Are the cameras where their names say, and do they show the world the right way round?

Two facts decide, and together they tell which of three faults it is. Turning right moves the
picture to the left, in every camera: so a turn seen against the steering is a mirrored picture, or
a steering of the wrong sign. And the road moves to the left from the left picture to the centre's
and from there to the right one: if not, cameras are exchanged, or the pictures are mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from contract.vehicle import CAMERA_NAMES
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive
from ingest.doctor.yaw_correlation import agreement

MIRRORED: Final = "mirrored-cameras"
AGAINST: Final = -0.3
"""Correlation of seen and expected yaw below which they contradict each other; of the four real
recordings it is 0.85 to 0.96."""
LEAST_PX: Final = 2.0
"""Side cameras are exchanged if the road moves by more than this to the wrong side. Rightly it
moves by 8 to 15 to the other one."""
LEAST_ROWS: Final = 5


def examine(drive: Drive) -> list[Finding]:
    """Look for mirrored pictures, a steering of the wrong sign, and exchanged cameras."""
    found = [agreement(drive, camera) for camera in range(len(drive.images[0]))]
    against = [CAMERA_NAMES[camera] for camera, each in enumerate(found) if each < AGAINST]
    known = sum(bool(np.isfinite(each)) for each in found)
    moved = _moved(drive)
    wrong = [bool(each > LEAST_PX) for each in moved]
    figures: dict[str, Any] = {
        "correlation": {
            CAMERA_NAMES[camera]: round(float(each), 3)
            for camera, each in enumerate(found)
            if np.isfinite(each)
        },
        "side_px": [None if np.isnan(each) else round(float(each), 2) for each in moved],
    }
    turned = f"yaw seen and steering correlate by {found[0]:+.2f}"
    shifted = f"the road moves by {moved[0]:+.1f} and {moved[1]:+.1f} px from left to centre to "
    shifted += "right, and should by about -14"
    if against and (len(against) < known or all(wrong)):
        which = " and ".join(against)
        values = ", ".join(f"{found[CAMERA_NAMES.index(each)]:+.2f}" for each in against)
        text = f"{which}: the picture turns against the steering (correlation {values})"
        if all(wrong):
            text += f"; {shifted}"
        cure = f"Flip the {which} pictures left to right, or record again"
        figures["cameras"] = against
        return [Finding(MIRRORED, drive.name, text, cure, figures)]
    findings = []
    if against:
        cure = "Change the steering's sign in the log"
        findings.append(Finding("inverted-steering", drive.name, turned, cure, figures))
    if any(wrong):
        pair = (
            "left and right"
            if all(wrong)
            else "left and center"
            if wrong[0]
            else ("center and right")
        )
        cure = f"Exchange the columns {pair} of driving_log.csv; until then, train --no-cameras"
        text = f"{pair} are exchanged: {shifted}"
        findings.append(Finding("swapped-cameras", drive.name, text, cure, figures))
    return findings


def _moved(drive: Drive) -> list[float]:
    """Return the medians of both shifts between the cameras, NaN where too few are known."""
    sides = drive.pictures.side_px
    enough = np.isfinite(sides).sum(axis=0) >= LEAST_ROWS
    return [
        float(np.nanmedian(sides[:, pair])) if enough[pair] else float("nan") for pair in range(2)
    ]


def shows_mirrored(drive: Drive, findings: Sequence[Finding]) -> bool:
    """Tell whether, by what was found, the centre camera of a recording shows left as right."""
    return any(
        each.name == MIRRORED
        and each.recording == drive.name
        and CAMERA_NAMES[0] in each.figures["cameras"]
        for each in findings
    )
