"""The command `score`: compares a model's steering with recordings, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from contract import driver_speed, printing, steering_metrics
from contract.dataset import split_file, trained_rows
from contract.errors import RecordingError
from contract.models.registry import Registry
from contract.policy import load_version
from contract.policy.answer import output_count
from contract.policy.policy import LoadedPolicy
from contract.vehicle import MPS_PER_MPH
from evaluator.offline import leakage, logged_drive, output
from evaluator.offline.leakage import TrainingOverlap
from evaluator.offline.logged_drive import LoggedDrive


def score(
    version: Annotated[int, typer.Argument(min=1, help="Version of the model.")],
    recordings: Annotated[
        list[Path],
        typer.Argument(readable=False, help="Recordings: folders, zip files or tar files."),
    ],
    models: Annotated[
        Path, typer.Option(envvar="LAPWING_MODEL_DIR", help="Folder of the model registry.")
    ] = Path("lapwing-data/models"),
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Score only rows that are further from every training row than the split's gap.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of tables.")
    ] = False,
) -> None:
    """Compare a model's steering with the recorded one, beside two simple baselines.

    The baselines are a steering of 0, and the recorded steering of the row before.
    """
    registry = Registry(models)
    policy = load_version.load_policy(registry, version)
    manifest = policy.manifest
    folder = registry.path(manifest.version)
    split = split_file.read(folder / split_file.FILE)
    identities = trained_rows.read(folder / trained_rows.FILE)
    documents: list[dict[str, Any]] = []
    for path in recordings:
        with logged_drive.open_recordings(path) as sources:
            for source in sources:
                drive = logged_drive.read_recording(source)
                overlap = leakage.find_overlap(source, drive, manifest, split, identities)
                documents.append(_score_recording(policy, drive, overlap, held_out))
    if as_json:
        printing.print_json({"version": manifest.version, "recordings": documents})
    else:
        output.print_scores(manifest.version, documents)


def _score_recording(
    policy: LoadedPolicy,
    drive: LoggedDrive,
    overlap: TrainingOverlap,
    held_out: bool,
) -> dict[str, Any]:
    """Score one recording, or the part of it that was held out."""
    held_out_rows = overlap.held_out() if held_out else None
    scored = np.ones(len(drive.steering), np.bool_) if held_out_rows is None else held_out_rows
    if not scored.any():
        raise RecordingError(
            f"no row of {drive.name} was held out",
            got=overlap.document(scored)["says"],
            remedy="Name a recording that the model was not trained on, or score without "
            "--held-out",
        )
    with printing.progress_bar(drive.name) as set_share:
        predicted, speed_mph = _predict(drive, scored, policy, set_share)
    centre = predicted[0]
    speed = {}
    if output_count(policy.manifest.config) == 2:
        recorded_mph = drive.speed_mps / MPS_PER_MPH
        label_mph = driver_speed.label_speed(recorded_mph, drive.time_s, drive.segment)
        speed = {"speed": driver_speed.score_speed(speed_mph[scored], label_mph[scored])}
    return {
        "recording": drive.name,
        "left_out": drive.left_out,
        "held_out": held_out,
        "leak": overlap.document(scored),
        "score": steering_metrics.score_drive(
            centre, drive.steering, drive.time_s, drive.segment, scored
        ),
        "by_bin": steering_metrics.by_bin(centre[scored], drive.steering[scored]),
        "by_camera": steering_metrics.by_camera([camera[scored] for camera in predicted]),
        **speed,
    }


def _predict(
    drive: LoggedDrive,
    scored: NDArray[np.bool_],
    policy: LoadedPolicy,
    on_progress: Callable[[float], None],
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the predicted steering for each camera, and the speed for the centre camera in mph.

    The shape of each is (rows,); NaN stands at rows that are not scored, and for no speed.
    """
    speed_mph = np.full(len(drive.steering), np.nan)
    predicted = np.full((drive.camera_count, len(drive.steering)), np.nan)
    for row in np.flatnonzero(scored).tolist():
        for camera in range(drive.camera_count):
            answer = policy.answer_picture(drive.image(row, camera))
            predicted[camera, row] = answer.steering
            if camera == 0 and answer.speed_mph is not None:
                speed_mph[row] = answer.speed_mph
        on_progress((row + 1) / len(drive.image_paths))
    return list(predicted), speed_mph
