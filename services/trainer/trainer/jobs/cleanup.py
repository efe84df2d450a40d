"""Cleans up after a job of the trainer that was stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from contract.settings import load
from trainer.settings import Settings
from trainer.training.run_state import Workspace

if TYPE_CHECKING:
    from rq.job import Job


def discard(job: Job, *_: object) -> None:
    """Remove the job's folder on the model volume; RQ calls this after it has killed the job."""
    Workspace(load(Settings, os.environ).model_dir, str(job.id)).discard()
