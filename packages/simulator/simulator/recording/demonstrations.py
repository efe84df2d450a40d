"""Records the expert's driving as a person with Udacity's simulator would have recorded it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from contract.vehicle import CAMERA_NAMES, ROW_HZ
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.recording.udacity_writer import UdacityWriter
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.randomization import resolve_look
from simulator.rendering.scene_preset import BUILT_IN
from simulator.track.geometry import Track
from simulator.unity.number_format import Locale
from simulator.world import World

PAUSE_S: Final = 3.0
"""Time for which a driver pauses the recording to take the car to the edge of the road."""
MIN_EDGE_DISTANCE_M: Final = 1.1
"""Smallest distance of the car's middle from the edge of the road there: a wheel is on the edge."""
SCENE: Final = "scene.json"
"""File of a recording that says how its world looked, if something of it was not as always."""
MAX_HEADING_OFFSET_RAD: Final = math.radians(10.0)


@dataclass(frozen=True)
class DemonstrationConfig:
    """Settings of a recording."""

    laps: int = 1
    direction: int = 1
    """1 to drive with increasing stations, -1 to drive against them."""
    mph: tuple[float, float] = (15.0, 15.0)
    """Smallest and largest speed; each lap's speed is drawn between them."""
    recoveries: int = 0
    """Number of times in a lap that the car starts from a random offset and drives back."""
    style: DrivingStyle = field(default_factory=DrivingStyle)
    seed: int = 1
    """Seed of the driver's imperfections, the speeds and the recoveries."""


def record_demonstration(
    track: Track,
    appearance: Appearance,
    config: DemonstrationConfig,
    folder: Path,
    locale: Locale,
    on_progress: Callable[[int, float], None] = lambda rows, share: None,
) -> int:
    """Drive and record ROW_HZ rows for each second of simulated time.

    Args:
        track: Track to drive.
        appearance: Appearance of the world.
        config: Settings of the recording.
        folder: Folder of the recording, new or empty.
        locale: Locale of the machine that would have made the recording.
        on_progress: Function that is called with the rows so far and the share of the distance.

    Returns:
        Number of rows.

    Raises:
        RecordingError: The recording cannot be written.
    """
    rng = np.random.default_rng(config.seed)
    total_m = config.laps * track.length_m - (0.0 if track.closed else 2 * MIN_EDGE_DISTANCE_M)
    first_station = 0.0 if config.direction > 0 else track.length_m
    line_m = track.lane_m + config.style.line_offset_m
    world = World(track, first_station, config.direction, config.direction * line_m)
    expert = Expert(track, config.style, config.seed)
    recoveries = _draw_recoveries(rng, config.recoveries, config.laps, track.length_m)
    speeds = rng.uniform(*config.mph, config.laps)
    distance_m, paused_s, frame, lap = 0.0, 0.0, 0, -1
    description = _describe(track, appearance, config)
    with (
        Camera(track, appearance) as camera,
        UdacityWriter(folder, locale, description) as writer,
    ):
        if appearance.randomize or appearance.preset != BUILT_IN:
            look = resolve_look(appearance).document()
            writer.add_document(SCENE, {"track": track.name, "seed": appearance.seed, **look})
        while distance_m < total_m:
            if int(distance_m / track.length_m) > lap:
                lap += 1
                expert.set_style(dataclasses.replace(config.style, mph=float(speeds[lap])))
            if recoveries and distance_m > recoveries[0]:
                recoveries.pop(0)
                _displace(world, rng)
                paused_s += PAUSE_S
            world.steering, world.throttle = expert.command(world)
            jpegs = {side: camera.render_jpeg(world.pose, side) for side in CAMERA_NAMES}
            writer.add(
                world.time_s + paused_s, jpegs, world.steering, world.throttle, world.speed_mph
            )
            on_progress(writer.rows, distance_m / total_m)
            frame += 1
            before_m = world.position.station_m
            for _ in world.advance_to(frame / ROW_HZ):
                pass
            distance_m += _distance_since(world, before_m)
        return writer.rows


def _describe(track: Track, appearance: Appearance, config: DemonstrationConfig) -> str:
    """Return the settings as text, from which the writer derives the recording's start time.

    The text must not change: the names of all images of a recording depend on it. So it keeps the
    names that the settings had in release 0.1.0.
    """
    style = config.style
    drawn = ", randomize=True" if appearance.randomize else ""
    if appearance.preset != BUILT_IN:
        drawn += f", preset={appearance.preset!r}"
    line = f", line_offset_m={style.line_offset_m!r}" if style.line_offset_m else ""
    return (
        f"{track.name} "
        f"Look(light={appearance.light!r}, seed={appearance.seed!r}, "
        f"vary={appearance.vary!r}{drawn}) "
        f"Lesson(laps={config.laps!r}, direction={config.direction!r}, mph={config.mph!r}, "
        f"recoveries={config.recoveries!r}, "
        f"manner=Manner(mph={style.mph!r}, weave_m={style.weave_m!r}, tremor={style.tremor!r}, "
        f"keyboard={style.keyboard!r}{line}), seed={config.seed!r})"
    )


def _draw_recoveries(
    rng: np.random.Generator, per_lap: int, laps: int, length_m: float
) -> list[float]:
    """Return the distances at which the car is taken to the edge, spread almost evenly."""
    count = per_lap * laps
    gaps = (np.arange(count) + rng.uniform(0.2, 0.8, count)) / max(1, per_lap)
    return [float(gap) for gap in gaps * length_m]


def _displace(world: World, rng: np.random.Generator) -> None:
    """Move the car, with its speed, to where an inattentive driver would be."""
    room = max(0.0, world.position.width_m / 2 - MIN_EDGE_DISTANCE_M)
    lateral = float(rng.uniform(-room, room))
    # The car points mostly outwards: towards the near edge a driver would not turn as much.
    outwards = math.copysign(1.0, lateral * world.direction)
    offset = outwards * float(rng.uniform(-MAX_HEADING_OFFSET_RAD, MAX_HEADING_OFFSET_RAD / 3))
    world.place_car(world.position.station_m, lateral, offset, world.speed_mps)


def _distance_since(world: World, before_m: float) -> float:
    """Return how far the car has come, in the direction of travel, since an earlier station."""
    change = world.direction * (world.position.station_m - before_m)
    if world.track.closed:
        change = math.remainder(change, world.track.length_m)
    return change
