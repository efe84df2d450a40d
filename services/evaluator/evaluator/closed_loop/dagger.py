"""One drive of a model of which the expert's answers are recorded: DAgger's data.

The model moves the car, so what is seen is what its own mistakes lead to; the label is what the
expert would do there. Source: Ross, Gordon, Bagnell 2011, A Reduction of Imitation Learning and
Structured Prediction to No-Regret Online Learning, AISTATS, arXiv 1011.0686, algorithm 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.vehicle import CAMERA_NAMES, ROW_HZ
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import InProcessDriver
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import DriveMonitor
from simulator.recording.udacity_writer import UdacityWriter
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track
from simulator.world import World

PAUSE_S: Final = 3.0
"""Between two stretches of driving, so that neither a window of smoothing nor a sequence of frames
reaches from one into the other: the trainer parts them at 0.5 s."""
MANNER: Final = DrivingStyle(weave_m=0.0, tremor=0.0)
"""A label is to be right, not human."""


@dataclass(frozen=True)
class Drive:
    """What is to be driven."""

    start: InitialState
    rows: int
    """To be recorded."""
    delay_s: float = 0.0
    """By which every answer is held back."""
    beta: float = 0.0
    """Probability that the expert's answer moves the car instead of the model's, frame by frame."""


@dataclass(frozen=True)
class Relabelled:
    """What came of a drive."""

    rows: int
    interventions: int
    apart: float
    """Sum over the rows of |model - expert|."""
    clock_s: float
    """When the next drive may begin."""


def relabel(
    track: Track,
    drive: Drive,
    model: InProcessDriver,
    recorder: UdacityWriter,
    clock_s: float,
    told: Callable[[], None] = lambda: None,
) -> Relabelled:
    """Let a model drive in lock-step, and record what it saw and what the expert would have done.

    With a delay, the expert is asked when the answer comes into force: a model that is always late
    has to steer for where the car will be. A car that leaves the road is put back on it, standing,
    as the judge says; nothing is recorded of the moments in between, and the clock jumps.

    Args:
        track: the road; an open one may end before all rows are recorded.
        drive: what is to be driven.
        model: who drives.
        recorder: of all drives.
        clock_s: of the recording, when the drive begins.
        told: is called after every row.

    Raises:
        ModelError: the model's answer is no number.
    """
    start = drive.start
    chance = np.random.default_rng([start.seed, 0xDA66E])
    lateral = start.direction * (track.lane_m + start.offset_m)
    world = World(track, start.station_m, start.direction, lateral, start.heading_rad)
    judge = DriveMonitor(track, start.direction, math.inf, world.position)
    expert = Expert(track, MANNER, start.seed)
    rows, helped, apart, number = 0, 0, 0.0, 0
    with Camera(track, Appearance(start.light, start.seed)) as camera:
        while rows < drive.rows:
            now_s, mph = world.time_s, world.speed_mph
            jpegs = {side: camera.render_jpeg(world.pose, side) for side in CAMERA_NAMES}
            answer, throttle = model.command(jpegs["center"], world)
            late = _on(world, judge, now_s + drive.delay_s)
            if late is None:
                wanted, _ = expert.command(world)
                recorder.add(clock_s + now_s, jpegs, wanted, throttle, mph)
                rows, apart = rows + 1, apart + abs(answer - wanted)
                told()
                world.steering = wanted if chance.random() < drive.beta else answer
                world.throttle = throttle
            number = max(number + 1, math.ceil((now_s + drive.delay_s) * ROW_HZ - 1e-6))
            event = late or _on(world, judge, number / ROW_HZ)
            if event == "finished":
                break
            if event == "put back":
                helped += 1
                clock_s += PAUSE_S
                # Its hands are still where the road was before.
                expert = Expert(track, MANNER, start.seed)
                number = math.ceil(world.time_s * ROW_HZ - 1e-6)
                _on(world, judge, number / ROW_HZ)
    return Relabelled(rows, helped, apart, clock_s + world.time_s + PAUSE_S)


def _on(world: World, judge: DriveMonitor, time_s: float) -> str | None:
    """Let the world go on, and say what happened on the way; a car that left is put back."""
    for place in world.advance_to(time_s):
        verdict = judge.check(
            world.time_s, world.pose, place, world.speed_mps, world.steering, world.throttle
        )
        if verdict.put_back:
            world.place_car(place.station_m, world.direction * world.track.lane_m)
            world.steering = 0.0
            return "put back"
        if verdict.finished:
            return "finished"
    return None
