"""Says where in a picture of the centre camera road, verge, water, sky, trees and hood are seen.

Where the ground of a place is seen follows from the pose of the cameras. What is sky follows from
the picture: it is what can be reached from the top of a column without crossing an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.calibration.camera_fit import camera_rotation
from simulator.rendering.scene_preset import CameraPose

ROAD_M: Final = (3.5, 8.0, 0.0, 1.0)
"""Nearest and farthest place ahead, and to the side: the car is on the road, so this is road."""
EDGE_M: Final = (4.5, 11.0, 4.5, 5.6)
"""Beside a road 8 m wide; a car that keeps off its middle sees road or verge there at times."""
VERGE_M: Final = (5.0, 14.0, 7.0, 11.0)
WATER_DEG: Final = (-8.0, -0.5)
"""Elevation at which water is seen: it lies below the road."""
MIN_BLUE: Final = 1.15
"""Share of blue to red from which a smooth patch of the ground is water."""
MAX_SLOPE: Final = 14.0
"""Largest change of brightness from pixel to pixel, 0..255, within the sky and on water."""
SKYLINE_DEG: Final = 1.0
"""Elevation from which what is not sky is slopes with trees on them."""
SHARE: Final = 0.3
"""Share of the edge that is taken for its pale stone, and of the slopes for trees on them."""
MIN_SKY_ROWS: Final = 12
MIN_SKY_BRIGHTNESS: Final = 0.6
"""Least brightness of the sky, as a share of the road's."""
NOT_HOOD_ROW: Final = 132
"""Row above which no hood is seen."""

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Regions:
    """Places of the ground and directions of the pixels of a pose, each of shape (160, 320)."""

    elevation_deg: Floats
    road: Mask
    edge: Mask
    verge: Mask

    @classmethod
    def of_pose(cls, pose: CameraPose) -> Regions:
        """Return the regions that a camera in this pose sees on level ground."""
        columns, rows = np.meshgrid(np.arange(IMAGE_WIDTH), np.arange(IMAGE_HEIGHT))
        pixels = np.stack(
            [
                (columns - (IMAGE_WIDTH - 1) / 2) / pose.focal_px,
                (rows - (IMAGE_HEIGHT - 1) / 2) / pose.focal_px,
                np.ones(columns.shape),
            ]
        )
        right, down, ahead = np.tensordot(camera_rotation(pose), pixels, 1)
        elevation = np.degrees(np.arctan2(-down, np.hypot(right, ahead)))
        scale = pose.height_m / np.maximum(down, 1e-3)
        ground = (down > 0.01) & (rows < NOT_HOOD_ROW)

        def place(bounds_m: tuple[float, float, float, float]) -> Mask:
            near_m, far_m, inner_m, outer_m = bounds_m
            ahead_m, side_m = ahead * scale, np.abs(right * scale)
            return np.asarray(
                ground
                & (ahead_m > near_m)
                & (ahead_m < far_m)
                & (side_m >= inner_m)
                & (side_m < outer_m)
            )

        return cls(elevation, place(ROAD_M), place(EDGE_M), place(VERGE_M))

    def find(self, picture: Picture, hood: Mask) -> dict[str, Mask]:
        """Return the pixels of each region of a picture, RGB (160, 320, 3).

        Args:
            picture: Picture of the centre camera.
            hood: Pixels of the hood.
        """
        values = picture.astype(np.float64)
        grey = values.mean(axis=2)
        slope = np.maximum(
            np.abs(np.diff(grey, axis=0, prepend=grey[:1])),
            np.abs(np.diff(grey, axis=1, prepend=grey[:, :1])),
        )
        smooth = (slope < MAX_SLOPE) & ~hood
        above = self.elevation_deg > SKYLINE_DEG
        sky = np.logical_and.accumulate(smooth & above, axis=0)
        # A short run is a crown of a tree. A dark one is rock that reaches out of the picture.
        length = sky.sum(axis=0)
        brightness = (grey * sky).sum(axis=0) / np.maximum(length, 1)
        least = MIN_SKY_BRIGHTNESS * np.median(grey[self.road])
        sky &= (length >= MIN_SKY_ROWS) & (brightness > least)
        low, high = WATER_DEG
        water = smooth & (self.elevation_deg > low) & (self.elevation_deg < high)
        water &= values[..., 2] > MIN_BLUE * values[..., 0]
        return {
            "road": self.road,
            "edge": _brightest(self.edge & ~water, grey),
            "verge": self.verge & ~water,
            "water": water,
            "sky": sky,
            "slopes": above & ~sky,
            "trees": _darkest(above & ~sky, grey),
            "hood": hood,
        }


def _brightest(mask: Mask, grey: Floats) -> Mask:
    """Return the brightest pixels of a region."""
    return mask if not mask.any() else mask & (grey >= np.quantile(grey[mask], 1 - SHARE))


def _darkest(mask: Mask, grey: Floats) -> Mask:
    """Return the darkest pixels of a region."""
    return mask if not mask.any() else mask & (grey <= np.quantile(grey[mask], SHARE))
