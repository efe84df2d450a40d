"""How good predictions are, beside the two baselines that cost nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contract.wire.telemetry import STEERING_LOCK_DEG

Values = npt.NDArray[np.float32]


def score(predicted: Values, label: Values, held: Values) -> dict[str, float]:
    """Score predictions of rows in order of time.

    Args:
        predicted: what the network says, shape (rows,).
        label: what the driver did.
        held: what the driver did one row before, 0 where nothing came before: "hold last".

    Returns:
        rows; mse, mse_zero (of predicting 0) and mse_hold; mae_deg, of degrees at the wheels;
        correlation (Pearson), 0 where either side is constant.
    """
    errors = predicted.astype(np.float64) - label
    spread = float(predicted.std()) * float(label.std())
    correlation = float(np.corrcoef(predicted, label)[0, 1]) if spread > 0 else 0.0
    return {
        "rows": float(len(label)),
        "mse": float(np.mean(errors**2)),
        "mse_zero": float(np.mean(label.astype(np.float64) ** 2)),
        "mse_hold": float(np.mean((held.astype(np.float64) - label) ** 2)),
        "mae_deg": float(np.mean(np.abs(errors))) * STEERING_LOCK_DEG,
        "correlation": correlation,
    }


def hold_last(steering: Values, stretches: npt.NDArray[np.int64]) -> Values:
    """Return each row's previous steering within its stretch of driving, 0 at a stretch's start."""
    held = np.zeros_like(steering)
    if len(steering) > 1:
        joined = stretches[1:] == stretches[:-1]
        held[1:] = np.where(joined, steering[:-1], 0.0)
    return held
