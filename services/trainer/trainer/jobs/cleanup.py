"""Removes what jobs of the trainer have left on the model volume.

Nothing here needs Keras: the worker outlives its jobs, and cleans up after them.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from redis import Redis

from contract.errors import ModelError
from contract.files import inbox, locks
from contract.jobs import leftovers, queue
from contract.models.registry import Registry
from contract.settings import load
from trainer.settings import Settings
from trainer.training import run_state
from trainer.training.run_state import Workspace

if TYPE_CHECKING:
    from rq.job import Job

CURVES: Final = "tensorboard"
"""Folder of contract/tensorboard.py, which needs libraries that a worker does without."""
TRAINING: Final = re.compile(rf"{queue.TRAIN}-.*-[0-9a-f]{{6}}")
"""Id of a training, which is the name of its run in TensorBoard."""


def discard(job: Job, *_: object) -> None:
    """Remove the job's folder on the model volume; RQ calls this after it has killed the job."""
    workspace = Workspace(load(Settings, os.environ).model_dir, str(job.id))
    with workspace.lock():
        workspace.discard()


def sweep(settings: Settings, connection: Redis) -> None:
    """Remove what is left; the trainer does this when it starts and after each job.

    A training that has failed has no use for its workspace: nothing runs it again. Its curves in
    TensorBoard, which may tell why, are kept as long as `lapwing jobs` lists it.

    Raises:
        OSError: something cannot be removed.
        RedisError: Redis does not answer.
    """
    registry = Registry(settings.model_dir)
    leftovers.sweep_inbox(registry.root / inbox.MODEL_FILES, connection)
    _sweep_workspaces(settings, connection)
    _sweep_curves(registry, connection)
    for name in ("versions", run_state.FOLDER, CURVES):
        leftovers.remove_temporary(registry.root / name)
    for folder in (registry.root / "versions").glob("[!.]*"):
        leftovers.remove_temporary(folder)


def _sweep_workspaces(settings: Settings, connection: Redis) -> None:
    """Remove the workspaces of jobs that have ended, or that Redis has forgotten."""
    workspaces = run_state.list_workspaces(settings.model_dir)
    if not workspaces:
        return
    # The jobs are read after the workspaces: a job is in Redis before it makes its workspace.
    alive = {job.id for job in leftovers.unended(connection)}
    for job_id in workspaces:
        if job_id not in alive:
            with Workspace(settings.model_dir, job_id).try_lock() as workspace:
                if workspace is not None:
                    workspace.discard()


def _sweep_curves(registry: Registry, connection: Redis) -> None:
    """Remove the curves of trainings that published nothing and that Redis has forgotten."""
    folder = registry.root / CURVES
    runs = {path.name for path in folder.glob("*") if TRAINING.fullmatch(path.name)}
    if not runs:
        return
    runs -= {job.id for job in queue.views(connection)}
    for version in registry.versions():
        try:
            runs.discard(registry.manifest(version).job_id)
        except ModelError:  # It does not say which training made it, so all curves are kept.
            return
    for name in runs:
        locks.remove_abandoned(folder / name)
