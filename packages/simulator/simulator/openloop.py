"""How near a model's steering is to the recorded one, beside what it costs nothing to say.

Open loop: each frame by itself, whatever the answers would have led to. Codevilla et al. 2018, On
Offline Evaluation of Vision-based Driving Models, arXiv 1809.04843, show how little such errors say
of driving. Beside their baselines they say at least whether anything was learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.wire.telemetry import STEERING_LOCK_DEG

EDGES: Final = (-1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)
"""Of the bins of recorded steering: hard, middling and slight to each side, and straight on."""
SMOOTH_S: Final = 0.6
"""Width of the window, centred on each row, over which a keyboard's impulses are averaged."""
ROUNDING_S: Final = 5e-4
"""Half of the millisecond of a recorder's time stamps."""

Floats = NDArray[np.float64]


def score(
    predicted: Floats,
    recorded: Floats,
    time_s: Floats,
    stretch: NDArray[np.int64],
    among: NDArray[np.bool_] | None = None,
) -> dict[str, float | None]:
    """Score predictions of N rows in order of time.

    Args:
        predicted: (N,), steering -1..1.
        recorded: (N,), the driver's.
        time_s: (N,), rising.
        stretch: (N,), of uninterrupted driving; neither "hold last" nor a window crosses a border.
        among: (N,), the rows that count, all by default. What is held and smoothed over are the
            others as well; nothing need be predicted for them.

    Returns:
        mse and mae_deg (at the wheels) of the model, of predicting zero and of holding the row
        before (0 at a stretch's start); skill = 1 - mse / min(mse_zero, mse_hold), None where a
        baseline has no error; bias_deg, the mean error, positive to the right; correlation with
        the label and with the smoothed label (Pearson; None where either side is constant).
    """
    held = np.zeros_like(recorded)
    held[1:] = np.where(np.diff(stretch) == 0, recorded[:-1], 0.0)
    label = smoothed(recorded, time_s, stretch)
    if among is not None:
        predicted, recorded, held, label = (
            each[among] for each in (predicted, recorded, held, label)
        )
    found: dict[str, float | None] = {"rows": float(len(recorded))}
    errors = {"": predicted - recorded, "_zero": -recorded, "_hold": held - recorded}
    mse = {}
    for name, error in errors.items():
        found[f"mse{name}"] = mse[name] = float(np.mean(error**2))
        found[f"mae{name}_deg"] = float(np.mean(np.abs(error))) * STEERING_LOCK_DEG
    best = min(mse["_zero"], mse["_hold"])
    found["skill"] = 1 - mse[""] / best if best > 0 else None
    found["bias_deg"] = float(np.mean(errors[""])) * STEERING_LOCK_DEG
    found["correlation"] = correlation(predicted, recorded)
    found["correlation_smoothed"] = correlation(predicted, label)
    return found


def by_bin(predicted: Floats, recorded: Floats) -> list[dict[str, float]]:
    """Return rows, mae_deg and bias_deg of each bin of recorded steering that has rows.

    A bin goes from its lower edge up to, not including, its upper one; the last has both.
    """
    bins = np.clip(np.searchsorted(EDGES, recorded, side="right") - 1, 0, len(EDGES) - 2)
    found = []
    for number in np.unique(bins).tolist():
        errors = (predicted - recorded)[bins == number] * STEERING_LOCK_DEG
        found.append(
            {
                "from": EDGES[number],
                "to": EDGES[number + 1],
                "rows": float(len(errors)),
                "mae_deg": float(np.abs(errors).mean()),
                "bias_deg": float(errors.mean()),
            }
        )
    return found


def by_camera(predicted: Sequence[Floats]) -> list[dict[str, Any]]:
    """Return how each camera (centre, left, right) is answered: (N,) predictions each.

    `correction` is the mean answer less the centre camera's: what the model has learnt to do when
    it is so far to a side, to be compared with the `--correction` that it was trained with.
    """
    return [
        {
            "camera": name,
            "mean": float(each.mean()),
            "correction": float((each - predicted[0]).mean()),
        }
        for name, each in zip(("center", "left", "right"), predicted, strict=False)
    ]


def smoothed(values: Floats, time_s: Floats, stretch: NDArray[np.int64]) -> Floats:
    """Return each row's mean, (N,), over the SMOOTH_S seconds around it, within its stretch."""
    half_s = SMOOTH_S / 2 + ROUNDING_S
    first = np.searchsorted(stretch, stretch, side="left")
    last = np.searchsorted(stretch, stretch, side="right")
    starts = np.maximum(np.searchsorted(time_s, time_s - half_s, side="left"), first)
    ends = np.minimum(np.searchsorted(time_s, time_s + half_s, side="right"), last)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def correlation(one: Floats, other: Floats) -> float | None:
    """Return Pearson's, or None where either side is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])
