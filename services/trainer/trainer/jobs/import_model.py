"""The import job: a model file goes in, a version comes out that says which frames it takes.

Nothing in the file is executed. The network is computed three ways before it is published: with
NumPy from the file's own numbers, by Keras, and by LiteRT. All three must agree.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.dataset import store, store_catalog
from contract.errors import LapwingError, ModelError
from contract.files import atomic_files, disk_space, inbox
from contract.frames import preprocess, spec
from contract.frames.spec import FrameSpec
from contract.jobs import queue
from contract.models import golden
from contract.models.registry import H5, TFLITE, Registry
from contract.policy.litert import LiteRT
from contract.settings import load
from contract.storage import stores as object_stores
from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH
from trainer.export import layer_table, litert
from trainer.export.manifest import imported_manifest
from trainer.graph import keras_backend, numpy_backend
from trainer.graph.layers import NetworkSpec, Rescale, infer_shapes, summarize
from trainer.jobs.gate import enqueue_gate
from trainer.keras_import import affine, input_pipeline, model_source, reader, sandbox
from trainer.keras_import.input_pipeline import InputPipeline
from trainer.keras_import.reader import ModelFile
from trainer.settings import Settings
from trainer.training.run_state import Workspace

log = logging.getLogger(__name__)

Frames = npt.NDArray[np.uint8]

FRAMES: Final = 100
"""Number of frames on which the three forms are compared."""
CONSTANT: Final = 1e-6
"""Range of a network's answers, relative to them if they exceed 1, below which it is dead."""
WIDE: Final = 1.25
"""Size of an answer above which it is not just a steering of -1..1 that went too far."""
CAMERA_PICTURE: Final = FrameSpec(IMAGE_HEIGHT, IMAGE_WIDTH)
"""The simulator's picture, to whose size the frames are stretched from which a network's own frames
are made."""
COPIES: Final = 3
"""Number of files with all weights that a version brings: model.h5, its LiteRT form, and the copy
of model.h5 beside the versions."""
OTHER_BYTES: Final = 4 << 20
"""Bytes of a version's other files at most; its golden frames have 1.2 MB."""
BATCH: Final = 8
"""Number of frames that Keras computes at a time, so that large networks fit into memory."""


@dataclass(frozen=True)
class ImportOptions:
    """What the user says about a model file."""

    name: str
    """Name under which the manifest lists the file."""
    normalize: str = ""
    """Scaling of the pixels as an expression of x; "" takes the one in the file."""
    crop: tuple[int, int] = (0, 0)
    """Rows cut off at the top and the bottom of the simulator's image of 320 x 160."""
    size: tuple[int, int] | None = None
    """Width and height of the network's images; None takes what the file says."""
    color: str = "rgb"
    """Colour space of the network's images, one of contract.frames.spec.COLORS."""
    output: int | None = None
    """Number of the output that is the steering, from 0; None takes the only one."""
    weights: Path | None = None
    """The file of the weights that belong to a model.json."""
    interpolation: str = "linear"
    """How the image was resized, one of contract.frames.spec.INTERPOLATIONS."""

    def frame_spec(self, network: NetworkSpec) -> FrameSpec:
        """Return the frame that a network is given.

        Raises:
            ModelError: an option does not fit the network.
        """
        pipeline = InputPipeline(self.crop, self.color, self.interpolation)
        return input_pipeline.frame_spec(network.input_shape, pipeline)


