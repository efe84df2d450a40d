"""Decodes the bytes of a driving log into numbered lines, and splits a line into fields."""

from __future__ import annotations

import codecs
import csv
import re
from typing import Final

from contract.errors import RecordingError

__all__ = ["MAX_LOG_BYTES", "check_lines", "is_image", "split_fields", "split_lines"]

MAX_LOG_BYTES: Final = 160 << 20
"""Larger logs are not read. MAX_LINES lines with long paths of three images need as much."""
MAX_LINES: Final = 600_000
"""Maximum number of lines of a log, eleven hours at 15 rows/s; a row needs 2 kB of memory."""
LINE_END: Final = re.compile(r"\r\n|\r|\n")
"""Ends of lines; str.splitlines would also split at characters of old encodings in folder names."""
IMAGE_ENDS: Final = (".jpg", ".jpeg", ".png")
LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
"""First words of the small file that git leaves in place of a large one."""
PAGE_STARTS: Final = (b"<!doctype html", b"<html")
SAMPLE_BYTES: Final = 256
"""Number of bytes that are looked at to find UTF-16 without a byte order mark."""


def split_lines(raw: bytes) -> list[str]:
    """Decode a log and split it into its lines, without their ends.

    The recorder writes UTF-8. An editor or a spreadsheet may have saved the log as UTF-16. Paths of
    old Windows machines are in an encoding of their own; all other fields are ASCII.

    Raises:
        RecordingError: the file is a pointer of git-lfs or a web page, or has too many lines.
    """
    if raw.startswith(LFS_POINTER):
        raise RecordingError(
            "the driving log is a pointer of git-lfs and not the log itself",
            got=f"{len(raw)} bytes",
            remedy="Run `git lfs pull` in the repository that it comes from",
        )
    if raw[:SAMPLE_BYTES].lstrip().lower().startswith(PAGE_STARTS):
        raise RecordingError(
            "the driving log is a web page and not the log itself",
            got=f"{len(raw)} bytes",
            remedy="Download the file itself, for example by the button Raw of GitHub",
        )
    check_lines(raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n"))
    return LINE_END.split(_decode(raw))


def check_lines(count: int) -> None:
    """Raise an error if a log has more lines, or a tub more records, than are read.

    Raises:
        RecordingError: they are more than MAX_LINES.
    """
    if count > MAX_LINES:
        raise RecordingError(
            "the recording has too many rows",
            got=f"{count:,}, and at most {MAX_LINES:,} are read",
            remedy="Divide its log into several",
        )


def _decode(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    # In UTF-16 every second byte of an ASCII character is zero. Elsewhere zeros come in rows.
    for encoding, zeros, others in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        sample = raw[:SAMPLE_BYTES]
        if sample[zeros::2] and not any(sample[zeros::2]) and all(sample[others::2]):
            return raw.decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def split_fields(line: str, separator: str) -> list[str]:
    """Split a line at separators outside quotes, and remove spaces around the fields.

    A line that is quoted as a whole, as spreadsheets write a line that they took for one cell, is
    split as well.
    """
    if '"' not in line:
        return [text.strip() for text in line.split(separator)]
    fields = _unquoted(line, separator)
    if len(fields) == 1 and separator in fields[0]:
        return _unquoted(fields[0], separator)
    return fields


def _unquoted(line: str, separator: str) -> list[str]:
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # the line is longer than any field of a driving log
        return [line.strip()]
    return [text.strip() for text in fields]


def is_image(text: str) -> bool:
    """Return whether a field is the path of a JPEG or a PNG."""
    return text.lower().endswith(IMAGE_ENDS)
