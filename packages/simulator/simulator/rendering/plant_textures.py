"""Pictures of plants, with holes where one looks through them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDE: Final = 128
TALL: Final = 256


def pine(chance: np.random.Generator) -> Picture:
    """Return (256, 128, 4): a bare trunk with clumps of needles above, as by a southern lake."""
    picture = np.zeros((TALL, WIDE, 4), np.uint8)
    lean = int(chance.integers(-6, 7))
    cv2.line(picture, (64, 255), (64 + lean, 60), (74, 56, 40, 255), 5)
    clumps = int(chance.integers(13, 19))
    for number in range(clumps):
        share = number / clumps
        spread = 34 * (1 - 0.75 * share) + 4
        x = 64 + lean * (0.4 + 0.6 * share) + chance.uniform(-spread, spread)
        y = 150 - share * 128 + chance.uniform(-8, 8)
        _clump(picture, chance, x, y, 15 - 6 * share, (58, 70, 30), (128, 124, 58))
    return picture


def bush(chance: np.random.Generator) -> Picture:
    """Return (256, 128, 4): a dark shrub as wide as the picture, in its lower half."""
    picture = np.zeros((TALL, WIDE, 4), np.uint8)
    for _ in range(46):
        x, y = chance.uniform(14, 114), chance.uniform(165, 245)
        _clump(picture, chance, x, y, 11, (38, 48, 18), (92, 104, 44))
    return picture


def palm(chance: np.random.Generator) -> Picture:
    """Return (256, 128, 4): a leaning trunk under a crown of fronds."""
    picture = np.zeros((TALL, WIDE, 4), np.uint8)
    lean = int(chance.integers(-14, 15))
    crown = (64 + lean, 92)
    bend = np.array([(64, 255), (64 + lean // 4, 170), crown])
    # As thick as they are, 0.4 m: a thinner stem is missed by the pixels of a distant tree, and
    # its crown floats in the air.
    cv2.polylines(picture, [bend], False, (84, 74, 52, 255), 13)
    for angle in np.linspace(-0.35 * np.pi, 1.35 * np.pi, 13) + chance.normal(0, 0.08, 13):
        shade = chance.uniform(0.6, 1.1)
        frond(picture, crown, float(angle), 56, tuple((np.array((74, 102, 36)) * shade).tolist()))
    return picture


def frond(
    picture: Picture,
    root: tuple[int, int],
    angle_rad: float,
    length: float,
    colour: tuple[float, float, float],
) -> None:
    """Draw a palm leaf: a rib that bends down under its weight, and leaflets to both sides."""
    steps = np.linspace(0, 1, 14)
    x = root[0] + np.cos(angle_rad) * length * steps
    y = root[1] - np.sin(angle_rad) * length * steps + 0.5 * length * steps**2
    for number in range(1, len(steps)):
        one, other = (int(x[number - 1]), int(y[number - 1])), (int(x[number]), int(y[number]))
        cv2.line(picture, one, other, (*colour, 255), 2)
        reach = int(length * 0.2 * (1.15 - steps[number]))
        for side in (-1, 1):
            tip = (other[0] + side * reach // 2, other[1] + reach)
            cv2.line(picture, other, tip, (*colour, 255), 2)


def frond_shadow(chance: np.random.Generator) -> Picture:
    """Return (256, 256, 4): the dark shapes that palms throw across a road."""
    picture = np.zeros((256, 256, 4), np.uint8)
    for _ in range(9):
        root = (int(chance.integers(40, 216)), int(chance.integers(40, 216)))
        for angle in chance.uniform(0, 2 * np.pi, 4):
            frond(picture, root, float(angle), float(chance.uniform(60, 110)), (24, 26, 30))
    return picture


def _clump(
    picture: Picture,
    chance: np.random.Generator,
    x: float,
    y: float,
    radius: float,
    dark: tuple[int, int, int],
    bright: tuple[int, int, int],
) -> None:
    """Draw leaves around a point: lighter towards its top."""
    for _ in range(int(radius * 2.2)):
        angle, away = chance.uniform(0, 2 * np.pi), radius * np.sqrt(chance.random())
        dx, dy = away * np.cos(angle), 0.7 * away * np.sin(angle)
        share = np.clip(0.5 - dy / radius * 0.6 + chance.uniform(-0.25, 0.25), 0, 1)
        colour = np.array(dark) + share * (np.array(bright) - np.array(dark))
        size = int(max(2, radius * 0.28))
        cv2.circle(picture, (int(x + dx), int(y + dy)), size, (*colour.tolist(), 255), -1)
