"""Drives a track: the world goes on, its pictures go out, the answers steer, the judge looks on."""

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
from simulator.episode.monitor import Judge
from simulator.rendering.camera import Camera, encode
from simulator.unity.client import Command
from simulator.world import FRAME_HZ, World

UNANSWERED_S: Final = 5.0
"""In lock-step a telemetry that nobody answers freezes its loop for ever."""


class Driver(Protocol):
    """Who answers pictures with commands: a bridge, or somebody in this process."""

    @property
    def ready(self) -> bool:
        """Whether it may be asked."""

    @property
    def waiting(self) -> int:
        """Questions that are not answered yet."""

    def ask(self, jpeg: bytes, world: World) -> None:
        """Show it a picture."""

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer, or None after the timeout."""


@dataclass(frozen=True)
class Sight:
    """What there is to see of a moment, for films and progress bars."""

    time_s: float
    picture: NDArray[np.uint8]
    """(160, 320, 3), RGB."""
    steering: float
    throttle: float
    speed_mph: float
    lateral_m: float
    driven_m: float
    """Made good along the road."""
    note: str
    """What the judge said since the picture before."""


class Drive:
    """One drive from its start to the judge's end.

    Args:
        world: with the car at its start.
        camera: in that world.
        driver: who steers.
        judge: who says when it ends.
        delay_s: by which every answer is held back: a slower network or model.
        seen: is shown every picture that was sent.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        driver: Driver,
        judge: Judge,
        delay_s: float = 0.0,
        seen: Callable[[Sight], None] = lambda sight: None,
    ) -> None:
        self._world = world
        self._camera = camera
        self._driver = driver
        self._judge = judge
        self._delay_s = delay_s
        self._seen = seen
        self._note = ""
        self._driven_m = 0.0
        self._finished = False
        self.telemetries = 0

    def lockstep(self) -> None:
        """Let the world wait for every answer: the same answers give the same drive to the bit.

        Raises:
            ServiceError: a telemetry was not answered.
        """
        frame = 0
        while not self._finished:
            self._show()
            command = self._answered()
            now = self._world.time_s
            self._until(now + self._delay_s)
            self._obey(command)
            frame = max(frame + 1, math.ceil((now + self._delay_s) * FRAME_HZ - 1e-6))
            self._until(frame / FRAME_HZ)

    def _answered(self) -> Command | None:
        """Return the last of the answers to all that was asked."""
        command = None
        while self._driver.waiting:
            before = self._driver.waiting
            command = self._driver.answer(UNANSWERED_S) or command
            if self._driver.waiting == before:
                raise ServiceError(
                    "a telemetry was not answered: the real car would go on with its last command",
                    got=f"nothing in {UNANSWERED_S:g} s",
                    remedy="The bridge's log says why; `lapwing logs driver-bridge`",
                )
        return command

    def realtime(self) -> None:
        """Let the world go on with the last command while the answer is awaited."""
        began = time.monotonic()
        due: deque[tuple[float, Command]] = deque()
        frame = 0
        while not self._finished:
            now = time.monotonic() - began
            while due and due[0][0] <= now:
                at, command = due.popleft()
                self._until(at)
                self._obey(command)
            self._until(now)
            if now * FRAME_HZ >= frame and self._driver.ready:
                self._show()
                frame = math.floor(now * FRAME_HZ) + 1
            wake = frame / FRAME_HZ if self._driver.ready else now + 1 / FRAME_HZ
            if due:
                wake = min(wake, due[0][0])
            left = max(0.0005, wake - (time.monotonic() - began))
            if not self._driver.waiting:
                time.sleep(left)
                continue
            answer = self._driver.answer(left)
            if answer is not None:
                due.append((time.monotonic() - began + self._delay_s, answer))

    def _show(self) -> None:
        """Take a picture, and send it."""
        world = self._world
        picture = self._camera.picture(world.pose)
        self._driver.ask(encode(picture), world)
        self.telemetries += 1
        self._seen(
            Sight(
                time_s=world.time_s,
                picture=picture,
                steering=world.steering,
                throttle=world.throttle,
                speed_mph=world.speed_mph,
                lateral_m=world.lane_offset_m,
                driven_m=self._driven_m,
                note=self._note,
            )
        )
        self._note = ""

    def _obey(self, command: Command | None) -> None:
        if command is not None and not command.manual:
            self._world.steering, self._world.throttle = command.steering, command.throttle

    def _until(self, time_s: float) -> None:
        """Let the world go on, and put the car back where the judge says so."""
        world = self._world
        for place in world.until(time_s):
            verdict = self._judge.see(
                world.time_s, world.pose, place, world.speed_mps, world.steering, world.throttle
            )
            self._driven_m, self._finished = verdict.distance_m, verdict.finished
            if verdict.reason is not None:
                self._note = f"{verdict.reason}: put back"
                world.put(place.station_m, world.direction * world.track.lane_m)
            if verdict.finished:
                return
