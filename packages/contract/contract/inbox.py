"""The inboxes are folders on the volumes into which the command line copies files for workers.

In a container a worker does not see the files of the user who queues a job. The command line copies
them into a new folder of an inbox, and the worker removes that folder when the job has ended: not
before its last try, because the next one would find nothing.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["MODEL_FILES", "RECORDINGS", "discard", "kept_for_retries"]

log = logging.getLogger(__name__)

RECORDINGS: Final = "inbox"
"""Folder on the data volume with recordings for ingest."""
MODEL_FILES: Final = ".inbox"
"""Folder on the model volume with model files and pictures for the trainer."""


@contextmanager
def kept_for_retries(
    copies: Iterable[Path], inbox: Path, is_final: Callable[[BaseException], bool]
) -> Iterator[None]:
    """Remove the folders of copies when the `with` block ends, unless the job will be run again.

    Args:
        copies: paths of the copied files.
        inbox: path of the inbox.
        is_final: tells whether a job is not run again after an error, as jobs.queue.is_final does.
    """
    try:
        yield
    except BaseException as error:
        if is_final(error):
            discard(copies, inbox)
        raise
    discard(copies, inbox)


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
