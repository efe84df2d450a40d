"""The recordings that the benchmarks read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SHARED: Final = Path(os.environ.get("LAPWING_SHARED", ROOT.parent / "shared"))
DATA: Final = SHARED / "data"


def chosen() -> Path:
    """Return the recording that RECORDING names, or `data/lake` in LAPWING_SHARED.

    A benchmark that finds no recording there ends with a message.
    """
    recording = Path(os.environ.get("RECORDING") or DATA / "lake")
    if not (recording / "driving_log.csv").is_file():
        sys.exit(f"bench: {recording} is no recording. Name one: make bench RECORDING=folder")
    return recording
