"""The import job: somebody's model.h5 in, a published version out that takes the contract's frames.

Nothing of the file is executed. What is published was computed three ways, with NumPy from the
file's own numbers, by Keras and by LiteRT, and they agreed.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract import atomic_files, inbox
from contract.dataset import store
from contract.errors import LapwingError, ModelError
from contract.frames import spec
from contract.jobs import queue
from contract.models import golden
from contract.models.registry import H5, TFLITE, ModelManifest, Registry
from contract.settings import load
from trainer import gate, outline
from trainer.export import layer_table, litert
from trainer.export import manifest as release
from trainer.graph import keras_backend, numpy_backend
from trainer.graph.layers import Network
from trainer.keras_import import affine, input_pipeline, sandbox
from trainer.keras_import import reader as modelfile
from trainer.keras_import.input_pipeline import Preparation
from trainer.keras_import.reader import ModelFile
from trainer.settings import Settings
from trainer.training.run_state import Workspace

log = logging.getLogger(__name__)

Frames = npt.NDArray[np.uint8]

FRAMES: Final = 100
"""On which the three are compared."""
BATCH: Final = 8
"""Of them at a time, for large networks' sake."""
"""On the model volume: where the command line puts files for a worker that does not see its own."""


@dataclass(frozen=True)
class Choices:
    """What the command line was told of a model file."""

    name: str
    normalize: str = ""
    """An expression of x; "" takes what the file says."""
    crop: tuple[int, int] = (0, 0)
    """Rows cut off at the top and bottom of the picture of 320 x 160."""
    size: tuple[int, int] | None = None
    """Width and height of the picture that the network takes; None: as the file says."""
    color: str = "rgb"
    output: int | None = None


def run(
    source: str,
    name: str,
    normalize: str = "",
    crop: list[int] | None = None,
    size: list[int] | None = None,
    color: str = "rgb",
    output: int | None = None,
    staged: bool = False,
) -> dict[str, Any]:
    """Import a model file; RQ calls this in a process of its own.

    Args:
        source: the path of the .h5 file.
        name: what to call it.
        normalize: the scaling that a Lambda, or something outside the network, did to pixels.
        crop: rows cut off at the top and bottom of the simulator's picture.
        size: width and height of the network's pictures.
        color: one of `preparation.COLORS`.
        output: which of several outputs is the steering.
        staged: the source is a copy in the inbox, and is removed afterwards.

    Returns:
        What `lapwing import-model` shows.

    Raises:
        LapwingError: the file is refused, is not understood, or the three do not agree.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns of HDF5, which we promise
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    top, bottom = _two("crop", crop) or (0, 0)
    choices = Choices(name, normalize, (top, bottom), _two("size", size), color, output)
    try:
        result = import_file(settings, job_id, report, Path(source), choices)
        version = result["imported"]["version"]
        return {**result, "gate": gate.ask(Registry(settings.model_dir), version)}
    finally:
        if staged:
            inbox.discard([Path(source)], settings.model_dir / inbox.MODEL_FILES)


def _two(name: str, value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) != 2
        or any(type(each) is not int for each in value)
    ):
        raise ModelError(
            f"{name} has a value it cannot take", got=value, remedy="Two whole numbers"
        )
    return value[0], value[1]


def import_file(
    settings: Settings, job_id: str, report: queue.Report, path: Path, choices: Choices
) -> dict[str, Any]:
    """Do the work of `run` for the job `job_id`."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    with workspace.hold():
        try:
            published = registry.of_job(job_id)
            if published is None:
                report(phase="read")
                found, network = understand(path, choices)
                staged = workspace.stage()
                metrics = _convert(settings, report, network, staged)
                report(phase="publish")
                manifest = _manifest(job_id, path, choices, found, network, metrics)
                published = registry.publish(staged, manifest)
        finally:
            workspace.discard()
    return {
        "imported": {
            "version": published.version,
            **published.config,
            "metrics": published.metrics,
            "sha256": {name: each["sha256"] for name, each in published.files.items()},
        }
    }


