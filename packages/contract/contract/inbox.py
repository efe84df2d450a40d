"""The inboxes are folders on the volumes into which the command line copies files for workers.

In a container a worker does not see the files of the user who queues a job. The command line copies
them into a new folder of an inbox, and the worker removes that folder when the job has ended.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["MODEL_FILES", "RECORDINGS", "discard"]

log = logging.getLogger(__name__)

RECORDINGS: Final = "inbox"
"""Folder on the data volume with recordings for ingest."""
MODEL_FILES: Final = ".inbox"
"""Folder on the model volume with model files and pictures for the trainer."""


def discard(copies: Iterable[Path], inbox: Path) -> None:
    """Remove the folders of copies in an inbox; copies that lie outside the inbox are left alone.

    A folder that cannot be removed is logged and raises no error: that would hide how the job
    ended.

    Args:
        copies: paths of the copied files.
        inbox: path of the inbox.
    """
    # The paths are resolved, so that no ".." and no link leads out of the inbox.
    for folder in {copy.resolve().parent for copy in copies}:
        if folder.parent != inbox.resolve():
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            log.warning("the copy %s cannot be removed: %s", folder, error)
