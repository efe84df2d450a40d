"""The inboxes: folders of the volumes into which commands copy files for workers.

In containers a worker does not see the files of whoever queues a job. The command line copies them
into a new folder of an inbox, and the worker removes that folder when the job has ended.
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
"""Below the data volume: recordings for ingest."""
MODEL_FILES: Final = ".inbox"
"""Below the model volume: model files and pictures for the trainer."""


def discard(copies: Iterable[Path], inbox: Path) -> None:
    """Remove copies with their folders, and nothing that lies outside the inbox.

    A copy that cannot be removed is logged: it must not hide how the job ended.
    """
    # Resolved, so that no ".." and no link leads the removal out of the inbox.
    for folder in {copy.resolve().parent for copy in copies}:
        if folder.parent != inbox.resolve():
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            log.warning("the copy %s cannot be removed: %s", folder, error)
