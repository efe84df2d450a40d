"""Watches how well a car keeps to its road, and decides when it must be put back.

Off-road
    One of the four wheels is beyond the edge of the road. It counts as a share of time, and the
    drive continues as on a verge.
Intervention
    The car's origin is beyond the edge of the road, or the car was slower than 0.5 mph for 5 s, or
    it came back 5 m from the furthest point that it had reached. The car is put back, standing, on
    the driving line at its present station; the clock continues.
Lap
    The length of the track, from where the drive began. A drive of an open track ends with its
    road.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.errors import SettingError, TelemetryError
from contract.vehicle import MPS_PER_MPH, ORIGIN_AHEAD_OF_REAR_AXLE_M, WHEELBASE_M
from simulator.episode.trajectory import Intervention, InterventionReason, Trajectory
from simulator.track.geometry import Pose, RoadPosition, Track

# Source of the first three figures: docs/protocol.md.
FRONT_AXLE_M: Final = WHEELBASE_M - ORIGIN_AHEAD_OF_REAR_AXLE_M
"""Position of the front axle, ahead of the car's origin."""
REAR_AXLE_M: Final = -ORIGIN_AHEAD_OF_REAR_AXLE_M
"""Position of the rear axle, ahead of the car's origin; it is negative because it lies behind."""
HALF_TRACK_M: Final = 1.0
"""Half of the distance between the left and the right wheels."""
STALL_MPS: Final = 0.5 * MPS_PER_MPH
STALL_S: Final = 5.0
MAX_BACKWARDS_M: Final = 5.0
TOLERANCE: Final = 1e-6
"""Metres or seconds that the sum of many steps may be too small."""


@dataclass(frozen=True)
class StepVerdict:
    """Findings of the monitor at one step; left is the driver's left."""

    time_s: float
    """Time since the first step."""
    distance_m: float
    """Distance made good along the centre line; it falls if the car goes backwards."""
    laps_done: int
    lateral_m: float
    """Offset from the centre line, positive to the left."""
    lane_error_m: float
    """Offset from the driving line, positive to the left."""
    off_road: bool
    put_back: bool
    """Whether the car must be put back now, standing, on the driving line at its station."""
    reason: InterventionReason | None
    """Reason for which the car must be put back, if it must."""
    finished: bool
    """Whether all laps are done or the time limit is reached."""


