"""Measures from real pictures where the side cameras are: `python -m bench.evaluation.offsets`.

The picture of the centre camera is warped to several places beside it (view_warp.py) and compared
with the picture that the side camera took at the same moment. The side camera is where the warped
picture fits best.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import output
from bench.recordings import DATA
from contract.frames import preprocess
from evaluator.offline import logged_drive
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.view_warp import LEFT_M, ViewWarp

RECORDINGS = ("lake", "lake-2", "jungle")
MOMENTS = 40
"""Number of moments of each recording, spread evenly."""
PLACES_M = np.arange(0.5, 1.13, 0.04)
SEEN = slice(85, 130), slice(40, 280)
"""Rows and columns of the road near the car, without the hood and the borders of the picture."""


def main() -> int:
    """Measure each recording and show the median and the quartiles of the places."""
    options = output.arguments(__doc__).parse_args()
    rows: list[output.Row] = []
    for name in RECORDINGS:
        drive = logged_drive.read_folder(DATA / name)
        row: dict[str, output.Cell] = {"recording": name}
        for side, camera in (("left", 1), ("right", 2)):
            low, middle, high = np.percentile(_fitted(drive, camera), [25, 50, 75])
            row |= {
                f"{side}, m": f"{middle:+.3f}",
                f"{side}, quartiles": f"{low:+.3f}…{high:+.3f}",
            }
        rows.append(row)
    title = f"Places of the side cameras; assumed: {LEFT_M[1]} and {LEFT_M[2]} m"
    command = "python -m bench.evaluation.offsets"
    output.finish(output.Result("offsets", title, command, "", rows), options)
    return 0


def _fitted(road: LoggedDrive, camera: int) -> NDArray[np.float64]:
    """Return the place of a camera, metres to the left, as each of MOMENTS moments shows it."""
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
    before, at, after = map(float, errors[best - 1 : best + 2])
    step = float(places[1] - places[0])
    return float(places[best]) + step * (before - after) / (2 * (before - 2 * at + after))


if __name__ == "__main__":
    sys.exit(main())
