"""The figures that a log replay gets from the road, where today's are from the recorded path."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluator.offline.road.track import RoadTrack

MIN_FOUND: Final = 0.4
"""Share of the rows whose road must be found before anything is said of the whole drive.

Where most rows say nothing, the ground is not level, and the others are not to be trusted. On
`jungle` 29 % of the rows are found, and they would have its driver off the road in 18 % of them."""

Floats = NDArray[np.float64]


def describe_road(road: RoadTrack) -> dict[str, Any]:
    """Return what is known of the road, and where the recorded driver kept on it.

    `driver_left_m` is the driver's steady offset, the median, positive to the left of the road's
    middle; `driver_off_road_percent` is the share of the rows with a wheel beyond the edge, of
    those whose road was found. Both are None where too little of the road was found.
    """
    is_known = road.found.mean() >= MIN_FOUND
    return {
        "width_m": road.width_m,
        "found_percent": 100 * float(road.found.mean()),
        "std_m": float(np.nanmedian(road.std_m)) if is_known else None,
        "driver_left_m": float(np.nanmedian(road.left_m)) if is_known else None,
        "driver_off_road_percent": _off_road_percent(road, np.zeros(len(road.left_m))),
    }


def describe_drive(road: RoadTrack, left_of_path_m: Floats) -> dict[str, Any]:
    """Return where a car beside the recorded one was on the road.

    Args:
        road: the road of the recording.
        left_of_path_m: offset of the car from the recorded path, shape (rows,).
    """
    return {
        "off_road_percent": _off_road_percent(road, left_of_path_m),
        "times_off_road": _times_off_road(road, left_of_path_m),
    }


def _off_road_percent(road: RoadTrack, left_of_path_m: Floats) -> float | None:
    if road.found.mean() < MIN_FOUND:
        return None
    return 100 * float(road.off_road(left_of_path_m)[road.found].mean())


def _times_off_road(road: RoadTrack, left_of_path_m: Floats) -> int | None:
    """Return how often the car left the road; rows whose road was not found are passed over."""
    if road.found.mean() < MIN_FOUND:
        return None
    off_road = road.off_road(left_of_path_m)[road.found].astype(np.int8)
    return int((np.diff(off_road, prepend=0) > 0).sum())
