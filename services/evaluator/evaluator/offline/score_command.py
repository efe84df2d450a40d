"""The command `score`: a model's steering on recorded frames, beside its baselines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from contract import steering_metrics
from contract.dataset import split_file
from contract.errors import RecordingError
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import load_version
from evaluator.offline import leakage, logged_drive, output
from evaluator.offline.leakage import Leak
from evaluator.offline.logged_drive import Recorded
from simulator.cli.output import document, progress


def score(
    version: Annotated[int, typer.Argument(min=1, help="Of the model.")],
    recordings: Annotated[list[Path], typer.Argument(help="Folders, zips or tars.")],
    models: Annotated[
        Path, typer.Option(envvar="LAPWING_MODEL_DIR", help="The registry's folder.")
    ] = Path("lapwing-data/models"),
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Only rows with none within the gap that was trained on."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = (
        False
    ),
) -> None:
    """Compare a model's steering with the recorded one, open loop, beside predict-zero and hold."""
    registry = Registry(models)
    manifest, steer = load_version.load(registry, version)
    split = split_file.read(registry.path(manifest.version) / split_file.FILE)
    documents: list[dict[str, Any]] = []
    for path in recordings:
        with logged_drive.opened(path) as sources:
            for source in sources:
                road = logged_drive.of(source)
                known = leakage.of(source, road, manifest, split)
                documents.append(_document(steer, road, known, held_out))
    if as_json:
        document({"version": manifest.version, "recordings": documents})
    else:
        output.scores(manifest.version, documents)


def _document(
    steer: Callable[[preprocess.Frame], float], road: Recorded, known: Leak, held_out: bool
) -> dict[str, Any]:
    """Score one recording, or what of it was held out."""
    among = known.held_out() if held_out else None
    scored = np.ones(len(road.steering), np.bool_) if among is None else among
    if not scored.any():
        raise RecordingError(
            f"no row of {road.name} was held out",
            got=known.document(scored)["says"],
            remedy="Name a recording that was not trained on, or score without --held-out",
        )
    with progress(road.name) as told:
        answers = _answers(road, scored, steer, told)
    centre = answers[0]
    return {
        "recording": road.name,
        "left_out": road.left_out,
        "held_out": held_out,
        "leak": known.document(scored),
        "score": steering_metrics.score_drive(
            centre, road.steering, road.time_s, road.stretch, scored
        ),
        "by_bin": steering_metrics.by_bin(centre[scored], road.steering[scored]),
        "by_camera": steering_metrics.by_camera([each[scored] for each in answers]),
    }


def _answers(
    road: Recorded,
    scored: NDArray[np.bool_],
    steer: Callable[[preprocess.Frame], float],
    told: Callable[[float], None],
) -> list[NDArray[np.float64]]:
    """Return the steering of the rows (N,) that are scored, (N,), for each camera; else NaN."""
    answers = np.full((road.cameras, len(road.steering)), np.nan)
    for row in np.flatnonzero(scored).tolist():
        for camera in range(road.cameras):
            answers[camera, row] = steer(preprocess.resize(road.picture(row, camera)))
        told((row + 1) / len(road.pictures))
    return list(answers)
