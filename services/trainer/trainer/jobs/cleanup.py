"""What the worker does once a training was stopped by hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from contract.settings import load
from trainer.settings import Settings
from trainer.training.run_state import Workspace

if TYPE_CHECKING:
    from rq.job import Job


def discard(job: Job, *_: object) -> None:
    """Remove what the job left on the model volume: RQ calls this after it killed the job."""
    Workspace(load(Settings, os.environ).model_dir, str(job.id)).discard()
