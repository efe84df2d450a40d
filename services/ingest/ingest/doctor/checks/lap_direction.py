"""Checks that the track was driven in both directions, so that left and right are learned alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import RecordingArrays

WINDOW_S: Final = 0.5
"""Length of the moving mean that removes the noise before left and right are summed."""
MIN_NET_TURNS: Final = 0.75
"""Net turns of 360° that count as a lap.

This is a little less than one, because slow driving is not measured."""
MIN_RATIO: Final = 2.0
"""A recording has one direction if it turns this many times more to one side than to the other.

A lap of a track with many bends turns to both sides: in the jungle, 24 rad to the left and 18 rad
to the right."""


def check(recordings: Sequence[RecordingArrays], mirrored: Sequence[bool]) -> list[Finding]:
    """Integrate the seen yaw over all recordings together, since each may have one direction.

    Args:
        recordings: all recordings.
        mirrored: tells for each recording whether its images show left as right, so that they turn
            the other way.
    """
    turns = np.array(
        [
            _sum_turns(recording)[:: -1 if flip else 1]
            for recording, flip in zip(recordings, mirrored, strict=True)
        ]
    ).reshape(-1, 2)
    left, right = (float(side) for side in turns.sum(axis=0))
    net = (right - left) / (2 * math.pi)
    if abs(net) < MIN_NET_TURNS or max(left, right) < MIN_RATIO * min(left, right):
        return []
    side, other_side = ("right", "left") if net > 0 else ("left", "right")
    return [
        Finding(
            "one-direction",
            " + ".join(recording.name for recording in recordings),
            f"The car makes {abs(net):.1f} turns to the {side} in all: it turns "
            f"{math.degrees(left):.0f}° to the left and {math.degrees(right):.0f}° to the right",
            f"Record a lap in the other direction. Until then, train with --flip (the default), "
            f"which makes bends to the {other_side} from their mirror images",
            {
                "net_turns_right": round(net, 3),
                "left_rad": round(left, 3),
                "right_rad": round(right, 3),
                "each_net": [round(float(b - a) / (2 * math.pi), 3) for a, b in turns],
            },
        )
    ]


def _sum_turns(recording: RecordingArrays) -> tuple[float, float]:
    """Return how far a recording turns to the left and to the right, in rad, both positive."""
    width = max(1, round(WINDOW_S / recording.period_s))
    box = np.ones(width) / width
    yaw_rate = np.convolve(recording.seen_yaw_rate(), box, "same")[: len(recording.lines)]
    yaw = yaw_rate * np.clip(recording.step_s, 0.0, recording.period_s)
    return float(-yaw[yaw < 0].sum()), float(yaw[yaw > 0].sum())
