"""Opens a .keras file, a zip archive, without unpacking it.

The archive is read as data that may be forged. Its directory is bounded before Python's zipfile
reads it, texts are inflated up to a limit, and the HDF5 file of the weights is read where it lies
in the archive. So it must be stored without compression, as Keras stores it.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from contract.errors import ModelError
from trainer.keras_import import file_kind
from trainer.safe_hdf5 import MAX_TEXT_BYTES

MAX_MEMBERS: Final = 200
MAX_DIRECTORY_BYTES: Final = 64 << 10
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LOCAL_BYTES: Final = 30
_ENCRYPTED: Final = 0x1
_READ_BYTES: Final = 1 << 20


class KerasArchive:
    """An open .keras file; `open_archive` makes it."""

    def __init__(self, path: Path, file: IO[bytes], members: dict[str, zipfile.ZipInfo]) -> None:
        self._path, self._file, self._members = path, file, members

    def text(self, name: str) -> str:
        """Return a member as text.

        Raises:
            ModelError: the member is not there, is damaged, or has more than MAX_TEXT_BYTES.
        """
        info = self._member(name)
        if info.file_size > MAX_TEXT_BYTES:
            raise self._error(f"{name} is too large", f"{info.file_size:,} bytes")
        stored = self._slice(info)
        raw = stored.read(MAX_TEXT_BYTES + 1)
        if info.compress_type == zipfile.ZIP_DEFLATED:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                raw = inflater.decompress(raw, MAX_TEXT_BYTES + 1)
            except zlib.error as error:
                raise self._error(f"{name} is damaged", error) from error
        elif info.compress_type != zipfile.ZIP_STORED:
            raise self._error(f"{name} is compressed in an unusual way", info.compress_type)
        if len(raw) != info.file_size or zlib.crc32(raw) != info.CRC:
            raise self._error(f"{name} is damaged", "another length or checksum than it should")
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError as error:
            raise self._error(f"{name} is not text", error) from error

    def stored(self, name: str) -> BinaryIO:
        """Return a member as a file that reads from the archive.

        Raises:
            ModelError: the member is not there, is compressed, or is damaged.
        """
        info = self._member(name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise self._error(
                f"{name} is compressed, which Keras's files never are",
                f"{info.compress_size:,} bytes of {info.file_size:,}",
                "Unpack the archive, and import the folder",
            )
        part = self._slice(info)
        checksum = 0
        while piece := part.read(_READ_BYTES):
            checksum = zlib.crc32(piece, checksum)
        if checksum != info.CRC or info.file_size != info.compress_size:
            raise self._error(f"{name} is damaged", "another checksum than it should have")
        part.seek(0)
        return part

    def _member(self, name: str) -> zipfile.ZipInfo:
        info = self._members.get(name)
        if info is None:
            raise self._error(f"it holds no {name}", ", ".join(sorted(self._members))[:200])
        if info.flag_bits & _ENCRYPTED:
            raise self._error(f"{name} is encrypted", None)
        return info

    def _slice(self, info: zipfile.ZipInfo) -> BinaryIO:
        """Return the bytes of a member as they lie in the archive."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_BYTES)
        if len(header) < _LOCAL_BYTES or not header.startswith(b"PK\x03\x04"):
            raise self._error(f"the header of {info.filename} is damaged", header[:4])
        name_bytes, extra_bytes = struct.unpack("<HH", header[26:30])
        start = info.header_offset + _LOCAL_BYTES + name_bytes + extra_bytes
        if start + info.compress_size > self._file.seek(0, io.SEEK_END):
            raise self._error(
                f"{info.filename} is cut off", f"it should have {info.compress_size:,} bytes"
            )
        return io.BufferedReader(_Slice(self._file, start, info.compress_size))

    def _error(self, problem: str, got: object, remedy: str = "") -> ModelError:
        return ModelError(
            f"{self._path.name} is refused: {problem}",
            got=got,
            remedy=remedy or "Download it again, or save the model again with Keras's model.save",
        )


@contextmanager
def open_archive(path: Path) -> Iterator[KerasArchive]:
    """Open a .keras file after checking its directory.

    Raises:
        ModelError: the file is no zip archive, is damaged, has a directory that Keras does not
            write, or holds no model of Keras; then the message says what it holds.
    """
    with path.open("rb") as file:
        _check_directory(path, file)
        try:
            infos = zipfile.ZipFile(file).infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise _damaged(path, error) from error
        members = {info.filename: info for info in infos}
        if len(members) < len(infos):
            raise _damaged(path, "two members of one name")
        if file_kind.CONFIG not in members:
            raise file_kind.refuse_members(path, sorted(members))
        if file_kind.WEIGHTS not in members:
            raise ModelError(
                f"{path.name} holds no {file_kind.WEIGHTS}",
                got=", ".join(sorted(members))[:200],
                remedy='Save the model again with Keras: model.save("model.keras")',
            )
        yield KerasArchive(path, file, members)


def _check_directory(path: Path, file: IO[bytes]) -> None:
    """Refuse a directory that zipfile would need much memory for."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_BYTES - (1 << 16)))
    tail = file.read()
    start = tail.rfind(_END)
    if start < 0 or len(tail) < start + _END_BYTES:
        raise _damaged(path, "an archive without its end")
    members, directory_bytes = struct.unpack("<HI", tail[start + 10 : start + 16])
    zip64 = start >= 20 and tail[start - 20 : start - 16] == b"PK\x06\x07"
    if members > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES or zip64:
        raise ModelError(
            f"{path.name} is refused: it is not an archive as Keras writes it",
            got=f"{members:,} members in a directory of {directory_bytes:,} bytes",
            remedy="Save the model again with Keras's model.save",
        )


def _damaged(path: Path, got: object) -> ModelError:
    return ModelError(
        f"{path.name} is a damaged zip archive",
        got=got,
        remedy="Download it again, or save the model again with Keras's model.save",
    )


class _Slice(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._position = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the types of io are wider
        count = max(0, min(len(buffer), self._size - self._position))
        self._file.seek(self._start + self._position)
        data = self._file.read(count)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
