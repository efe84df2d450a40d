"""Where the side cameras are, told by real pictures: `python -m bench.offsets`.

The centre camera's picture is warped to places beside it (simulator/lens.py), and compared with
what the side camera took at the same moment; where it fits best is where that camera is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from contract.frames import preprocess
from evaluator.offline import logged_drive
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.view_warp import LEFT_M, ViewWarp

SHARED = Path(os.environ.get("LAPWING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RECORDINGS = ("lake", "lake-2", "jungle")
MOMENTS = 40
"""Of each recording, spread evenly."""
PLACES_M = np.arange(0.5, 1.13, 0.04)
SEEN = slice(85, 130), slice(40, 280)
"""The road near the car, without the bonnet and what moves in from beyond the borders."""


def main() -> int:
    """Print the median and the quartiles of the places that fit best."""
    table = Table(
        "recording",
        "left, m",
        "quartiles",
        "right, m",
        "quartiles",
        title=f"Side cameras; assumed: {LEFT_M[1]} and {LEFT_M[2]} m",
    )
    for name in RECORDINGS:
        road = logged_drive.read_folder(SHARED / "data" / name)
        cells = []
        for camera in (1, 2):
            low, middle, high = np.percentile(_fitted(road, camera), [25, 50, 75])
            cells += [f"{middle:+.3f}", f"{low:+.3f}…{high:+.3f}"]
        table.add_row(name, *cells)
    Console().print(table)
    return 0


def _fitted(road: LoggedDrive, camera: int) -> NDArray[np.float64]:
    """Return where a camera is by each of MOMENTS moments, metres to the left."""
    lens, sign = ViewWarp(), 1 if camera == 1 else -1
    found = []
    for row in np.linspace(0, len(road.time_s) - 1, MOMENTS).astype(int).tolist():
        centre, side = (
            preprocess.decode(road.image_paths[row][number].read_bytes()) for number in (0, camera)
        )
        wanted = _smooth(side)
        errors = [
            float(np.abs(_smooth(lens.warp(centre, 0, sign * place, 0.0)) - wanted).mean())
            for place in PLACES_M.tolist()
        ]
        found.append(sign * _lowest(PLACES_M, np.array(errors)))
    return np.array(found)


def _smooth(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(cv2.blur(picture, (5, 5))[SEEN], dtype=np.float64)


def _lowest(places: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """Return the lowest place of the parabola through the lowest error and its neighbours."""
    best = int(np.clip(errors.argmin(), 1, len(errors) - 2))
    before, at, after = errors[best - 1 : best + 2].tolist()
    step = float(places[1] - places[0])
    return float(places[best]) + step * (before - after) / (2 * (before - 2 * at + after))


if __name__ == "__main__":
    sys.exit(main())
