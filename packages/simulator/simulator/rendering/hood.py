"""Draws the hood of the car at the bottom of every picture, as each of the cameras sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.vehicle import CAMERA_LEFT_M, CAMERA_PITCH_DOWN_DEG, IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.rendering.randomization import SceneLook
from simulator.rendering.scene_preset import CameraPose

SUPERSAMPLING: Final = 4
HOOD_AHEAD_M: Final = 0.97
"""Distance of the hood in front of the cameras. In recordings of the real simulator its ends are
then within a pixel of ours in the pictures of all three cameras."""
BELOW_PX: Final = 91
"""Rows of the hood's middle below the middle of the picture of a camera that is not turned."""
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


def build_hood(camera: str, look: SceneLook) -> Hood:
    """Return the hood as one of the cameras sees it.

    Args:
        camera: Name of the camera: center, left or right.
        look: Light that falls on the hood, its colour, and the pose of the cameras.
    """
    wide, tall = IMAGE_WIDTH * SUPERSAMPLING, IMAGE_HEIGHT * SUPERSAMPLING
    picture = np.zeros((tall, wide, 3), np.uint8)
    cover = np.zeros((tall, wide), np.uint8)
    light, pose = look.light, look.camera
    middle_x, middle_y = hood_middle(camera, pose)
    centre = round(middle_x * SUPERSAMPLING), round(middle_y * SUPERSAMPLING)
    lean_deg = pose.roll_counterclockwise_deg
    reach = 104 if camera == "center" else 92

    def draw_arc(rise: int, half: int, colour: tuple[int, int, int]) -> None:
        axes = (half * SUPERSAMPLING, rise * SUPERSAMPLING)
        cv2.ellipse(picture, centre, axes, lean_deg, 180, 360, colour, -1)
        cv2.ellipse(cover, centre, axes, lean_deg, 180, 360, 255, -1)

    draw_arc(33, reach, SHADOW)
    draw_arc(32, reach - 2, RIM)
    draw_arc(28, reach - 8, TAN)
    draw_arc(21, reach - 22, SHADOW)
    draw_arc(18, reach - 27, CHROME)
    if camera != "center":  # Only the side cameras see a headlamp, at the near corner.
        direction = -1 if camera == "left" else 1
        beside_x, beside_y = _lean(direction * (reach - 18), -20, lean_deg)
        lamp = (
            round((middle_x + beside_x) * SUPERSAMPLING),
            round((middle_y + beside_y) * SUPERSAMPLING),
        )
        axes = (9 * SUPERSAMPLING, 5 * SUPERSAMPLING)
        cv2.ellipse(picture, lamp, axes, lean_deg - 40 * direction, 0, 360, GLINT, -1)
    blocks = (IMAGE_HEIGHT, SUPERSAMPLING, IMAGE_WIDTH, SUPERSAMPLING)
    share = cover.reshape(blocks).mean(axis=(1, 3)) / 255
    weighted = (picture * (cover[..., None] > 0)).reshape(*blocks, 3)
    brightness = (np.array(light.ambient) + 0.7 * np.array(light.sun)) * np.array(light.tint)
    brightness *= look.hood
    # The brightness is scaled down if it is too high. Clipping would turn the hood pink.
    brightness /= max(1.0, brightness.max())
    colour = (weighted.mean(axis=(1, 3)) * brightness).clip(0, 255)
    top = int(np.flatnonzero(share.any(axis=1))[0])
    columns = np.flatnonzero(share.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    clear = np.repeat(1 - share[top:, left:right, None], 3, axis=2)
    return Hood(top, left, colour[top:, left:right].astype(np.float32), clear.astype(np.float32))


def hood_middle(camera: str, pose: CameraPose) -> tuple[float, float]:
    """Return the column and row of the hood's middle, as one of the cameras sees it.

    The left camera sees the hood on its right. The cameras' yaw to the right moves the picture to
    the left, and their roll turns it clockwise.
    """
    aside_px = pose.focal_px * CAMERA_LEFT_M[camera] / HOOD_AHEAD_M
    # A camera that looks farther down than the real one sees the hood higher in its picture.
    raised_px = pose.focal_px * math.tan(math.radians(pose.pitch_down_deg - CAMERA_PITCH_DOWN_DEG))
    x, y = _lean(aside_px, BELOW_PX - raised_px, pose.roll_counterclockwise_deg)
    shift_px = pose.focal_px * math.tan(math.radians(pose.yaw_right_deg))
    return IMAGE_WIDTH / 2 + x - shift_px, IMAGE_HEIGHT / 2 + y


def _lean(right_px: float, down_px: float, roll_deg: float) -> tuple[float, float]:
    """Return a vector of the picture, turned clockwise by the roll of the cameras."""
    roll = math.radians(roll_deg)
    return (
        right_px * math.cos(roll) - down_px * math.sin(roll),
        right_px * math.sin(roll) + down_px * math.cos(roll),
    )
