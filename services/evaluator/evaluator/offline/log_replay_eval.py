"""Drives along what was recorded, of a version and for two of them to be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract import steering_metrics
from contract.frames.preprocess import Frame
from contract.frames.spec import SHAPE
from evaluator.offline import replay_policies
from evaluator.offline.log_replay import Rerun, rerun
from evaluator.offline.path_quality import judge
from evaluator.offline.stored_drive import Stored
from evaluator.offline.view_warp import Lens

LIMITS_M: Final = (1.0, 3.0)
"""DAVE-2's, and where a wheel leaves the lake's road of 8 m."""

Floats = NDArray[np.float64]
Steer = Callable[[Frame], float]


def drive(road: Stored, steer: Steer | None, limit_m: float) -> Rerun:
    """Drive along recorded rows, closed loop; None: with hands that never move."""
    policy = replay_policies.policy("model" if steer else "zero", road, steer, 1)
    return rerun(road, policy, limit_m, Lens(shape=SHAPE))


def kept_percent(road: Stored, steer: Steer | None) -> Floats:
    """Return how well each of S stretches was kept to, (S,), 0..100; None as with `drive`.

    100 (1 - mean(min(|offset|, 3 m)) / 3 m): an autonomy has too few steps in a few seconds.
    """
    limit_m = LIMITS_M[-1]
    offset = np.minimum(np.abs(drive(road, steer, limit_m).left_m), limit_m)
    rows = np.bincount(road.stretch)
    return np.asarray(100 * (1 - np.bincount(road.stretch, offset) / rows / limit_m))


def document(road: Stored, steer: Steer) -> tuple[dict[str, Any], list[Rerun]]:
    """Return what became of drives at each limit, and the drives themselves."""
    reference = judge(road)
    drives = [drive(road, steer, limit_m) for limit_m in LIMITS_M]
    return {
        "dataset": road.name,
        "rows": len(road.time_s),
        "cameras": road.cameras,
        "reference": {
            "swinging": reference.swinging,
            "slipping": reference.slipping,
            "unfit": list(reference.reasons),
        },
        "drives": [each.document() for each in drives],
    }, drives


def open_loop(road: Stored, steer: Steer) -> dict[str, Any]:
    """Return a version's errors on recorded frames, beside its baselines (steering_metrics.py)."""
    answers = [
        np.array([steer(road.picture(row, camera)) for row in range(len(road.time_s))])
        for camera in range(road.cameras)
    ]
    return {
        "dataset": road.name,
        "rows": len(road.time_s),
        "score": steering_metrics.score_drive(answers[0], road.steering, road.time_s, road.stretch),
        "by_bin": steering_metrics.by_bin(answers[0], road.steering),
        "by_camera": steering_metrics.by_camera(answers),
    }
