"""Describes a road as geometry: its centre line, and positions relative to it.

Lengths are in metres: x is east, y is north and z is up. Headings are in radians, counter-clockwise
from east. To the left of increasing stations, a lateral offset is positive; the curvature of a bend
to the left is positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

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
    """Kind of feature: bridge, kerb, dirt edge, dirt, junction, water or shade.

    Dirt and junction are openings beside the road: a field of dirt, and a paved side road."""
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
        markings: Paint on the road: edges for two yellow lines at each edge, lanes for a dashed
            white centre line and white edges, or none.
    """

    name: str
    style: str
    closed: bool
    points: Floats
    width_m: Floats
    lane_m: float = 0.0
    features: tuple[RoadFeature, ...] = ()
    markings: str = "edges"

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
        here, after, share = self._segment_at(station_m)
        rest = 1 - share
        return RoadPosition(
            station_m=self.wrap(station_m),
            lateral_m=lateral_m,
            heading_rad=_heading_between(here, after, share),
            width_m=here.width_m * rest + after.width_m * share,
            curvature=here.curvature * rest + after.curvature * share,
            grade=here.grade * rest + after.grade * share,
            z_m=here.z_m * rest + after.z_m * share,
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
        here, _, share = self._segment_at(station_m)
        position = self.position_at(station_m)
        heading = position.heading_rad
        return Pose(
            x_m=here.x_m + share * here.step_x_m - lateral_m * math.sin(heading),
            y_m=here.y_m + share * here.step_y_m + lateral_m * math.cos(heading),
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
            index = _nearest(self.points[:, 0], self.points[:, 1], x_m, y_m)
        else:
            index = self._nearest_point(x_m, y_m, near_m)
        point = self._points[index]
        dx, dy = x_m - point.x_m, y_m - point.y_m
        cos, sin = math.cos(point.heading_rad), math.sin(point.heading_rad)
        # On the inside of a bend, a metre of the car's path is more than a metre of the centre
        # line.
        along = dx * cos + dy * sin
        across = dy * cos - dx * sin
        along /= max(MIN_INSIDE_SCALE, 1.0 - across * point.curvature)
        # Beyond one step, another point would be nearer.
        along = max(-self.step_m, min(self.step_m, along))
        station_m = self.wrap(index * self.step_m + along)
        here, after, share = self._segment_at(station_m)
        heading = _heading_between(here, after, share)
        x, y = here.x_m + share * here.step_x_m, here.y_m + share * here.step_y_m
        lateral = (y_m - y) * math.cos(heading) - (x_m - x) * math.sin(heading)
        return self.position_at(station_m, lateral)

    def _nearest_point(self, x_m: float, y_m: float, near_m: float) -> int:
        """Return the index of the point within SEARCH_RADIUS_M of a station that is nearest."""
        count, middle = len(self.points), round(near_m / self.step_m)
        first = middle % count if self.closed else min(max(middle, 0), count - 1)
        indices, x, y = self._surroundings
        part = slice(first, first + len(indices) - count + 1)
        return int(indices[part][_nearest(x[part], y[part], x_m, y_m)])

    def _segment_at(self, station_m: float) -> tuple[_Point, _Point, float]:
        """Return the points before and after a station, and the share of the step between them."""
        steps = self.wrap(station_m) / self.step_m
        last = len(self.points) - 1 if self.closed else len(self.points) - 2
        index = min(int(steps), last)
        points = self._points
        return points[index], points[(index + 1) % len(points)], steps - index

    @cached_property
    def _points(self) -> list[_Point]:
        """The N points with what is known of them; a simulation asks for them at every step.

        Python's floats are read and added several times faster than NumPy's, and to the same bits.
        """
        columns = (
            *self.points.T,
            *self.steps.T[:2],
            self.heading_rad,
            self.width_m,
            self.curvature,
            self.grade,
        )
        return [_Point(*row) for row in np.column_stack(columns).tolist()]

    @cached_property
    def _surroundings(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Indices, x and y of the points, with those within SEARCH_RADIUS_M beyond both ends.

        So the surroundings of point i are the 2 reach + 1 entries from i on, (N + 2 reach,) each.
        Beyond the ends of an open track, its end is repeated.
        """
        count, reach = len(self.points), int(SEARCH_RADIUS_M / self.step_m)
        indices = np.arange(-reach, count + reach)
        indices = indices % count if self.closed else indices.clip(0, count - 1)
        x, y = self.points[indices, :2].T.copy()
        return indices, x, y


class _Point(NamedTuple):
    """A point of the centre line; the units are those of RoadPosition."""

    x_m: float
    y_m: float
    z_m: float
    step_x_m: float
    step_y_m: float
    heading_rad: float
    width_m: float
    curvature: float
    grade: float


def _heading_between(here: _Point, after: _Point, share: float) -> float:
    """Return the heading of the road at a share of the step between two points."""
    turn = after.heading_rad - here.heading_rad
    turn = (turn + math.pi) % (2 * math.pi) - math.pi
    return here.heading_rad + share * turn


def _nearest(x: Floats, y: Floats, x_m: float, y_m: float) -> int:
    """Return which of some points is nearest to a position."""
    square, other = x - x_m, y - y_m
    square *= square
    other *= other
    square += other
    return int(square.argmin())
