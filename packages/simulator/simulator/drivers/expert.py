"""Drives by the geometry of the road, which it knows: the expert that is recorded.

The expert steers by pure pursuit (R. C. Coulter, "Implementation of the Pure Pursuit Path Tracking
Algorithm", CMU-RI-TR-92-01): towards a point of the driving line a little ahead, along the arc that
leads there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.vehicle import (
    MAX_STEER_RAD,
    MPS_PER_MPH,
    ORIGIN_AHEAD_OF_REAR_AXLE_M,
    WHEELBASE_M,
)
from simulator.track.geometry import Track
from simulator.vehicle import DRAG_PER_S, FULL_THROTTLE_MPS2, REVERSE_BELOW_MPS
from simulator.world import World

LOOKAHEAD_S: Final = 0.8
"""Time ahead of the rear axle at which the expert aims."""
MIN_LOOKAHEAD_M: Final = 4.5
"""Smallest distance ahead of the rear axle at which the expert aims. With a shorter one the lag of
the yaw makes the car oscillate; with a longer one the car cuts the bends."""
RESPONSE_TIME_S: Final = 0.3
"""Time until a new steering takes effect: the lag of the yaw, of the hands and of the frames."""
MAX_LATERAL_MPS2: Final = 3.5
"""Lateral acceleration that drivers accept in a bend before they slow down."""
BRAKING_MPS2: Final = 3.0
THROTTLE_PER_MPS: Final = 0.35
"""Throttle for each m/s by which the car is too slow."""
BRAKE_PER_MPS: Final = 0.05
"""Brake for each m/s by which the car is too fast: 10.5 m/s², as much as the tyres hold."""
HAND_LAG_S: Final = 0.12
"""Lag with which hands follow an intention."""
WEAVE_WAVES: Final = ((33.0, 0.35), (71.0, 0.65), (127.0, 1.0))
"""Lengths in metres and weights of the waves that make up a driver's weaving."""
SPEED_LOOKAHEAD_M: Final = 40
SPEED_LOOKAHEAD_STEP_M: Final = 4


@dataclass(frozen=True)
class DrivingStyle:
    """Speed and imperfections of a person's driving."""

    mph: float = 15.0
    """Speed on a straight; bends may need less."""
    weave_m: float = 0.15
    """Root mean square of the offset from the driving line."""
    tremor: float = 0.01
    """Standard deviation of the steering that trembling hands add."""
    line_offset_m: float = 0.0
    """Distance of the person's own line from the driving line, positive to the left."""
    keyboard: bool = False
    """Whether the person steers with two keys, which give impulses to full lock."""


