"""Opens recordings: a folder, zip or tar that holds one driving log, or several.

Images are looked up by file name among the files that lie there: whatever paths a log names,
nothing outside the recording is read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tarfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.errors import RecordingError

LOG: Final = "driving_log.csv"


@dataclass(frozen=True)
class Recording:
    """One driving log and the images beside it."""

    name: str
    log: Path
    images: dict[str, Path]
    """By file name."""

    def digest(self, listed: Iterable[str], executor: Executor) -> str:
        """Return the sha256 of the log and of the images that it lists: the recording's identity.

        The same recording at another place, or with other files beside it, is the same.
        """
        names = sorted({name for name in listed if name in self.images})
        whole = hashlib.sha256(self.log.read_bytes())
        for name, digest in zip(names, executor.map(self._image_digest, names), strict=True):
            whole.update(name.encode())
            whole.update(digest)
        return whole.hexdigest()

    def _image_digest(self, name: str) -> bytes:
        return hashlib.sha256(self.images[name].read_bytes()).digest()


@contextmanager
def opened(source: Path, scratch: Path) -> Iterator[list[Recording]]:
    """Yield the recordings that `source` holds; an archive is unpacked below `scratch` meanwhile.

    Raises:
        RecordingError: there is no such file, it is no archive, or it holds no driving log.
    """
    name = source.name
    for ending in (".gz", ".bz2", ".xz", ".zip", ".tar", ".tgz"):
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
    except (shutil.ReadError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise RecordingError(
            f"the archive {archive.name} cannot be unpacked", got=error, remedy="Pack it again"
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
