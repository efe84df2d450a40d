"""Gives Python's tarfile the bytes of a tar in one direction, and only as many as it should need.

Otherwise a header could have it read a name of gigabytes into memory, or go back for ever.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from typing import IO, Final, Protocol

from contract.errors import RecordingError
from contract.recordings.packed.budget import UNPACK_IT, Budget

__all__ = ["BLOCK_BYTES", "COMPRESSIONS", "Source", "TarStream", "decompress"]

BLOCK_BYTES: Final = 512
"""A tar consists of blocks of this size; one of zeros ends it."""
MAX_HEADER_BYTES: Final = 64 << 10
"""Maximum size of the headers of one member: its long name and extended attributes included."""
LONG_NUMBER: Final = re.compile(rb"\d{64}")
"""tarfile before Python 3.11.10 and 3.12.6 takes a time that grows with the square of the longest
row of digits in an extended header (CVE-2024-6232); none states a number that is so long."""
PART_BYTES: Final = 1 << 16
MAX_XZ_MEMORY: Final = 128 << 20
"""Maximum memory in bytes for decompressing xz; `xz -9` needs 65 MB."""
COMPRESSIONS: Final = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
"""The compressions of tars, by the first bytes of the file."""


class Source(Protocol):
    """A file that is read from the beginning to the end."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and b"" at the end."""


def decompress(file: IO[bytes], compression: str) -> Source:
    """Return the content of a compressed file; `compression` is a value of COMPRESSIONS."""
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file)
    if compression == "bzip2":
        return bz2.BZ2File(file)
    return _XzFile(file)


class _XzFile:
    """Decompresses xz with bounded memory, which lzma.LZMAFile cannot."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = self._start()

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes.

        Raises:
            EOFError: the file is cut off.
            lzma.LZMAError: it is damaged, or needs too much memory.
        """
        part, given = b"", b""
        while not part:
            if self._decompressor.eof:  # Another stream may follow, after zeros.
                given = self._decompressor.unused_data.lstrip(b"\0") or self._file.read(PART_BYTES)
                given = given.lstrip(b"\0")
                if not given:
                    return b""
                self._decompressor = self._start()
            elif self._decompressor.needs_input and not given:
                given = self._file.read(PART_BYTES)
                if not given:
                    raise EOFError("the compressed data ends too early")
            part, given = self._decompressor.decompress(given, size), b""
        return part

    def _start(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_XZ_MEMORY)


class TarStream:
    """A tar that is read forwards; `tarfile.open(fileobj=…)` takes it.

    Args:
        source: the tar without its compression.
        budget: counts its bytes, also those that are skipped.
    """

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self._position = 0
        self._header_bytes = 0
        self._last = b""

    def begin_header(self) -> None:
        """Allow the headers of the next member to be read."""
        self._header_bytes = MAX_HEADER_BYTES

    @property
    def ended(self) -> bool:
        """Whether the block that was read last is that which ends a tar."""
        return self._last == bytes(BLOCK_BYTES)

    def tell(self) -> int:
        """Return the number of bytes before the next one."""
        return self._position

    def read(self, size: int) -> bytes:
        """Return the next bytes of a header, all of them unless the tar ends.

        Raises:
            RecordingError: the headers of one member are too large.
        """
        self._header_bytes -= size
        if size < 0 or self._header_bytes < 0:
            raise _header_error(f"more than {MAX_HEADER_BYTES:,} bytes")
        parts = []
        while size and (part := self.read_data(size)):
            parts.append(part)
            size -= len(part)
        self._last = b"".join(parts)
        if len(self._last) > BLOCK_BYTES and LONG_NUMBER.search(self._last):
            raise _header_error("a number of more than 64 digits")
        return self._last

    def read_data(self, size: int) -> bytes:
        """Return at most `size` bytes of a member's content."""
        part = self._source.read(min(size, PART_BYTES))
        self._budget.take(len(part))
        self._position += len(part)
        return part

    def seek(self, position: int) -> None:
        """Skip bytes up to a position; at the end of the tar, stop there.

        Raises:
            RecordingError: the position was passed already.
        """
        if position < self._position:
            raise _header_error("a size below zero")
        while self._position < position and self.read_data(position - self._position):
            pass


def _header_error(got: str) -> RecordingError:
    return RecordingError("a header in the tar is damaged or forged", got=got, remedy=UNPACK_IT)
