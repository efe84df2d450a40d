"""Does the steering belong to its picture, or to one before or after it?"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive
from ingest.doctor.yaw_correlation import correlations

WINDOW_S: Final = 2.0
MOST_S: Final = 0.2
"""The four real recordings have 0.06 to 0.12 s, clean simulated ones less than 0.01; the car's own
lag, taken as 0.15 s, is uncertain by 0.05."""
LEAST: Final = 0.3
"""Correlation at the peak; lower ones are no peak."""
GAIN: Final = 0.05
"""By which the peak must stand out above the correlation without any lag."""


def examine(drive: Drive) -> list[Finding]:
    """Find by how much the picture turns after, or before, its steering says so.

    By the peak of the cross-correlation of the yaw seen with the yaw expected, a parabola through
    three values placing it between the rows. Mirrored pictures have their peak upside down.
    """
    times, values = correlations(drive, 0, WINDOW_S)
    if not len(values):
        return []
    size = np.abs(values)
    peak = int(size.argmax())
    middle = len(size) // 2
    late_s = -(float(times[peak]) + _between(size, peak) * drive.period_s)
    if abs(late_s) <= MOST_S or size[peak] < LEAST or size[peak] < size[middle] + GAIN:
        return []
    rows = round(abs(late_s) / drive.period_s)
    where = "after" if late_s > 0 else "before"
    return [
        Finding(
            "label-lag",
            drive.name,
            f"the steering comes {abs(late_s):.2f} s ({rows} rows) {where} the turn in the picture "
            f"(correlation {size[peak]:.2f} there, {size[middle]:.2f} without a shift)",
            f"Move the steering column {'up' if late_s > 0 else 'down'} by {rows} rows",
            {
                "late_s": round(late_s, 3),
                "rows": rows,
                "correlation": round(float(size[peak]), 3),
                "unshifted": round(float(size[middle]), 3),
            },
        )
    ]


def _between(values: np.ndarray[tuple[int], np.dtype[np.float64]], peak: int) -> float:
    """Return how far, in steps, the top of the parabola through three values is off its middle."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    before, top, after = (float(values[peak + step]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend else 0.0
