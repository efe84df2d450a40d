"""Manages the folder with the images and videos of a report."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

FOLDER: Final = "pictures"


class Assets:
    """The images and videos of a report.

    Args:
        report: folder in which the report is written.
    """

    def __init__(self, report: Path) -> None:
        self._report = report
        (report / FOLDER).mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the path for a file whose name came from `name`."""
        return self._report / name

    def name(self, stem: str, suffix: str = ".png") -> str:
        """Return the name of a file, relative to the report's folder."""
        return f"{FOLDER}/{stem}{suffix}"

    def keep(self, source: Path, stem: str) -> str:
        """Copy an image or video from the version's folder; return its name."""
        name = self.name(stem, source.suffix)
        shutil.copyfile(source, self.path(name))
        return name
