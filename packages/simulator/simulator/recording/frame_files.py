"""Lists the image files of a recording."""

from __future__ import annotations

from pathlib import Path

from contract.errors import RecordingError


def list_frames(folder: Path, limit: int | None) -> list[Path]:
    """Return the centre frames of a recording, or all JPEGs of a folder, sorted by name.

    Args:
        folder: A recording, its IMG folder, or any folder of JPEG files.
        limit: Maximum number of files; None returns all of them.

    Raises:
        RecordingError: The folder has no JPEG files.
    """
    for pattern in ("center_*.jpg", "*.jpg"):
        for place in (folder / "IMG", folder):
            paths = sorted(place.glob(pattern))
            if paths:
                return paths[:limit]
    raise RecordingError(
        "there are no frames in this folder",
        got=str(folder),
        remedy="Name the folder of a recording, or a folder of JPEG files",
    )
