"""Says what to do about a file that this process may not read or write.

In containers this is common: they run as a user of their own, who has no right to a folder of the
host that only its owner may enter.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.errors import FileAccessError

__all__ = ["explain_denied", "remedy"]

DENIED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
MISPLACED: Final = (
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
"""Errors that mean that something else is where a file or folder should be."""
READING: Final = (
    "Containers run as another user than you: on the host, run chmod -R a+rX on the folder or file "
    "that you mount"
)
WRITING: Final = (
    "Name a place where this user may write. With containers, mount a folder of yours and run as "
    'yourself: docker compose run --rm --user "$(id -u):$(id -g)" -v "$PWD:/out"'
)

ELSEWHERE: Final = "Something else has its place: move that away, or name another path"


@contextmanager
def explain_denied(*, to_write: bool = False) -> Iterator[None]:
    """Turn the operating system's refusal of a file into an error that says what to do.

    Args:
        to_write: the block looks at files only because it is to write them. Otherwise it is found
            out whether reading or writing was refused.

    Raises:
        FileAccessError: within the `with` block, this process may not read or write a file, or
            something else is in its place.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*DENIED, *MISPLACED) or error.filename is None:
            raise
        path = Path(os.fsdecode(error.filename))
        if error.errno in MISPLACED:
            raise FileAccessError(
                f"{path} cannot be used", got=error.strerror, remedy=ELSEWHERE
            ) from error
        written = to_write or _was_writing(path)
        raise FileAccessError(
            f"{path} cannot be {'written' if written else 'read'}",
            got=error.strerror,
            remedy=WRITING if written else READING,
        ) from error


def remedy(error: BaseException, otherwise: str) -> str:
    """Return what to do about an error of the operating system.

    Args:
        error: the error; only an OSError can be a refusal.
        otherwise: the remedy of an error that is no refusal of a file.
    """
    if not isinstance(error, OSError) or error.errno not in DENIED or error.filename is None:
        return otherwise
    return WRITING if _was_writing(Path(os.fsdecode(error.filename))) else READING


def _was_writing(path: Path) -> bool:
    """Tell whether what was refused was to write: what can be read was not refused to a reader."""
    if os.path.lexists(path):
        return os.access(path, os.R_OK)
    return os.access(path.parent, os.X_OK)
