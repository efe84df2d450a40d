"""Was the track driven one way round only? Then left and right are not learnt alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import Drive

WINDOW_S: Final = 0.5
"""Of the moving mean that takes the measurement's noise off before left and right are summed."""
LEAST_TURNS: Final = 0.75
"""Net turns of 360° from which on it was a lap: a little less than one, since slow stretches are
not measured."""
RATIO: Final = 2.0
"""Times that more was turned to one side than to the other. A lap of a track with as many bends as
the jungle's has both: 24 rad to the left and 18 to the right."""


def examine(drives: Sequence[Drive], mirrored: Sequence[bool]) -> list[Finding]:
    """Integrate the yaw seen over all recordings together: one may go each way round.

    Args:
        drives: all recordings.
        mirrored: of each, whether its pictures show left as right, so that they turn the other way.
    """
    turned = np.array(
        [_turned(drive)[:: -1 if flip else 1] for drive, flip in zip(drives, mirrored, strict=True)]
    ).reshape(-1, 2)
    left, right = (float(each) for each in turned.sum(axis=0))
    net = (right - left) / (2 * math.pi)
    if abs(net) < LEAST_TURNS or max(left, right) < RATIO * min(left, right):
        return []
    way, other = ("right", "left") if net > 0 else ("left", "right")
    return [
        Finding(
            "one-direction",
            " + ".join(drive.name for drive in drives),
            f"{abs(net):.1f} turns to the {way} in all: {math.degrees(left):.0f}° to the left and "
            f"{math.degrees(right):.0f}° to the right",
            f"Record a lap the other way round; until then, train with --flip (the default), which "
            f"makes the bends to the {other} of their mirror images",
            {
                "net_turns_right": round(net, 3),
                "left_rad": round(left, 3),
                "right_rad": round(right, 3),
                "each_net": [round(float(b - a) / (2 * math.pi), 3) for a, b in turned],
            },
        )
    ]


def _turned(drive: Drive) -> tuple[float, float]:
    """Return how far a recording turns to the left and to the right, rad, both positive."""
    width = max(1, round(WINDOW_S / drive.period_s))
    rate = np.convolve(drive.yaw_rate(), np.ones(width) / width, "same")[: len(drive.lines)]
    turned = rate * np.clip(drive.step_s, 0.0, drive.period_s)
    return float(-turned[turned < 0].sum()), float(turned[turned > 0].sum())
