"""The explanation job: images of what a version sees, in a folder beside its files.

    <models>/versions/<n>/explanation/    explanation.json and the images that it lists

The version's own files stay as they are. A new explanation replaces the whole folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract import train_config
from contract.dataset import split_file
from contract.errors import FrameError, ModelError
from contract.files import atomic_files, disk_space, inbox, locks
from contract.frames import preprocess, spec
from contract.jobs import queue
from contract.models.registry import H5, Registry
from contract.policy.litert import LiteRT
from contract.settings import load
from contract.storage import stores as object_stores
from trainer.explain import provenance, selection, validation
from trainer.explain.explanation import Explanation
from trainer.explain.inspector import ModelInspector
from trainer.explain.label_stages import label_stages
from trainer.explain.render import Renderer
from trainer.keras_import import reader
from trainer.settings import Settings
from trainer.training.run_state import Workspace

Frame = npt.NDArray[np.uint8]

FOLDER: Final = "explanation"
FILE: Final = "explanation.json"
MAX_IMAGES: Final = 16
MAX_IMAGE_BYTES: Final = 32 << 20
"""Maximum size of an image file."""
EXPLANATION_BYTES: Final = 16 << 20
"""Bytes that the images of an explanation take at most."""
QUANTILES: Final = (0.02, 0.5, 0.98)
"""Quantiles of the steering at which frames are shown: a left bend, straight on, a right bend."""


def run(version: int, images: list[str] | None = None, staged: bool = False) -> dict[str, Any]:
    """Explain a version; RQ calls this in a process of its own.

    Args:
        version: number of the version.
        images: JPEG or PNG files; without any, frames that validated the version are shown.
        staged: whether the images are copies in the inbox, which are removed afterwards.

    Returns:
        What `lapwing explain` shows.

    Raises:
        LapwingError: the version does not exist or is damaged, an image cannot be read, or there is
            no frame to show.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    paths = [Path(image) for image in images or []]
    copies = paths if staged else []
    with inbox.kept_for_retries(copies, settings.model_dir / inbox.MODEL_FILES, queue.is_final):
        return {"explained": explain(settings, job_id, report, version, paths)}


def explain(
    settings: Settings, job_id: str, report: queue.Report, version: int, images: Sequence[Path]
) -> dict[str, Any]:
    """Explain a version for the job `job_id`."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    object_stores.pull(settings.data_dir)  # what other machines have imported
    folder = registry.path(version) / FOLDER
    with (
        disk_space.writing(settings.model_dir, "the explanation", EXPLANATION_BYTES),
        workspace.lock(),
        locks.lock(settings.model_dir / ".explanations.lock"),
    ):
        try:
            explanation = Explanation(
                version,
                registry.verify(version).sha256,
                job_id,
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            with atomic_files.replace_folder(folder) as out:
                _draw(settings, report, registry, explanation, _read_images(images), out)
                atomic_files.write_json(out / FILE, explanation.to_json())
        finally:
            workspace.discard()
    return {**explanation.to_json(), "folder": str(folder)}


def _read_images(images: Sequence[Path]) -> list[tuple[str, Frame]]:
    """Return the names and decoded pictures of image files."""
    if len(images) > MAX_IMAGES:
        raise FrameError("too many images", got=len(images), remedy=f"Name at most {MAX_IMAGES}")
    pictures = []
    for path in images:
        try:
            if path.stat().st_size > MAX_IMAGE_BYTES:
                raise FrameError(f"{path.name} is too large", got=f"{path.stat().st_size:,} bytes")
            pictures.append((path.name, preprocess.decode_image(path.read_bytes())))
        except OSError as error:
            raise FrameError(
                f"the image {path.name} cannot be read",
                got=error,
                remedy="Name a JPEG or PNG file that the trainer's user may read",
            ) from error
    return pictures


def _draw(
    settings: Settings,
    report: queue.Report,
    registry: Registry,
    explanation: Explanation,
    images: Sequence[tuple[str, Frame]],
    out: Path,
) -> None:
    """Draw all images of a version, and list them in its explanation."""
    report(phase="read")
    version = explanation.version
    manifest, folder = registry.manifest(version), registry.path(version)
    frame = spec.parse(manifest.frame_spec)
    inspector = ModelInspector(reader.read(folder / H5, whole=True).network, frame)
    backend = LiteRT(folder, frame.shape)

    def predict(stored: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        frames = np.stack([preprocess.fit(picture, frame) for picture in stored])
        return backend.predict(frames)[:, 0]  # the steering, whatever else the version answers

    split = split_file.read(folder / split_file.FILE)
    recordings, explanation.missing = provenance.find_recordings(settings.data_dir, manifest, split)
    predictions = validation.predict_validation(
        settings.data_dir,
        recordings,
        predict,
        lambda done, total: report(phase="validate", rows_done=done, rows_total=total),
    )
    if not images and not predictions:
        raise ModelError(
            f"there is no frame to show for version {version}",
            got=" ".join(explanation.missing),
            remedy=f"Name some images: lapwing explain {version} IMAGE…",
        )
    report(phase="draw")
    renderer = Renderer(settings.data_dir, explanation, inspector, out)
    rows = validation.row_predictions(predictions)
    if predictions:
        renderer.draw_validation(rows)
        for name, value, unit in validation.figures(predictions):
            explanation.add_figure(name, value, unit)
    trained = [recording for recording in recordings if recording.train.any()]
    if trained:
        config = train_config.from_arguments(manifest.config)
        renderer.draw_label_stages(label_stages(trained, config))
    for name, picture in images:
        renderer.draw_frame(name, picture, None)
    if not images:
        for index in selection.at_quantiles(np.array([row.driver for row in rows]), QUANTILES):
            row = rows[index]
            renderer.draw_frame(row.name, renderer.read_frame(row), row.driver)
