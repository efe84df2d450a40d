"""Drivers that need no bridge: the expert, and one whose hands never move."""

from __future__ import annotations

from collections import deque

from simulator.dialect import Command
from simulator.expert import Expert
from simulator.world import World


class Local:
    """A driver in this process: answers at once.

    Args:
        expert: who drives, or sets the speed alone.
        steering: what is answered instead of the expert's steering, -1..1; None: the expert's.
    """

    def __init__(self, expert: Expert, steering: float | None = None) -> None:
        self._expert = expert
        self._steering = steering
        self._answers: deque[Command] = deque()

    @property
    def ready(self) -> bool:
        """Whether it may be asked: one question at a time."""
        return not self._answers

    @property
    def waiting(self) -> int:
        """Questions that are not answered yet."""
        return len(self._answers)

    def ask(self, jpeg: bytes, world: World) -> None:
        """Look at the world itself; the picture is not needed."""
        steering, throttle = self._expert.command(world)
        chosen = steering if self._steering is None else self._steering
        self._answers.append(Command(manual=False, steering=chosen, throttle=throttle))

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer."""
        return self._answers.popleft() if self._answers else None

    def close(self) -> None:
        """Nothing is open."""
