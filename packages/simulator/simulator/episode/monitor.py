"""How well a car keeps to its road, and when it has to be put back on it.

Off-road
    One of the four wheels is beyond the road's edge. It counts as a share of time; the drive goes
    on, as on a verge.
Intervention
    The car's origin is beyond the road's edge; or it was slower than 0.5 mph for 5 s; or it came
    5 m back from the furthest point that it had reached. The car is put back, standing, on the
    line that people drive, where it is along the road; the clock goes on.
Lap
    The length of the track from where the drive began; an open track ends with its road.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.errors import SettingError, TelemetryError
from contract.vehicle import MPS_PER_MPH
from simulator.episode.trajectory import Intervention, Reason, Trace
from simulator.track.geometry import Place, Pose, Track

FRONT_M: Final = 1.27
"""From the car's origin to the front axle, forward. docs/protocol.md, as the next two."""
REAR_M: Final = -1.60
HALF_TRACK_M: Final = 1.0
STALL_MPS: Final = 0.5 * MPS_PER_MPH
STALL_S: Final = 5.0
BACK_M: Final = 5.0
SLACK: Final = 1e-6
"""Metres and seconds that sums of many steps may lack."""


@dataclass(frozen=True)
class Verdict:
    """What the judge makes of one look; left is the driver's left."""

    time_s: float
    """Since the first look."""
    distance_m: float
    """Made good along the centre line; less than before where the car went back."""
    laps_done: int
    lateral_m: float
    """From the centre line, positive to the left."""
    lane_error_m: float
    """From the line that people drive, positive to the left."""
    off_road: bool
    put_back: bool
    """The car must be put on `Judge.pose(station)` now, standing."""
    reason: Reason | None
    finished: bool
    """All laps are done, or the time is up."""


class Judge:
    """Watches one drive.

    Args:
        track: that is driven.
        direction: 1 along the stations, -1 against them.
        laps: to drive, also a part of one.
        start: where the car stands at first.
        limit_s: after which the drive is over.

    Raises:
        SettingError: there is no such direction, or no lap to drive.
    """

    def __init__(
        self, track: Track, direction: int, laps: float, start: Place, limit_s: float = math.inf
    ) -> None:
        if direction not in (1, -1):
            raise SettingError("the direction means nothing", got=direction, remedy="It is 1 or -1")
        if not laps > 0:
            raise SettingError("there is no lap to drive", got=laps, remedy="Ask for more than 0")
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
        self._looks: list[tuple[float, ...]] = []

    def pose(self, station_m: float, lateral_m: float = 0.0, heading_rad: float = 0.0) -> Pose:
        """Return the pose of a car that faces its way on the line that people drive.

        Args:
            station_m: where along the road.
            lateral_m: beside that line, positive to the driver's left.
            heading_rad: from the road's direction, positive to the left.
        """
        turn = heading_rad if self._direction > 0 else heading_rad + math.pi
        return self._track.pose(station_m, self._direction * (self._track.lane_m + lateral_m), turn)

    def see(
        self,
        time_s: float,
        pose: Pose,
        place: Place,
        speed_mps: float,
        steering: float,
        throttle: float,
    ) -> Verdict:
        """Judge one moment; the moments come at equal steps of time.

        A car that was to be put back is expected to be back at the next look.

        Raises:
            TelemetryError: a value is no finite number.
        """
        if not math.isfinite(
            time_s
            + pose.x_m
            + pose.y_m
            + pose.heading_rad
            + place.lateral_m
            + place.station_m
            + speed_mps
            + steering
            + throttle
        ):
            raise TelemetryError(
                "the car is nowhere", got=(time_s, pose, place, speed_mps, steering, throttle)
            )
        if math.isnan(self._began_s):
            self._began_s = time_s
        # float() throughout: NumPy's scalars are no JSON, and slow.
        now_s = float(time_s - self._began_s)
        self._advance(float(place.station_m), now_s)
        if abs(speed_mps) >= STALL_MPS:
            self._moved_s = now_s
        lateral_m = self._direction * float(place.lateral_m)
        lane_error_m = lateral_m - self._track.lane_m
        heading = pose.heading_rad - place.heading_rad
        off_road = _off_road(place, heading)
        complete = self._distance_m >= self._goal_m - SLACK
        finished = complete or now_s >= self._limit_s - SLACK
        reason = None if finished else self._reason(place, now_s)
        if reason is not None:
            self._interventions.append(
                Intervention(
                    now_s, self._station_m, float(pose.x_m), float(pose.y_m), lateral_m, reason
                )
            )
            self._moved_s = now_s
            self._furthest_m = self._distance_m
        self._looks.append(
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
        return Verdict(
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

    def trace(self) -> Trace:
        """Return all that was seen."""
        looks = np.array(self._looks, dtype=np.float64).reshape(-1, 9)
        time_s, x, y, lateral, lane_error, off_road, speed, steering, throttle = looks.T.copy()
        return Trace(
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
            lap_times_s=tuple(float(each) for each in np.diff(self._lap_ends_s)),
            interventions=tuple(self._interventions),
            complete=self._distance_m >= self._goal_m - SLACK,
        )

    def _advance(self, station_m: float, now_s: float) -> None:
        """Follow the car along the road, and take the time of each lap that ended since."""
        length_m = self._track.length_m
        moved_m = self._direction * (station_m - self._station_m)
        if self._track.closed:
            moved_m = (moved_m + length_m / 2) % length_m - length_m / 2
        before_m, self._distance_m = self._distance_m, self._distance_m + moved_m
        self._station_m = station_m
        self._furthest_m = max(self._furthest_m, self._distance_m)
        lap_end_m = len(self._lap_ends_s) * length_m
        if self._distance_m >= lap_end_m - SLACK:
            share = min(1.0, (lap_end_m - before_m) / moved_m)
            self._lap_ends_s.append(self._last_s + share * (now_s - self._last_s))
        self._last_s = now_s

    def _reason(self, place: Place, now_s: float) -> Reason | None:
        """Say why the car must be put back, if it must."""
        if abs(place.lateral_m) > place.width_m / 2:
            return Reason.LEFT
        if self._distance_m <= self._furthest_m - BACK_M:
            return Reason.BACKWARDS
        if now_s - self._moved_s >= STALL_S - SLACK:
            return Reason.STALLED
        return None


def _off_road(place: Place, heading_rad: float) -> bool:
    """Say whether a wheel is beyond the road's edge.

    On a road that bends as an arc of 1/k about a centre at (0, 1/k), what stands `a` along and `b`
    beside the centre line's nearest point is (1 - s)/k beside the arc, with s**2 = (1 - k b)**2 +
    (k a)**2; written so that a straight needs no case of its own. Where a straight meets a bend of
    20 m radius the arc is wrong by at most 6 cm at a wheel.
    """
    cos, sin, bend = math.cos(heading_rad), math.sin(heading_rad), place.curvature
    for ahead in (FRONT_M, REAR_M):
        for left in (HALF_TRACK_M, -HALF_TRACK_M):
            along = ahead * cos - left * sin
            beside = place.lateral_m + ahead * sin + left * cos
            s = math.hypot(1 - bend * beside, bend * along)
            offset = (2 * beside - bend * (along**2 + beside**2)) / (1 + s)
            if abs(offset) > place.width_m / 2:
                return True
    return False
