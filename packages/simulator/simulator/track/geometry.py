"""Describes a road as geometry: its centre line, and positions relative to it.

Lengths are in metres: x is east, y is north and z is up. Headings are in radians, counter-clockwise
from east. To the left of increasing stations, a lateral offset is positive; the curvature of a bend
to the left is positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_M: Final = 0.5
"""Distance between points of the centre line. The chords of a bend of 10 m radius are within 3 mm
of the bend."""
SEARCH_RADIUS_M: Final = 15.0
"""Distance from the last known station within which a car is searched for. It is far more than a
car moves between two searches."""
MIN_INSIDE_SCALE: Final = 0.2
"""Smallest ratio of a step on the inside of a bend to the step of the centre line."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Position of a car's origin on the surface of the road, and the direction of the car."""

    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    pitch_rad: float = 0.0
    """Pitch; it is positive if the front of the car is higher than the rear."""


@dataclass(frozen=True)
class RoadPosition:
    """A position relative to the road, and the properties of the road there."""

    station_m: float
    """Distance along the centre line from its start."""
    lateral_m: float
    """Offset from the centre line, positive to the left of increasing stations."""
    heading_rad: float
    """Heading of the road."""
    width_m: float
    curvature: float
    """Curvature in 1/m, positive in a bend to the left."""
    grade: float
    """Rise over run, in the direction of increasing stations."""
    z_m: float


@dataclass(frozen=True)
class RoadFeature:
    """Something beside or on a part of the road."""

    kind: str
    """Kind of feature: bridge, kerb, dirt, water or shade."""
    from_m: float
    """Station at which the feature begins."""
    to_m: float
    """Station at which the feature ends; it may lie beyond the end of a closed track."""
    side: str = "both"
    """Side of the road: left, right or both."""


