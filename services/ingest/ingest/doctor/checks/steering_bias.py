"""Is the steering 0 where the car goes straight?"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive, runs

WINDOW_S: Final = 0.5
STRAIGHT_RAD_S: Final = 0.02
"""Mean yaw rate over the window below which the car goes straight: at 15 mph a bend of 335 m."""
MOST: Final = 0.03
"""Three quarters of a degree at the wheels. On straights the four real recordings have 0.000 to
+0.021, clean simulated ones -0.010 to +0.006."""
SURE: Final = 3.0
"""Standard errors that a bias must be away from 0."""
LEAST_ROWS: Final = 30
LEAST_STRETCHES: Final = 3


def examine(drive: Drive) -> list[Finding]:
    """Compare the mean steering of straight stretches with 0.

    Rows of a stretch depend on each other, so the standard error is that of the stretches' means,
    weighted by their lengths (W. G. Cochran, Sampling Techniques, 1977, section 6.3: ratio
    estimate).
    """
    good, rate = drive.believed(), drive.yaw_rate()
    if len(good) < LEAST_ROWS:
        return []
    width = max(1, round(WINDOW_S / drive.period_s)) | 1
    box = np.ones(width) / width
    whole = np.convolve(good, box, "same") > 1 - 0.5 / width
    straight = whole & (np.abs(np.convolve(rate, box, "same")) < STRAIGHT_RAD_S)
    stretches = runs(straight)
    rows = int(straight.sum())
    if rows < LEAST_ROWS or len(stretches) < LEAST_STRETCHES:
        return []
    mean = float(drive.steering[straight].mean())
    sums = np.array([float((drive.steering[a:b] - mean).sum()) for a, b in stretches])
    count = len(stretches)
    error = math.sqrt(float(sums @ sums) * count / (count - 1)) / rows
    if abs(mean) <= MOST or abs(mean) <= SURE * error:
        return []
    side = "right" if mean > 0 else "left"
    return [
        Finding(
            "steering-bias",
            drive.name,
            f"where the car goes straight ({rows} rows in {count} stretches) the steering is "
            f"{mean:+.3f} ± {error:.3f} in the mean, {abs(mean) * 25:.1f}° to the {side}",
            f"Take {mean:+.3f} off the steering column; calibrate the wheel or joystick",
            {
                "bias": round(mean, 4),
                "standard_error": round(error, 4),
                "rows": rows,
                "stretches": count,
            },
        )
    ]
