"""Publishes a version with the results of all jobs in its folder, for the tests of its report."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import av
import matplotlib.image
import numpy as np

from contract.dataset import split_file
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.models import layer_table
from contract.models.layer_table import Layer
from contract.models.registry import Registry
from evaluator.closed_loop import statistics
from simulator.viz.video_writer import Mp4Writer
from support.data import versions
from support.data.models import manifest

DATASETS = ("lake-forwards-0123abcd", "lake-backwards-4567cdef")
EVALUATION = "lake-6x1-seed1"
SHADOW = "shadow-20260102T040506-abcdef"
HISTORY = [
    {
        "epoch": epoch,
        "loss": 0.03 / epoch,
        "validation_mse": 0.02 / min(epoch, 5) + 0.002 * epoch,
        "samples_per_s": 700.0 + 10 * epoch,
        "data_share": 0.004 * epoch,
        "digest": "0" * 64,
    }
    for epoch in range(1, 7)
]
METRICS = {
    "train_samples": 25_000.0, "train_rows": 4_200.0, "train_mse": 0.004, "best_epoch": 3.0,
    "epochs": 6.0, "validation_rows": 900.0, "validation_mse": 0.0127, "validation_mse_zero": 0.03,
    "validation_mse_hold": 0.016, "validation_mae_deg": 1.9, "validation_correlation": 0.83,
    "twin_difference": 1e-6, "data_share": 0.01,
}  # fmt: skip


def publish(models: Path, **changes: Any) -> Path:
    """Publish a version with the manifest and files of a training, and return its folder."""
    registry = Registry(models)
    models.mkdir(exist_ok=True)
    job_id = f"train-{len(registry.versions()) + 1}"
    staged = versions.staged(models, job_id)
    layers = [
        Layer("cropping", "Cropping2D", "43 top, 12 bottom", "", (73, 128, 3), 0),
        Layer("conv_1", "Conv2D", "5 x 5, stride 2", "elu", (35, 62, 24), 1824),
        Layer("steering", "Dense", "", "", (1,), 11),
    ]
    layer_table.write(staged / layer_table.FILE, layers)
    split = DatasetSplit(2700, ((0, 1000), (1500, 2700)), ((1020, 1480),))
    split_file.write(staged / split_file.FILE, SplitFile(1.0, dict.fromkeys(DATASETS, split)))
    values = {
        "data": [
            {"dataset": name, "rows": 2700, "manifest_sha256": "ab" * 32} for name in DATASETS
        ],
        "config": {"epochs": 8, "batch": 64, "learning_rate": 0.001, "flip": True, "seed": 1},
        "history": HISTORY,
        "metrics": METRICS,
    }
    published = registry.publish(staged, manifest(job_id, **values | changes))
    return registry.path(published.version)


def judge(folder: Path) -> None:
    """Add the results of an evaluation and an explanation to the folder of a version."""
    evaluation = folder / "evaluations" / EVALUATION
    evaluation.mkdir(parents=True)
    conditions = [
        _condition(evaluation, name, failing) for name, failing in (("clear", 1), ("fog", 4))
    ]
    picture(evaluation / "conditions.png")
    _write(
        evaluation / "evaluation.json",
        {
            "version": 1,
            "model_sha256": "00",
            "track": "lake",
            "starts": 6,
            "laps": 1.0,
            "seed": 1,
            "made_at": "2026-01-02T04:05:06+00:00",
            "conditions": conditions,
            "pictures": ["conditions.png"],
        },
    )
    _write(
        folder / "evaluations" / "openloop" / "openloop.json",
        {"version": 1, "datasets": [_open_loop(DATASETS[0])]},
    )
    picture(folder / "evaluations" / "replay" / "lake.png")
    _write(
        folder / "evaluations" / "replay" / "replay.json",
        {"version": 1, "datasets": [_replay(DATASETS[0])]},
    )
    _write_shadow(folder / "evaluations" / SHADOW)
    picture(folder / "explanation" / "saliency.png")
    _write(
        folder / "explanation" / "explanation.json",
        {
            "pictures": [{"file": "saliency.png", "shows": "the frame, the crop, the saliency"}],
            "figures": [
                {"name": "labels as recorded", "value": 5358.0, "unit": "labels"},
                {"name": "share that is exactly 0", "value": 0.125, "unit": "1"},
            ],
            "missing": ["a recording is no longer there"],
        },
    )


def _write_shadow(folder: Path) -> None:
    """Add the results of a drive in which the version steered along with version 7."""
    for name in ("steering.png", "worst.png"):
        picture(folder / name)
    _write(
        folder / "shadow.json",
        {
            "version": 1,
            "model_sha256": "00",
            "drivers": [7],
            "made_at": "2026-01-02T04:06:06+00:00",
            "ended": "the time was over",
            "moments": 600,
            "simulators": 1,
            "seconds": 60.0,
            "mean_deg": -0.4,
            "mae_deg": 1.2,
            "rmse_deg": 1.9,
            "p95_deg": 4.5,
            "max_deg": 11.25,
            "correlation": 0.87,
            "opposite_percent": 2.5,
            "by_bin": [
                {"from": -0.05, "to": 0.05, "rows": 500.0, "mae_deg": 0.8, "bias_deg": -0.1},
                {"from": 0.05, "to": 0.2, "rows": 100.0, "mae_deg": 3.25, "bias_deg": -1.75},
            ],
            "left_out": {"held": 2},
            "pictures": ["steering.png", "worst.png"],
        },
    )


def picture(path: Path) -> None:
    """Write a small PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, 120, dtype=np.uint8)
    matplotlib.image.imsave(path, np.repeat(np.tile(ramp, (40, 1))[:, :, None], 3, axis=2))


