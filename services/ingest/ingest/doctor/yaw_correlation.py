"""Compares the yaw that the pictures show with the yaw that the steering should have caused."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ingest.doctor.recording_arrays import Drive, Flags, Floats

FARTHEST_S: Final = 1.0
"""Labels are looked for so far before and after their pictures."""
LEAST_ROWS: Final = 100
"""Below, a correlation says little: its standard error is 0.1."""
LEAST_RAD_S: Final = 0.02
"""Standard deviation of the expected yaw rate: a drive without bends or weaving shows nothing."""


def correlations(
    drive: Drive, camera: int = 0, window_s: float = math.inf
) -> tuple[Floats, Floats]:
    """Correlate seen with expected yaw rate, the one moved in time against the other.

    Args:
        drive: the recording.
        camera: whose picture is looked at.
        window_s: a moving mean over this window is taken off both first, so that bends, which last
            for seconds, do not blur the place of the peak.

    Returns:
        Times (K,) in s by which the picture turns after the steering, and correlations (K,); both
        empty where the drive shows too little.
    """
    good = drive.believed(camera)
    expected, seen = drive.expected_yaw_rate(), drive.yaw_rate(camera)
    if good.sum() < LEAST_ROWS or expected[good].std() < LEAST_RAD_S:
        return np.empty(0), np.empty(0)
    width = round(window_s / drive.period_s) if math.isfinite(window_s) else None
    expected, seen = _rest(expected, good, width), _rest(seen, good, width)
    most = round(FARTHEST_S / drive.period_s)
    steps = np.arange(-most, most + 1)
    values: Floats = np.array([_correlation(expected, seen, good, int(step)) for step in steps])
    return np.asarray(steps * drive.period_s, dtype=np.float64), values


def agreement(drive: Drive, camera: int) -> float:
    """Return the correlation that is greatest in size, whatever the lag; NaN if unknown."""
    _, values = correlations(drive, camera)
    return float(values[np.abs(values).argmax()]) if len(values) else math.nan


def _rest(signal: Floats, good: Flags, width: int | None) -> Floats:
    """Return (N,) less its mean, or less its moving mean over `width` rows, of the good rows."""
    if width is None:
        mean = np.full(len(signal), signal[good].mean())
    else:
        box = np.ones(min(width, len(signal)))
        count = np.convolve(good, box, "same")
        mean = np.convolve(np.where(good, signal, 0.0), box, "same") / np.maximum(count, 1)
    return np.where(good, signal - mean, 0.0)


def _correlation(expected: Floats, seen: Floats, good: Flags, step: int) -> float:
    """Correlate with `seen` taken `step` rows later, over rows that are good in both."""
    early = slice(max(0, -step), len(seen) - max(0, step))
    late = slice(max(0, step), len(seen) - max(0, -step))
    both = good[early] & good[late]
    a, b = expected[early][both], seen[late][both]
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm else 0.0
