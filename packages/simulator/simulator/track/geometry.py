"""A road as geometry: where its centre line runs, and where a place lies along and beside it.

Metres; x east, y north, z up; headings in radians counter-clockwise from east; what lies to the
left of the direction of travel has a positive lateral offset, a left-hand bend positive curvature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_M: Final = 0.5
"""Between points of the centre line: a bend of 10 m radius departs 3 mm from its chords."""
NEAR_M: Final = 15.0
"""How far from where it was a car is looked for: far more than it moves between two looks."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Where a car's origin stands on the road's surface, and where it points."""

    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    pitch_rad: float = 0.0
    """Positive: the nose is up."""


@dataclass(frozen=True)
class Place:
    """A position in the road's terms, and the road there."""

    station_m: float
    """Along the centre line from its start."""
    lateral_m: float
    heading_rad: float
    """Of the road."""
    width_m: float
    curvature: float
    grade: float
    """Rise over run, in the direction of travel."""
    z_m: float


@dataclass(frozen=True)
class Stretch:
    """Something that accompanies the road for a while."""

    kind: str
    """bridge, kerb, dirt, water or shade."""
    from_m: float
    to_m: float
    """Stations; a stretch may run past the start of a closed track."""
    side: str = "both"
    """left, right or both."""


@dataclass(frozen=True, eq=False)
class Track:
    """A road.

    Args:
        name: of the track.
        style: how the world around it looks: lake or jungle.
        closed: whether the end leads to the start.
        points: (N, 3), the centre line in equal steps; a closed one does not repeat its first.
        width_m: (N,), between the road's edges.
        lane_m: lateral offset of the line that people drive: 0, or the middle of the right lane.
        stretches: what accompanies the road.
    """

    name: str
    style: str
    closed: bool
    points: Floats
    width_m: Floats
    lane_m: float = 0.0
    stretches: tuple[Stretch, ...] = ()

    @cached_property
    def steps(self) -> Floats:
        """(N, 3): from each point to the next; the last one of an open track is repeated."""
        steps = np.roll(self.points, -1, axis=0) - self.points
        if not self.closed:
            steps[-1] = steps[-2]
        return np.asarray(steps)

    @cached_property
    def step_m(self) -> float:
        """Mean distance between points, on the plan."""
        count = len(self.points) - (not self.closed)
        return float(np.hypot(self.steps[:count, 0], self.steps[:count, 1]).mean())

    @cached_property
    def length_m(self) -> float:
        """Of the centre line, on the plan."""
        return self.step_m * (len(self.points) - (not self.closed))

    @cached_property
    def station_m(self) -> Floats:
        """(N,)."""
        station: Floats = np.arange(len(self.points), dtype=np.float64) * self.step_m
        return station

    @cached_property
    def heading_rad(self) -> Floats:
        """(N,), unwrapped: of the chord from the point before to the point after."""
        chords = self.steps + np.roll(self.steps, 1, axis=0)
        if not self.closed:
            chords[0] = self.steps[0]
        return np.asarray(np.unwrap(np.arctan2(chords[:, 1], chords[:, 0])), dtype=np.float64)

    @cached_property
    def curvature(self) -> Floats:
        """(N,), 1/m, positive in left-hand bends: the turn of the heading over two steps."""
        if self.closed:
            turn = np.roll(self.heading_rad, -1) - np.roll(self.heading_rad, 1)
            turn = (turn + math.pi) % (2 * math.pi) - math.pi
            return np.asarray(turn / (2 * self.step_m))
        return np.asarray(np.gradient(self.heading_rad, self.step_m))

    @cached_property
    def grade(self) -> Floats:
        """(N,): rise over run."""
        z = self.points[:, 2]
        if self.closed:
            return np.asarray((np.roll(z, -1) - np.roll(z, 1)) / (2 * self.step_m))
        return np.asarray(np.gradient(z, self.step_m))

    def wrapped(self, station_m: float) -> float:
        """Return the station on the track: around a closed one, at most the ends of an open one."""
        if self.closed:
            return station_m % self.length_m
        return min(max(station_m, 0.0), self.length_m)

    def place(self, station_m: float, lateral_m: float = 0.0) -> Place:
        """Return the road at a station."""
        index, share = self._between(station_m)
        after = (index + 1) % len(self.points)

        def mean(values: Floats) -> float:
            return float(values[index] * (1 - share) + values[after] * share)

        turn = float(self.heading_rad[after] - self.heading_rad[index])
        turn = (turn + math.pi) % (2 * math.pi) - math.pi
        return Place(
            station_m=self.wrapped(station_m),
            lateral_m=lateral_m,
            heading_rad=float(self.heading_rad[index]) + share * turn,
            width_m=mean(self.width_m),
            curvature=mean(self.curvature),
            grade=mean(self.grade),
            z_m=mean(self.points[:, 2]),
        )

    def pose(
        self, station_m: float, lateral_m: float = 0.0, heading_offset_rad: float = 0.0
    ) -> Pose:
        """Return the pose of a car there; the offset of its heading is positive to the left."""
        index, share = self._between(station_m)
        place = self.place(station_m)
        x, y = self.points[index, :2] + share * self.steps[index, :2]
        heading = place.heading_rad
        return Pose(
            x_m=float(x) - lateral_m * math.sin(heading),
            y_m=float(y) + lateral_m * math.cos(heading),
            z_m=place.z_m,
            heading_rad=heading + heading_offset_rad,
            pitch_rad=math.atan(place.grade * math.cos(heading_offset_rad)),
        )

    def locate(self, x_m: float, y_m: float, near_m: float | None = None) -> Place:
        """Return where on the road a position lies.

        Args:
            x_m: the position.
            y_m: the position.
            near_m: the station where it was a moment ago: only the road around it is searched,
                so that a car far beside the road does not jump to another part of it.
        """
        if near_m is None:
            indices = np.arange(len(self.points))
        else:
            reach = int(NEAR_M / self.step_m)
            middle = round(near_m / self.step_m)
            indices = np.arange(middle - reach, middle + reach + 1)
            indices = (
                indices % len(self.points) if self.closed else indices.clip(0, len(self.points) - 1)
            )
        offsets = self.points[indices, :2] - (x_m, y_m)
        index = int(indices[np.argmin((offsets**2).sum(axis=1))])
        heading = float(self.heading_rad[index])
        dx, dy = x_m - float(self.points[index, 0]), y_m - float(self.points[index, 1])
        # On a bend a metre of the car's path on the inside is more than one of the centre line.
        along = dx * math.cos(heading) + dy * math.sin(heading)
        across = dy * math.cos(heading) - dx * math.sin(heading)
        along /= max(0.2, 1.0 - across * float(self.curvature[index]))
        along = max(-self.step_m, min(self.step_m, along))  # beyond, another point is nearer
        place = self.place(index * self.step_m + along)
        index, share = self._between(place.station_m)
        x, y = (self.points[index, :2] + share * self.steps[index, :2]).tolist()
        heading = place.heading_rad
        lateral = (y_m - y) * math.cos(heading) - (x_m - x) * math.sin(heading)
        return self.place(place.station_m, lateral)

    def _between(self, station_m: float) -> tuple[int, float]:
        """Return the point before a station, and the share of the step to the next."""
        steps = self.wrapped(station_m) / self.step_m
        last = len(self.points) - 1 if self.closed else len(self.points) - 2
        index = min(int(steps), last)
        return index, steps - index
