"""The job that says why: pictures of what a version sees, beside its files.

    <models>/versions/<n>/explanation/    explanation.json and the pictures that it lists

The version's own files stay as they are. The folder is replaced as a whole when it is made again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract import atomic_files, inbox, train_config
from contract.dataset import split_file
from contract.errors import FrameError, ModelError
from contract.frames import preprocess
from contract.jobs import queue
from contract.models.registry import H5, TFLITE, Registry
from contract.settings import load
from trainer.explain import label_stages, provenance, selection
from trainer.explain import validation as judging
from trainer.explain.explanation import Account
from trainer.explain.inspector import Eye
from trainer.explain.render import Drawing
from trainer.export import litert
from trainer.keras_import import reader
from trainer.settings import Settings
from trainer.training.run_state import Workspace

Frame = npt.NDArray[np.uint8]

FOLDER: Final = "explanation"
FILE: Final = "explanation.json"
MOST_IMAGES: Final = 16
MOST_BYTES: Final = 32 << 20
"""Of an image file."""
SHARES: Final = (0.02, 0.5, 0.98)
"""Where in the order of steering frames are chosen: a bend to the left, straight, to the right."""


def run(version: int, images: list[str] | None = None, staged: bool = False) -> dict[str, Any]:
    """Explain a version; RQ calls this in a process of its own.

    Args:
        version: its number.
        images: JPEG or PNG files; without any, frames that validated the version are chosen.
        staged: the images are copies in the inbox, and are removed afterwards.

    Returns:
        What `lapwing explain` shows.

    Raises:
        LapwingError: there is no such version, it is damaged or not understood, an image cannot be
            read, or there is nothing to look at.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    paths = [Path(each) for each in images or []]
    try:
        return {"explained": explain(settings, job_id, report, version, paths)}
    finally:
        if staged:
            inbox.discard(paths, settings.model_dir / inbox.MODEL_FILES)


def explain(
    settings: Settings, job_id: str, report: queue.Report, version: int, images: Sequence[Path]
) -> dict[str, Any]:
    """Do the work of `run` for the job `job_id`."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    final = registry.path(version) / FOLDER
    with workspace.hold(), atomic_files.lock(settings.model_dir / ".explanations.lock"):
        try:
            account = Account(
                version,
                registry.verify(version).sha256,
                job_id,
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            with atomic_files.replace_folder(final) as out:
                _gather(settings, report, registry, account, _read(images), out)
                atomic_files.write_json(out / FILE, account.document())
        finally:
            workspace.discard()
    return {**account.document(), "folder": str(final)}


def _read(images: Sequence[Path]) -> list[tuple[str, Frame]]:
    """Return the names and frames of image files."""
    if len(images) > MOST_IMAGES:
        raise FrameError("too many images", got=len(images), remedy=f"At most {MOST_IMAGES}")
    found = []
    for path in images:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise FrameError(f"{path.name} is too large", got=f"{path.stat().st_size:,} bytes")
            found.append((path.name, preprocess.resize(preprocess.decode_image(path.read_bytes()))))
        except OSError as error:
            raise FrameError(
                f"the image {path.name} cannot be read",
                got=error,
                remedy="Name a JPEG or PNG that the trainer's user may read",
            ) from error
    return found


def _gather(
    settings: Settings,
    report: queue.Report,
    registry: Registry,
    account: Account,
    images: Sequence[tuple[str, Frame]],
    out: Path,
) -> None:
    """Make all pictures of a version, and say what they are in the account."""
    report(phase="read")
    manifest, folder = registry.manifest(account.version), registry.path(account.version)
    eye = Eye(reader.read(folder / H5).network)
    split = split_file.read(folder / split_file.FILE)
    sources, account.missing = provenance.sources(settings.data_dir, manifest, split)
    judged = judging.judge(
        settings.data_dir,
        sources,
        lambda frames: litert.answers(folder / TFLITE, frames),
        lambda done, total: report(phase="validate", rows_done=done, rows_total=total),
    )
    if not images and not judged:
        raise ModelError(
            f"there is no frame to show of version {account.version}",
            got=" ".join(account.missing),
            remedy=f"Name some: lapwing explain {account.version} IMAGE…",
        )
    report(phase="draw")
    drawing = Drawing(settings.data_dir, account, eye, out)
    if judged:
        drawing.validation(judging.moments(judged))
        for figure in judging.figures(judged):
            account.figure(*figure)
    trained = [each for each in sources if each.train.any()]
    if trained:
        drawing.lessons(label_stages.lessons(trained, train_config.from_arguments(manifest.config)))
    for name, pixels in images:
        drawing.frame(name, pixels, None)
    if not images:
        moments = judging.moments(judged)
        for at in selection.spread(np.array([each.driver for each in moments]), SHARES):
            moment = moments[at]
            drawing.frame(moment.name, drawing.pixels(moment), moment.driver)
