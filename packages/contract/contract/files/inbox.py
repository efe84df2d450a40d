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

from contract.errors import RecordingError
from contract.files.plain_names import is_plain

__all__ = ["MODEL_FILES", "RECORDINGS", "discard", "kept_for_retries", "new_folder"]

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


def new_folder(inbox: Path, job_id: str, name: str) -> Path:
    """Return the path of a folder in an inbox for the recording that a job makes.

    Args:
        inbox: path of the inbox.
        job_id: id of the job, for whose files the inbox has a folder of its own.
        name: name of the recording, which comes from the queue.

    Raises:
        RecordingError: the name is a path, or a link leads out of the inbox.
    """
    if not is_plain(name):
        raise RecordingError(
            "a recording in the inbox needs a plain name",
            got=repr(name),
            remedy="Leave out slashes and leading dots",
        )
    folder = inbox / job_id / name
    if folder.resolve() != inbox.resolve() / job_id / name:
        raise RecordingError(
            "a link leads out of the inbox", got=str(folder), remedy="Remove the link"
        )
    return folder


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
