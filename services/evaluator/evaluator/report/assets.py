"""The folder of pictures and films beside a report, while it is made."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

FOLDER: Final = "pictures"


class Pictures:
    """The pictures of the report that is made in a folder.

    Args:
        report: the folder of the report.
    """

    def __init__(self, report: Path) -> None:
        self._report = report
        (report / FOLDER).mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return where the picture of a name, as `name` returns it, is to be written."""
        return self._report / name

    def name(self, stem: str, suffix: str = ".png") -> str:
        """Return the name of a picture, relative to the report's folder."""
        return f"{FOLDER}/{stem}{suffix}"

    def keep(self, source: Path, stem: str) -> str:
        """Copy a picture or film that lies in the version's folder; return its name."""
        name = self.name(stem, source.suffix)
        shutil.copyfile(source, self.path(name))
        return name