@dataclass(frozen=True, eq=False)
class Track:
    """A road.

    Args:
        name: Name of the track.
        style: Look of the world around the road: lake or jungle.
        closed: Whether the end of the road leads to its start.
        points: Centre line as (N, 3) points in equal steps; a closed one does not repeat its first
            point.
        width_m: Width of the road at each point, (N,).
        lane_m: Lateral offset of the driving line from the centre line: 0, or the middle of the
            right lane. The driving line is the line that people drive.
        features: Bridges, kerbs and other features of the road.
    """

    name: str
    style: str
    closed: bool
    points: Floats
    width_m: Floats
    lane_m: float = 0.0
    features: tuple[RoadFeature, ...] = ()

    @cached_property
    def steps(self) -> Floats:
        """Steps from each point to the next, (N, 3); an open track repeats the last step."""
        steps = np.roll(self.points, -1, axis=0) - self.points
        if not self.closed:
            steps[-1] = steps[-2]
        return np.asarray(steps)

    @cached_property
    def step_m(self) -> float:
        """Mean horizontal distance between points."""
        count = len(self.points) - (not self.closed)
        return float(np.hypot(self.steps[:count, 0], self.steps[:count, 1]).mean())

    @cached_property
    def length_m(self) -> float:
        """Horizontal length of the centre line."""
        return self.step_m * (len(self.points) - (not self.closed))

    @cached_property
    def station_m(self) -> Floats:
        """Station of each point, (N,)."""
        station: Floats = np.arange(len(self.points), dtype=np.float64) * self.step_m
        return station

    @cached_property
    def heading_rad(self) -> Floats:
        """Unwrapped heading of the chord between the two neighbours of each point, (N,)."""
        chords = self.steps + np.roll(self.steps, 1, axis=0)
        if not self.closed:
            chords[0] = self.steps[0]
        return np.asarray(np.unwrap(np.arctan2(chords[:, 1], chords[:, 0])), dtype=np.float64)

    @cached_property
    def curvature(self) -> Floats:
        """Curvature at each point in 1/m, (N,): the change of the heading over two steps."""
        if self.closed:
            turn = np.roll(self.heading_rad, -1) - np.roll(self.heading_rad, 1)
            turn = (turn + math.pi) % (2 * math.pi) - math.pi
            return np.asarray(turn / (2 * self.step_m))
        return np.asarray(np.gradient(self.heading_rad, self.step_m))

    @cached_property
    def grade(self) -> Floats:
        """Rise over run at each point, (N,)."""
        z = self.points[:, 2]
        if self.closed:
            return np.asarray((np.roll(z, -1) - np.roll(z, 1)) / (2 * self.step_m))
        return np.asarray(np.gradient(z, self.step_m))

    def wrap(self, station_m: float) -> float:
        """Return a station as one on the track.

        A closed track continues at its start; on an open track the station is limited to the ends.
        """
        if self.closed:
            return station_m % self.length_m
        return min(max(station_m, 0.0), self.length_m)

    def position_at(self, station_m: float, lateral_m: float = 0.0) -> RoadPosition:
        """Return the position at a station and a lateral offset."""
        index, share = self._segment_at(station_m)
        after = (index + 1) % len(self.points)

        def interpolate(values: Floats) -> float:
            return float(values[index] * (1 - share) + values[after] * share)

        turn = float(self.heading_rad[after] - self.heading_rad[index])
        turn = (turn + math.pi) % (2 * math.pi) - math.pi
        return RoadPosition(
            station_m=self.wrap(station_m),
            lateral_m=lateral_m,
            heading_rad=float(self.heading_rad[index]) + share * turn,
            width_m=interpolate(self.width_m),
            curvature=interpolate(self.curvature),
            grade=interpolate(self.grade),
            z_m=interpolate(self.points[:, 2]),
        )

    def pose_at(
        self, station_m: float, lateral_m: float = 0.0, heading_offset_rad: float = 0.0
    ) -> Pose:
        """Return the pose of a car at a station.

        Args:
            station_m: Station of the car.
            lateral_m: Offset from the centre line, positive to the left.
            heading_offset_rad: Heading relative to the road, positive to the left.
        """
        index, share = self._segment_at(station_m)
        position = self.position_at(station_m)
        x, y = self.points[index, :2] + share * self.steps[index, :2]
        heading = position.heading_rad
        return Pose(
            x_m=float(x) - lateral_m * math.sin(heading),
            y_m=float(y) + lateral_m * math.cos(heading),
            z_m=position.z_m,
            heading_rad=heading + heading_offset_rad,
            pitch_rad=math.atan(position.grade * math.cos(heading_offset_rad)),
        )

    def locate(self, x_m: float, y_m: float, near_m: float | None = None) -> RoadPosition:
        """Return the position on the road of a point of the plane.

        Args:
            x_m: East coordinate of the point.
            y_m: North coordinate of the point.
            near_m: Last known station of the point. Only the road around it is searched, so that a
                car far from the road does not jump to another part of it. None searches everywhere.
        """
        if near_m is None:
            indices = np.arange(len(self.points))
        else:
            reach = int(SEARCH_RADIUS_M / self.step_m)
            middle = round(near_m / self.step_m)
            indices = np.arange(middle - reach, middle + reach + 1)
            indices = (
                indices % len(self.points) if self.closed else indices.clip(0, len(self.points) - 1)
            )
        offsets = self.points[indices, :2] - (x_m, y_m)
        index = int(indices[np.argmin((offsets**2).sum(axis=1))])
        heading = float(self.heading_rad[index])
        dx, dy = x_m - float(self.points[index, 0]), y_m - float(self.points[index, 1])
        # On the inside of a bend, a metre of the car's path is more than a metre of the centre
        # line.
        along = dx * math.cos(heading) + dy * math.sin(heading)
        across = dy * math.cos(heading) - dx * math.sin(heading)
        along /= max(MIN_INSIDE_SCALE, 1.0 - across * float(self.curvature[index]))
        # Beyond one step, another point would be nearer.
        along = max(-self.step_m, min(self.step_m, along))
        position = self.position_at(index * self.step_m + along)
        index, share = self._segment_at(position.station_m)
        x, y = (self.points[index, :2] + share * self.steps[index, :2]).tolist()
        heading = position.heading_rad
        lateral = (y_m - y) * math.cos(heading) - (x_m - x) * math.sin(heading)
        return self.position_at(position.station_m, lateral)

    def _segment_at(self, station_m: float) -> tuple[int, float]:
        """Return the point before a station, and the share of the step to the next point."""
        steps = self.wrap(station_m) / self.step_m
        last = len(self.points) - 1 if self.closed else len(self.points) - 2
        index = min(int(steps), last)
        return index, steps - index
