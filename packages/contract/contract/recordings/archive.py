"""Opens the recordings in a folder, a zip or a tar, which may hold several, of several formats.

The paths in a driving log never lead out of its folder: they are only compared with the paths of
the files in it (image_paths.py). So nothing outside the recording is read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from contract.errors import RecordingError
from contract.files import disk_space, locks, regular_files
from contract.recordings import donkey_tub
from contract.recordings.donkey_tub import TubReader
from contract.recordings.driving_log import Log
from contract.recordings.image_paths import match_images
from contract.recordings.log_reader import DRIVING_LOG, LogReader
from contract.recordings.log_text import MAX_LOG_BYTES, is_image
from contract.recordings.packed.unpack import unpack
from contract.recordings.row_order import order_rows
from contract.recordings.steering_unit import RECORDER_UNIT

__all__ = [
    "DIGEST_DIGITS",
    "MAX_IMAGE_BYTES",
    "Recording",
    "open_recordings",
    "recording_path",
    "remove_leftovers",
]

LOG: Final = "driving_log.csv"
ARCHIVE_SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zip", ".tar", ".tgz", ".tbz2", ".txz")
HASH_BATCH: Final = 64
"""Number of images in one task of hashing; a task for each image would cost as much as its hash."""
MAX_IMAGE_BYTES: Final = 16 << 20
"""Larger images are not read. No JPEG of contract.frames.preprocess.MAX_PIXELS needs as much."""
DIGEST_DIGITS: Final = 8
"""Number of hexadecimal digits of a recording's digest at the end of a dataset's name."""


@dataclass(frozen=True)
class Recording:
    """Holds the paths of one driving log and of the images next to it."""

    name: str
    log: Path
    """Path of driving_log.csv, or of the file that takes its place in another format."""
    images: dict[str, Path]
    """Path of each image by its file name, or for images in sub-folders by its path from the log's
    folder, with "/"."""
    reader: LogReader = DRIVING_LOG

    def read(self, full_lock: float = RECORDER_UNIT, *, as_logged: bool = False) -> Log:
        """Return the rows in the order of the drive, the reasons for rejected ones, and notes.

        All who use recordings read them with this, so that all have the same rows. The images of
        the rows are keys of `images`, as far as they exist.

        Args:
            full_lock: the value of the steering at full lock, 25 for degrees.
            as_logged: leave the rows in the order of the log, with lines that are there twice.

        Raises:
            RecordingError: the log cannot be read, has no rows, or its steering is in another unit.
        """
        log = self.reader.rows(self.read_log(), full_lock)
        log = match_images(log, self.images)
        return log if as_logged else order_rows(log)

    def read_log(self) -> bytes:
        """Return the bytes that say what the rows are; they are read once.

        Raises:
            RecordingError: the log cannot be read.
        """
        return self._content

    @cached_property
    def _content(self) -> bytes:
        try:
            return self.reader.content(self.log)
        except OSError as error:
            raise _read_error(self.log, error) from error

    def digest(
        self, listed: Iterable[str], executor: Executor, known: Mapping[str, bytes] | None = None
    ) -> str:
        """Return the SHA-256 of the log and its images, which identifies the recording.

        It does not depend on where the recording lies or on other files next to it.

        Args:
            listed: names of images; names of images that do not exist are ignored.
            executor: runs the tasks of hashing.
            known: SHA-256 of images that were hashed already, by name.
        """
        names = sorted({name for name in listed if name in self.images})
        digests = dict(known or {})
        missing = [name for name in names if name not in digests]
        starts = range(0, len(missing), HASH_BATCH)
        batches = [missing[start : start + HASH_BATCH] for start in starts]
        for batch, hashes in zip(batches, executor.map(self._digests, batches), strict=True):
            digests.update(zip(batch, hashes, strict=True))
        sha256 = hashlib.sha256(self.read_log())
        for name in names:
            sha256.update(name.encode(errors="surrogateescape"))
            sha256.update(digests[name])
        return sha256.hexdigest()

    def dataset(self, digest: str) -> str:
        """Return the name of the dataset that is imported from this recording with this digest."""
        word = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "recording"
        return f"{word[:60]}-{digest[:DIGEST_DIGITS]}"

    def _digests(self, names: Sequence[str]) -> list[bytes]:
        return [_digest(self.images[name]) for name in names]


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(regular_files.read(path, MAX_IMAGE_BYTES)).digest()
    except OSError:  # ingest rejects the row of this image, and says why
        return b""


def _read_error(path: Path, error: OSError) -> RecordingError:
    if error.errno == errno.EFBIG:
        remedy = "Divide the log into several"
    elif error.errno in (errno.EINVAL, errno.ELOOP):
        remedy = "Links, pipes and devices are not read: put the file itself there"
    else:
        remedy = "Services in containers run as another user: run chmod -R a+rX on the recording"
    return RecordingError(f"{path} cannot be read", got=error.strerror, remedy=remedy)


def recording_path(path: Path) -> Path:
    """Return the path of a recording: for a driving log, that is its folder."""
    return path.absolute().parent if path.name == LOG and path.is_file() else path


@contextmanager
def open_recordings(
    source: Path, scratch: Path, name: str | None = None
) -> Iterator[list[Recording]]:
    """Yield the recordings in a folder or an archive.

    Args:
        source: path of a folder, a zip or a tar, or of the driving log in a folder.
        scratch: folder in which an archive is unpacked until the `with` block ends.
        name: name of the recording; None uses the name of the source. If the source holds several
            recordings, the names of the folders that lead to each one are appended.

    Raises:
        RecordingError: the source does not exist, is not a folder or an archive, or holds no
            recording.
    """
    source = recording_path(source)
    if not name:
        name = source.absolute().name
        for suffix in ARCHIVE_SUFFIXES:
            name = name.removesuffix(suffix)
    if source.is_dir():
        yield _find_recordings(source, name)
    elif not source.exists():
        raise RecordingError("there is no such recording", got=str(source))
    else:
        with _unpacked(source, scratch) as folder:
            yield _find_recordings(folder, name)


def _find_recordings(root: Path, name: str) -> list[Recording]:
    """Find the recordings in a folder and the folders in it, without following links."""
    try:
        return _walk(root, name)
    except OSError as error:
        raise _read_error(root, error) from error


def _walk(root: Path, name: str) -> list[Recording]:
    logs = sorted(Path(folder) / LOG for folder, _, files in os.walk(root) if LOG in files)
    logs = [log for log in logs if not log.is_symlink()]
    recordings = [Recording(name, log, _images(log.parent)) for log in logs]
    recordings += [
        Recording(name, tub, donkey_tub.image_paths(tub), TubReader())
        for tub in donkey_tub.find_tubs(root)
    ]
    if not recordings:
        raise RecordingError(
            f"there is no {LOG} in the recording, and it is no Donkey tub",
            got=f"{root} with {sorted(path.name for path in root.iterdir())[:5]}",
            remedy="Name the folder that was recorded into, or a zip or tar of it",
        )
    if len(recordings) == 1:
        return recordings
    return [
        replace(recording, name="-".join([name, *recording.log.parent.relative_to(root).parts]))
        for recording in sorted(recordings, key=lambda recording: recording.log)
    ]


def _images(folder: Path) -> dict[str, Path]:
    """Return the images in the folder IMG next to the log, or in the log's folder without one.

    Their key is the file name. Images below other folders follow, by their path from the log.
    """
    inner = [path for path in folder.iterdir() if path.name.upper() == "IMG" and path.is_dir()]
    image_folders = [path for path in inner if not path.is_symlink()] or [folder]
    images: dict[str, Path] = {}
    below: list[Path] = [] if image_folders == [folder] else [folder]
    for image_folder in image_folders:
        for entry in os.scandir(image_folder):
            if entry.is_file(follow_symlinks=False):
                images[entry.name] = Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                below.append(Path(entry.path))
    while below:
        for entry in os.scandir(below.pop()):
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False) and path not in image_folders:
                below.append(path)
            elif is_image(entry.name) and entry.is_file(follow_symlinks=False):
                key = path.relative_to(folder).as_posix()
                if "/" in key:  # an image next to IMG is not the one of its name in IMG
                    images[key] = path
    return images


@contextmanager
def _unpacked(archive: Path, scratch: Path) -> Iterator[Path]:
    """Unpack an archive into a new folder, which is removed when the `with` block ends."""
    scratch.mkdir(parents=True, exist_ok=True)
    remove_leftovers(scratch)
    folder = scratch / uuid.uuid4().hex
    with locks.new_folder(folder):
        try:
            left_out = _unpack_all(archive, folder)
            if not any(folder.iterdir()):
                raise RecordingError(
                    f"there is no {LOG} in the archive, and no Donkey tub",
                    got=f"{archive.name} with {left_out}",
                    remedy="Name a zip or tar of the folder that was recorded into. An archive in "
                    "an archive is not opened",
                )
            yield folder
        finally:
            if folder.exists():
                shutil.rmtree(folder)


def _unpack_all(archive: Path, folder: Path) -> list[str]:
    """Unpack an archive, or remove the folder; return the names of members that were left out."""
    size = archive.stat().st_size if archive.is_file() else 0
    with disk_space.writing(folder.parent, f"unpacking {archive.name}", size):
        try:
            return unpack(archive, folder, _limit_of)
        except BaseException:
            shutil.rmtree(folder)  # before the error about a full disk says what is free
            raise


def _limit_of(name: str) -> int:
    """Return the maximum size of a file by its name, 0 if no recording needs it."""
    if is_image(name):
        return MAX_IMAGE_BYTES
    return MAX_LOG_BYTES if name == LOG or donkey_tub.is_part(name) else 0


def remove_leftovers(scratch: Path) -> None:
    """Remove the folders that killed processes have left where they unpacked archives."""
    for path in scratch.glob("*"):
        locks.remove_abandoned(path)
