"""Says which speed a driver was heading for in each row of a recording, and scores predictions.

A recording has the speed at which the car drove. What a network is to learn is the speed that the
driver wanted there:

- The car needs time to reach a speed, so the label of a row is the speed that it had LEAD_S later.
- Where the car starts from a standstill, its speed says how long ago it started, and where it is
  stopped, how soon it will stand. Neither is a speed that the driver would have held, so these rows
  have no label. A start ends where the car gains no more speed.
- The mean over SMOOTHING_S takes the steps off a speed that was driven with one key.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.dataset import timeline
from contract.vehicle import REVERSE_BELOW_MPH

__all__ = ["label_speed", "score_speed"]

LEAD_S: Final = 0.5
"""Time in seconds by which the label is ahead of its row.

About as long as the bridge needs from a frame until the car has two thirds of a new speed."""
SMOOTHING_S: Final = 0.6
"""Length in seconds of the window around a row over which the recorded speed is averaged."""
STANDING_MPH: Final = 1.0
"""Speed below which the car stands."""
SETTLED_MPH: Final = 0.5
"""Change of the speed within LEAD_S up to which a car neither starts nor stops any more.

It is 0.45 m/s²; full throttle is 5.3, and the brakes take 8.8."""

Floats = NDArray[np.float64]
Values = NDArray[np.floating]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def label_speed(speed_mph: Values, time_s: Floats, segment: Numbers) -> NDArray[np.float32]:
    """Return the speed that the driver was heading for, in mph, shape (rows,); NaN if not known.

    Args:
        speed_mph: recorded speed, shape (rows,); NaN where the recording does not tell it.
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,); no label looks into another segment.
    """
    labels = np.full(len(speed_mph), np.nan, np.float32)
    known = np.isfinite(speed_mph)
    if not known.any():
        return labels
    rows = np.flatnonzero(known)
    # Where a row without a speed was left out, a segment ends.
    parts = timeline.segments(time_s[rows], (np.diff(segment[rows]) != 0) | (np.diff(rows) > 1))
    smooth = timeline.window_means(speed_mph[rows], time_s[rows], parts, SMOOTHING_S)
    for part in range(int(parts[-1]) + 1):
        own = np.flatnonzero(parts == part)
        first, end = int(own[0]), int(own[-1]) + 1
        labels[rows[first:end]] = _label_segment(
            smooth[first:end], speed_mph[rows[first:end]] < STANDING_MPH, time_s[rows[first:end]]
        )
    return labels


def _label_segment(smooth: Floats, standing: Mask, time_s: Floats) -> Floats:
    """Return the labels of one segment of driving, shape (rows,)."""
    later_s = time_s + LEAD_S
    ahead: Floats = np.interp(later_s, time_s, smooth)
    # Seen backwards in time, a car that is stopped is one that starts.
    stopping = _starting(smooth[::-1], standing[::-1], -time_s[::-1])[::-1]
    held = ~(_starting(smooth, standing, time_s) | stopping)
    reached = np.interp(later_s, time_s, held.astype(np.float64)) == 1.0
    # Rounding: the last row that is LEAD_S before the end has a label.
    inside = later_s <= time_s[-1] + timeline.WINDOW_TOLERANCE_S
    return np.where(held & reached & inside & (ahead > REVERSE_BELOW_MPH), ahead, np.nan)


def _starting(smooth: Floats, standing: Mask, time_s: Floats) -> Mask:
    """Return the rows in which the car stands, or still gains the speed after a standstill."""
    ahead = np.interp(time_s + LEAD_S, time_s, smooth)
    settled = ~standing & (ahead - smooth <= SETTLED_MPH)
    starting = False
    mask = np.zeros(len(smooth), np.bool_)
    for row, (stands, settles) in enumerate(zip(standing.tolist(), settled.tolist(), strict=True)):
        starting = stands or (starting and not settles)
        mask[row] = starting
    return mask


def score_speed(predicted_mph: Values, label_mph: Values) -> dict[str, float]:
    """Compare predicted speeds with the labels; the result is empty if no row has a label.

    Args:
        predicted_mph: speed of the model, shape (rows,).
        label_mph: the labels, shape (rows,); NaN where there is none.

    Returns:
        speed_rows: number of rows that have a label.
        speed_rmse_mph: root of the mean squared error of the model.
        speed_rmse_mean_mph: the same of a driver who always holds the mean of the labels, which is
            their standard deviation.
        speed_bias_mph: mean error; positive is too fast.
    """
    known = np.isfinite(label_mph)
    if not known.any():
        return {}
    label = label_mph[known].astype(np.float64)
    error = predicted_mph[known].astype(np.float64) - label
    return {
        "speed_rows": float(len(label)),
        "speed_rmse_mph": float(np.sqrt(np.mean(error**2))),
        "speed_rmse_mean_mph": float(np.std(label)),
        "speed_bias_mph": float(np.mean(error)),
    }
