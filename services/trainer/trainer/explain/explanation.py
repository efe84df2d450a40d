"""What an explanation says: figures, each with its unit, and pictures, each with what it shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Account:
    """The content of explanation.json, as it is gathered."""

    version: int
    sha256: str
    """Of the version's model.h5."""
    job_id: str
    made_at: str
    figures: list[dict[str, Any]] = field(default_factory=list)
    """name, value and unit of each; a share of something is of unit 1."""
    frames: list[dict[str, Any]] = field(default_factory=list)
    """Those that were drawn, with their figures."""
    hardest: list[dict[str, Any]] = field(default_factory=list)
    """Validation frames, the worst first."""
    pictures: list[dict[str, str]] = field(default_factory=list)
    """file and shows."""
    missing: list[str] = field(default_factory=list)
    """What could not be shown, and why."""

    def figure(self, name: str, value: float, unit: str) -> None:
        """Note a figure."""
        self.figures.append({"name": name, "value": value, "unit": unit})

    def picture(self, file: str, shows: str) -> None:
        """Note a picture."""
        self.pictures.append({"file": file, "shows": shows})

    def document(self) -> dict[str, Any]:
        """Return it as what a JSON file holds."""
        return asdict(self)
