"""Checks whether the car was steered with keys, whose impulses are not what the road requires."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.doctor.finding import Finding
from ingest.doctor.recording_arrays import DRIVING_MPS, RecordingArrays, true_runs

MIN_REST_SHARE: Final = 0.3
"""Share of driven rows with exactly the same steering, that of no key, from which on keys are
suspected.

In real recordings made with a keyboard, it is 0.47 to 0.79. With a wheel or a mouse, no value is
repeated so often."""
MAX_PULSE_S: Final = 1.0
"""A person who drives with keys does not hold a key for longer than this."""
MIN_PULSE_SHARE: Final = 0.7
"""Share of the deviations from rest that are pulses; in real recordings, it is 0.9 to 1."""
MIN_PULSES: Final = 10
FULL_LOCK: Final = 0.999


def check(recording: RecordingArrays) -> list[Finding]:
    """Look for steering that rests at one value and leaves it in short pulses."""
    driven = recording.speed_mps > DRIVING_MPS
    steering = recording.steering[driven]
    if not len(steering):
        return []
    values, counts = np.unique(steering, return_counts=True)
    rest = float(values[counts.argmax()])
    rest_share = float(counts.max() / len(steering))
    deviations = true_runs(driven & (recording.steering != rest))
    length_s = np.array([end - first for first, end in deviations]) * recording.period_s
    is_pulse = length_s <= MAX_PULSE_S
    if (
        rest_share < MIN_REST_SHARE
        or is_pulse.sum() < MIN_PULSES
        or is_pulse.mean() < MIN_PULSE_SHARE
    ):
        return []
    full_lock_share = float((np.abs(steering) >= FULL_LOCK).mean())
    return [
        Finding(
            "keyboard-impulses",
            recording.name,
            f"The steering is exactly {rest:g} in {rest_share:.0%} of the driven rows. It leaves "
            f"this value {len(deviations)} times, for a median of {np.median(length_s):.2f} s, and "
            f"is at full lock in {full_lock_share:.1%} of the rows",
            "Training averages the steering over 0.6 s by default (--label-smoothing-s). Compare "
            "how a model trained with --max-bin-ratio 1 drives, or record with a mouse, a wheel or "
            "a joystick",
            {
                "rest": rest,
                "rest_share": round(rest_share, 4),
                "excursions": len(deviations),
                "pulses": int(is_pulse.sum()),
                "median_s": round(float(np.median(length_s)), 3),
                "saturated_share": round(full_lock_share, 4),
            },
        )
    ]
