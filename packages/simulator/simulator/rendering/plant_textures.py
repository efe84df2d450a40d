"""Draws textures of plants with transparent gaps."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH: Final = 128
HEIGHT: Final = 256


def pine(rng: np.random.Generator) -> Picture:
    """Return an RGBA pine, (256, 128, 4): a bare trunk with clumps of needles at its top."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    lean = int(rng.integers(-6, 7))
    cv2.line(picture, (64, 255), (64 + lean, 60), (74, 56, 40, 255), 5)
    clumps = int(rng.integers(13, 19))
    for number in range(clumps):
        share = number / clumps
        spread = 34 * (1 - 0.75 * share) + 4
        x = 64 + lean * (0.4 + 0.6 * share) + rng.uniform(-spread, spread)
        y = 150 - share * 128 + rng.uniform(-8, 8)
        _draw_clump(picture, rng, x, y, 15 - 6 * share, (58, 70, 30), (128, 124, 58))
    return picture


def bush(rng: np.random.Generator) -> Picture:
    """Return a dark RGBA shrub, (256, 128, 4), that fills the lower half of the picture."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for _ in range(46):
        x, y = rng.uniform(14, 114), rng.uniform(165, 245)
        _draw_clump(picture, rng, x, y, 11, (38, 48, 18), (92, 104, 44))
    return picture


def palm(rng: np.random.Generator) -> Picture:
    """Return an RGBA palm, (256, 128, 4): a leaning trunk under a crown of fronds."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    lean = int(rng.integers(-14, 15))
    crown = (64 + lean, 92)
    trunk = np.array([(64, 255), (64 + lean // 4, 170), crown])
    # The trunk has its true width of 0.4 m. The renderer would skip a thinner trunk of a distant
    # palm, and its crown would float in the air.
    cv2.polylines(picture, [trunk], False, (84, 74, 52, 255), 13)
    for angle in np.linspace(-0.35 * np.pi, 1.35 * np.pi, 13) + rng.normal(0, 0.08, 13):
        brightness = rng.uniform(0.6, 1.1)
        colour = tuple((np.array((74, 102, 36)) * brightness).tolist())
        draw_frond(picture, crown, float(angle), 56, colour)
    return picture


def draw_frond(
    picture: Picture,
    root: tuple[int, int],
    angle_rad: float,
    length: float,
    colour: tuple[float, float, float],
) -> None:
    """Draw a palm leaf: a rib that bends down under its weight, with leaflets on both sides.

    Args:
        picture: RGBA picture that is drawn into.
        root: Pixel (x, y) at which the leaf begins.
        angle_rad: Direction of the leaf, counter-clockwise from the right.
        length: Length of the leaf in pixels.
        colour: Red, green and blue, 0..255.
    """
    steps = np.linspace(0, 1, 14)
    x = root[0] + np.cos(angle_rad) * length * steps
    y = root[1] - np.sin(angle_rad) * length * steps + 0.5 * length * steps**2
    for number in range(1, len(steps)):
        start, end = (int(x[number - 1]), int(y[number - 1])), (int(x[number]), int(y[number]))
        cv2.line(picture, start, end, (*colour, 255), 2)
        reach = int(length * 0.2 * (1.15 - steps[number]))
        for side in (-1, 1):
            tip = (end[0] + side * reach // 2, end[1] + reach)
            cv2.line(picture, end, tip, (*colour, 255), 2)


def frond_shadow(rng: np.random.Generator) -> Picture:
    """Return the dark RGBA shapes of palm shadows on a road, (256, 256, 4)."""
    picture = np.zeros((256, 256, 4), np.uint8)
    for _ in range(9):
        root = (int(rng.integers(40, 216)), int(rng.integers(40, 216)))
        for angle in rng.uniform(0, 2 * np.pi, 4):
            draw_frond(picture, root, float(angle), float(rng.uniform(60, 110)), (24, 26, 30))
    return picture


def _draw_clump(
    picture: Picture,
    rng: np.random.Generator,
    x: float,
    y: float,
    radius: float,
    dark: tuple[int, int, int],
    bright: tuple[int, int, int],
) -> None:
    """Draw leaves around a point; they are brighter towards the top."""
    size = int(max(2, radius * 0.28))
    for _ in range(int(radius * 2.2)):
        angle, distance = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
        dx, dy = distance * np.cos(angle), 0.7 * distance * np.sin(angle)
        share = min(max(float(0.5 - dy / radius * 0.6 + rng.uniform(-0.25, 0.25)), 0.0), 1.0)
        colour = [low + share * (high - low) for low, high in zip(dark, bright, strict=True)]
        cv2.circle(picture, (int(x + dx), int(y + dy)), size, (*colour, 255), -1)
