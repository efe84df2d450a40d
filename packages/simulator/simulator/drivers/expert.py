"""A driver who sees the road's geometry: the one who is recorded, and the judge's yardstick.

Steers by pure pursuit (R. C. Coulter, "Implementation of the Pure Pursuit Path Tracking Algorithm",
CMU-RI-TR-92-01): towards a point of the lane a little ahead, on the arc that leads there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, WHEELBASE_M
from simulator.track.geometry import Track
from simulator.world import World

LOOK_S: Final = 0.8
LOOK_LEAST_M: Final = 4.5
"""Ahead of the rear axle: shorter makes the yaw lag swing, longer cuts the bends."""
ANSWER_S: Final = 0.3
"""Until a new steering shows: the yaw's lag, and what hands and frames add."""
REAR_M: Final = 1.60
COMFORT_MPS2: Final = 3.5
"""Sideways: what drivers accept in a bend before they slow down."""
BRAKING_MPS2: Final = 3.0
THROTTLE_PER_MPS: Final = 0.35
HANDS_S: Final = 0.12
"""With what lag hands follow an intention."""
WAVES_M: Final = ((33.0, 0.35), (71.0, 0.65), (127.0, 1.0))
"""Lengths and shares of the waves of which a driver's weaving is made."""


@dataclass(frozen=True)
class Manner:
    """How a person drives."""

    mph: float = 15.0
    """On a straight; bends may ask for less."""
    weave_m: float = 0.15
    """How far from the lane's middle they stray, root mean square."""
    tremor: float = 0.01
    """Unrest of the hands: standard deviation of the steering."""
    keyboard: bool = False
    """Steer with two keys: impulses to full lock instead of a wheel."""


class Expert:
    """Drives a world.

    Args:
        track: the road.
        manner: how.
        seed: of everything that is imperfect.
    """

    def __init__(self, track: Track, manner: Manner, seed: int) -> None:
        self._track = track
        self._manner = manner
        self._chance = np.random.default_rng(seed)
        self._phases = self._chance.uniform(0, 2 * math.pi, len(WAVES_M)).tolist()
        self._keys = Keys()
        self._steering = 0.0
        self._driven_m = 0.0
        self._time_s: float | None = None

    def drive(self, manner: Manner) -> None:
        """Drive in another manner from here on."""
        self._manner = manner

    def command(self, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1, for the world as it is now."""
        passed = 0.0 if self._time_s is None else world.time_s - self._time_s
        self._time_s = world.time_s
        self._driven_m += world.speed_mps * passed
        wanted = self._pursue(world)
        if self._manner.keyboard:
            steering = self._keys.steering(wanted, passed)
        else:
            share = 1.0 - math.exp(-passed / HANDS_S) if passed else 1.0
            self._steering += (wanted - self._steering) * share
            steering = self._steering + float(self._chance.normal(0.0, self._manner.tremor))
        error = self._speed_mps(world) - world.speed_mps
        return _limited(steering), _limited(THROTTLE_PER_MPS * error)

    def _pursue(self, world: World) -> float:
        """Return the steering of the arc to the lane's point ahead."""
        track, pose = self._track, world.pose
        # Where the car will be when hands and tyres have answered: without this it swings.
        turned = world.yaw_rad_s * ANSWER_S
        way = world.speed_mps * ANSWER_S
        heading = pose.heading_rad + turned
        rear_x = pose.x_m + way * math.cos(heading - turned / 2) - REAR_M * math.cos(heading)
        rear_y = pose.y_m + way * math.sin(heading - turned / 2) - REAR_M * math.sin(heading)
        ahead = max(LOOK_LEAST_M, LOOK_S * world.speed_mps)
        station = world.place.station_m + world.direction * (way + ahead - REAR_M)
        lateral = world.direction * (track.lane_m + self._weave())
        goal = track.pose(station, lateral)
        dx, dy = goal.x_m - rear_x, goal.y_m - rear_y
        angle = math.atan2(dy, dx) - heading
        wheel = math.atan2(2 * WHEELBASE_M * math.sin(angle), math.hypot(dx, dy))
        return _limited(-wheel / MAX_STEER_RAD)

    def _weave(self) -> float:
        """Return how far to the left the driver strays here."""
        total = math.sqrt(sum(share**2 for _, share in WAVES_M) / 2)
        waves = (
            share * math.sin(2 * math.pi * self._driven_m / length + phase)
            for (length, share), phase in zip(WAVES_M, self._phases, strict=True)
        )
        return self._manner.weave_m * sum(waves) / total

    def _speed_mps(self, world: World) -> float:
        """Return the speed for the bends within braking distance."""
        speed = self._manner.mph * MPS_PER_MPH
        here = world.place.station_m
        for ahead in range(0, 40, 4):
            curvature = abs(self._track.place(here + world.direction * ahead).curvature)
            if curvature:
                bend = COMFORT_MPS2 / curvature
                speed = min(speed, math.sqrt(bend + 2 * BRAKING_MPS2 * max(0, ahead - 4)))
        return speed


class Keys:
    """Two arrow keys, as Unity's input axis reads them.

    While a key is down the axis moves towards its end at SPEED a second; without one, back to 0
    (Unity's default axis "Horizontal": sensitivity 3, gravity 3).
    """

    SPEED: Final = 3.0
    ENOUGH: Final = 0.5
    """Of a press's own effect: drivers let go of a key when the axis passes what they wanted."""

    def __init__(self) -> None:
        self._axis = 0.0
        self._owed = 0.0

    def steering(self, wanted: float, passed_s: float) -> float:
        """Return the axis after a while in which a driver wanted a steering.

        A driver presses until the impulses add up to what the road asked for.
        """
        self._owed += wanted * passed_s
        effect = self.SPEED * passed_s**2
        if abs(self._owed) > self.ENOUGH * effect + abs(self._axis) ** 2 / (2 * self.SPEED):
            target = math.copysign(1.0, self._owed)
        else:
            target = 0.0
        most = self.SPEED * passed_s
        self._axis += max(-most, min(most, target - self._axis))
        self._owed -= self._axis * passed_s
        return self._axis


def _limited(value: float) -> float:
    return max(-1.0, min(1.0, value))
