"""Provides drivers that need no bridge: the expert, a fixed steering, and a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from contract.frames import preprocess
from contract.frames.preprocess import Frame
from contract.policy.answer import DEFAULT_SPEEDS, PolicyAnswer, SpeedRange
from contract.vehicle import MPS_PER_MPH
from simulator.command import Command
from simulator.drivers.expert import Expert, throttle_for
from simulator.world import World

DEFAULT_SPEED_MPH: Final = 15.0
"""Speed that the bridge holds by default, in bends too, unless the model has learned its own."""


class InProcessDriver:
    """A driver in this process, which answers each picture at once."""

    def __init__(self) -> None:
        self._answers: deque[Command] = deque()

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1.

        Args:
            jpeg: Picture of the centre camera.
            world: World with the car.
        """
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether the driver may be asked; it takes one picture at a time."""
        return not self._answers

    @property
    def waiting(self) -> int:
        """Number of pictures without an answer."""
        return len(self._answers)

    def ask(self, jpeg: bytes, world: World) -> None:
        """Show the driver a picture, and the world as far as the driver may use it."""
        steering, throttle = self.command(jpeg, world)
        self._answers.append(Command(manual=False, steering=steering, throttle=throttle))

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer, or None if there is none; it never waits."""
        return self._answers.popleft() if self._answers else None

    def close(self) -> None:
        """Do nothing: this driver holds no connection."""


class ExpertDriver(InProcessDriver):
    """The expert, which looks at the world itself and needs no picture.

    Args:
        expert: Expert that steers and sets the speed.
        steering: Fixed steering, -1..1, in place of the expert's; None uses the expert's.
    """

    def __init__(self, expert: Expert, steering: float | None = None) -> None:
        super().__init__()
        self._expert = expert
        self._steering = steering

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1."""
        steering, throttle = self._expert.command(world)
        return steering if self._steering is None else self._steering, throttle


class ModelDriver(InProcessDriver):
    """A model, which drives by the pictures alone; the expert's foot holds the speed.

    Args:
        policy: Function that returns the answer to a decoded picture, RGB of shape (160, 320, 3).
        mph: Speed to hold while the answers have no speed.
        speeds: The speeds between which a learned speed is held; by default, those of the bridge.
    """

    def __init__(
        self,
        policy: Callable[[Frame], PolicyAnswer],
        mph: float = DEFAULT_SPEED_MPH,
        speeds: SpeedRange = DEFAULT_SPEEDS,
    ) -> None:
        super().__init__()
        self._policy = policy
        self._mph = mph
        self._speeds = speeds

    def command(self, jpeg: bytes, world: World) -> tuple[float, float]:
        """Return steering and throttle, both -1..1.

        Raises:
            FrameError: The picture cannot be decoded.
            ModelError: The model's answer is not a number.
        """
        answer = self._policy(preprocess.decode(jpeg))
        target_mps = self._speeds.speed_to_hold(answer, self._mph) * MPS_PER_MPH
        return answer.steering, throttle_for(target_mps, world.speed_mps)
