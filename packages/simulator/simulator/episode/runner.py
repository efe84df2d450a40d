"""Drives a track: it sends the pictures of the world to a driver, and applies the answers."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.errors import ServiceError
from contract.vehicle import ROW_HZ
from simulator.command import Command
from simulator.episode.monitor import DriveMonitor
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.world import World

ANSWER_TIMEOUT_S: Final = 5.0
"""Time limit for an answer in lock-step, where a telemetry without an answer stops the world."""
MIN_WAIT_S: Final = 0.0005
"""Shortest wait for an answer in real time."""


class EpisodeDriver(Protocol):
    """A driver that answers pictures with commands: a bridge, or a driver in this process."""

    @property
    def ready(self) -> bool:
        """Whether the driver may be asked."""

    @property
    def waiting(self) -> int:
        """Number of pictures without an answer."""

    def ask(self, jpeg: bytes, world: World) -> None:
        """Show the driver a picture."""

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer, or None after the timeout."""


@dataclass(frozen=True)
class Observation:
    """A picture and the state of the car at one moment, for videos and progress bars."""

    time_s: float
    picture: NDArray[np.uint8]
    """RGB picture of the centre camera, (160, 320, 3)."""
    steering: float
    throttle: float
    speed_mph: float
    lateral_m: float
    """Offset from the driving line, positive to the driver's left."""
    distance_m: float
    """Distance made good along the road."""
    note: str
    """Message about an intervention since the last picture, or an empty string."""


class EpisodeRunner:
    """Runs one drive until the monitor finds that it is finished.

    Args:
        world: World with the car at its start.
        camera: Cameras of the car in that world.
        driver: Driver that steers.
        monitor: Monitor that decides about interventions and the end.
        delay_s: Time by which every answer is held back, as a slower network or model would.
        on_frame: Function that is called with every picture that was sent.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        driver: EpisodeDriver,
        monitor: DriveMonitor,
        delay_s: float = 0.0,
        on_frame: Callable[[Observation], None] = lambda observation: None,
    ) -> None:
        self._world = world
        self._camera = camera
        self._driver = driver
        self._monitor = monitor
        self._delay_s = delay_s
        self._on_frame = on_frame
        self._note = ""
        self._distance_m = 0.0
        self._finished = False

    def run_lock_step(self) -> None:
        """Let the world wait for every answer, so that equal answers give bit-identical drives.

        Raises:
            ServiceError: A telemetry was not answered.
        """
        frame = 0
        while not self._finished:
            self._send_frame()
            command = self._wait_for_command()
            now = self._world.time_s
            self._advance_to(now + self._delay_s)
            self._apply(command)
            frame = max(frame + 1, math.ceil((now + self._delay_s) * ROW_HZ - 1e-6))
            self._advance_to(frame / ROW_HZ)

    def _wait_for_command(self) -> Command | None:
        """Wait until every telemetry is answered, and return the last answer."""
        command = None
        while self._driver.waiting:
            before = self._driver.waiting
            command = self._driver.answer(ANSWER_TIMEOUT_S) or command
            if self._driver.waiting == before:
                raise ServiceError(
                    "a telemetry was not answered; the real car would keep its last command",
                    got=f"no answer in {ANSWER_TIMEOUT_S:g} s",
                    remedy="Read the log of the bridge: `lapwing logs driver-bridge`",
                )
        return command

    def run_realtime(self) -> None:
        """Let the world continue with the last command while an answer is awaited.

        Raises:
            ServiceError: The driver is gone and does not come back.
        """
        began = time.monotonic()
        due: deque[tuple[float, Command]] = deque()
        frame = 0
        while not self._finished:
            now = time.monotonic() - began
            while due and due[0][0] <= now:
                at, command = due.popleft()
                self._advance_to(at)
                self._apply(command)
            self._advance_to(now)
            if now * ROW_HZ >= frame and self._driver.ready:
                self._send_frame()
                frame = math.floor(now * ROW_HZ) + 1
            wake = frame / ROW_HZ if self._driver.ready else now + 1 / ROW_HZ
            if due:
                wake = min(wake, due[0][0])
            remaining_s = max(MIN_WAIT_S, wake - (time.monotonic() - began))
            if not self._driver.waiting:
                time.sleep(remaining_s)
                continue
            answer = self._driver.answer(remaining_s)
            if answer is not None:
                due.append((time.monotonic() - began + self._delay_s, answer))

    def _send_frame(self) -> None:
        """Render a picture, send it to the driver, and report it."""
        world = self._world
        picture = self._camera.render(world.pose)
        self._driver.ask(encode_jpeg(picture), world)
        self._on_frame(
            Observation(
                time_s=world.time_s,
                picture=picture,
                steering=world.steering,
                throttle=world.throttle,
                speed_mph=world.speed_mph,
                lateral_m=world.lane_offset_m,
                distance_m=self._distance_m,
                note=self._note,
            )
        )
        self._note = ""

    def _apply(self, command: Command | None) -> None:
        """Put a command in force; manual driving keeps the last command."""
        if command is not None and not command.manual:
            self._world.steering, self._world.throttle = command.steering, command.throttle

    def _advance_to(self, time_s: float) -> None:
        """Let the world continue until a time, and put the car back where the monitor asks it."""
        world = self._world
        for position in world.advance_to(time_s):
            verdict = self._monitor.check(
                world.time_s, world.pose, position, world.speed_mps, world.steering, world.throttle
            )
            self._distance_m, self._finished = verdict.distance_m, verdict.finished
            if verdict.reason is not None:
                self._note = f"{verdict.reason}: put back"
                world.place_car(position.station_m, world.direction * world.track.lane_m)
            if verdict.finished:
                return
