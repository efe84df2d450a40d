"""Drivers that need no bridge: the expert, one whose hands never move, and a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from contract.frames import preprocess
from contract.frames.preprocess import Frame
from contract.vehicle import MPS_PER_MPH
from simulator.drivers.expert import THROTTLE_PER_MPS, Expert
from simulator.unity.client import Command
from simulator.world import World

MPH: Final = 15.0
"""What the bridge holds by default, in bends too."""


class InProcess:
    """A driver in this process: answers at once, one question at a time."""

    def __init__(self) -> None:
        self._answers: deque[Command] = deque()

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether it may be asked: one question at a time."""
        return not self._answers

    @property
    def waiting(self) -> int:
        """Questions that are not answered yet."""
        return len(self._answers)

    def ask(self, jpeg: bytes, world: World) -> None:
        """Show it the picture, and the world of which it may look at what its kind may."""
        steering, throttle = self.command(jpeg, world)
        self._answers.append(Command(manual=False, steering=steering, throttle=throttle))

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer."""
        return self._answers.popleft() if self._answers else None

    def close(self) -> None:
        """Nothing is open."""


class Local(InProcess):
    """The expert: looks at the world itself, and needs no picture.

    Args:
        expert: who drives, or sets the speed alone.
        steering: what is answered instead of the expert's steering, -1..1; None: the expert's.
    """

    def __init__(self, expert: Expert, steering: float | None = None) -> None:
        super().__init__()
        self._expert = expert
        self._steering = steering

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1."""
        steering, throttle = self._expert.command(world)
        return steering if self._steering is None else self._steering, throttle


class Seeing(InProcess):
    """A model: steers by the pictures alone; the speed is held as the bridge holds it.

    Args:
        steer: of a prepared frame, (128, 128, 3), the steering, -1..1.
        mph: the speed.
    """

    def __init__(self, steer: Callable[[Frame], float], mph: float = MPH) -> None:
        super().__init__()
        self._steer = steer
        self._speed_mps = mph * MPS_PER_MPH

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1.

        Raises:
            FrameError: the picture cannot be decoded.
            ModelError: the model's answer is no number.
        """
        throttle = THROTTLE_PER_MPS * (self._speed_mps - world.speed_mps)
        return self._steer(preprocess.prepare(jpeg)), max(-1.0, min(1.0, throttle))