def run(
    source: str,
    name: str,
    normalize: str = "",
    crop: list[int] | None = None,
    size: list[int] | None = None,
    color: str = "rgb",
    output: int | None = None,
    staged: bool = False,
    weights: str | None = None,
    interpolation: str = "linear",
) -> dict[str, Any]:
    """Import a model file; RQ calls this in a process of its own.

    Args:
        source: path of the .h5 or .keras file, of its unpacked folder, or of a model.json.
        name: name under which the manifest lists the file.
        normalize: scaling of the pixels by a Lambda or outside the network, an expression of x.
        crop: rows cut off at the top and the bottom of the simulator's image.
        size: width and height of the network's images.
        color: colour space of its images, one of `contract.frames.spec.COLORS`.
        output: number of the output that is the steering.
        staged: whether the files are copies in the inbox, which are removed afterwards.
        weights: path of the weights that belong to a model.json.
        interpolation: how they were resized, one of `contract.frames.spec.INTERPOLATIONS`.

    Returns:
        What `lapwing import-model` shows.

    Raises:
        LapwingError: the file is refused or not supported, or the three forms do not agree.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns of HDF5, which we promise
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    top, bottom = _pair("crop", crop) or (0, 0)
    paths = [Path(source), *([] if weights is None else [Path(weights)])]
    options = ImportOptions(
        name,
        normalize,
        (top, bottom),
        _pair("size", size),
        color,
        output,
        None if weights is None else Path(weights),
        interpolation,
    )
    copies = paths if staged else []
    with inbox.kept_for_retries(copies, settings.model_dir / inbox.MODEL_FILES, queue.is_final):
        result = import_file(settings, job_id, report, Path(source), options)
        version = result["imported"]["version"]
        return {**result, "gate": enqueue_gate(Registry(settings.model_dir), version)}


def _pair(name: str, value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) != 2
        or any(type(number) is not int for number in value)
    ):
        raise ModelError(
            f"{name} has a value it cannot take",
            got=value,
            remedy="It must be two whole numbers",
        )
    return value[0], value[1]


def import_file(
    settings: Settings,
    job_id: str,
    report: queue.Report,
    path: Path,
    options: ImportOptions,
    convert: Callable[[Path, Path], None] = litert.convert,
) -> dict[str, Any]:
    """Import a file for the job `job_id`, unless an earlier run published it.

    `convert` writes the LiteRT form of a model.h5, in a process of its own by default.
    """
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    with workspace.lock():
        try:
            manifest = registry.published_by(job_id)
            if manifest is None:
                report(phase="read")
                model_file, network = load_network(path, options)
                needed_bytes = _estimate_bytes(path, options)
                with disk_space.writing(settings.model_dir, "the version", needed_bytes):
                    staging_dir = workspace.staging_dir()
                    frame = options.frame_spec(network)
                    metrics = _convert(settings, report, network, frame, staging_dir, convert)
                    report(phase="publish")
                    notes = (*model_file.notes, *remarks(network, frame, metrics))
                    config = _config(path, options, replace(model_file, notes=notes), network)
                    manifest = registry.publish(
                        staging_dir, imported_manifest(job_id, config, metrics, frame)
                    )
        finally:
            workspace.discard()
    return {
        "imported": {
            "version": manifest.version,
            **manifest.config,
            "metrics": manifest.metrics,
            "sha256": {name: file["sha256"] for name, file in manifest.files.items()},
        }
    }


def _estimate_bytes(path: Path, options: ImportOptions) -> int:
    """Return how many bytes a version takes at most that is made of a model file."""
    sources = [file for file in model_source.files(path, options.weights) if file is not None]
    return COPIES * sum(file.stat().st_size for file in sources) + OTHER_BYTES


def load_network(
    path: Path, options: ImportOptions, timeout_s: float = sandbox.TIMEOUT_S
) -> tuple[ModelFile, NetworkSpec]:
    """Return the content of a file, and the network from its frame, uint8, to one steering.

    Reading the file may take at most `timeout_s` seconds.

    Raises:
        ModelError: the file is refused or not supported, or an option does not fit it.
    """
    size = None if options.size is None else (options.size[1], options.size[0])
    arguments = {"normalize": options.normalize, "output": options.output, "size": size}
    sandbox.read_in_subprocess(path, timeout_s, options.weights, **arguments)
    model_file = reader.read(path, options.normalize, options.output, size, options.weights)
    scaling = None
    if options.normalize and not model_file.normalized:
        scaling = affine.parse(options.normalize)
    pipeline = InputPipeline(options.crop, options.color, options.interpolation, scaling)
    imported = model_file.network
    options.frame_spec(imported)  # refuses options that do not fit
    before = input_pipeline.build_layers(pipeline)
    warnings = input_pipeline.warnings(imported.input_shape, pipeline, imported.layers)
    network = NetworkSpec(imported.input_shape, "uint8", (*before, *imported.layers))
    infer_shapes(network)  # refuses layers that do not fit
    if scaling is not None and any(isinstance(layer, Rescale) for layer in imported.layers):
        warnings.append(
            f"the pixels are scaled twice: first as --normalize says ({scaling}), then by a layer "
            "of the network. Leave --normalize out unless the author did both"
        )
    return replace(model_file, notes=(*model_file.notes, *warnings)), network


def _convert(
    settings: Settings,
    report: queue.Report,
    network: NetworkSpec,
    frame: FrameSpec,
    staging_dir: Path,
    convert: Callable[[Path, Path], None],
) -> dict[str, float]:
    """Write the files of the version; return how much the three forms differ."""
    report(phase="convert")
    model = keras_backend.build_model(network)
    model.save(staging_dir / H5)
    layer_table.write(staging_dir, model)
    convert(staging_dir / H5, staging_dir / TFLITE)
    report(phase="verify")
    pictures = np.stack(
        [preprocess.fit(stored, CAMERA_PICTURE) for stored in _frames(settings.data_dir)]
    )
    frames = np.stack([preprocess.fit(picture, frame) for picture in pictures])
    expected = numpy_backend.predict(network, frames)
    if not np.isfinite(expected).all():
        raise ModelError("the network's steering is not a finite number", got=float(expected[0, 0]))
    batches = np.array_split(frames, -(-len(frames) // BATCH))
    by_keras = np.concatenate([model.predict_on_batch(batch) for batch in batches])
    by_litert = LiteRT(staging_dir, frame.shape).predict(frames)
    golden.write(staging_dir / golden.FILE, pictures, by_litert)
    return {
        "forward_difference": litert.check_parity(expected, by_keras, "the Keras model"),
        "twin_difference": litert.check_parity(expected, by_litert),
        "frames": float(len(frames)),
        "steering_min": float(expected.min()),
        "steering_max": float(expected.max()),
    }


def _frames(data_dir: Path) -> Frames:
    """Return FRAMES frames from the newest recording, or generated ones if there is none."""
    try:
        object_stores.pull(data_dir)  # what other machines have imported
        newest = store_catalog.select_manifests(data_dir, [])[-1]
        with store.open_store(data_dir, newest) as recording:
            count = min(FRAMES, newest.frames)
            frames = np.empty((count, spec.HEIGHT, spec.WIDTH, spec.CHANNELS), np.uint8)
            recording.gather(np.linspace(0, newest.frames - 1, count).astype(np.int64), frames)
            return frames
    except LapwingError as error:  # a missing or damaged recording does not prevent an import
        log.info("compared on generated frames: %s", error)
    return _generated_frames()


def _generated_frames() -> Frames:
    """Return FRAMES frames of slopes of brightness and noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0 : spec.HEIGHT, 0 : spec.WIDTH] / spec.WIDTH
    slopes = rng.uniform(-200, 200, (FRAMES, 2, 1, 1, spec.CHANNELS))
    waves = slopes[:, 0] * x[..., None] + slopes[:, 1] * y[..., None] + 128
    return np.asarray(np.clip(waves + rng.normal(0, 20, waves.shape), 0, 255), dtype=np.uint8)


