"""Lists the images and the labels of the recording, for the loaders of JPEG files."""

from __future__ import annotations

from pathlib import Path

from contract.recordings import driving_log


def listed(folder: Path) -> tuple[list[str], list[float]]:
    """Return the path of each image, and its steering."""
    run = folder / "run"
    rows = driving_log.read((run / "driving_log.csv").read_bytes()).rows
    pairs = [(str(run / "IMG" / name), row.steering) for row in rows for name in row.images]
    return [path for path, _ in pairs], [label for _, label in pairs]
