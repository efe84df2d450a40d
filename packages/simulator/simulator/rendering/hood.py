"""Draws the hood of the car at the bottom of every picture, as each of the cameras sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.rendering.appearance import Light

SUPERSAMPLING: Final = 4
CENTRE_X_PX: Final = {"center": 163, "left": 278, "right": 52}
"""Column of the hood's middle: the left camera sees the hood on its right."""
CENTRE_Y_PX: Final = 171
RIM: Final = (205, 192, 162)
TAN: Final = (158, 143, 112)
SHADOW: Final = (108, 97, 74)
CHROME: Final = (204, 204, 194)
GLINT: Final = (246, 246, 240)


@dataclass(frozen=True)
class Hood:
    """The part of the hood that covers R rows and C columns at the bottom of a picture.

    Args:
        top: First row that the hood covers.
        left: First column that the hood covers.
        colour: Colours 0..255, multiplied by the covered share of each pixel, (R, C, 3).
        clear: Share of each pixel that is not covered, (R, C, 3), alike for the three colours.
    """

    top: int
    left: int
    colour: NDArray[np.float32]
    clear: NDArray[np.float32]

    def draw_over(self, picture: NDArray[np.uint8]) -> None:
        """Draw the hood over a picture, (160, 320, 3), in place."""
        covered = picture[self.top :, self.left : self.left + self.clear.shape[1]]
        mixed = covered * self.clear
        mixed += self.colour
        covered[:] = mixed


def build_hood(camera: str, light: Light) -> Hood:
    """Return the hood as one of the cameras sees it.

    Args:
        camera: Name of the camera: center, left or right.
        light: Light that falls on the hood.
    """
    wide, tall = IMAGE_WIDTH * SUPERSAMPLING, IMAGE_HEIGHT * SUPERSAMPLING
    picture = np.zeros((tall, wide, 3), np.uint8)
    cover = np.zeros((tall, wide), np.uint8)
    centre_x = CENTRE_X_PX[camera] * SUPERSAMPLING
    reach = 104 if camera == "center" else 92

    def draw_arc(rise: int, half: int, colour: tuple[int, int, int]) -> None:
        centre = (centre_x, CENTRE_Y_PX * SUPERSAMPLING)
        axes = (half * SUPERSAMPLING, rise * SUPERSAMPLING)
        cv2.ellipse(picture, centre, axes, 0, 180, 360, colour, -1)
        cv2.ellipse(cover, centre, axes, 0, 180, 360, 255, -1)

    draw_arc(33, reach, SHADOW)
    draw_arc(32, reach - 2, RIM)
    draw_arc(28, reach - 8, TAN)
    draw_arc(21, reach - 22, SHADOW)
    draw_arc(18, reach - 27, CHROME)
    if camera != "center":  # Only the side cameras see a headlamp, at the near corner.
        direction = -1 if camera == "left" else 1
        lamp = (centre_x + direction * (reach - 18) * SUPERSAMPLING, 151 * SUPERSAMPLING)
        axes = (9 * SUPERSAMPLING, 5 * SUPERSAMPLING)
        cv2.ellipse(picture, lamp, axes, -40 * direction, 0, 360, GLINT, -1)
    blocks = (IMAGE_HEIGHT, SUPERSAMPLING, IMAGE_WIDTH, SUPERSAMPLING)
    share = cover.reshape(blocks).mean(axis=(1, 3)) / 255
    weighted = (picture * (cover[..., None] > 0)).reshape(*blocks, 3)
    brightness = (np.array(light.ambient) + 0.7 * np.array(light.sun)) * np.array(light.tint)
    # The brightness is scaled down if it is too high. Clipping would turn the hood pink.
    brightness /= max(1.0, brightness.max())
    colour = (weighted.mean(axis=(1, 3)) * brightness).clip(0, 255)
    top = int(np.flatnonzero(share.any(axis=1))[0])
    columns = np.flatnonzero(share.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    clear = np.repeat(1 - share[top:, left:right, None], 3, axis=2)
    return Hood(top, left, colour[top:, left:right].astype(np.float32), clear.astype(np.float32))
