"""The report job: what is in a version's folder, as one document in three forms."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from contract import atomic_files
from contract.jobs import queue
from contract.settings import load
from evaluator.report import compose
from evaluator.settings import Settings

log = logging.getLogger(__name__)


def run(version: int) -> dict[str, Any]:
    """Write the report on a version; RQ calls this in a process of its own.

    Returns what `lapwing report` shows: where the forms of the report are.

    Raises:
        ModelError: there is no such version, or a file of it is malformed.
    """
    _, report = queue.current_job()
    settings = load(Settings, os.environ)
    return {"report": write(settings.model_dir, version, report)}


def write(models: Path, version: int, report: queue.Report) -> dict[str, Any]:
    """Do the work of `run`."""
    folder = compose.write(models, version, lambda phase: report(phase=phase))
    forms = {
        name: str(folder / file)
        for name, file in (
            ("html", compose.HTML),
            ("markdown", compose.MARKDOWN),
            ("pdf", compose.PDF),
        )
    }
    log.info("the report on version %d is %s", version, folder)
    digest = atomic_files.sha256(folder / compose.HTML)
    return {"version": version, "folder": str(folder), **forms, "sha256": digest}
