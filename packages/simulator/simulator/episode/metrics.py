"""Computes the metrics of a drive, each with its definition and source.

None stands for an undefined value, such as the mean of nothing, or the distance per intervention
without an intervention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.vehicle import ROW_S

INTERVENTION_COST_S: Final = 6.0
"""Time that an intervention costs: a human takes over, returns to the middle and lets go."""
Z_95: Final = 1.959963984540054
"""Quantile 0.975 of the normal distribution."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DriveMetrics:
    """Metrics of one drive."""

    autonomy_percent: float | None
    distance_per_intervention_m: float | None
    """Distance per intervention; None if there was no intervention."""
    lateral_mae_m: float | None
    """Mean absolute offset from the driving line."""
    lateral_rmse_m: float | None
    """Root mean square of the offset from the driving line."""
    lateral_max_m: float | None
    """Largest absolute offset from the driving line."""
    off_road_share: float | None
    """Share of time with a wheel off the road, 0..1."""
    whiteness_per_s: float | None
    """Restlessness of the steering, -1..1, per second."""


def compute_metrics(
    time_s: Floats,
    lane_error_m: Floats,
    off_road: NDArray[np.bool_],
    steering: Floats,
    interventions: int,
    distance_m: float,
) -> DriveMetrics:
    """Return the metrics of a drive that was observed at M equal steps of time.

    Args:
        time_s: Time since the drive began, (M,).
        lane_error_m: Offset from the driving line, (M,).
        off_road: Whether a wheel was beyond the edge of the road, (M,).
        steering: Steering in force, -1..1, (M,).
        interventions: Number of times that the car was put back.
        distance_m: Distance made good along the centre line.
    """
    elapsed_s = float(time_s[-1]) if len(time_s) else 0.0
    mean_m, rms_m, max_m = lateral_errors_m(lane_error_m)
    return DriveMetrics(
        autonomy_percent=autonomy_percent(interventions, elapsed_s),
        distance_per_intervention_m=distance_per_intervention_m(distance_m, interventions),
        lateral_mae_m=mean_m,
        lateral_rmse_m=rms_m,
        lateral_max_m=max_m,
        off_road_share=off_road_share(off_road),
        whiteness_per_s=whiteness_per_s(time_s, steering),
    )


def autonomy_percent(interventions: int, elapsed_s: float) -> float | None:
    """Return the share of time in which the car needed no human, 0..100.

    It is 100 * (1 - interventions * 6 s / elapsed time), and 0 if that is negative.

    Source: Bojarski et al. 2016, End to End Learning for Self-Driving Cars (DAVE-2), section 7.1,
    arXiv 1604.07316.
    """
    if elapsed_s <= 0:
        return None
    return max(0.0, 100 * (1 - interventions * INTERVENTION_COST_S / elapsed_s))


def distance_per_intervention_m(distance_m: float, interventions: int) -> float | None:
    """Return the distance made good for each intervention.

    This corresponds to the kilometres per disengagement that California's DMV requires in reports
    of test drives (13 CCR 227.50). Without an intervention it is None: the drive then shows only
    that the value is greater than its length.
    """
    return distance_m / interventions if interventions else None


def lateral_errors_m(error_m: Floats) -> tuple[float | None, float | None, float | None]:
    """Return the mean absolute, the root mean square and the largest absolute error.

    The errors are those of the car itself, while the model drove. Codevilla et al. 2018, On Offline
    Evaluation of Vision-based Driving Models, arXiv 1809.04843, show how little errors on recorded
    frames say about driving.

    Args:
        error_m: Signed errors, (M,).
    """
    if not len(error_m):
        return None, None, None
    size = np.abs(error_m)
    return float(size.mean()), math.sqrt(float((size**2).mean())), float(size.max())


def off_road_share(off_road: NDArray[np.bool_]) -> float | None:
    """Return the share, 0..1, of equal steps of time at which a wheel was off the road."""
    return float(off_road.mean()) if len(off_road) else None


def whiteness_per_s(time_s: Floats, steering: Floats) -> float | None:
    """Return how restless the steering was: sqrt(mean((d steering / dt)**2)), per second.

    The derivative is the difference between two frames, 1/15 s apart, at any rate of observation. A
    command is held from frame to frame, and the derivative of such a stair would grow with the rate
    at which it is sampled. The value times 25 degrees is the rate of the front wheels in degrees
    per second.

    Source: Baliesnyi et al. 2023, Controlling Steering with Energy-Based Models, arXiv 2301.12264,
    where it distinguishes jerky models from smooth ones with as few interventions.

    Args:
        time_s: Rising times, (M,).
        steering: Steering, -1..1, (M,).
    """
    if not len(time_s):
        return None
    count = int((time_s[-1] - time_s[0]) / ROW_S + 1e-6) + 1
    if count < 2:
        return None
    # The steering is read in the middle between two frames, where a late observation does no harm.
    middle_s = time_s[0] + ROW_S * (np.arange(count) + 0.5)
    held = steering[np.searchsorted(time_s, middle_s, side="right") - 1]
    return math.sqrt(float((np.diff(held / ROW_S) ** 2).mean()))


def wilson_interval(successes: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval, within 0..1, of a probability estimated from trials.

    Unlike the textbook's p +- 1.96 sqrt(p (1 - p) / n), it has a width at 0 of n and at n of n.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference,
    Journal of the American Statistical Association 22 (158), 209-212.

    Args:
        successes: Number of trials that succeeded.
        count: Number of trials.
    """
    if not count:
        return 0.0, 1.0
    share = successes / count
    shrink = 1 + Z_95**2 / count
    middle = (share + Z_95**2 / (2 * count)) / shrink
    half = Z_95 / shrink * math.sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == count else middle + half
    return low, high
