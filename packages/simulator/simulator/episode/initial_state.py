"""Draws seeded initial states: where a drive begins, in which direction and in what light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.track.geometry import Track

MAX_HEADING_OFFSET_RAD: Final = math.radians(5.0)


@dataclass(frozen=True)
class InitialState:
    """State of the car and the world at the beginning of a drive."""

    station_m: float = 0.0
    direction: int = 1
    """1 to drive with increasing stations, -1 to drive against them."""
    offset_m: float = 0.0
    """Offset from the driving line, positive to the driver's left."""
    heading_rad: float = 0.0
    """Heading relative to the direction of travel, positive to the left."""
    light: str = "clear"
    seed: int = 1
    """Seed of the world's appearance."""


def draw_initial_states(
    track: Track, count: int, seed: int, offset_m: float, lights: tuple[str, ...]
) -> list[InitialState]:
    """Return different initial states; the first ones do not depend on their number.

    Directions and lights alternate; stations, offsets and headings are random.

    Args:
        track: Track to drive; a drive of an open track begins at one of its ends.
        count: Number of initial states.
        seed: Seed of the random numbers.
        offset_m: Largest offset from the driving line.
        lights: Names of the lights to use.
    """
    states = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        direction = 1 if number % 2 == 0 else -1
        station = float(rng.uniform(0, track.length_m))
        if not track.closed:
            station = 0.0 if direction > 0 else track.length_m
        states.append(
            InitialState(
                station_m=station,
                direction=direction,
                offset_m=float(rng.uniform(-offset_m, offset_m)),
                heading_rad=float(rng.uniform(-MAX_HEADING_OFFSET_RAD, MAX_HEADING_OFFSET_RAD)),
                light=lights[number // 2 % len(lights)],
                seed=int(rng.integers(1, 2**31)),
            )
        )
    return states
