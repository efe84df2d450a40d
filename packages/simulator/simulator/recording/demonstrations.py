"""Records the expert's driving: what a person with Udacity's simulator would have recorded."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from contract.vehicle import CAMERA_NAMES
from simulator.drivers.expert import Expert, Manner
from simulator.recording.udacity_writer import Recorder
from simulator.rendering.appearance import Look
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track
from simulator.unity.number_format import Locale
from simulator.world import FRAME_HZ, World

PAUSE_S: Final = 3.0
"""For which a driver pauses the recording to take the car to the edge of the road."""
EDGE_M: Final = 1.1
"""Nearest that the car's middle comes to the road's edge there: a wheel is on it."""
ASKEW_RAD: Final = math.radians(10.0)


@dataclass(frozen=True)
class Lesson:
    """What is to be recorded."""

    laps: int = 1
    direction: int = 1
    """1 along the track, -1 against it."""
    mph: tuple[float, float] = (15.0, 15.0)
    """Between these the speed of each lap is drawn."""
    recoveries: int = 0
    """Times a lap that the way back from a random offset is recorded."""
    manner: Manner = field(default_factory=Manner)
    seed: int = 1
    """Of the driver's imperfection, the speeds and the recoveries."""


def record(
    track: Track,
    look: Look,
    lesson: Lesson,
    folder: Path,
    locale: Locale,
    told: Callable[[int, float], None] = lambda rows, share: None,
) -> int:
    """Drive, and record FRAME_HZ rows a second of the world's time; return how many.

    Args:
        track: the road.
        look: of the world.
        lesson: what to drive.
        folder: where the recording is made.
        locale: of the machine that is recorded on.
        told: is told the rows so far and the share of the way.

    Raises:
        RecordingError: the recording cannot be written.
    """
    chance = np.random.default_rng(lesson.seed)
    way_m = lesson.laps * track.length_m - (0.0 if track.closed else 2 * EDGE_M)
    begin = 0.0 if lesson.direction > 0 else track.length_m
    world = World(track, begin, lesson.direction, lesson.direction * track.lane_m)
    expert = Expert(track, lesson.manner, lesson.seed)
    turns = _recoveries(chance, lesson.recoveries, lesson.laps, track.length_m)
    speeds = chance.uniform(*lesson.mph, lesson.laps)
    driven_m, paused_s, frame, lap = 0.0, 0.0, 0, -1
    with (
        Camera(track, look) as camera,
        Recorder(folder, locale, f"{track.name} {look} {lesson}") as recorder,
    ):
        while driven_m < way_m:
            if int(driven_m / track.length_m) > lap:
                lap += 1
                expert.drive(dataclasses.replace(lesson.manner, mph=float(speeds[lap])))
            if turns and driven_m > turns[0]:
                turns.pop(0)
                _astray(world, chance)
                paused_s += PAUSE_S
            world.steering, world.throttle = expert.command(world)
            jpegs = {side: camera.jpeg(world.pose, side) for side in CAMERA_NAMES}
            recorder.add(
                world.time_s + paused_s, jpegs, world.steering, world.throttle, world.speed_mph
            )
            told(recorder.rows, driven_m / way_m)
            frame += 1
            before = world.place.station_m
            for _ in world.until(frame / FRAME_HZ):
                pass
            driven_m += _advance(world, before)
        return recorder.rows


def _recoveries(chance: np.random.Generator, a_lap: int, laps: int, length_m: float) -> list[float]:
    """Return after what ways, m, the car is taken to the edge: spread evenly, but not quite."""
    count = a_lap * laps
    gaps = (np.arange(count) + chance.uniform(0.2, 0.8, count)) / max(1, a_lap)
    return [float(gap) for gap in gaps * length_m]


def _astray(world: World, chance: np.random.Generator) -> None:
    """Put the car, with its speed, where somebody who had not paid attention would be."""
    room = max(0.0, world.place.width_m / 2 - EDGE_M)
    lateral = float(chance.uniform(-room, room))
    # Towards the edge that is near a driver would not have dared so much.
    outwards = math.copysign(1.0, lateral * world.direction)
    askew = outwards * float(chance.uniform(-ASKEW_RAD, ASKEW_RAD / 3))
    world.put(world.place.station_m, lateral, askew, world.speed_mps)


def _advance(world: World, before_m: float) -> float:
    """Return how far along the road, in the direction of travel, the car has come since."""
    change = world.direction * (world.place.station_m - before_m)
    if world.track.closed:
        change = math.remainder(change, world.track.length_m)
    return change
