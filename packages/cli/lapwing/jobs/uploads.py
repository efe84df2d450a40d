"""Copies what a command is given to where a worker sees it, when it does not see our files."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from contract.errors import FrameError, LapwingError, ModelError, RecordingError
from contract.inbox import MODEL_FILES


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
    try:
        return _copied(path, Path(inbox)), True
    except (OSError, shutil.Error) as error:
        raise _uncopied(RecordingError, path, "recording", "ingest", error) from error


def model(path: Path, models: Path, copied: bool) -> tuple[Path, bool]:
    """Return the path of a model file to give to the trainer, and whether it is a copy.

    Args:
        path: the file.
        models: the model volume, which the trainer may write: it removes the copy afterwards.
        copied: whether the trainer does not see our files.

    Raises:
        ModelError: there is no file at `path`, or it cannot be copied.
    """
    if not path.is_file():
        raise ModelError(
            "there is no such model file", got=str(path), remedy="Name a .h5 file of Keras"
        )
    if not copied:
        return path.absolute(), False
    try:
        return _copied(path, models / MODEL_FILES), True
    except OSError as error:
        raise _uncopied(ModelError, path, "model file", "trainer", error) from error


def images(paths: Sequence[Path], models: Path, copied: bool) -> list[Path]:
    """Return the paths of pictures to give to the trainer, of copies if it does not see our files.

    Args:
        paths: JPEG or PNG files.
        models: the model volume, which the trainer may write: it removes the copies afterwards.
        copied: whether the trainer does not see our files.

    Raises:
        FrameError: there is no file at one of the paths, or it cannot be copied.
    """
    for path in paths:
        if not path.is_file():
            raise FrameError("there is no such picture", got=str(path), remedy="Name JPEGs or PNGs")
    if not copied:
        return [path.absolute() for path in paths]
    found: list[Path] = []
    for path in paths:
        try:
            found.append(_copied(path, models / MODEL_FILES))
        except OSError as error:
            for copy in found:
                shutil.rmtree(copy.parent)
            raise _uncopied(FrameError, path, "picture", "trainer", error) from error
    return found


def _copied(path: Path, inbox: Path) -> Path:
    """Copy a file or folder into a new folder of the inbox; it keeps its name."""
    folder = inbox / uuid.uuid4().hex
    folder.mkdir(parents=True)
    copy = folder / path.absolute().name
    try:
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copyfile(path, copy)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return copy


def _uncopied(
    kind: type[LapwingError], path: Path, what: str, worker: str, error: Exception
) -> LapwingError:
    return kind(
        f"the {what} {path} cannot be copied to the {worker} worker",
        got=error,
        remedy=f"Containers read as a user of their own: chmod -R a+rX the {what}",
    )
