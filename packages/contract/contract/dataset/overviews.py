"""Reads and writes overviews: what a dataset holds, for people who choose what to train on.

    <data>/overviews/<dataset>/overview.json        a DatasetOverview
    <data>/overviews/<dataset>/contact-sheet.png    frames of the dataset
    <data>/overviews/<dataset>/steering.png         its steering over time, with findings marked

Ingest makes them from the store (ingest/overview), and the command line shows them. A store never
changes, so an overview is made once. One that is lost or of another release is made again.

This module needs only the standard library.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from contract.dataset import store_catalog
from contract.dataset.exclusions import Lines
from contract.files import atomic_files

__all__ = ["CONTACT_SHEET", "FILE", "STEERING", "DatasetOverview", "folder", "read", "write"]

SCHEMA: Final = 1
FILE: Final = "overview.json"
CONTACT_SHEET: Final = "contact-sheet.png"
STEERING: Final = "steering.png"


@dataclass(frozen=True)
class DatasetOverview:
    """What a dataset holds, in figures, and what the doctor finds in it."""

    dataset: str
    manifest_sha256: str
    """SHA-256 of the manifest of the store that was read."""
    rows: int
    cameras: int
    lines: Lines
    """The lines of the log that are rows of the store: runs, each the first line and the last."""
    minutes: float
    """Time driven, without pauses."""
    segments: int
    """Number of segments of uninterrupted driving."""
    laps: float
    """Turns of 360° that the car made, by the car model; a lap of a track is one turn."""
    speed_mph: float
    """Mean speed."""
    steering_mean: float
    steering_std: float
    """Standard deviation of the steering over all rows."""
    steering_zero_share: float
    """Share of rows in which the steering is exactly 0."""
    pauses: int
    """How often the recorder was paused, by what the images show."""
    findings: list[dict[str, Any]]
    """What the doctor finds in the stored rows and frames, as in `lapwing doctor --json`."""
    schema: int = SCHEMA


def folder(data_dir: Path, dataset: str) -> Path:
    """Return the folder of a dataset's overview."""
    return data_dir / "overviews" / dataset


def read(data_dir: Path, dataset: str) -> DatasetOverview | None:
    """Return the overview of a dataset; None if there is none of this store and this release."""
    manifest = store_catalog.paths(data_dir, dataset)[1]
    try:
        document = json.loads((folder(data_dir, dataset) / FILE).read_text(encoding="utf-8"))
        lines = tuple((first, last) for first, last in document.pop("lines"))
        overview = DatasetOverview(lines=lines, **document)
        known = overview.schema == SCHEMA
        return (
            overview
            if known and overview.manifest_sha256 == atomic_files.sha256(manifest)
            else None
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # It is made again from the store, which is the only source of what it says.


def write(data_dir: Path, overview: DatasetOverview) -> None:
    """Write the overview of a dataset; the pictures beside it stay."""
    path = folder(data_dir, overview.dataset) / FILE
    atomic_files.make_folder(path.parent)
    atomic_files.write_json(path, asdict(overview))
