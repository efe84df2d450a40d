"""Seeded starts: where, which way, how askew and in what light a drive begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.track.geometry import Track

ASKEW_RAD: Final = math.radians(5.0)


@dataclass(frozen=True)
class Start:
    """The beginning of a drive."""

    station_m: float = 0.0
    direction: int = 1
    """1 along the track, -1 against it."""
    offset_m: float = 0.0
    """From the line that people drive, positive to the driver's left."""
    heading_rad: float = 0.0
    """From the direction of travel, positive to the left."""
    light: str = "clear"
    seed: int = 1
    """Of the world's look."""


def starts(
    track: Track, count: int, seed: int, offset_m: float, lights: tuple[str, ...]
) -> list[Start]:
    """Return `count` different starts; the first ones do not depend on how many there are.

    Directions take turns, and so do the lights; places, offsets and headings are drawn.

    Args:
        track: to be driven; an open one is begun at its end.
        count: of starts.
        seed: of all that is drawn.
        offset_m: at most, from the line that people drive.
        lights: to choose from.
    """
    found = []
    for number in range(count):
        chance = np.random.default_rng([seed, number])
        direction = 1 if number % 2 == 0 else -1
        station = float(chance.uniform(0, track.length_m))
        if not track.closed:
            station = 0.0 if direction > 0 else track.length_m
        found.append(
            Start(
                station_m=station,
                direction=direction,
                offset_m=float(chance.uniform(-offset_m, offset_m)),
                heading_rad=float(chance.uniform(-ASKEW_RAD, ASKEW_RAD)),
                light=lights[number // 2 % len(lights)],
                seed=int(chance.integers(1, 2**31)),
            )
        )
    return found
