"""Moves one car on one road: it holds the clock and the commands in force."""

from __future__ import annotations

import math
from collections.abc import Iterator

from contract.vehicle import MPS_PER_MPH
from simulator.track.geometry import Pose, RoadPosition, Track
from simulator.vehicle import STEP_S, VehicleState, step


class World:
    """One car on one road.

    Args:
        track: Road.
        station_m: Station at which the car starts.
        direction: 1 to drive with increasing stations, -1 to drive against them.
        lateral_m: Offset of the car's origin from the centre line, positive to the left of
            increasing stations in both directions of travel.
        heading_offset_rad: Heading relative to the direction of travel, positive to the left.
    """

    def __init__(
        self,
        track: Track,
        station_m: float = 0.0,
        direction: int = 1,
        lateral_m: float = 0.0,
        heading_offset_rad: float = 0.0,
    ) -> None:
        self.track = track
        self.direction = direction
        self.steering = 0.0
        self.throttle = 0.0
        self._steps = 0
        self.place_car(station_m, lateral_m, heading_offset_rad)

    def place_car(
        self,
        station_m: float,
        lateral_m: float,
        heading_offset_rad: float = 0.0,
        speed_mps: float = 0.0,
    ) -> None:
        """Place the car at a position on the road; the clock continues."""
        along = 0.0 if self.direction > 0 else math.pi
        pose = self.track.pose_at(station_m, lateral_m, along + heading_offset_rad)
        self._state = VehicleState(pose.x_m, pose.y_m, pose.heading_rad, speed_mps)
        self.position = self.track.locate(pose.x_m, pose.y_m, station_m)

    @property
    def time_s(self) -> float:
        """Simulated time since the world was made."""
        return self._steps * STEP_S

    @property
    def speed_mps(self) -> float:
        """Speed of the car along its heading in m/s; it is negative while the car rolls back."""
        return self._state.speed_mps

    @property
    def speed_mph(self) -> float:
        """Speed in mph, as telemetry and recordings have it: it does not tell the direction."""
        return abs(self._state.speed_mps) / MPS_PER_MPH

    @property
    def yaw_rad_s(self) -> float:
        """Yaw rate of the car, positive to the left."""
        return self._state.yaw_rad_s

    @property
    def lane_offset_m(self) -> float:
        """Offset of the car from the driving line, positive to the driver's left."""
        return self.direction * self.position.lateral_m - self.track.lane_m

    @property
    def pose(self) -> Pose:
        """Pose of the car on the surface of the road."""
        state, position = self._state, self.position
        relative_heading = state.heading_rad - position.heading_rad
        return Pose(
            x_m=state.x_m,
            y_m=state.y_m,
            z_m=position.z_m,
            heading_rad=state.heading_rad,
            pitch_rad=math.atan(position.grade * math.cos(relative_heading)),
        )

    def advance_to(self, time_s: float) -> Iterator[RoadPosition]:
        """Drive on with the commands in force until a time, and yield the position at each step."""
        last_step = round(time_s / STEP_S)
        while self._steps < last_step:
            relative_heading = self._state.heading_rad - self.position.heading_rad
            grade = self.position.grade * math.cos(relative_heading)
            self._state = step(self._state, self.steering, self.throttle, grade)
            self._steps += 1
            self.position = self.track.locate(
                self._state.x_m, self._state.y_m, self.position.station_m
            )
            yield self.position
