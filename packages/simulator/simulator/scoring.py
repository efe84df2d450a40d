"""The command `score`: a model's steering on recorded frames, beside its baselines."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from contract import frame
from contract.errors import FrameError
from contract.registry import ModelManifest, Registry
from simulator import openloop, recorded, show, twin
from simulator.recorded import Recorded


def score(
    version: Annotated[int, typer.Argument(min=1, help="Of the model.")],
    recordings: Annotated[list[Path], typer.Argument(help="Folders, zips or tars.")],
    models: Annotated[
        Path, typer.Option(envvar="LAPWING_MODEL_DIR", help="The registry's folder.")
    ] = Path("lapwing-data/models"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = (
        False
    ),
) -> None:
    """Compare a model's steering with the recorded one, open loop, beside predict-zero and hold."""
    manifest, steer = twin.load(Registry(models), version)
    documents: list[dict[str, Any]] = []
    for path in recordings:
        with recorded.opened(path) as sources:
            documents += [_document(manifest, steer, recorded.of(source)) for source in sources]
    if as_json:
        show.document({"version": manifest.version, "recordings": documents})
    else:
        show.scores(manifest.version, documents)


def _document(
    manifest: ModelManifest, steer: Callable[[frame.Frame], float], road: Recorded
) -> dict[str, Any]:
    """Score one recording."""
    with show.progress(road.name) as told:
        answers = _answers(road, steer, told)
    return {
        "recording": road.name,
        "left_out": road.left_out,
        "leak": leak(manifest, road.name),
        "score": openloop.score(answers[0], road.steering, road.time_s, road.stretch),
        "by_bin": openloop.by_bin(answers[0], road.steering),
        "by_camera": openloop.by_camera(answers),
    }


def _answers(
    road: Recorded, steer: Callable[[frame.Frame], float], told: Callable[[float], None]
) -> list[NDArray[np.float64]]:
    """Return the steering of all rows, (N,), for each camera."""
    answers = np.zeros((road.cameras, len(road.steering)))
    for row, paths in enumerate(road.pictures):
        for camera, path in enumerate(paths):
            try:
                answers[camera, row] = steer(frame.prepare(path.read_bytes()))
            except (FrameError, OSError) as error:
                raise FrameError(
                    f"a picture of the recording cannot be used: {path.name}",
                    got=error,
                    remedy="Take the row's line out of driving_log.csv",
                ) from error
        told((row + 1) / len(road.pictures))
    return list(answers)


def leak(manifest: ModelManifest, name: str) -> str:
    """Say whether a model was trained on a recording of that name, as its manifest tells.

    Ingest calls a dataset by the recording's name and eight digits of its content. A recording that
    was renamed since is not found by this.
    """
    trained = [str(each.get("dataset")) for each in manifest.data]
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    same = [each for each in trained if each == slug or re.fullmatch(slug + "-[0-9a-f]{8}", each)]
    if same:
        return f"trained on {', '.join(same)}: these figures tell in part what was remembered"
    if not trained:
        return "not known: the manifest lists no recordings, as that of an imported model"
    return f"none by name: trained on {', '.join(trained)}"
