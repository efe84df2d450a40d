"""Makes several recordings in the time that one takes."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.data import samples


def variants(folder: Path, count: int, rows: int) -> list[Path]:
    """Make recordings of which each differs from the others in its first row."""
    first = samples.recording(folder / "run0", rows=rows)
    made = [first]
    for number in range(1, count):
        made.append(shutil.copytree(first, folder / f"run{number}"))
        picture = made[-1] / "IMG" / f"center_{samples.stamp(0)}.jpg"
        picture.write_bytes(samples.jpeg(0.0, 1_000_000 + number))
        log = made[-1] / "driving_log.csv"
        log.write_text(log.read_text().replace("15.25", f"{15 + number}.5", 1))
    return made
