"""Records drives on a short circuit with straights and curves to both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulator.drivers.expert import Manner
from simulator.recording.demonstrations import Lesson, record
from simulator.rendering.appearance import Look
from simulator.track.builtin import Bend, Straight, loop
from simulator.track.geometry import Track
from simulator.unity.number_format import locale


def circuit() -> Track:
    """Return a circuit of 400 m with straights of 20 to 60 m and more curves to the left."""
    plan = loop(
        [
            Straight(60, free=True),
            Bend(25, 100),
            Straight(20),
            Bend(25, -60),
            Straight(20),
            Bend(25, 140),
            Straight(60),
            Bend(25, 90),
            Straight(30, free=True),
            Bend(25, 90),
        ]
    )
    points = np.column_stack([plan, np.zeros(len(plan))])
    return Track("circuit", "lake", True, points, np.full(len(points), 8.0))


def drive(
    folder: Path,
    direction: int,
    seed: int = 1,
    light: str = "clear",
    mph: float = 20.0,
    keyboard: bool = False,
) -> Path:
    """Record a lap of the circuit, and return the folder of the recording."""
    lesson = Lesson(
        direction=direction, mph=(mph, mph), seed=seed, manner=Manner(keyboard=keyboard)
    )
    record(circuit(), Look(light, seed), lesson, folder, locale("en-US"))
    return folder