class Expert:
    """A driver that knows the geometry of the road.

    Args:
        track: Road to drive.
        style: Speed and imperfections.
        seed: Seed of the imperfections.
    """

    def __init__(self, track: Track, style: DrivingStyle, seed: int) -> None:
        self._track = track
        self._style = style
        self._rng = np.random.default_rng(seed)
        self._phases = self._rng.uniform(0, 2 * math.pi, len(WEAVE_WAVES)).tolist()
        self._keyboard = KeyboardSteering()
        self._steering = 0.0
        self._distance_m = 0.0
        self._time_s: float | None = None

    def set_style(self, style: DrivingStyle) -> None:
        """Drive in another style from now on."""
        self._style = style

    def command(self, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1, for the present state of the world."""
        elapsed_s = 0.0 if self._time_s is None else world.time_s - self._time_s
        self._time_s = world.time_s
        self._distance_m += world.speed_mps * elapsed_s
        target = self._pursue(world)
        if self._style.keyboard:
            steering = self._keyboard.steer(target, elapsed_s)
        else:
            share = 1.0 - math.exp(-elapsed_s / HAND_LAG_S) if elapsed_s else 1.0
            self._steering += (target - self._steering) * share
            steering = self._steering + float(self._rng.normal(0.0, self._style.tremor))
        return _clamp(steering), throttle_for(self._target_speed_mps(world), world.speed_mps)

    def _pursue(self, world: World) -> float:
        """Return the steering of the arc to a point of the driving line ahead."""
        track, pose = self._track, world.pose
        # The pose is predicted to the time when the steering takes effect. Without the prediction
        # the car oscillates.
        turn = world.yaw_rad_s * RESPONSE_TIME_S
        distance = world.speed_mps * RESPONSE_TIME_S
        heading = pose.heading_rad + turn
        middle_heading = heading - turn / 2
        behind_m = ORIGIN_AHEAD_OF_REAR_AXLE_M
        rear_x = pose.x_m - behind_m * math.cos(pose.heading_rad)
        rear_y = pose.y_m - behind_m * math.sin(pose.heading_rad)
        rear_x += distance * math.cos(middle_heading)
        rear_y += distance * math.sin(middle_heading)
        lookahead = max(MIN_LOOKAHEAD_M, LOOKAHEAD_S * world.speed_mps)
        advance = world.direction * (distance + lookahead - behind_m)
        station = world.position.station_m + advance
        lateral = world.direction * (track.lane_m + self._style.line_offset_m + self._weave_m())
        goal = track.pose_at(station, lateral)
        dx, dy = goal.x_m - rear_x, goal.y_m - rear_y
        angle = math.atan2(dy, dx) - heading
        wheel_angle = math.atan2(2 * WHEELBASE_M * math.sin(angle), math.hypot(dx, dy))
        return _clamp(-wheel_angle / MAX_STEER_RAD)

    def _weave_m(self) -> float:
        """Return the driver's present offset from the driving line, positive to the left."""
        total = math.sqrt(sum(weight**2 for _, weight in WEAVE_WAVES) / 2)
        waves = (
            weight * math.sin(2 * math.pi * self._distance_m / length + phase)
            for (length, weight), phase in zip(WEAVE_WAVES, self._phases, strict=True)
        )
        return self._style.weave_m * sum(waves) / total

    def _target_speed_mps(self, world: World) -> float:
        """Return the speed that suits the bends within braking distance."""
        speed = self._style.mph * MPS_PER_MPH
        here = world.position.station_m
        step = SPEED_LOOKAHEAD_STEP_M
        for ahead in range(0, SPEED_LOOKAHEAD_M, step):
            curvature = abs(self._track.position_at(here + world.direction * ahead).curvature)
            if curvature:
                bend_speed_squared = MAX_LATERAL_MPS2 / curvature
                braking = 2 * BRAKING_MPS2 * max(0, ahead - step)
                speed = min(speed, math.sqrt(bend_speed_squared + braking))
        return speed


def throttle_for(target_mps: float, speed_mps: float) -> float:
    """Return the throttle, -1..1, that brings the car to a speed and overcomes its drag there.

    The brake ends at 5 mph, below which a negative throttle is the reverse gear, and is light just
    above: brakes that are on when the car falls below 5 mph stay on.
    """
    throttle = THROTTLE_PER_MPS * (target_mps - speed_mps)
    throttle += DRAG_PER_S * target_mps / FULL_THROTTLE_MPS2
    if throttle >= 0:
        return min(1.0, throttle)
    too_fast_mps = min(speed_mps - target_mps, speed_mps - REVERSE_BELOW_MPS)
    return 0.0 - min(1.0, BRAKE_PER_MPS * max(0.0, too_fast_mps))


class KeyboardSteering:
    """Steering with two arrow keys, as Unity's input axis reads them.

    While a key is down, the axis moves towards its end by SENSITIVITY_PER_S a second. Without a key
    it moves back to 0 at the same rate (Unity's default axis "Horizontal": sensitivity 3,
    gravity 3).
    """

    SENSITIVITY_PER_S: Final = 3.0
    RELEASE_SHARE: Final = 0.5
    """Share of one key press's effect at which a driver releases the key."""

    def __init__(self) -> None:
        self._axis = 0.0
        self._owed = 0.0

    def steer(self, target: float, elapsed_s: float) -> float:
        """Return the axis, -1..1, after a time in which the driver aimed at a steering.

        The driver presses a key until the impulses add up to the steering that the road needs.

        Args:
            target: Steering at which the driver aims, -1..1.
            elapsed_s: Time since the last call.
        """
        self._owed += target * elapsed_s
        effect = self.SENSITIVITY_PER_S * elapsed_s**2
        coasting = abs(self._axis) ** 2 / (2 * self.SENSITIVITY_PER_S)
        if abs(self._owed) > self.RELEASE_SHARE * effect + coasting:
            end = math.copysign(1.0, self._owed)
        else:
            end = 0.0
        max_change = self.SENSITIVITY_PER_S * elapsed_s
        self._axis += max(-max_change, min(max_change, end - self._axis))
        self._owed -= self._axis * elapsed_s
        return self._axis


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
