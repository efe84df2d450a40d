"""The job that writes the report on a version, in three formats."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Final

from contract.files import atomic_files, disk_space
from contract.jobs import queue
from contract.settings import load
from evaluator.report import compose
from evaluator.settings import Settings

log = logging.getLogger(__name__)

REPORT_BYTES: Final = 32 << 20
"""Bytes that a report takes at most, in three formats and with its pictures and films."""


def run(version: int) -> dict[str, Any]:
    """Write the report on a version; RQ calls this in a process of its own.

    Returns what `lapwing report` shows: the paths of the report's files.

    Raises:
        ModelError: there is no such version, or one of its files is malformed.
    """
    _, report = queue.current_job()
    settings = load(Settings, os.environ)
    with disk_space.writing(settings.model_dir, "the report", REPORT_BYTES):
        return {"report": write(settings.model_dir, version, report)}


def write(models: Path, version: int, report: queue.Report) -> dict[str, Any]:
    """Do the work of `run`."""
    folder = compose.write_report(models, version, lambda phase: report(phase=phase))
    log.info("the report on version %d was written to %s", version, folder)
    return {
        "version": version,
        "folder": str(folder),
        "html": str(folder / compose.HTML),
        "markdown": str(folder / compose.MARKDOWN),
        "pdf": str(folder / compose.PDF),
        "sha256": atomic_files.sha256(folder / compose.HTML),
    }
