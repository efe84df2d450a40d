"""Records DAgger data: a model drives, and the expert's steering is recorded as the label.

The model moves the car, so the images show where its own mistakes lead; the label is what the
expert would do there. Source: Ross, Gordon, Bagnell 2011, A Reduction of Imitation Learning and
Structured Prediction to No-Regret Online Learning, AISTATS, arXiv 1011.0686, algorithm 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from contract.vehicle import CAMERA_NAMES, ROW_HZ
from evaluator.closed_loop.executors.policy_source import PolicySource
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import InProcessDriver, ModelDriver
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import DriveMonitor
from simulator.recording.udacity_writer import UdacityWriter
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track
from simulator.world import World

PAUSE_S: Final = 3.0
"""Pause between two segments of driving.

It is longer than the 0.5 s at which the trainer splits segments, so neither a smoothing window nor
a sequence of frames reaches from one segment into the next."""
EXPERT_STYLE: Final = DrivingStyle(weave_m=0.0, tremor=0.0)
"""Style without a human's imprecision: a label must be correct."""


@dataclass(frozen=True)
class DaggerDrive:
    """The options of one drive."""

    start: InitialState
    rows: int
    """Number of rows to record."""
    delay_s: float = 0.0
    """Time by which every command takes effect later."""
    beta: float = 0.0
    """Probability, for each frame, that the expert's steering moves the car, not the model's."""


class LabelledRow(NamedTuple):
    """A row of a drive, as it will be recorded."""

    now_s: float
    """Time of the drive, in seconds."""
    pauses: int
    """How often the car was put back before."""
    jpegs: dict[str, bytes]
    """Picture of each camera."""
    label: float
    """What the expert would have steered, -1..1."""
    throttle: float
    mph: float
    apart: float
    """|model - expert| in steering."""


@dataclass(frozen=True)
class RelabelledDrive:
    """A drive that was made, and is not recorded yet."""

    rows: list[LabelledRow]
    interventions: int
    seconds: float
    """Time at which it ended."""

    @property
    def disagreement(self) -> float:
        """Sum over the rows of |model - expert|."""
        return sum(row.apart for row in self.rows)

    def record(self, recorder: UdacityWriter, clock_s: float) -> float:
        """Add the rows to a recording; return its time at which the next drive may begin.

        Where the car was put back, the recording's clock jumps.

        Args:
            recorder: writer of the recording, for all drives.
            clock_s: time of the recording at which the drive begins.
        """
        pauses = 0
        for row in self.rows:
            clock_s, pauses = _pause(clock_s, row.pauses - pauses), row.pauses
            recorder.add(clock_s + row.now_s, row.jpegs, row.label, row.throttle, row.mph)
        return _pause(clock_s, self.interventions - pauses) + self.seconds + PAUSE_S


def _pause(clock_s: float, times: int) -> float:
    """Add pauses one by one: floats that are added otherwise may differ in the last digit."""
    for _ in range(times):
        clock_s += PAUSE_S
    return clock_s


def relabel_version(source: PolicySource, track: Track, drive: DaggerDrive) -> RelabelledDrive:
    """Let a version drive as `relabel` does; this is what an executor calls."""
    return relabel(track, drive, ModelDriver(source.load().answer_picture))


def relabel(track: Track, drive: DaggerDrive, model: InProcessDriver) -> RelabelledDrive:
    """Let a model drive in lock-step, and return its images with the expert's steering.

    With a delay, the expert is asked at the time when the command takes effect: a model whose
    commands are always late must steer for where the car will be. When the car leaves the road, it
    is put back and stands still, as the monitor decides. There are no rows of that time.

    Args:
        track: track to drive on; an open one may end before all rows are made.
        drive: options of the drive.
        model: driver of the car.

    Raises:
        ModelError: the model's output is not a finite number.
    """
    start = drive.start
    rng = np.random.default_rng([start.seed, 0xDA66E])
    lateral_m = start.direction * (track.lane_m + start.offset_m)
    world = World(track, start.station_m, start.direction, lateral_m, start.heading_rad)
    monitor = DriveMonitor(track, start.direction, math.inf, world.position)
    expert = Expert(track, EXPERT_STYLE, start.seed)
    rows: list[LabelledRow] = []
    interventions, frame_number = 0, 0
    with Camera(track, Appearance(start.light, start.seed)) as camera:
        while len(rows) < drive.rows:
            now_s, mph = world.time_s, world.speed_mph
            jpegs = {side: camera.render_jpeg(world.pose, side) for side in CAMERA_NAMES}
            steering, throttle = model.command(jpegs["center"], world)
            event = _advance(world, monitor, now_s + drive.delay_s)
            if event is None:
                label, _ = expert.command(world)
                apart = abs(steering - label)
                rows.append(LabelledRow(now_s, interventions, jpegs, label, throttle, mph, apart))
                world.steering = label if rng.random() < drive.beta else steering
                world.throttle = throttle
            frame_number = max(frame_number + 1, math.ceil((now_s + drive.delay_s) * ROW_HZ - 1e-6))
            event = event or _advance(world, monitor, frame_number / ROW_HZ)
            if event == "finished":
                break
            if event == "put back":
                interventions += 1
                # A new expert: the old one's hands still steer for the road before.
                expert = Expert(track, EXPERT_STYLE, start.seed)
                frame_number = math.ceil(world.time_s * ROW_HZ - 1e-6)
                _advance(world, monitor, frame_number / ROW_HZ)
    return RelabelledDrive(rows, interventions, world.time_s)


def _advance(world: World, monitor: DriveMonitor, time_s: float) -> str | None:
    """Advance the world, put back a car that left the road, and return the event, if any."""
    for position in world.advance_to(time_s):
        verdict = monitor.check(
            world.time_s, world.pose, position, world.speed_mps, world.steering, world.throttle
        )
        if verdict.put_back:
            world.place_car(position.station_m, world.direction * world.track.lane_m)
            world.steering = 0.0
            return "put back"
        if verdict.finished:
            return "finished"
    return None
