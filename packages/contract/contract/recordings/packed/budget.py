"""Bounds what is read and written while an archive is unpacked."""

from __future__ import annotations

from typing import Final

from contract.errors import RecordingError

__all__ = ["MAX_MEMBERS", "UNPACK_IT", "Budget"]

MAX_BYTES: Final = 32 << 30
"""Maximum number of bytes of an unpacked recording.

Ten hours of three cameras at 15 rows/s are 1.6 million frames of 13 kB, which are 21 GB."""
MAX_MEMBERS: Final = 2_000_000
"""Maximum number of files and folders in an archive; those ten hours have 1.6 million."""
MAX_RATIO: Final = 10
"""Maximum ratio of the unpacked bytes to the size of the archive, beyond FREE_BYTES.

Recordings are JPEGs, which do not get smaller: their ratio is below 1.2. Deflate makes zeros
1,000 times smaller, and bzip2 a million times."""
FREE_BYTES: Final = 256 << 20
"""So many bytes may be unpacked from the smallest archive.

A log alone gets ten times smaller, and the equal frames of a car that stands still a thousand
times; this is the longest log, or seven minutes of standing."""
SHARE_OF_DISK: Final = 0.5
"""Maximum share of the free space on the disk; the dataset that is made of it needs the rest."""

UNPACK_IT: Final = "If you trust it, unpack it yourself, and name the folder"


class Budget:
    """Counts the files and bytes of one archive, and refuses those that are too many.

    Args:
        packed_bytes: size of the archive.
        disk_bytes: free space on the disk that it is unpacked to.
    """

    def __init__(self, packed_bytes: int, disk_bytes: int) -> None:
        by_ratio = FREE_BYTES + MAX_RATIO * packed_bytes
        by_disk = int(SHARE_OF_DISK * disk_bytes)
        self._most, self._reason, self._remedy = min(
            (MAX_BYTES, "the longest drive that Lapwing imports", UNPACK_IT),
            (by_ratio, f"an archive of {packed_bytes:,} bytes with images", UNPACK_IT),
            (by_disk, f"half of the free space on the disk, {disk_bytes:,} bytes", "Make space"),
        )
        self._bytes = 0
        self._members = 0

    def take(self, count: int) -> None:
        """Count bytes before they are unpacked.

        Raises:
            RecordingError: they are more than the archive may have, or than the disk can take.
        """
        self._bytes += count
        if self._bytes > self._most:
            raise RecordingError(
                f"the archive unpacks to more than {self._most:,} bytes, the bound for "
                f"{self._reason}",
                got=f"{self._bytes:,} bytes or more",
                remedy=self._remedy,
            )

    def take_member(self) -> None:
        """Count a member of the archive, or a folder that is made for one.

        Raises:
            RecordingError: they are too many.
        """
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise RecordingError(
                "the archive has too many files",
                got=f"more than {MAX_MEMBERS:,}",
                remedy=UNPACK_IT,
            )
