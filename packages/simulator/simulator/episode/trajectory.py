"""What was seen of one drive: the judge writes it, outcome and chart read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Reason(StrEnum):
    """Why a car was put back."""

    LEFT = "left the road"
    STALLED = "stalled"
    BACKWARDS = "drove backwards"


@dataclass(frozen=True)
class Intervention:
    """The moment at which a car had to be put back, before it was."""

    time_s: float
    station_m: float
    x_m: float
    y_m: float
    lateral_m: float
    """From the centre line, positive to the driver's left."""
    reason: Reason


@dataclass(frozen=True, eq=False)
class Trace:
    """A drive as it was seen, M times at equal steps of time; left is the driver's left.

    Args:
        time_s: (M,), since the first look.
        x_m: (M,), of the car's origin.
        y_m: (M,).
        lateral_m: (M,), from the centre line, positive to the left.
        lane_error_m: (M,), from the line that people drive, positive to the left.
        off_road: (M,), bool: a wheel was beyond the road's edge.
        speed_mps: (M,).
        steering: (M,), the command in force, -1..1, positive to the right.
        throttle: (M,), -1..1.
        distance_m: made good along the centre line.
        laps_done: whole laps.
        lap_times_s: of each of them.
        interventions: in their order.
        complete: whether all laps that were asked for are done.
    """

    time_s: Floats
    x_m: Floats
    y_m: Floats
    lateral_m: Floats
    lane_error_m: Floats
    off_road: NDArray[np.bool_]
    speed_mps: Floats
    steering: Floats
    throttle: Floats
    distance_m: float
    laps_done: int
    lap_times_s: tuple[float, ...]
    interventions: tuple[Intervention, ...]
    complete: bool

    @property
    def elapsed_s(self) -> float:
        """From the first look to the last; a car that is put back does not stop this clock."""
        return float(self.time_s[-1]) if len(self.time_s) else 0.0

    @property
    def line(self) -> Floats:
        """(M, 2): where the car was, x and y."""
        return np.column_stack([self.x_m, self.y_m])

    @property
    def crosses(self) -> Floats:
        """(K, 2): where it was put back, x and y."""
        places = [(each.x_m, each.y_m) for each in self.interventions]
        return np.array(places, dtype=np.float64).reshape(-1, 2)