def film(path: Path, frames: int = 30) -> None:
    """Write a film whose frames have one colour and become lighter."""
    with Mp4Writer(path, 64, 128, 15) as video:
        for number in range(frames):
            shade = np.full((96, 128), number * 255 // frames, np.uint8)
            video.add(av.VideoFrame.from_ndarray(shade, format="yuv420p"))


def _condition(folder: Path, name: str, failing: int) -> dict[str, Any]:
    drives = [_drive(number, number < failing) for number in range(6)]
    picture(folder / f"{name}.png")
    film(folder / f"{name}-worst.mp4")
    return {
        "condition": name,
        "measures": statistics.summarize(drives),
        "drives": drives,
        "pictures": [f"{name}.png"],
        "film": f"{name}-worst.mp4",
    }


def _drive(number: int, failed: bool) -> dict[str, Any]:
    interventions = [{"time_s": 20.0, "station_m": 310.5, "reason": "off_road"}] if failed else []
    return {
        "track": "lake",
        "direction": -1 if number % 2 else 1,
        "light": "clear",
        "seed": 1,
        "laps": 1.0,
        "station_m": 100.0 * number,
        "lateral_m": 0.1,
        "success": not failed,
        "finished": True,
        "laps_done": 1,
        "interventions": interventions,
        "metrics": {
            "autonomy_percent": 95.0 if failed else 100.0,
            "lateral_mae_m": 0.2 + number / 50,
            "lateral_max_m": 1.0,
            "off_road_share": 0.01,
            "whiteness_per_s": 0.5,
        },
    }


def _open_loop(dataset: str) -> dict[str, Any]:
    edges = [(-1.0, -0.5), (-0.5, -0.2), (-0.2, -0.05), (-0.05, 0.05), (0.05, 0.2), (0.2, 0.5)]
    return {
        "dataset": dataset,
        "rows": 900,
        "leak": "none: no row of training within 1 s",
        "score": {
            "rows": 900.0,
            "mse": 0.012,
            "mae_deg": 1.8,
            "mse_zero": 0.03,
            "mae_zero_deg": 2.4,
            "mse_hold": 0.016,
            "mae_hold_deg": 1.1,
            "skill": 0.25,
            "bias_deg": -0.2,
            "correlation": 0.8,
            "correlation_smoothed": None,
            "gain": 0.61,
            "gain_by_bin": [{"from": -0.5, "to": -0.2, "rows": 20.0, "gain": 0.55}],
        },
        "by_bin": [
            {
                "from": low,
                "to": high,
                "rows": 20.0 * 10 ** (3 - abs(number)),
                "mae_deg": 1.0 + abs(low) * 8,
                "bias_deg": -4 * (low + high) * math.cos(number),
            }
            for number, (low, high) in enumerate(edges, -3)
        ],
        "by_camera": [
            {"camera": "center", "mean": -0.01, "correction": 0.0},
            {"camera": "left", "mean": 0.17, "correction": 0.18},
        ],
    }


def _replay(dataset: str) -> dict[str, Any]:
    interventions = [{"row": 4, "time_s": 0.3, "left_m": 1.1}]
    return {
        "dataset": dataset,
        "rows": 460,
        "held_out": "460 validation rows",
        "cameras": 3,
        "reference": {"swinging": 0.2, "slipping": 0.0, "unfit": ["its own path swings"]},
        "road": {
            "width_m": 7.5,
            "found_percent": 81.2,
            "std_m": 0.2,
            "driver_left_m": -1.24,
            "driver_off_road_percent": 2.5,
        },
        "drives": [
            {
                "limit_m": limit,
                "autonomy_percent": autonomy,
                "deviation_rmse_m": 0.4,
                "deviation_without_steady_rmse_m": 0.25,
                "road": {"off_road_percent": 1.5, "times_off_road": 3},
                "deviation_mae_m": 0.3,
                "deviation_max_m": 1.1,
                "interventions": interventions,
            }
            for limit, autonomy in ((1.0, 80.4), (3.0, 100.0))
        ],
        "pictures": ["lake.png"],
    }


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
