"""Records drives on a short circuit with straights and curves to both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulator.drivers.expert import DrivingStyle
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.track.geometry import Track
from simulator.track.layout import Arc, Straight, lay_out_loop
from simulator.unity.number_format import find_locale


def circuit() -> Track:
    """Return a circuit of 400 m with straights of 20 to 60 m and more curves to the left."""
    plan = lay_out_loop(
        [
            Straight(60, free=True),
            Arc(25, 100),
            Straight(20),
            Arc(25, -60),
            Straight(20),
            Arc(25, 140),
            Straight(60),
            Arc(25, 90),
            Straight(30, free=True),
            Arc(25, 90),
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
    lesson = DemonstrationConfig(
        direction=direction, mph=(mph, mph), seed=seed, style=DrivingStyle(keyboard=keyboard)
    )
    record_demonstration(circuit(), Appearance(light, seed), lesson, folder, find_locale("en-US"))
    return folder
