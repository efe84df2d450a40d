"""Collects an explanation: figures with their units, and images with captions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Explanation:
    """The content of explanation.json, which grows while the explanation is made."""

    version: int
    sha256: str
    """Hash of the version's model.h5."""
    job_id: str
    made_at: str
    figures: list[dict[str, Any]] = field(default_factory=list)
    """Name, value and unit of each figure; a share has the unit 1."""
    frames: list[dict[str, Any]] = field(default_factory=list)
    """The frames that were drawn, with their figures."""
    hardest: list[dict[str, Any]] = field(default_factory=list)
    """The validation frames with the largest errors, the largest first."""
    pictures: list[dict[str, str]] = field(default_factory=list)
    """The name of each image file and what it shows."""
    missing: list[str] = field(default_factory=list)
    """Sentences on what could not be shown, and why."""

    def add_figure(self, name: str, value: float, unit: str) -> None:
        """Add a figure."""
        self.figures.append({"name": name, "value": value, "unit": unit})

    def add_image(self, file: str, shows: str) -> None:
        """Add an image file and what it shows."""
        self.pictures.append({"file": file, "shows": shows})

    def to_json(self) -> dict[str, Any]:
        """Return the content of explanation.json."""
        return asdict(self)
