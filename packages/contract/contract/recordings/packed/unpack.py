"""Copies the files of a recording out of a zip or a tar, and nothing else.

An archive is never extracted as a whole. Its members are looked at one by one: regular files with a
name that a recording has are copied, each to a new file. Links and devices are never made, so no
name can lead through one of them.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, cast

from contract.errors import RecordingError
from contract.files import disk_space, regular_files
from contract.recordings.packed.budget import UNPACK_IT, Budget
from contract.recordings.packed.tar_stream import (
    BLOCK_BYTES,
    COMPRESSIONS,
    Source,
    TarStream,
    decompress,
)

__all__ = ["unpack"]

ERRORS: Final = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    OverflowError,
    struct.error,
)
"""Errors that mean that an archive is damaged or that the disk is full."""

ZIP_STARTS: Final = (b"PK\3\4", b"PK\5\6")
"""First bytes of a zip with members, and of an empty one."""
OTHERS: Final = {b"7z\xbc\xaf": "a 7z", b"Rar!": "a rar", b"\x28\xb5\x2f\xfd": "a zstd file"}
"""First bytes of archives that are not read."""
ZIP, TAR = "zip", "tar"
ZIP_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions of zips that are read. Python's zipfile cannot bound what the others unpack to."""
ENCRYPTED: Final = 0x1
"""Flag of a member of a zip that has a password."""
MAX_DIRECTORY_BYTES: Final = 64 << 20
"""Maximum size of the list of members at the end of a zip, which is read as a whole.

Python makes six times as much of it. It holds the names of 500,000 frames, which are three hours
of three cameras; a tar has no such list."""
MAX_FOLDERS: Final = 16
"""Maximum number of folders that a file lies in."""
DRIVE: Final = re.compile(r"[A-Za-z]:")
PART_BYTES: Final = 1 << 16
SHOWN_NAMES: Final = 5


