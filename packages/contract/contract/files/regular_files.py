"""Opens and reads files that somebody else may have put there: regular files only, up to a size.

A pipe would be waited for without end, a device read without end, and a link leads elsewhere.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["open_descriptor", "read", "read_fully"]

NOT_REGULAR: Final = "it is not a regular file"
"""What an OSError says of a folder, a pipe, a socket or a device."""
FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""With O_NONBLOCK, a pipe without a writer is opened at once."""


def open_descriptor(path: Path, *, follow: bool = False) -> int:
    """Open a regular file for reading, and return its descriptor.

    Args:
        path: path of the file.
        follow: open the file that a link leads to. Folders in the path may always be links.

    Raises:
        OSError: it is a link, is no regular file, or cannot be opened.
    """
    descriptor = os.open(path, FLAGS if follow else FLAGS | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    return descriptor


def read(path: Path, most_bytes: int) -> bytes:
    """Return the content of a regular file.

    Args:
        path: path of the file, which may not be a link.
        most_bytes: larger files are not read.

    Raises:
        OSError: it is a link, is no regular file or cannot be read; its errno is EFBIG if the file
            is larger than `most_bytes`.
    """
    descriptor = open_descriptor(path)
    try:
        size = os.fstat(descriptor).st_size
        if size > most_bytes:
            raise OSError(errno.EFBIG, f"{size:,} bytes, and at most {most_bytes:,}", str(path))
        return read_fully(functools.partial(os.read, descriptor), size)
    finally:
        os.close(descriptor)


def read_fully(read: Callable[[int], bytes], size: int) -> bytes:
    """Return the next `size` bytes of a file, fewer only at its end.

    A file object does the same, but to make one takes as long as to read a picture.

    Args:
        read: reads at most as many bytes as it is asked for. It returns fewer also before the end,
            as a file system of the network may do, and none at the end.
        size: the number of bytes.
    """
    content = read(size)
    while (missing := size - len(content)) and (part := read(missing)):
        content += part
    return content
