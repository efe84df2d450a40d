"""A car on a road: the clock, the commands in force, and where they have taken it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from contract.vehicle import MPS_PER_MPH
from simulator.track.geometry import Place, Pose, Track
from simulator.vehicle import STEP_S, Motion, step

FRAME_HZ: Final = 15
"""Pictures a second: what the recorder takes nominally."""


class World:
    """One car on one road.

    Args:
        track: the road.
        station_m: where the car stands at first.
        direction: 1 along the stations, -1 against them.
        lateral_m: of the car's origin from the centre line, positive to the left of increasing
            stations, whichever the direction.
        heading_offset_rad: from the direction of travel, positive to the left.
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
        self.put(station_m, lateral_m, heading_offset_rad)

    def put(
        self,
        station_m: float,
        lateral_m: float,
        heading_offset_rad: float = 0.0,
        speed_mps: float = 0.0,
    ) -> None:
        """Put the car somewhere, whatever it did before; the clock goes on."""
        along = 0.0 if self.direction > 0 else math.pi
        pose = self.track.pose(station_m, lateral_m, along + heading_offset_rad)
        self._motion = Motion(pose.x_m, pose.y_m, pose.heading_rad, speed_mps)
        self.place = self.track.locate(pose.x_m, pose.y_m, station_m)

    @property
    def time_s(self) -> float:
        """Since the beginning."""
        return self._steps * STEP_S

    @property
    def speed_mps(self) -> float:
        """Of the car."""
        return self._motion.speed_mps

    @property
    def speed_mph(self) -> float:
        """Of the car, in the simulator's unit."""
        return self._motion.speed_mps / MPS_PER_MPH

    @property
    def yaw_rad_s(self) -> float:
        """Of the car, positive to the left."""
        return self._motion.yaw_rad_s

    @property
    def lane_offset_m(self) -> float:
        """From the line that people drive, positive to the driver's left."""
        return self.direction * self.place.lateral_m - self.track.lane_m

    @property
    def pose(self) -> Pose:
        """Where the car stands on the road's surface."""
        motion, place = self._motion, self.place
        away = motion.heading_rad - place.heading_rad
        return Pose(
            x_m=motion.x_m,
            y_m=motion.y_m,
            z_m=place.z_m,
            heading_rad=motion.heading_rad,
            pitch_rad=math.atan(place.grade * math.cos(away)),
        )

    def until(self, time_s: float) -> Iterator[Place]:
        """Drive on with the commands in force, and yield the place after every step."""
        steps = round(time_s / STEP_S)
        while self._steps < steps:
            away = self._motion.heading_rad - self.place.heading_rad
            grade = self.place.grade * math.cos(away)
            self._motion = step(self._motion, self.steering, self.throttle, grade)
            self._steps += 1
            self.place = self.track.locate(self._motion.x_m, self._motion.y_m, self.place.station_m)
            yield self.place
