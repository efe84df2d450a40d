"""What a drive is measured by: values in, values out, each with its definition and source.

None stands for what is not defined: a mean of nothing, a distance per no intervention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.vehicle import ROW_S

INTERVENTION_S: Final = 6.0
"""What an intervention costs: the time in which a human retakes control, recentres and lets go."""
Z_95: Final = 1.959963984540054
"""Quantile 0.975 of the normal distribution."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metrics:
    """The measures of one drive."""

    autonomy_percent: float | None
    distance_per_intervention_m: float | None
    """None also where there was no intervention."""
    lateral_mae_m: float | None
    lateral_rmse_m: float | None
    lateral_max_m: float | None
    off_road_share: float | None
    """0..1"""
    whiteness_per_s: float | None
    """Steering command (-1..1) per second."""


def measure(
    time_s: Floats,
    lane_error_m: Floats,
    off_road: NDArray[np.bool_],
    steering: Floats,
    interventions: int,
    distance_m: float,
) -> Metrics:
    """Return the measures of a drive that was seen M times at equal steps of time.

    Args:
        time_s: (M,), since the drive began.
        lane_error_m: (M,), from the line to be driven.
        off_road: (M,), whether a wheel was beyond the road's edge.
        steering: (M,), -1..1, the command in force.
        interventions: how often the car was put back.
        distance_m: made good along the centre line.
    """
    mae, rmse, most = lateral(lane_error_m)
    return Metrics(
        autonomy_percent=autonomy_percent(interventions, float(time_s[-1]) if len(time_s) else 0.0),
        distance_per_intervention_m=distance_per_intervention_m(distance_m, interventions),
        lateral_mae_m=mae,
        lateral_rmse_m=rmse,
        lateral_max_m=most,
        off_road_share=off_road_share(off_road),
        whiteness_per_s=whiteness_per_s(time_s, steering),
    )


def autonomy_percent(interventions: int, elapsed_s: float) -> float | None:
    """Return the share of time in which the car needed nobody, 0..100.

    100 * (1 - interventions * 6 s / elapsed), and 0 where that is negative.

    Source: Bojarski et al. 2016, End to End Learning for Self-Driving Cars (DAVE-2), section 7.1,
    arXiv 1604.07316.
    """
    if elapsed_s <= 0:
        return None
    return max(0.0, 100 * (1 - interventions * INTERVENTION_S / elapsed_s))


def distance_per_intervention_m(distance_m: float, interventions: int) -> float | None:
    """Return the metres made good for each time that the car was put back.

    The simulator's counterpart of the kilometres per disengagement that California's DMV has test
    drives report (13 CCR 227.50). None without an intervention: the drive then tells only that it
    is more than its length.
    """
    return distance_m / interventions if interventions else None


def lateral(error_m: Floats) -> tuple[float | None, float | None, float | None]:
    """Return mean absolute, root mean square and largest absolute error of (M,) signed ones.

    They are the car's own, made while the model drove. Codevilla et al. 2018, On Offline Evaluation
    of Vision-based Driving Models, arXiv 1809.04843, show how little errors on recorded frames say.
    """
    if not len(error_m):
        return None, None, None
    size = np.abs(error_m)
    return float(size.mean()), math.sqrt(float((size**2).mean())), float(size.max())


def off_road_share(off_road: NDArray[np.bool_]) -> float | None:
    """Return the share, 0..1, of (M,) looks at equal steps of time that found a wheel off it."""
    return float(off_road.mean()) if len(off_road) else None


def whiteness_per_s(time_s: Floats, steering: Floats) -> float | None:
    """Return how restlessly a car was steered: sqrt(mean((d steering / dt)**2)), per second.

    The derivative is the difference between two frames, 1/15 s apart, whatever the rate of the
    looks: a command is held from frame to frame, and the derivative of such a stair grows with
    the rate at which it is sampled. Times 25 degrees it is the front wheels' degrees per second.

    Source: Baliesnyi et al. 2023, Controlling Steering with Energy-Based Models, arXiv 2301.12264,
    where it tells jerky models from smooth ones that need as few interventions.

    Args:
        time_s: (M,), rising.
        steering: (M,), -1..1.
    """
    if not len(time_s):
        return None
    count = int((time_s[-1] - time_s[0]) / ROW_S + 1e-6) + 1
    if count < 2:
        return None
    # In the middle between two frames, where a look that comes late does no harm.
    middle_s = time_s[0] + ROW_S * (np.arange(count) + 0.5)
    held = steering[np.searchsorted(time_s, middle_s, side="right") - 1]
    return math.sqrt(float((np.diff(held / ROW_S) ** 2).mean()))


def wilson(successes: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval, within 0..1, of a probability of which `successes` of `count` told.

    Unlike the textbook's p +- 1.96 sqrt(p (1 - p) / n) it has a width at 0 of n and n of n.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference,
    Journal of the American Statistical Association 22 (158), 209-212.
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
