"""Compares the yaw rate that the images show with the one that the steering should have caused."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ingest.doctor.recording_arrays import Flags, Floats, RecordingArrays

MAX_LAG_S: Final = 1.0
"""Largest lag, before and after, at which the two are compared."""
MIN_ROWS: Final = 100
"""With fewer rows a correlation says little: at 100 rows its standard error is 0.1."""
MIN_STD_RAD_S: Final = 0.02
"""Smallest standard deviation of the expected yaw rate. A drive without bends shows nothing."""


def yaw_correlations(
    recording: RecordingArrays, camera: int = 0, window_s: float = math.inf
) -> tuple[Floats, Floats]:
    """Correlate the seen yaw rate with the expected one, at each lag between them.

    Args:
        recording: the recording.
        camera: the camera whose images are used.
        window_s: length of a moving mean that is subtracted from both first, so that bends, which
            last for seconds, do not blur the peak.

    Returns:
        Lags (K,) in s by which the image turns after the steering, and the correlations (K,). Both
        are empty if the recording shows too little.
    """
    trusted = recording.trusted_rows(camera)
    expected, seen = recording.expected_yaw_rate(), recording.seen_yaw_rate(camera)
    if trusted.sum() < MIN_ROWS or expected[trusted].std() < MIN_STD_RAD_S:
        return np.empty(0), np.empty(0)
    width = round(window_s / recording.period_s) if math.isfinite(window_s) else None
    expected = _subtract_mean(expected, trusted, width)
    seen = _subtract_mean(seen, trusted, width)
    max_step = round(MAX_LAG_S / recording.period_s)
    steps = np.arange(-max_step, max_step + 1)
    values: Floats = np.array([_correlate(expected, seen, trusted, int(step)) for step in steps])
    return np.asarray(steps * recording.period_s, dtype=np.float64), values


def strongest_correlation(recording: RecordingArrays, camera: int) -> float:
    """Return the correlation with the largest size at any lag; NaN if it is unknown."""
    _, values = yaw_correlations(recording, camera)
    return float(values[np.abs(values).argmax()]) if len(values) else math.nan


def _subtract_mean(signal: Floats, trusted: Flags, width: int | None) -> Floats:
    """Return a signal (N,) without its mean, or its moving mean over `width` trusted rows."""
    if width is None:
        mean = np.full(len(signal), signal[trusted].mean())
    else:
        box = np.ones(min(width, len(signal)))
        count = np.convolve(trusted, box, "same")
        mean = np.convolve(np.where(trusted, signal, 0.0), box, "same") / np.maximum(count, 1)
    return np.where(trusted, signal - mean, 0.0)


def _correlate(expected: Floats, seen: Floats, trusted: Flags, step: int) -> float:
    """Correlate `expected` with `seen` from `step` rows later, over rows trusted in both."""
    early = slice(max(0, -step), len(seen) - max(0, step))
    late = slice(max(0, step), len(seen) - max(0, -step))
    both = trusted[early] & trusted[late]
    a, b = expected[early][both], seen[late][both]
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm else 0.0
