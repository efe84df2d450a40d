"""Gives files to a worker: their paths, or copies if the worker cannot see the user's files.

Nobody removes a copy as long as its lock is held: the caller's stack holds it until the job is
queued, and removes the copy if that fails. Then the copy belongs to the job.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from contract.errors import FrameError, LapwingError, ModelError, RecordingError
from contract.files import disk_space, locks
from contract.files.inbox import MODEL_FILES

Ignore = Callable[[str, list[str]], Iterable[str]]


def stage_recording(path: Path, inbox: str, held: ExitStack) -> tuple[Path, bool]:
    """Return the path to give to the ingest worker, and whether it is a temporary copy.

    Args:
        path: the recording: a folder, a zip file or a tar file.
        inbox: a folder that the worker sees under the same name. It is empty if the worker sees
            all of the user's files.
        held: holds the copy until the job is queued.

    Raises:
        RecordingError: nothing exists at `path`, it is a pipe or a device, or it cannot be copied.
        DiskFullError: the disk of the inbox has too little space for the copy.
    """
    if not path.exists():
        raise RecordingError(
            "there is no such recording",
            got=str(path),
            remedy="Name a folder with a driving_log.csv, a Donkey tub, or a zip or tar of one",
        )
    if not path.is_dir() and not path.is_file():
        raise RecordingError(
            "the recording is neither a folder nor a regular file",
            got=str(path),
            remedy="Pipes and devices are not read: save what they give as a zip or tar",
        )
    if not inbox:
        return path.absolute(), False
    try:
        return _copy(path, Path(inbox), held, _no_files), True
    except (OSError, shutil.Error) as error:
        raise _copy_error(RecordingError, path, "recording", "ingest", error) from error


def stage_model(paths: Sequence[Path], models: Path, copied: bool, held: ExitStack) -> list[Path]:
    """Return the paths of the files of a model to give to the trainer.

    Args:
        paths: the model file, or the folder of a .keras file that was unpacked; for a model.json
            also the file of its weights.
        models: the model volume. The trainer may write to it, and removes the copies afterwards.
        copied: tells that the trainer cannot see the user's files, so that it gets copies.
        held: holds the copies until the job is queued.

    Raises:
        ModelError: nothing exists at one of the paths, or it cannot be copied.
        DiskFullError: the model volume has too little space for the copies.
    """
    for path in paths:
        if not path.exists():
            raise ModelError(
                "there is no such model file",
                got=str(path),
                remedy="Name an .h5 or .keras file of Keras",
            )
    if not copied:
        return [path.absolute() for path in paths]
    return _copy_all(paths, models / MODEL_FILES, held, ModelError, "model file")


def find_weights(architecture: Path) -> Path:
    """Return the file of the weights beside a model.json, if its name leaves no doubt.

    Raises:
        ModelError: no file beside it has the same name, or several have.
    """
    stem = architecture.with_suffix("")
    candidates = [
        stem.with_name(f"{stem.name}{ending}")
        for ending in (".h5", ".weights.h5", "_weights.h5", ".hdf5")
    ]
    found = [path for path in candidates if path.is_file()]
    if len(found) != 1:
        raise ModelError(
            f"{architecture.name} is an architecture, whose weights are in another file",
            got=f"{', '.join(path.name for path in found)} beside it" if found else "no --weights",
            remedy="Name the file that model.save_weights wrote: --weights model.h5",
        )
    return found[0]


def stage_images(paths: Sequence[Path], models: Path, copied: bool, held: ExitStack) -> list[Path]:
    """Return the paths of images to give to the trainer.

    Args:
        paths: JPEG or PNG files.
        models: the model volume. The trainer may write to it, and removes the copies afterwards.
        copied: tells that the trainer cannot see the user's files, so that it gets copies.
        held: holds the copies until the job is queued.

    Raises:
        FrameError: no file exists at one of the paths, or it cannot be copied.
        DiskFullError: the model volume has too little space for the copies.
    """
    for path in paths:
        if not path.is_file():
            raise FrameError(
                "there is no such image", got=str(path), remedy="Name JPEG or PNG files"
            )
    if not copied:
        return [path.absolute() for path in paths]
    return _copy_all(paths, models / MODEL_FILES, held, FrameError, "image")


def _copy_all(
    paths: Sequence[Path], inbox: Path, held: ExitStack, error_class: type[LapwingError], what: str
) -> list[Path]:
    """Copy files for the trainer."""
    copies: list[Path] = []
    for path in paths:
        try:
            copies.append(_copy(path, inbox, held))
        except (OSError, shutil.Error) as error:
            raise _copy_error(error_class, path, what, "trainer", error) from error
    return copies


def _no_files(folder: str, names: list[str]) -> set[str]:
    """Return the names in a folder that are neither folders nor regular files; ingest reads none.

    A copy would follow links out of the recording or round in circles, and read a device for ever.
    """
    with os.scandir(folder) as entries:
        return {
            entry.name
            for entry in entries
            if not entry.is_dir(follow_symlinks=False) and not entry.is_file(follow_symlinks=False)
        }


def _copy(path: Path, inbox: Path, held: ExitStack, ignore: Ignore | None = None) -> Path:
    """Copy a file or folder, under its own name, into a new folder of the inbox.

    Args:
        path: the file or folder.
        inbox: path of the inbox.
        held: gets the lock of the new folder, and its removal after an error.
        ignore: returns the names in a folder that are not copied; see shutil.copytree.
    """
    inbox.mkdir(parents=True, exist_ok=True)
    folder = inbox / uuid.uuid4().hex
    copy = folder / path.absolute().name
    with disk_space.writing(inbox, f"the copy of {path}", _count_bytes(path, ignore)):
        held.enter_context(locks.new_folder(folder))
        held.push(lambda kind, *_: None if kind is None else _remove(folder))
        try:
            if path.is_dir():
                shutil.copytree(path, copy, ignore=ignore)
            else:
                shutil.copyfile(path, copy)
        except BaseException:
            _remove(folder)  # at once: an error about a full disk says what is free without it
            raise
    return copy


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _count_bytes(path: Path, ignore: Ignore | None) -> int:
    """Return the size of a file, or of all files in a folder that are copied."""
    if not path.is_dir():
        return path.stat().st_size
    size = 0
    for folder, folders, files in os.walk(path):
        left_out = set(ignore(folder, [*folders, *files])) if ignore else set()
        folders[:] = [name for name in folders if name not in left_out]
        size += sum((Path(folder) / name).stat().st_size for name in files if name not in left_out)
    return size


def _copy_error(
    error_class: type[LapwingError], path: Path, what: str, worker: str, error: Exception
) -> LapwingError:
    return error_class(
        f"the {what} {path} cannot be copied to the {worker} worker",
        got=error,
        remedy=f"The container reads as another user, so run: chmod -R a+rX {path}",
    )
