"""The bonnet's edge at the bottom of every picture, as each of the three cameras sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light

WIDTH: Final = 320
HEIGHT: Final = 160
SHARP: Final = 4
MIDDLES: Final = {"center": 163, "left": 278, "right": 52}
"""Of the bonnet, in pixels: a camera to the left of it sees it to the right."""
RIM: Final = (205, 192, 162)
TAN: Final = (158, 143, 112)
SHADOW: Final = (108, 97, 74)
CHROME: Final = (204, 204, 194)
GLINT: Final = (246, 246, 240)


@dataclass(frozen=True)
class Bonnet:
    """What covers the lower rows of a picture.

    Args:
        top: the first row.
        colour: (R, 320, 3), 0..255, already weighted by how much is covered.
        clear: (R, 320, 1), the share that is not covered.
    """

    top: int
    colour: NDArray[np.float32]
    clear: NDArray[np.float32]

    def over(self, picture: NDArray[np.uint8]) -> None:
        """Draw it over a (160, 320, 3) picture, in place."""
        rows = picture[self.top :]
        rows[:] = rows * self.clear + self.colour


def bonnet(side: str, light: Light) -> Bonnet:
    """Return the bonnet as one camera sees it, in a light."""
    wide, tall = WIDTH * SHARP, HEIGHT * SHARP
    picture = np.zeros((tall, wide, 3), np.uint8)
    cover = np.zeros((tall, wide), np.uint8)
    middle = MIDDLES[side] * SHARP
    reach = 104 if side == "center" else 92

    def arc(rise: int, half: int, colour: tuple[int, int, int]) -> None:
        place = (middle, 171 * SHARP)
        cv2.ellipse(picture, place, (half * SHARP, rise * SHARP), 0, 180, 360, colour, -1)
        cv2.ellipse(cover, place, (half * SHARP, rise * SHARP), 0, 180, 360, 255, -1)

    arc(33, reach, SHADOW)
    arc(32, reach - 2, RIM)
    arc(28, reach - 8, TAN)
    arc(21, reach - 22, SHADOW)
    arc(18, reach - 27, CHROME)
    if side != "center":  # the headlamp at the near corner
        towards = -1 if side == "left" else 1
        lamp = (middle + towards * (reach - 18) * SHARP, 151 * SHARP)
        cv2.ellipse(picture, lamp, (9 * SHARP, 5 * SHARP), -40 * towards, 0, 360, GLINT, -1)
    share = cover.reshape(HEIGHT, SHARP, WIDTH, SHARP).mean(axis=(1, 3)) / 255
    weighted = (picture * (cover[..., None] > 0)).reshape(HEIGHT, SHARP, WIDTH, SHARP, 3)
    bright = (np.array(light.ambient) + 0.7 * np.array(light.sun)) * np.array(light.tint)
    bright /= max(1.0, bright.max())  # cut off, a light that is too bright would turn pink
    colour = (weighted.mean(axis=(1, 3)) * bright).clip(0, 255)
    top = int(np.flatnonzero(share.any(axis=1))[0])
    return Bonnet(
        top,
        colour[top:].astype(np.float32),
        (1 - share[top:, :, None]).astype(np.float32),
    )