def understand(
    path: Path, choices: Choices, limit_s: float = sandbox.LIMIT_S
) -> tuple[ModelFile, Network]:
    """Return what a file says, and the whole network from a frame to one steering.

    Reading the file may take `limit_s` seconds.

    Raises:
        ModelError: the file is refused or not understood, or a choice does not fit it.
    """
    size = None if choices.size is None else (choices.size[1], choices.size[0])
    told = {"normalize": choices.normalize, "output": choices.output, "size": size}
    sandbox.rehearse(path, limit_s, **told)
    found = modelfile.read(path, choices.normalize, choices.output, size)
    outside = None
    if choices.normalize and not found.normalized:
        outside = affine.parse(choices.normalize)
    how = Preparation(choices.crop, choices.color, outside)
    inner = found.network
    before = input_pipeline.layers(inner.input_shape, how)
    doubts = input_pipeline.doubts(inner.input_shape, how, inner.layers)
    network = Network((spec.HEIGHT, spec.WIDTH, spec.CHANNELS), "uint8", (*before, *inner.layers))
    outline.check(network)
    return replace(found, notes=(*found.notes, *doubts)), network


def _convert(
    settings: Settings, report: queue.Report, network: Network, staged: Path
) -> dict[str, float]:
    """Write all files of the version; return how far the three ways are from each other."""
    report(phase="convert")
    built = keras_backend.build(network)
    built.save(staged / H5)
    layer_table.write(staged, built)
    litert.convert(staged / H5, staged / TFLITE)
    report(phase="verify")
    frames = _frames(settings.data_dir)
    expected = numpy_backend.answers(network, frames)[:, 0]
    if not np.isfinite(expected).all():
        raise ModelError("the network's answers are no numbers", got=float(expected[0]))
    batches = np.array_split(frames, -(-len(frames) // BATCH))
    keras_answers = np.concatenate([built.predict_on_batch(each) for each in batches])[:, 0]
    twin_answers = litert.answers(staged / TFLITE, frames)
    golden.write(staged / golden.FILE, frames, twin_answers)
    return {
        "forward_difference": litert.compare(expected, keras_answers, "Keras's network"),
        "twin_difference": litert.compare(expected, twin_answers),
        "frames": float(len(frames)),
        "steering_min": float(expected.min()),
        "steering_max": float(expected.max()),
    }


def _frames(data_dir: Path) -> Frames:
    """Return FRAMES frames: recorded ones where there are any, or made ones."""
    try:
        newest = store.select_manifests(data_dir, [])[-1]
        with store.open_store(data_dir, newest) as reader:
            count = min(FRAMES, newest.frames)
            frames = np.empty((count, spec.HEIGHT, spec.WIDTH, spec.CHANNELS), np.uint8)
            reader.gather(np.linspace(0, newest.frames - 1, count).astype(np.int64), frames)
            return frames
    except LapwingError as error:  # no recording, or a damaged one, is no reason not to import
        log.info("compared on made frames: %s", error)
    random = np.random.default_rng(1)
    y, x = np.mgrid[0 : spec.HEIGHT, 0 : spec.WIDTH] / spec.WIDTH
    slopes = random.uniform(-200, 200, (FRAMES, 2, 1, 1, spec.CHANNELS))
    waves = slopes[:, 0] * x[..., None] + slopes[:, 1] * y[..., None] + 128
    return np.asarray(np.clip(waves + random.normal(0, 20, waves.shape), 0, 255), dtype=np.uint8)


def _manifest(
    job_id: str,
    path: Path,
    choices: Choices,
    found: ModelFile,
    network: Network,
    metrics: dict[str, float],
) -> ModelManifest:
    config: dict[str, object] = {
        "imported_from": choices.name,
        "source_sha256": atomic_files.sha256(path),
        "keras": found.keras,
        "normalized": found.normalized or choices.normalize,
        "crop": list(choices.crop),
        "size": [found.network.input_shape[1], found.network.input_shape[0]],
        "color": choices.color,
        "output": choices.output,
        "layers": outline.described(network),
        "notes": list(found.notes),
    }
    return release.imported(job_id, config, metrics)
