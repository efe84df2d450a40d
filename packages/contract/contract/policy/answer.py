"""Defines what a policy answers to a frame, and which speed is held after its answer.

Every policy answers a steering. A version that was trained with `--learn-speed` answers a speed,
too: its network gives two numbers, and all others give one. The trainer, inference, the bridge and
the evaluator take these definitions from here. Nothing here needs NumPy: the bridge has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.errors import SettingError
from contract.vehicle import TOP_SPEED_MPH

__all__ = [
    "DEFAULT_MAX_MPH",
    "DEFAULT_MIN_MPH",
    "DEFAULT_SPEEDS",
    "SPEED_UNIT_MPH",
    "PolicyAnswer",
    "SpeedRange",
    "output_count",
    "read_output",
]

SPEED_UNIT_MPH: Final = TOP_SPEED_MPH
"""Speed that a network tells as 1, in its second number.

So both numbers are of one size, and their errors can be added up."""
DEFAULT_MIN_MPH: Final = 5.0
"""Lowest learned speed that is held unless another is asked for.

At and below it the car has no brakes, but a reverse gear (contract/vehicle.py)."""
DEFAULT_MAX_MPH: Final = TOP_SPEED_MPH
"""Highest learned speed that is held unless another is asked for."""


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What a policy answers to one frame."""

    steering: float
    """-1..1; right is positive."""
    speed_mph: float | None = None
    """The speed that its driver would hold, 0..TOP_SPEED_MPH; None if it has not learned any."""


@dataclass(frozen=True)
class SpeedRange:
    """The speeds between which a learned speed is held.

    Raises:
        SettingError: the lowest is above the highest.
    """

    min_mph: float = DEFAULT_MIN_MPH
    max_mph: float = DEFAULT_MAX_MPH

    def __post_init__(self) -> None:
        if not self.min_mph <= self.max_mph:  # written so that NaN is refused
            raise SettingError(
                "the lowest speed that may be held is above the highest",
                got=f"{self.min_mph:g} and {self.max_mph:g} mph",
                remedy="Set LAPWING_MIN_MPH to no more than LAPWING_MAX_MPH",
            )

    def speed_to_hold(self, answer: PolicyAnswer, target_mph: float) -> float:
        """Return the speed to hold after an answer, in mph.

        Args:
            answer: what the policy has answered.
            target_mph: the speed to hold if the policy has not learned any; it may be outside the
                range.
        """
        if answer.speed_mph is None:
            return target_mph
        return max(self.min_mph, min(self.max_mph, answer.speed_mph))


DEFAULT_SPEEDS: Final = SpeedRange()


def output_count(config: Mapping[str, object]) -> int:
    """Return how many numbers a network answers to a frame: 2 if it has learned the speed, else 1.

    Args:
        config: the options of its training or import, as its manifest has them.
    """
    return 2 if config.get("learn_speed", False) is True else 1


def read_output(output: Sequence[float]) -> PolicyAnswer | None:
    """Return the answer in the numbers of a network, within its limits; None if one is not finite.

    Args:
        output: the steering, and the speed in SPEED_UNIT_MPH where the network has learned it.
    """
    if not all(map(math.isfinite, output)):
        return None
    steering = max(-1.0, min(1.0, output[0]))
    if len(output) == 1:
        return PolicyAnswer(steering)
    return PolicyAnswer(steering, SPEED_UNIT_MPH * max(0.0, min(1.0, output[1])))
