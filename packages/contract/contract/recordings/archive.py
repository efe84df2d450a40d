"""Opens recordings: a folder, zip or tar that holds one driving log, or several.

Images are looked up by file name among the files that lie there: whatever paths a log names,
nothing outside the recording is read.
"""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.errors import RecordingError

__all__ = ["Recording", "open_recordings"]

LOG: Final = "driving_log.csv"
ENDINGS: Final = (".gz", ".bz2", ".xz", ".zip", ".tar", ".tgz", ".tbz2", ".txz")
BATCH: Final = 64
"""Images that a thread hashes at a time; a task an image costs as much as its hash."""
PART_BYTES: Final = 1 << 16
"""Of a file, read at a time: most images have less."""

UNPACKING: Final = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,  # of a zip with a password, or a compression that zipfile does not know
)
"""What unpacking an archive raises when it is damaged, strange, or too large for the disk."""


MARK: Final = 8
"""Hexadecimal digits of its content that a dataset's name ends with."""


@dataclass(frozen=True)
class Recording:
    """One driving log and the images beside it."""

    name: str
    log: Path
    images: dict[str, Path]
    """By file name."""

    def read_log(self) -> bytes:
        """Return the driving log's bytes.

        Raises:
            RecordingError: it cannot be read.
        """
        try:
            return self.log.read_bytes()
        except OSError as error:
            raise _unreadable(self.log, error) from error

    def digest(
        self, listed: Iterable[str], executor: Executor, known: Mapping[str, bytes] | None = None
    ) -> str:
        """Return the sha256 of the log and of the images that it lists: the recording's identity.

        The same recording at another place, or with other files beside it, is the same.

        Args:
            listed: names of images; those that are not there do not count.
            executor: hashes them.
            known: the sha256 of images that were read already, by name.
        """
        names = sorted({name for name in listed if name in self.images})
        digests = dict(known or {})
        rest = [name for name in names if name not in digests]
        batches = [rest[start : start + BATCH] for start in range(0, len(rest), BATCH)]
        for batch, found in zip(batches, executor.map(self._digests, batches), strict=True):
            digests.update(zip(batch, found, strict=True))
        whole = hashlib.sha256(self.read_log())
        for name in names:
            whole.update(name.encode(errors="surrogateescape"))
            whole.update(digests[name])
        return whole.hexdigest()

    def dataset(self, digest: str) -> str:
        """Return what a dataset of this recording is called, whose content has such a digest."""
        word = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "recording"
        return f"{word[:60]}-{digest[:MARK]}"

    def _digests(self, names: Sequence[str]) -> list[bytes]:
        return [_digest(self.images[name]) for name in names]


def _digest(path: Path) -> bytes:
    try:
        whole = hashlib.sha256()
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a tenth faster, under the lock
            while part := file.read(PART_BYTES):
                whole.update(part)
        return whole.digest()
    except OSError:  # its row will be refused, and says why
        return b""


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"{path} cannot be read",
        got=error.strerror,
        remedy="Containers read as a user of their own: chmod -R a+rX the recording",
    )


@contextmanager
def open_recordings(
    source: Path, scratch: Path, name: str | None = None
) -> Iterator[list[Recording]]:
    """Yield the recordings that `source` holds; an archive is unpacked below `scratch` meanwhile.

    A recording is called `name`, by default as the source is; one of several has the names of the
    folders that lead to it appended.

    Raises:
        RecordingError: there is no such file, it is no archive, or it holds no driving log.
    """
    if not name:
        name = source.absolute().name
        for ending in ENDINGS:
            name = name.removesuffix(ending)
    if source.is_dir():
        yield _below(source, name)
    elif not source.exists():
        raise RecordingError("there is no such recording", got=str(source))
    else:
        with _unpacked(source, scratch) as folder:
            yield _below(folder, name)


def _below(root: Path, name: str) -> list[Recording]:
    """Find the driving logs of a folder; symbolic links are not followed."""
    try:
        return _recordings(root, name)
    except OSError as error:
        raise _unreadable(root, error) from error


def _recordings(root: Path, name: str) -> list[Recording]:
    logs = sorted(Path(folder) / LOG for folder, _, files in os.walk(root) if LOG in files)
    logs = [log for log in logs if not log.is_symlink()]
    if not logs:
        raise RecordingError(
            f"there is no {LOG} in the recording",
            got=f"{root} with {sorted(path.name for path in root.iterdir())[:5]}",
            remedy="Name the folder that the simulator recorded into, or a zip or tar of it",
        )
    if len(logs) == 1:
        return [Recording(name, logs[0], _images(logs[0].parent))]
    return [
        Recording("-".join([name, *log.parent.relative_to(root).parts]), log, _images(log.parent))
        for log in logs
    ]


def _images(folder: Path) -> dict[str, Path]:
    """List the images in the log's IMG folder, or beside the log where it has none."""
    inner = [each for each in folder.iterdir() if each.name.upper() == "IMG" and each.is_dir()]
    places = [each for each in inner if not each.is_symlink()] or [folder]
    return {
        entry.name: Path(entry.path)
        for place in places
        for entry in os.scandir(place)
        if entry.is_file(follow_symlinks=False)
    }


@contextmanager
def _unpacked(archive: Path, scratch: Path) -> Iterator[Path]:
    """Unpack an archive into a folder of its own that is removed afterwards."""
    scratch.mkdir(parents=True, exist_ok=True)
    _reap(scratch)
    folder = scratch / uuid.uuid4().hex
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it when we are killed
        folder.mkdir()
        try:
            _unpack(archive, folder)
            yield folder
        finally:
            shutil.rmtree(folder)
            folder.with_suffix(".lock").unlink()


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar; members that point outside are refused or left out.

    Raises:
        RecordingError: it is neither, or damaged.
    """
    is_zip = zipfile.is_zipfile(archive)
    if not is_zip and not tarfile.is_tarfile(archive):
        raise RecordingError(
            "the recording is neither a folder nor a zip nor a tar", got=str(archive)
        )
    try:
        if is_zip:
            shutil.unpack_archive(archive, folder, "zip")
        else:
            shutil.unpack_archive(archive, folder, "tar", filter="data")
    except UNPACKING as error:
        raise RecordingError(
            f"the archive {archive.name} cannot be unpacked",
            got=error,
            remedy=f"Is it whole, without a password, and is there space left on {folder.parent}?",
        ) from error


def _reap(scratch: Path) -> None:
    """Remove what killed imports unpacked: the folders whose lock nobody holds."""
    for path in scratch.glob("*.lock"):
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink()