def remarks(network: NetworkSpec, frame: FrameSpec, metrics: dict[str, float]) -> list[str]:
    """Return sentences on answers that no steering looks like.

    Args:
        network: the network from a frame to one steering.
        frame: the frame that it is given.
        metrics: its steering_min and steering_max, over frames that may all be alike.
    """
    low, high = metrics["steering_min"], metrics["steering_max"]
    if _is_constant(low, high):
        frames = np.stack([preprocess.fit(picture, frame) for picture in _generated_frames()])
        answers = numpy_backend.predict(network, frames)[:, 0]
        low, high = min(low, float(answers.min())), max(high, float(answers.max()))
    if _is_constant(low, high):
        return [
            f"the network is dead: it answers {high:+.4f} to every frame, whatever the frame "
            "shows, so it cannot drive. Perhaps --normalize, --crop or --color is not the author's"
        ]
    if max(-low, high) > WIDE:
        return [
            f"the network's answers reach from {low:+.3g} to {high:+.3g}, and a steering is -1 to "
            "1: what is beyond is cut off. Perhaps its answers are degrees, or another --output "
            "is the steering"
        ]
    return []


def _is_constant(low: float, high: float) -> bool:
    return high - low <= CONSTANT * max(1.0, abs(low), abs(high))


def _config(
    path: Path, options: ImportOptions, model_file: ModelFile, network: NetworkSpec
) -> dict[str, object]:
    """Return what the manifest says about the file and the options of its import."""
    source, weights = model_source.files(path, options.weights)
    return {
        "imported_from": options.name,
        "source_sha256": atomic_files.sha256(source),
        "weights_sha256": "" if weights is None else atomic_files.sha256(weights),
        "keras": model_file.keras,
        "normalized": model_file.normalized or options.normalize,
        "crop": list(options.crop),
        "size": [model_file.network.input_shape[1], model_file.network.input_shape[0]],
        "color": options.color,
        "interpolation": options.interpolation,
        "frame": options.frame_spec(network).describe(),
        "output": options.output,
        "layers": summarize(network),
        "notes": list(model_file.notes),
    }
