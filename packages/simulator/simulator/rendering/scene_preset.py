"""Holds how a world differs from the built-in one, in figures that pictures can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.vehicle import (
    CAMERA_HEIGHT_M,
    CAMERA_PITCH_DOWN_DEG,
    CAMERA_ROLL_COUNTERCLOCKWISE_DEG,
    CAMERA_YAW_RIGHT_DEG,
    FOCAL_PX,
)

Picture = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Red, green and blue, 0..1; or a factor of each of them."""

WHITE: Final[Colour] = (1.0, 1.0, 1.0)
KINDS: Final = (
    "road", "pavement", "bricks", "wall", "kerb", "shoulder", "sand", "dry grass", "grass", "earth",
    "rock", "water", "plants", "run-off",
)  # fmt: skip
"""Kinds of surface, each with a look of its own. New ones are added at the end, so that a seed
keeps the looks of the others."""


@dataclass(frozen=True)
class CameraPose:
    """Attitude, height and focal length of all three cameras; the default is that of the prefab."""

    yaw_right_deg: float = CAMERA_YAW_RIGHT_DEG
    pitch_down_deg: float = CAMERA_PITCH_DOWN_DEG
    roll_counterclockwise_deg: float = CAMERA_ROLL_COUNTERCLOCKWISE_DEG
    height_m: float = CAMERA_HEIGHT_M
    focal_px: float = FOCAL_PX


@dataclass(frozen=True)
class SurfaceLook:
    """How the texture of a kind of surface differs from the one that is drawn for it."""

    colour: Colour = WHITE
    """Factors of red, green and blue."""
    contrast: float = 1.0
    size: float = 1.0
    """Factor of the size of the texture on the ground; of the road, of its length alone."""

    def repaint(self, picture: Picture) -> Picture:
        """Return a texture, (H, W, 3) or (H, W, 4), in the colours of this look."""
        if self.colour == WHITE and self.contrast == 1.0:
            return picture
        colours = picture[..., :3].astype(np.float64)
        mean = colours.mean(axis=(0, 1))
        colours = (mean + (colours - mean) * self.contrast) * np.array(self.colour)
        changed = picture.copy()
        changed[..., :3] = colours.clip(0, 255)
        return changed


@dataclass(frozen=True)
class RoadsideWidths:
    """Widths in metres of the strips that run beside the road."""

    kerb_m: float = 0.9
    """Width of a kerb, which only tight bends have."""
    shoulder_m: float = 1.3
    """Width of the gutter and the pale stone beside a road without a kerb."""
    run_off_m: float = 0.0
    """Width of the tarmac between kerb or shoulder and the grass."""


@dataclass(frozen=True)
class ScenePreset:
    """The pose of the cameras, and factors of the built-in world's colours; 1 changes nothing.

    Pictures tell how much light comes from a surface, and neither the light that falls on it nor
    the share that it reflects alone. So the brightness of the light is part of the surfaces'
    factors here.
    """

    camera: CameraPose = CameraPose()
    zenith: Colour = WHITE
    """Factors of the sky's colour overhead."""
    horizon: Colour = WHITE
    """Factors of the sky's colour at the horizon, and of the haze's."""
    hood: Colour = WHITE
    """Factors of the colours of the hood."""
    surfaces: Mapping[str, SurfaceLook] = field(default_factory=dict, hash=False)
    """Looks of kinds of surface, each one of KINDS; others are as they are built."""

    def surface(self, kind: str) -> SurfaceLook:
        """Return the look of a kind of surface."""
        return self.surfaces.get(kind, SurfaceLook())


BUILT_IN: Final = ScenePreset()
"""The world as it is built, seen by Udacity's cameras."""


def scale_colour(colour: Colour, factors: Colour) -> Colour:
    """Return a colour times factors of red, green and blue."""
    red, green, blue = (value * factor for value, factor in zip(colour, factors, strict=True))
    return red, green, blue
