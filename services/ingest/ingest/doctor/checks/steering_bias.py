"""Checks that the steering is 0 where the car goes straight."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from contract.vehicle import MAX_STEER_DEG
from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import RecordingArrays, true_runs

WINDOW_S: Final = 0.5
STRAIGHT_RAD_S: Final = 0.02
"""The car goes straight if its mean yaw rate over the window is below this.

At 15 mph, this is a bend with a radius of 335 m."""
MAX_BIAS: Final = 0.03
"""Largest bias that is not a finding: three quarters of a degree at the wheels.

On straights, the four real recordings have 0.000 to +0.021, clean simulated ones -0.010 to +0.006.
"""
MIN_STANDARD_ERRORS: Final = 3.0
"""A bias is a finding only if it is so many standard errors away from 0."""
MIN_ROWS: Final = 30
MIN_STRAIGHTS: Final = 3


def check(recording: RecordingArrays) -> list[Finding]:
    """Compare the mean steering on straights with 0.

    The rows of one straight depend on each other. Therefore the standard error is that of the means
    of the straights, weighted by their lengths (W. G. Cochran, Sampling Techniques, 1977, section
    6.3: ratio estimate).
    """
    trusted, yaw_rate = recording.trusted_rows(), recording.seen_yaw_rate()
    if len(trusted) < MIN_ROWS:
        return []
    width = max(1, round(WINDOW_S / recording.period_s)) | 1
    box = np.ones(width) / width
    all_trusted = np.convolve(trusted, box, "same") > 1 - 0.5 / width
    is_straight = all_trusted & (np.abs(np.convolve(yaw_rate, box, "same")) < STRAIGHT_RAD_S)
    straights = true_runs(is_straight)
    rows = int(is_straight.sum())
    if rows < MIN_ROWS or len(straights) < MIN_STRAIGHTS:
        return []
    bias = float(recording.steering[is_straight].mean())
    sums = np.array(
        [float((recording.steering[first:end] - bias).sum()) for first, end in straights]
    )
    count = len(straights)
    error = math.sqrt(float(sums @ sums) * count / (count - 1)) / rows
    if abs(bias) <= MAX_BIAS or abs(bias) <= MIN_STANDARD_ERRORS * error:
        return []
    side = "right" if bias > 0 else "left"
    angle_deg = abs(bias) * MAX_STEER_DEG
    return [
        Finding(
            "steering-bias",
            recording.name,
            f"On straights ({rows} rows in {count} places) the mean steering is {bias:+.3f} ± "
            f"{error:.3f}, which is {angle_deg:.1f}° to the {side}",
            f"Subtract {bias:+.3f} from the steering column, and calibrate the wheel or joystick",
            {
                "bias": round(bias, 4),
                "standard_error": round(error, 4),
                "rows": rows,
                "stretches": count,
            },
        )
    ]
