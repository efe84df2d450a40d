"""Checks that the steering belongs to its image, and not to one before or after it."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.yaw_correlation import yaw_correlations

WINDOW_S: Final = 2.0
MAX_LAG_S: Final = 0.2
"""Largest lag that is not a finding.

The four real recordings have 0.06 to 0.12 s, clean simulated ones less than 0.01 s. The lag of the
car itself, taken as 0.15 s, is uncertain by 0.05 s."""
MIN_CORRELATION: Final = 0.3
"""A peak with a lower correlation does not count."""
MIN_GAIN: Final = 0.05
"""The peak must exceed the correlation without any lag by this much."""


def check(recording: RecordingArrays) -> list[Finding]:
    """Find by how much the image turns after, or before, its steering says so.

    The lag is at the peak of the cross-correlation of the seen yaw with the expected one. A
    parabola through three values places the peak between the rows. Mirrored images have a negative
    peak.
    """
    lags_s, correlations = yaw_correlations(recording, 0, WINDOW_S)
    if not len(correlations):
        return []
    size = np.abs(correlations)
    peak = int(size.argmax())
    middle = len(size) // 2
    late_s = -(float(lags_s[peak]) + _peak_offset(size, peak) * recording.period_s)
    too_weak = size[peak] < MIN_CORRELATION or size[peak] < size[middle] + MIN_GAIN
    if abs(late_s) <= MAX_LAG_S or too_weak:
        return []
    rows = round(abs(late_s) / recording.period_s)
    when = "after" if late_s > 0 else "before"
    direction = "up" if late_s > 0 else "down"
    return [
        Finding(
            "label-lag",
            recording.name,
            f"The steering comes {abs(late_s):.2f} s ({rows} rows) {when} the turn in the image "
            f"(the correlation is {size[peak]:.2f} there, and {size[middle]:.2f} without a shift)",
            f"Move the steering column {direction} by {rows} rows",
            {
                "late_s": round(late_s, 3),
                "rows": rows,
                "correlation": round(float(size[peak]), 3),
                "unshifted": round(float(size[middle]), 3),
            },
        )
    ]


def _peak_offset(values: np.ndarray[tuple[int], np.dtype[np.float64]], peak: int) -> float:
    """Return how far, in steps, the top of a parabola through three values is from the middle."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    before, top, after = (float(values[peak + step]) for step in (-1, 0, 1))
    curvature = before - 2 * top + after
    return 0.5 * (before - after) / curvature if curvature else 0.0
