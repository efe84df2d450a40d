"""Was it steered with keys? Their impulses are not what the road asked for."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import DRIVING_MPS, Drive, runs

AT_REST: Final = 0.3
"""Share of driven rows with one and the same steering, that of no key; of the keyboard's three real
recordings 0.47 to 0.79. With a wheel or a mouse no value recurs like that."""
PULSE_S: Final = 1.0
"""Longer than a keyboard driver holds a key."""
PULSES: Final = 0.7
"""Share of excursions from rest that are pulses; of real recordings 0.9 to 1."""
LEAST_PULSES: Final = 10
SATURATED: Final = 0.999


def examine(drive: Drive) -> list[Finding]:
    """Look for a steering that rests at one value and leaves it in short pulses."""
    driven = drive.speed_mps > DRIVING_MPS
    steering = drive.steering[driven]
    if not len(steering):
        return []
    values, counts = np.unique(steering, return_counts=True)
    rest = float(values[counts.argmax()])
    share = float(counts.max() / len(steering))
    away = runs(driven & (drive.steering != rest))
    length_s = np.array([after - first for first, after in away]) * drive.period_s
    pulses = length_s <= PULSE_S
    if share < AT_REST or pulses.sum() < LEAST_PULSES or pulses.mean() < PULSES:
        return []
    full = float((np.abs(steering) >= SATURATED).mean())
    return [
        Finding(
            "keyboard-impulses",
            drive.name,
            f"{share:.0%} of the driven rows have exactly the steering {rest:g}; it leaves it "
            f"{len(away)} times, for {np.median(length_s):.2f} s in the median, and is at full "
            f"lock in {full:.1%} of the rows",
            "Training takes means over 0.6 s unless told otherwise (--smooth-s); compare with "
            "--balance 1, by how it drives, or record with a mouse, wheel or joystick",
            {
                "rest": rest,
                "rest_share": round(share, 4),
                "excursions": len(away),
                "pulses": int(pulses.sum()),
                "median_s": round(float(np.median(length_s)), 3),
                "saturated_share": round(full, 4),
            },
        )
    ]
