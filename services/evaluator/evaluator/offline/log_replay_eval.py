"""Evaluates a version on stored rows: log replay at two limits, and open-loop scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract import steering_metrics
from contract.frames.preprocess import Frame
from contract.frames.spec import SHAPE, SPEC
from contract.models.registry import ModelManifest
from contract.vehicle import ROW_S
from evaluator.offline import replay_policies
from evaluator.offline.lens.recorded_pose import measure_pose
from evaluator.offline.log_replay import LogReplayResult, replay_log
from evaluator.offline.path_quality import assess
from evaluator.offline.road import report as road_report
from evaluator.offline.road.track import find_recorded_road
from evaluator.offline.stored_drive import StoredDrive
from evaluator.offline.view_warp import ViewWarp
from simulator.rendering.scene_preset import CameraPose

LIMITS_M: Final = (1.0, 3.0)
"""DAVE-2's limit, and the offset at which a wheel leaves the lake's road of 8 m."""

Floats = NDArray[np.float64]
Steer = Callable[[Frame], float]


def stored_frames_note(manifest: ModelManifest) -> str:
    """Return what must be said of results on stored frames; "" for a version that takes those.

    A store keeps frames of 128 x 128 pixels. A version that was imported with a frame of its own
    gets that frame made of them, and so less detail than from the camera's pictures.
    """
    if manifest.frame_spec == SPEC:
        return ""
    return (
        "; the store keeps frames of 128 x 128 pixels, of which the version's own frames were "
        "made: it saw less detail than it does when it drives. `lapwing rerun` and `lapwing score` "
        "show it the recording's own pictures"
    )


def replay_stored(
    drive: StoredDrive, steer: Steer | None, limit_m: float, pose: CameraPose
) -> LogReplayResult:
    """Drive along stored rows with a model, or with a steering of 0 where `steer` is None.

    Args:
        drive: the rows.
        steer: the model.
        limit_m: largest offset from the recorded path.
        pose: how the cameras of the recording stood.
    """
    policy = replay_policies.make_policy("model" if steer else "zero", drive, steer, 1)
    return replay_log(drive, policy, limit_m, ViewWarp(shape=SHAPE, pose=pose))


def path_keeping_percent(drive: StoredDrive, left_m: Floats) -> Floats:
    """Return how well each segment's path was kept, shape (segments,), 0..100.

    The value is 100 (1 - mean(min(|offset|, 3 m)) / 3 m). Autonomy is too coarse for segments of a
    few seconds.

    Args:
        drive: the segments.
        left_m: offsets of a drive along them with a limit of 3 m, shape (rows,).
    """
    limit_m = LIMITS_M[-1]
    offset = np.minimum(np.abs(left_m), limit_m)
    rows = np.bincount(drive.segment)
    return np.asarray(100 * (1 - np.bincount(drive.segment, offset) / rows / limit_m))


def mean_by_block(drive: StoredDrive, scores: Floats, block_s: float) -> Floats:
    """Return the mean score of each block of a recording, shape (blocks,).

    Pieces that follow each other are alike: the same bend, light and speed. Blocks are equal
    stretches of the recording's time, and a block without a piece is left out.

    Args:
        drive: the pieces, as segments.
        scores: score of each segment, shape (segments,).
        block_s: length of a block in seconds, approximately.
    """
    begin_s = drive.time_s[np.searchsorted(drive.segment, np.arange(len(scores)))]
    count = max(1, round(float(drive.time_s[-1]) / block_s))
    share = begin_s / max(float(drive.time_s[-1]), ROW_S)
    block = np.minimum((share * count).astype(np.int64), count - 1)
    pieces = np.bincount(block, minlength=count)
    return np.asarray((np.bincount(block, scores, count) / np.maximum(pieces, 1))[pieces > 0])


def evaluate_replays(
    drive: StoredDrive, steer: Steer
) -> tuple[dict[str, Any], list[LogReplayResult]]:
    """Drive along stored rows at each limit; return the JSON document and the results."""
    measured = measure_pose(drive)
    results = [replay_stored(drive, steer, limit_m, measured.pose) for limit_m in LIMITS_M]
    road = find_recorded_road(drive, measured.pose, SHAPE)
    return {
        "dataset": drive.name,
        "rows": len(drive.time_s),
        "cameras": drive.camera_count,
        "reference": assess(drive).document(),
        "road": road_report.describe_road(road),
        "cameras_pose": measured.document(),
        "drives": [result.document(road) for result in results],
    }, results


def score_open_loop(drive: StoredDrive, steer: Steer) -> dict[str, Any]:
    """Return a version's open-loop errors beside the baselines' (contract/steering_metrics.py)."""
    predicted = [
        np.array([steer(drive.image(row, camera)) for row in range(len(drive.time_s))])
        for camera in range(drive.camera_count)
    ]
    centre = predicted[0]
    return {
        "dataset": drive.name,
        "rows": len(drive.time_s),
        "score": steering_metrics.score_drive(centre, drive.steering, drive.time_s, drive.segment),
        "by_bin": steering_metrics.by_bin(centre, drive.steering),
        "by_camera": steering_metrics.by_camera(predicted),
    }
