"""Compares a model's steering with the recorded steering, and with two simple baselines.

This is open-loop evaluation: each frame counts alone, and the answers do not move the car.
Codevilla et al. 2018, On Offline Evaluation of Vision-based Driving Models, arXiv 1809.04843, show
that such errors say little about driving. Compared with the baselines they show whether the model
has learnt anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from contract.dataset import timeline
from contract.vehicle import CAMERA_NAMES, MAX_STEER_DEG

__all__ = [
    "BIN_EDGES",
    "SMOOTHING_S",
    "DriveScore",
    "Score",
    "bin_numbers",
    "by_bin",
    "by_camera",
    "correlation",
    "defined",
    "gain",
    "gain_by_bin",
    "hold_last",
    "score",
    "score_drive",
]

BIN_EDGES: Final = (-1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)
"""Edges of the bins of recorded steering: hard, medium and slight to each side, and straight."""
SMOOTHING_S: Final = 0.6
"""Length in seconds of the window around each row over which recorded steering is averaged.

It smooths the short pulses of steering with a keyboard."""

Values = NDArray[np.floating]
Floats = NDArray[np.float64]


class Score(TypedDict):
    """Says how predictions for some rows compare with the driver's steering."""

    rows: float
    """Number of rows."""
    mse: float
    """Mean squared error of the model."""
    mse_zero: float
    """Mean squared error of predicting 0."""
    mse_hold: float
    """Mean squared error of repeating the driver's steering of the row before."""
    mae_deg: float
    """Mean absolute error of the model, in degrees at the wheels."""
    correlation: float | None
    """Pearson's correlation; None if one of the two is constant, since it is undefined then."""


class DriveScore(Score):
    """Adds the metrics that need the rows of a drive in their order in time."""

    mae_zero_deg: float
    """Mean absolute error of predicting 0, in degrees at the wheels."""
    mae_hold_deg: float
    """Mean absolute error of repeating the steering of the row before, in degrees at the wheels."""
    skill: float | None
    """1 - mse / min(mse_zero, mse_hold); None if a baseline has no error."""
    bias_deg: float
    """Mean error in degrees at the wheels, positive to the right."""
    correlation_smoothed: float | None
    """Pearson's correlation with the recorded steering, smoothed over SMOOTHING_S."""
    gain: float | None
    """Gain on the smoothed steering; see `gain`."""
    gain_by_bin: list[dict[str, float | None]]
    """Gain in each bin of smoothed steering that has rows; see `gain_by_bin`."""


def score(predicted: Values, recorded: Values, held: Values) -> Score:
    """Compare predictions with the driver's steering.

    Args:
        predicted: steering of the model, shape (rows,), -1..1.
        recorded: steering of the driver, shape (rows,).
        held: steering of the driver one row before, shape (rows,); see `hold_last`.
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
    """Compare predictions for a whole drive, or for some of its rows, with the driver's steering.

    Args:
        predicted: steering of the model, shape (rows,), -1..1; may be NaN in rows that are not
            scored.
        recorded: steering of the driver, shape (rows,).
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,). Neither "hold last" nor a smoothing
            window crosses from one segment into another.
        scored: mask of the rows that count, shape (rows,); None counts all rows. The other rows are
            still used for "hold last" and for smoothing.
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
        "gain": gain(predicted, smoothed),
        "gain_by_bin": gain_by_bin(predicted, smoothed),
    }


def by_bin(predicted: Values, recorded: Values) -> list[dict[str, float]]:
    """Return rows, mae_deg and bias_deg of each bin of recorded steering that has rows.

    A bin contains its lower edge but not its upper edge; the last bin contains both.

    Args:
        predicted: steering of the model, shape (rows,), -1..1.
        recorded: steering of the driver, shape (rows,).
    """
    row_bins = bin_numbers(recorded)
    scores = []
    for number in np.unique(row_bins).tolist():
        errors = (predicted - recorded)[row_bins == number]
        scores.append(
            {
                "from": BIN_EDGES[number],
                "to": BIN_EDGES[number + 1],
                "rows": float(len(errors)),
                "mae_deg": _mae_deg(errors),
                "bias_deg": float(np.mean(errors)) * MAX_STEER_DEG,
            }
        )
    return scores


def by_camera(predicted: Sequence[Values]) -> list[dict[str, Any]]:
    """Return the mean prediction for each camera, in the order of CAMERA_NAMES.

    `correction` is the mean prediction minus that of the centre camera: how the model steers when
    the car is that far from the path. It can be compared with the steering correction that the
    training used for the side cameras.

    Args:
        predicted: for each camera the predictions for the same rows, shape (rows,).
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
    """Return the metrics that have a value; the correlation of a constant has none."""
    return {name: value for name, value in metrics.items() if isinstance(value, float)}


def gain(predicted: Values, label: Values) -> float | None:
    """Return the slope of the line that fits the predictions best over the labels.

    It is 1 for a model that steers as much as its driver, and below 1 for one that under-steers.
    It is None without two different labels: then it is undefined. Noise of the labels makes it
    smaller, whatever the model (regression dilution), so they should be smoothed.

    Args:
        predicted: steering of the model, shape (rows,).
        label: steering of the driver, shape (rows,).
    """
    if not len(label) or np.ptp(label) == 0:
        return None
    centred = label.astype(np.float64) - np.mean(label, dtype=np.float64)
    return float(centred @ predicted.astype(np.float64) / (centred @ centred))


def gain_by_bin(predicted: Values, label: Values) -> list[dict[str, float | None]]:
    """Return from, to, rows and gain of each bin of the driver's steering that has rows.

    Within a bin it is the slope of the line through 0 that fits the predictions best over the
    labels: the bins are too narrow for a slope of their own. Around 0 there is no such line to
    speak of, so the gain of that bin is None. The bins are those of `by_bin`.

    Args:
        predicted: steering of the model, shape (rows,).
        label: steering of the driver, shape (rows,).
    """
    row_bins = bin_numbers(label)
    gains: list[dict[str, float | None]] = []
    for number in np.unique(row_bins).tolist():
        mask = row_bins == number
        low, high = BIN_EDGES[number], BIN_EDGES[number + 1]
        inside, answers = label[mask].astype(np.float64), predicted[mask].astype(np.float64)
        slope = None if low < 0 < high else float(inside @ answers / (inside @ inside))
        gains.append({"from": low, "to": high, "rows": float(mask.sum()), "gain": slope})
    return gains


def hold_last(steering: Values, segment: NDArray[np.int64]) -> Values:
    """Return the steering of the row before, shape (rows,), or 0 at the start of a segment."""
    held = np.zeros_like(steering)
    held[1:] = np.where(segment[1:] == segment[:-1], steering[:-1], 0.0)
    return held


def correlation(first: Values, second: Values) -> float | None:
    """Return Pearson's correlation, or None if one side is constant: then it is undefined."""
    if not len(first) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def bin_numbers(steering: Values) -> NDArray[np.int64]:
    """Return the number of each steering's bin of BIN_EDGES, from 0, shape (rows,).

    A bin contains its lower edge but not its upper edge; the last bin contains both.
    """
    numbers = np.searchsorted(BIN_EDGES, steering, side="right") - 1
    return np.clip(numbers, 0, len(BIN_EDGES) - 2)


def _errors(predicted: Values, recorded: Values, held: Values) -> dict[str, Floats]:
    """Return the errors of the model and of the baselines, by the suffix of their metrics."""
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
