"""Copies recordings to where the ingest worker sees them, when it does not see our files."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from contract.errors import RecordingError


def source(path: Path, inbox: str) -> tuple[Path, bool]:
    """Return the path to give to the worker, and whether it is a copy to be removed afterwards.

    Args:
        path: the recording: a folder, a zip or a tar.
        inbox: a folder that the worker sees under the same name; empty when it sees all of ours.

    Raises:
        RecordingError: there is nothing at `path`.
    """
    if not path.exists():
        raise RecordingError(
            "there is no such recording",
            got=str(path),
            remedy="Name a folder with a driving_log.csv, or a zip or tar of one",
        )
    if not inbox:
        return path.absolute(), False
    # The copy keeps the name: it becomes the dataset's.
    folder = Path(inbox) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    copy = folder / path.absolute().name
    try:
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copyfile(path, copy)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(folder)
        raise RecordingError(
            f"the recording {path} cannot be copied to the ingest worker",
            got=error,
            remedy="Containers read as a user of their own: chmod -R a+rX the recording",
        ) from error
    except BaseException:
        shutil.rmtree(folder)
        raise
    return copy, True