def unpack(
    archive: Path,
    folder: Path,
    limit_of: Callable[[str], int],
    free_bytes: int | None = None,
) -> list[str]:
    """Copy the files of a recording out of a zip or a tar, which may be compressed.

    A file above its limit becomes a file of zeros that is one byte larger than the limit: whoever
    reads it refuses it for its size, as in a folder.

    Args:
        archive: path of the archive.
        folder: an empty folder.
        limit_of: returns the maximum size of a file by its name without folders, and 0 for a file
            that no recording needs.
        free_bytes: free space on the disk of the folder; None lets the system tell it.

    Returns:
        The names of the first members that were left out.

    Raises:
        RecordingError: the file is no archive that Lapwing reads, is damaged or has a password, has
            a member whose name leads out of it or that is there twice, or is too large.
    """
    try:
        with os.fdopen(regular_files.open_descriptor(archive, follow=True), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if free_bytes is None:
                free_bytes = shutil.disk_usage(folder).free
            copier = _Copier(folder, limit_of, Budget(size, free_bytes))
            form = _form(archive, file)
            if form == ZIP:
                copier.copy_zip(file)
            else:
                copier.copy_tar(file if form == TAR else decompress(file, form))
    except ERRORS as error:
        if disk_space.is_full(error):
            raise  # The caller removes what was unpacked, and says what is free then.
        raise RecordingError(
            f"the archive {archive.name} cannot be unpacked",
            got=error if str(error) else type(error).__name__,
            remedy=f"Check that it is complete, and that there is space left on {folder.parent}",
        ) from error
    return copier.left_out


def _form(archive: Path, file: IO[bytes]) -> str:
    """Return ZIP, TAR, or the compression of a tar; the first bytes decide, and not the name.

    Raises:
        RecordingError: the file is none of them.
    """
    start = file.read(BLOCK_BYTES)
    try:
        if start.startswith(ZIP_STARTS):
            return ZIP
        for beginning, compression in COMPRESSIONS.items():
            if start.startswith(beginning):
                return compression
        if _is_tar_header(start):
            return TAR
        if zipfile.is_zipfile(file):  # a program that unpacks itself
            return ZIP
    finally:
        file.seek(0)
    other = next((name for begin, name in OTHERS.items() if start.startswith(begin)), "")
    raise RecordingError(
        "the recording is neither a folder nor a zip nor a tar",
        got=f"{archive}, {other}" if other else str(archive),
        remedy="Name the folder that the simulator recorded into, or a zip or tar of it",
    )


def _is_tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return block == bytes(BLOCK_BYTES)  # an empty tar
    return True


class _Copier:
    """Copies members of one archive to new files.

    Args:
        folder: an empty folder.
        limit_of: returns the maximum size of a file by its name, 0 if it is not to be copied.
        budget: counts members and bytes.
    """

    def __init__(self, folder: Path, limit_of: Callable[[str], int], budget: Budget) -> None:
        self.left_out: list[str] = []
        """Names of the first members that were not copied."""
        self._folder = folder
        self._limit_of = limit_of
        self._budget = budget
        self._folders = {folder}

    def copy_zip(self, file: IO[bytes]) -> None:
        """Copy the files of a zip; nothing is written before all sizes are known and allowed."""
        wanted = []
        with zipfile.ZipFile(cast("IO[bytes]", _ZipFile(file))) as packed:
            for member in packed.infolist():
                self._budget.take_member()
                kind = stat.S_IFMT(member.external_attr >> 16)
                # Programs of Windows may write "\\" where the format has "/".
                name = member.filename.replace("\\", "/")
                if self._is_wanted(name, kind in (0, stat.S_IFREG) and not name.endswith("/")):
                    self._check_zip_member(member)
                    self._budget.take(self._size(name, member.file_size))
                    wanted.append((member, name))
            for member, name in wanted:
                with packed.open(member) as content:
                    self._copy(name, member.file_size, content.read)

    def copy_tar(self, source: Source) -> None:
        """Copy the files of a tar."""
        stream = TarStream(source, self._budget)
        stream.begin_header()
        # tarfile does not look for a compression, and reads forwards.
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as packed:
            seen = vars(packed)["members"]
            while (member := packed.next()) is not None:
                seen.clear()  # tarfile would keep all of them
                self._budget.take_member()
                if self._is_wanted(member.name, member.isreg() and not member.issparse()):
                    stream.seek(member.offset_data)
                    self._copy(member.name, member.size, stream.read_data)
                stream.begin_header()
        if not stream.ended:  # tarfile takes a damaged header for the end
            raise EOFError("the tar is cut off or damaged: its last block is missing")
        while stream.read_data(PART_BYTES):  # the checksum of a compressed file is at its end
            pass

    def _is_wanted(self, name: str, regular: bool) -> bool:
        """Tell whether a member is a file of a recording, and check where its name leads.

        Raises:
            RecordingError: the name is absolute, leads out of the archive, or is too deep.
        """
        if not regular or not self._limit_of(name.rpartition("/")[2]):
            if regular and len(self.left_out) < SHOWN_NAMES:
                self.left_out.append(name)
            return False
        parts = _parts(name)
        if name.startswith("/") or DRIVE.match(name) or ".." in parts:
            raise RecordingError(
                "the archive has a file whose name leads out of it", got=name, remedy=UNPACK_IT
            )
        if len(parts) > MAX_FOLDERS:
            raise RecordingError(
                f"the archive has a file that lies in more than {MAX_FOLDERS} folders",
                got=name,
                remedy=UNPACK_IT,
            )
        return True

    def _size(self, name: str, size: int) -> int:
        """Return how many bytes are copied of a file: none if it is above its limit."""
        return 0 if size > self._limit_of(name.rpartition("/")[2]) else size

    def _check_zip_member(self, member: zipfile.ZipInfo) -> None:
        if member.flag_bits & ENCRYPTED:
            raise RecordingError(
                "the zip has a password", got=member.filename, remedy="Pack it again without one"
            )
        if member.compress_type not in ZIP_METHODS:
            raise RecordingError(
                "the zip has a compression that is not read",
                got=f"{member.filename} with method {member.compress_type}",
                remedy="Pack it again with Deflate, which all programs know",
            )

    def _copy(self, name: str, size: int, read: Callable[[int], bytes]) -> None:
        """Copy a member to a new file, or make a file above the limit if the member is above it.

        Raises:
            RecordingError: a file or folder of this name was made before.
            EOFError: the archive ends before the member does.
        """
        parts = _parts(name)
        path = self._folder.joinpath(*parts)
        try:
            self._make_folder(path.parent)
            with path.open("xb", buffering=0) as file:
                if size > self._size(name, size):
                    file.truncate(self._limit_of(parts[-1]) + 1)
                    return
                left = size
                while left and (part := read(min(left, PART_BYTES))):
                    file.write(part)
                    left -= len(part)
        except (FileExistsError, NotADirectoryError) as error:
            raise RecordingError(
                "the archive has two files of one name, or of names that are one on this disk",
                got=name,
                remedy="Pack the recording again, or name its folder",
            ) from error
        if left:
            raise EOFError(f"{name} ends {left:,} bytes too early")

    def _make_folder(self, folder: Path) -> None:
        if folder in self._folders:
            return
        self._make_folder(folder.parent)
        self._budget.take_member()
        folder.mkdir(exist_ok=True)  # on some disks "IMG" and "img" are one folder
        self._folders.add(folder)


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


class _ZipFile:
    """A zip for Python's zipfile, which reads the list of all members at once.

    Args:
        file: the zip.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return bytes from the zip.

        Raises:
            RecordingError: they are more than the list of members may have.
        """
        if size > MAX_DIRECTORY_BYTES:
            raise RecordingError(
                "the zip has too many files",
                got=f"a list of them of {size:,} bytes, and at most {MAX_DIRECTORY_BYTES:,}",
                remedy="Pack it as a tar, or name the folder",
            )
        return self._file.read(size)
