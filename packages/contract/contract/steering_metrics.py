"""How near a model's steering is to the recorded one, beside two baselines that cost nothing.

Open loop: each frame counts by itself, whatever the answers would have led to. Codevilla et al.
2018, On Offline Evaluation of Vision-based Driving Models, arXiv 1809.04843, show how little such
errors say about driving. Beside their baselines they show at least whether anything was learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from contract.dataset import timeline
from contract.vehicle import CAMERA_NAMES, MAX_STEER_DEG

__all__ = [
    "SMOOTHING_S",
    "DriveScore",
    "Score",
    "by_bin",
    "by_camera",
    "correlation",
    "defined",
    "hold_last",
    "score",
    "score_drive",
]

EDGES: Final = (-1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)
"""Edges of the bins of recorded steering: hard, medium and slight to each side, and straight on."""
SMOOTHING_S: Final = 0.6
"""Width of the window, centred on each row, over which a keyboard's impulses are averaged."""

Values = NDArray[np.floating]
Floats = NDArray[np.float64]


class Score(TypedDict):
    """How predictions of some rows compare with the driver's steering."""

    rows: float
    mse: float
    """Mean squared error of the model."""
    mse_zero: float
    """Mean squared error of predicting 0."""
    mse_hold: float
    """Mean squared error of repeating the driver's steering of the row before."""
    mae_deg: float
    """Mean absolute error of the model, degrees at the wheels."""
    correlation: float | None
    """Pearson's correlation; None where either side is constant, since it is undefined there."""


class DriveScore(Score):
    """How predictions of a drive's rows compare, with what needs their order in time."""

    mae_zero_deg: float
    mae_hold_deg: float
    skill: float | None
    """1 - mse / min(mse_zero, mse_hold); None where a baseline has no error."""
    bias_deg: float
    """Mean error, degrees at the wheels, positive to the right."""
    correlation_smoothed: float | None
    """Pearson's correlation with the recorded steering smoothed over SMOOTHING_S."""


def score(predicted: Values, recorded: Values, held: Values) -> Score:
    """Score predictions of rows in order of time.

    Args:
        predicted: steering of the model, shape (rows,), -1..1.
        recorded: steering of the driver, shape (rows,).
        held: the driver's steering one row before, shape (rows,); see hold_last.
    """
    errors = _errors(predicted, recorded, held)
    return {
        "rows": float(len(recorded)),
        "mse": _mse(errors[""]),
        "mse_zero": _mse(errors["_zero"]),
        "mse_hold": _mse(errors["_hold"]),
        "mae_deg": _mae_deg(errors[""]),
        "correlation": correlation(predicted, recorded),
    }


def score_drive(
    predicted: Values,
    recorded: Values,
    time_s: Floats,
    segment: NDArray[np.int64],
    scored: NDArray[np.bool_] | None = None,
) -> DriveScore:
    """Score predictions of a whole drive, or of some of its rows.

    Args:
        predicted: steering of the model, shape (rows,), -1..1; it may be NaN where not scored.
        recorded: steering of the driver, shape (rows,).
        time_s: shape (rows,), never falling.
        segment: numbers of the segments of uninterrupted driving, shape (rows,); neither
            "hold last" nor a smoothing window crosses their borders.
        scored: the rows that count, shape (rows,), all by default. The others still serve
            "hold last" and smoothing.
    """
    held = hold_last(recorded, segment)
    smoothed: Values = timeline.window_means(recorded, time_s, segment, SMOOTHING_S)
    if scored is not None:
        predicted, recorded = predicted[scored], recorded[scored]
        held, smoothed = held[scored], smoothed[scored]
    errors = _errors(predicted, recorded, held)
    best_baseline = min(_mse(errors["_zero"]), _mse(errors["_hold"]))
    return {
        **score(predicted, recorded, held),
        "mae_zero_deg": _mae_deg(errors["_zero"]),
        "mae_hold_deg": _mae_deg(errors["_hold"]),
        "skill": 1 - _mse(errors[""]) / best_baseline if best_baseline > 0 else None,
        "bias_deg": float(np.mean(errors[""])) * MAX_STEER_DEG,
        "correlation_smoothed": correlation(predicted, smoothed),
    }


def by_bin(predicted: Values, recorded: Values) -> list[dict[str, float]]:
    """Return rows, mae_deg and bias_deg of each bin of recorded steering that has rows.

    A bin reaches from its lower edge up to, not including, its upper one; the last has both.
    """
    bins = np.clip(np.searchsorted(EDGES, recorded, side="right") - 1, 0, len(EDGES) - 2)
    scores = []
    for number in np.unique(bins).tolist():
        errors = (predicted - recorded)[bins == number]
        scores.append(
            {
                "from": EDGES[number],
                "to": EDGES[number + 1],
                "rows": float(len(errors)),
                "mae_deg": _mae_deg(errors),
                "bias_deg": float(np.mean(errors)) * MAX_STEER_DEG,
            }
        )
    return scores


def by_camera(predicted: Sequence[Values]) -> list[dict[str, Any]]:
    """Return the mean prediction for each camera, in the order of CAMERA_NAMES.

    `correction` is the mean prediction less that of the centre camera: what the model has learnt
    to do when it stands so far to a side. It compares with the side cameras' steering correction
    of the training.

    Args:
        predicted: predictions of the same rows for each camera, shape (rows,) each.
    """
    return [
        {
            "camera": name,
            "mean": float(answers.mean()),
            "correction": float((answers - predicted[0]).mean()),
        }
        for name, answers in zip(CAMERA_NAMES, predicted, strict=False)
    ]


def defined(metrics: Score) -> dict[str, float]:
    """Return the metrics that have a value: the correlation of a constant has none."""
    return {name: value for name, value in metrics.items() if isinstance(value, float)}


def hold_last(steering: Values, segment: NDArray[np.int64]) -> Values:
    """Return the steering of the row before, shape (rows,); 0 at the start of a segment."""
    held = np.zeros_like(steering)
    if len(steering) > 1:
        held[1:] = np.where(segment[1:] == segment[:-1], steering[:-1], 0.0)
    return held


def correlation(one: Values, other: Values) -> float | None:
    """Return Pearson's correlation, or None where either side is constant: it is undefined."""
    if not len(one) or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _errors(predicted: Values, recorded: Values, held: Values) -> dict[str, Floats]:
    """Return the errors of the model and of the baselines, by the ending of their metrics."""
    truth = recorded.astype(np.float64)
    return {
        "": predicted.astype(np.float64) - truth,
        "_zero": -truth,
        "_hold": held.astype(np.float64) - truth,
    }


def _mse(errors: Floats) -> float:
    return float(np.mean(errors**2))


def _mae_deg(errors: Values) -> float:
    return float(np.mean(np.abs(errors))) * MAX_STEER_DEG
