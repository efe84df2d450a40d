"""Says where a recorded car was on its road, and how sure that is.

The road under the car cannot be seen, but it was seen before the car came there. So each image
(finder.py) says where the road's middle is at several distances ahead; the car's motion takes these
places to where the car is later; and the median of those beside the car is its place on the road.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import FrameError
from contract.vehicle import CAMERA_AHEAD_OF_REAR_AXLE_M, YAW_LAG_S
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.road.finder import RoadFinder
from evaluator.offline.view_warp import FRAME, PREFAB
from evaluator.offline.virtual_car import integrate_path, yaw_rad_s
from simulator.episode.monitor import HALF_TRACK_M
from simulator.rendering.scene_preset import CameraPose

COLOUR_IMAGES: Final = 200
"""Number of images from which the colours are learnt."""
WIDTH_IMAGES: Final = 40
"""Number of images from which the width is found."""
STEP_M: Final = 1.0
"""The next image is looked at after the car has driven this way."""
PLACES_M: Final = np.arange(5.0, 10.5, 1.0)
"""Distances along the road, from the camera, at which an image says where the road is."""
BESIDE_M: Final = 1.0
"""A place counts for the car when it is not further ahead of it or behind it than this."""
MEMORY_M: Final = 20.0
"""Places that were seen longer ago than this way are forgotten: the motion is not that exact."""
MIN_PLACES: Final = 4
"""Number of places beside the car below which nothing is said."""
MIN_SUPPORT: Final = 0.8
"""An image with less support (finder.py) says nothing: the ground is not level, or the road has the
colours of its verge."""
MIN_STD_M: Final = 0.1
"""The offset is never more certain: the geometry of the cameras is not."""
SPREAD_TO_STD: Final = 3.0
"""The standard deviation of the offset, over the spread of the places beside the car. Images repeat
each other's errors, so it is more than 1; fitted to the errors in the simulator."""
MAX_STD_M: Final = 0.8
"""A row whose offset is less certain than this has no road."""
Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class RoadTrack:
    """The road under a recorded drive."""

    width_m: float
    left_m: Floats
    """Offset of the car from the road's middle, shape (rows,), positive to the left; NaN where the
    road was not found."""
    std_m: Floats
    """Standard deviation of the offset, shape (rows,); NaN where the road was not found."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """Mask of the rows whose road was found, shape (rows,)."""
        return np.isfinite(self.left_m)

    def at(self, rows: NDArray[np.int64]) -> RoadTrack:
        """Return the road under some of the rows, whose numbers have shape (chosen rows,)."""
        return RoadTrack(self.width_m, self.left_m[rows], self.std_m[rows])

    def off_road(self, left_of_path_m: Floats) -> NDArray[np.bool_]:
        """Return in which rows a car beside the recorded one has a wheel beyond the road's edge.

        Args:
            left_of_path_m: offset of that car from the recorded one, shape (rows,).

        Returns:
            A mask, shape (rows,), which is false where the road was not found.
        """
        offset_m = np.where(self.found, self.left_m + left_of_path_m, 0.0)
        return np.asarray(np.abs(offset_m) > self.width_m / 2 - HALF_TRACK_M)


def find_recorded_road(
    drive: LoggedDrive,
    pose: CameraPose,
    shape: tuple[int, int, int] = FRAME,
    on_progress: Callable[[float], None] = lambda share: None,
) -> RoadTrack:
    """Find the road under each row of a recording.

    Args:
        drive: the recording.
        pose: how its cameras stand.
        shape: shape of its images: as the simulator wrote them, or (128, 128, 3) from a store.
        on_progress: called with the share of the rows that are done, 0..1.

    Raises:
        FrameError: an image is broken, or has another shape.
    """

    def image(row: int) -> Image:
        picture = drive.image(row, 0)
        if picture.shape != shape:
            raise FrameError(
                "the road can be found only in images of the simulator's cameras",
                got=f"{picture.shape}",
                remedy=f"Their shape must be {shape}: leave the road out with --no-road",
            )
        return picture

    return find_road(
        image,
        drive.time_s,
        drive.steering,
        drive.speed_mps,
        drive.segment,
        pose=pose,
        shape=shape,
        on_progress=on_progress,
    )


def find_road(
    image: Callable[[int], Image],
    time_s: Floats,
    steering: Floats,
    speed_mps: Floats,
    segment: NDArray[np.int64],
    *,
    ahead_m: float = CAMERA_AHEAD_OF_REAR_AXLE_M,
    pose: CameraPose = PREFAB,
    shape: tuple[int, int, int] = FRAME,
    on_progress: Callable[[float], None] = lambda share: None,
) -> RoadTrack:
    """Find the road under each row of a drive.

    Args:
        image: returns the centre camera's image of a row, RGB.
        time_s: time of each row, shape (rows,).
        steering: steering of the car, shape (rows,), -1..1, positive to the right.
        speed_mps: speed of the car, shape (rows,).
        segment: number of the segment of driving of each row, shape (rows,).
        ahead_m: distance of the camera ahead of the point of the car that moves along its heading.
        pose: how the camera stands.
        shape: shape of the images.
        on_progress: called with the share of the rows that are done, 0..1.

    Raises:
        FrameError: an image is broken.
    """
    count = len(time_s)
    finder = RoadFinder(pose, shape)
    rows = np.unique(np.linspace(0, count - 1, COLOUR_IMAGES).astype(int))
    grounds = [finder.lay_out(image(int(row))) for row in rows]
    log_odds = finder.learn(grounds)
    width_m = finder.width_m(grounds[:: max(1, len(grounds) // WIDTH_IMAGES)], log_odds)
    # The width stays: colours that a road taught agree with its edges, so they would let it grow.
    log_odds = finder.learn_again(grounds, log_odds, width_m)
    left_m, std_m = np.full(count, np.nan), np.full(count, np.nan)
    for number in np.unique(segment):
        part = np.flatnonzero(segment == number)
        motion = _Motion(time_s[part], steering[part], speed_mps[part])
        places = _Places()
        looked_at_m = -math.inf
        for index, row in enumerate(part.tolist()):
            if motion.way_m[index] - looked_at_m >= STEP_M:
                looked_at_m = motion.way_m[index]
                seen = finder.measure(finder.lay_out(image(row)), log_odds, width_m)
                if seen.support >= MIN_SUPPORT:
                    places.add(motion, index, seen.places(PLACES_M), ahead_m)
            left_m[row], std_m[row] = places.beside(motion, index)
            on_progress((row + 1) / count)
    return RoadTrack(width_m, left_m, std_m)


class _Motion:
    """Where the car is at each row of a segment: at first in the origin, and heading along x."""

    def __init__(self, time_s: Floats, steering: Floats, speed_mps: Floats) -> None:
        duration_s = np.diff(time_s)
        yaw_rad_s = _lagging_yaw(duration_s, steering, speed_mps)
        mean_mps = (speed_mps[:-1] + speed_mps[1:]) / 2
        self.way_m = np.concatenate([[0.0], np.cumsum(mean_mps * duration_s)])
        # What the last row's yaw and speed are does not matter: nothing comes after it.
        position_m, self.heading_rad = integrate_path(
            time_s, np.append(yaw_rad_s, 0.0), np.append(mean_mps, 0.0)
        )
        self.x_m, self.y_m = position_m.T


class _Places:
    """Where the road's middle was seen in a segment, in the axes of its motion."""

    def __init__(self) -> None:
        self._seen: list[Floats] = []
        """Arrays of x and y in m, the road's heading in rad, and the car's way, (places, 4)."""

    def add(self, motion: _Motion, row: int, places: Floats, ahead_m: float) -> None:
        """Remember where an image shows the road's middle: x, y and heading from the camera."""
        turn, rest = math.sin(motion.heading_rad[row]), math.cos(motion.heading_rad[row])
        x_m, y_m = places[:, 0] + ahead_m, places[:, 1]
        self._seen.append(
            np.column_stack(
                [
                    motion.x_m[row] + rest * x_m - turn * y_m,
                    motion.y_m[row] + turn * x_m + rest * y_m,
                    motion.heading_rad[row] + places[:, 2],
                    np.full(len(places), motion.way_m[row]),
                ]
            )
        )

    def beside(self, motion: _Motion, row: int) -> tuple[float, float]:
        """Return the car's offset from the road's middle, and its standard deviation, in m.

        Both are NaN where too few places are beside the car, or where they contradict each other.
        """
        while self._seen and motion.way_m[row] - self._seen[0][0, 3] > MEMORY_M:
            del self._seen[0]
        if not self._seen:
            return math.nan, math.nan
        x_m, y_m, heading_rad, _ = np.concatenate(self._seen).T
        ahead_m, left_m = x_m - motion.x_m[row], y_m - motion.y_m[row]
        along_m = ahead_m * np.cos(heading_rad) + left_m * np.sin(heading_rad)
        offset_m = (ahead_m * np.sin(heading_rad) - left_m * np.cos(heading_rad))[
            np.abs(along_m) < BESIDE_M
        ]
        if len(offset_m) < MIN_PLACES:
            return math.nan, math.nan
        median_m = float(np.median(offset_m))
        # 1.4826 makes the median of absolute deviations the standard deviation of normal errors.
        spread_m = 1.4826 * float(np.median(np.abs(offset_m - median_m)))
        std_m = math.hypot(MIN_STD_M, SPREAD_TO_STD * spread_m)
        return (median_m, std_m) if std_m <= MAX_STD_M else (math.nan, math.nan)


def _lagging_yaw(duration_s: Floats, steering: Floats, speed_mps: Floats) -> Floats:
    """Return the yaw rate after each row, shape (rows - 1,), which follows the steering late."""
    yaw, last = np.zeros(len(duration_s)), 0.0
    for row, seconds in enumerate(duration_s.tolist()):
        target = yaw_rad_s(float(steering[row]), float(speed_mps[row]))
        decay = math.exp(-seconds / YAW_LAG_S)
        # The mean over the time of a rate that comes nearer to its target.
        share = YAW_LAG_S / seconds * (1 - decay) if seconds > 0 else 1.0
        yaw[row] = target + (last - target) * share
        last = target + (last - target) * decay
    return yaw