class DriveMonitor:
    """Watches one drive.

    Args:
        track: Track that is driven.
        direction: 1 to drive with increasing stations, -1 to drive against them.
        laps: Number of laps to drive; it may be a fraction.
        start: Position at which the car starts.
        limit_s: Time limit of the drive.

    Raises:
        SettingError: The direction is not 1 or -1, or the number of laps is not positive.
    """

    def __init__(
        self,
        track: Track,
        direction: int,
        laps: float,
        start: RoadPosition,
        limit_s: float = math.inf,
    ) -> None:
        if direction not in (1, -1):
            raise SettingError(
                "there is no such direction", got=direction, remedy="Set it to 1 or -1"
            )
        if not laps > 0:
            raise SettingError(
                "there is no lap to drive", got=laps, remedy="Set the laps to more than 0"
            )
        self._track = track
        self._direction = direction
        self._limit_s = limit_s
        self._station_m = float(start.station_m)
        self._goal_m = laps * track.length_m
        if not track.closed:
            end_m = track.length_m if direction > 0 else 0.0
            self._goal_m = min(self._goal_m, abs(end_m - self._station_m))
        self._began_s = math.nan
        self._last_s = 0.0
        self._moved_s = 0.0
        self._distance_m = 0.0
        self._furthest_m = 0.0
        self._lap_ends_s = [0.0]
        self._interventions: list[Intervention] = []
        self._samples: list[tuple[float, ...]] = []

    def check(
        self,
        time_s: float,
        pose: Pose,
        position: RoadPosition,
        speed_mps: float,
        steering: float,
        throttle: float,
    ) -> StepVerdict:
        """Return the findings at one step; the steps must come at equal intervals of time.

        After a verdict to put the car back, the next step must find it back on the road.

        Args:
            time_s: Time of the step.
            pose: Pose of the car.
            position: Position of the car on the road.
            speed_mps: Speed of the car.
            steering: Steering in force, -1..1.
            throttle: Throttle in force, -1..1.

        Raises:
            TelemetryError: A value is not a finite number.
        """
        if not math.isfinite(
            time_s
            + pose.x_m
            + pose.y_m
            + pose.heading_rad
            + position.lateral_m
            + position.station_m
            + speed_mps
            + steering
            + throttle
        ):
            raise TelemetryError(
                "a value of the car's state is not a finite number",
                got=(time_s, pose, position, speed_mps, steering, throttle),
            )
        if math.isnan(self._began_s):
            self._began_s = time_s
        # NumPy's scalars are converted with float(): JSON does not take them, and they are slow.
        now_s = float(time_s - self._began_s)
        self._advance(float(position.station_m), now_s)
        if abs(speed_mps) >= STALL_MPS:
            self._moved_s = now_s
        lateral_m = self._direction * float(position.lateral_m)
        lane_error_m = lateral_m - self._track.lane_m
        off_road = _is_off_road(position, pose.heading_rad - position.heading_rad)
        complete = self._distance_m >= self._goal_m - TOLERANCE
        finished = complete or now_s >= self._limit_s - TOLERANCE
        reason = None if finished else self._intervention_reason(position, now_s)
        if reason is not None:
            self._interventions.append(
                Intervention(
                    now_s, self._station_m, float(pose.x_m), float(pose.y_m), lateral_m, reason
                )
            )
            self._moved_s = now_s
            self._furthest_m = self._distance_m
        self._samples.append(
            (
                now_s,
                pose.x_m,
                pose.y_m,
                lateral_m,
                lane_error_m,
                off_road,
                speed_mps,
                steering,
                throttle,
            )
        )
        return StepVerdict(
            time_s=now_s,
            distance_m=self._distance_m,
            laps_done=len(self._lap_ends_s) - 1,
            lateral_m=lateral_m,
            lane_error_m=lane_error_m,
            off_road=off_road,
            put_back=reason is not None,
            reason=reason,
            finished=finished,
        )

    def trajectory(self) -> Trajectory:
        """Return everything that was observed until now."""
        samples = np.array(self._samples, dtype=np.float64).reshape(-1, 9)
        time_s, x, y, lateral, lane_error, off_road, speed, steering, throttle = samples.T.copy()
        return Trajectory(
            time_s,
            x,
            y,
            lateral,
            lane_error,
            off_road > 0,
            speed,
            steering,
            throttle,
            distance_m=self._distance_m,
            laps_done=len(self._lap_ends_s) - 1,
            lap_times_s=tuple(float(seconds) for seconds in np.diff(self._lap_ends_s)),
            interventions=tuple(self._interventions),
            complete=self._distance_m >= self._goal_m - TOLERANCE,
        )

    def _advance(self, station_m: float, now_s: float) -> None:
        """Follow the car along the road, and note the time of a lap that has ended."""
        length_m = self._track.length_m
        moved_m = self._direction * (station_m - self._station_m)
        if self._track.closed:
            moved_m = (moved_m + length_m / 2) % length_m - length_m / 2
        before_m, self._distance_m = self._distance_m, self._distance_m + moved_m
        self._station_m = station_m
        self._furthest_m = max(self._furthest_m, self._distance_m)
        lap_end_m = len(self._lap_ends_s) * length_m
        if self._distance_m >= lap_end_m - TOLERANCE:
            share = min(1.0, (lap_end_m - before_m) / moved_m)
            self._lap_ends_s.append(self._last_s + share * (now_s - self._last_s))
        self._last_s = now_s

    def _intervention_reason(
        self, position: RoadPosition, now_s: float
    ) -> InterventionReason | None:
        """Return the reason why the car must be put back, or None if it need not be."""
        if abs(position.lateral_m) > position.width_m / 2:
            return InterventionReason.LEFT
        if self._distance_m <= self._furthest_m - MAX_BACKWARDS_M:
            return InterventionReason.BACKWARDS
        if now_s - self._moved_s >= STALL_S - TOLERANCE:
            return InterventionReason.STALLED
        return None


def _is_off_road(position: RoadPosition, heading_rad: float) -> bool:
    """Return whether a wheel is beyond the edge of the road.

    The road is taken as an arc of curvature k around a centre at (0, 1/k). A point that is `a`
    along and `b` to the left of the centre line's nearest point has the offset (1 - s)/k from the
    arc, with s**2 = (1 - k b)**2 + (k a)**2. The formula below is written so that k may be 0. Where
    a straight meets a bend of 20 m radius, the arc is wrong by at most 6 cm at a wheel.

    Args:
        position: Position of the car on the road.
        heading_rad: Heading of the car relative to the road.
    """
    cos, sin, curvature = math.cos(heading_rad), math.sin(heading_rad), position.curvature
    for ahead in (FRONT_AXLE_M, REAR_AXLE_M):
        for left in (HALF_TRACK_M, -HALF_TRACK_M):
            along = ahead * cos - left * sin
            beside = position.lateral_m + ahead * sin + left * cos
            s = math.hypot(1 - curvature * beside, curvature * along)
            offset = (2 * beside - curvature * (along**2 + beside**2)) / (1 + s)
            if abs(offset) > position.width_m / 2:
                return True
    return False
