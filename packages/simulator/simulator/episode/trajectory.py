"""Holds what was observed of one drive: the monitor writes it, and results and plots read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class InterventionReason(StrEnum):
    """Reason why a car was put back on the road."""

    LEFT = "left the road"
    STALLED = "stalled"
    BACKWARDS = "drove backwards"


@dataclass(frozen=True)
class Intervention:
    """State of a car just before it was put back on the road."""

    time_s: float
    station_m: float
    x_m: float
    y_m: float
    lateral_m: float
    """Offset from the centre line, positive to the driver's left."""
    reason: InterventionReason


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Observations of a drive at M equal steps of time; left is the driver's left.

    Args:
        time_s: Time since the first observation, (M,).
        x_m: East coordinate of the car's origin, (M,).
        y_m: North coordinate of the car's origin, (M,).
        lateral_m: Offset from the centre line, positive to the left, (M,).
        lane_error_m: Offset from the driving line, positive to the left, (M,).
        off_road: Whether a wheel was beyond the edge of the road, (M,).
        speed_mps: Speed of the car along its heading, (M,); negative while it rolls backwards.
        steering: Steering in force, -1..1, positive to the right, (M,).
        throttle: Throttle in force, -1..1, (M,).
        distance_m: Distance made good along the centre line.
        laps_done: Number of whole laps.
        lap_times_s: Time of each whole lap.
        interventions: Interventions in the order of time.
        complete: Whether all requested laps are done.
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
        """Time from the first observation to the last; interventions do not stop this clock."""
        return float(self.time_s[-1]) if len(self.time_s) else 0.0

    @property
    def path(self) -> Floats:
        """Positions of the car, (M, 2): x and y in metres."""
        return np.column_stack([self.x_m, self.y_m])

    @property
    def intervention_points(self) -> Floats:
        """Positions of the K interventions, (K, 2): x and y in metres."""
        points = [(event.x_m, event.y_m) for event in self.interventions]
        return np.array(points, dtype=np.float64).reshape(-1, 2)
