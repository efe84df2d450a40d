"""Draws the textures of the ground: asphalt, kerbs, bricks, soils, rock and water."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.noise import Floats, fractal_noise

Picture = NDArray[np.uint8]
Rgb = tuple[float, float, float]

SIZE: Final = 256
ROAD_SIZE: Final = 512
"""Pixels of the road texture across the road, and along ROAD_LENGTH_M of it."""
ROAD_LENGTH_M: Final = 12.0


def blend(grey: Floats, low: Rgb, high: Rgb) -> Floats:
    """Return colours between two colours, (H, W, 3), 0..255.

    Args:
        grey: Weight of the second colour, (H, W), 0..1.
        low: First colour.
        high: Second colour.
    """
    return np.asarray(np.array(low) + grey[..., None] * (np.array(high) - np.array(low)))


def to_uint8(picture: Floats) -> Picture:
    """Return a picture as bytes; values outside 0..255 are clipped."""
    return np.asarray(picture.clip(0, 255), dtype=np.uint8)


def asphalt(rng: np.random.Generator, width_m: float, pale: bool, markings: str) -> Picture:
    """Return a piece of road from its left edge to its right edge, (512, 512, 3).

    Args:
        rng: Random numbers for the grain.
        width_m: Width of the road.
        pale: Whether the asphalt is pale and even, or dark and coarse.
        markings: Paint: lanes for a dashed white centre line and white edges, edges for two yellow
            lines at each edge, or none.
    """
    coarse = fractal_noise(rng, ROAD_SIZE, (8, 16, 32))
    grain = fractal_noise(rng, ROAD_SIZE, (128, 256)) * 0.6
    grain = grain + rng.random((ROAD_SIZE, ROAD_SIZE)) * 0.4
    contrast = 0.35 if pale else 1.0
    grey = 0.5 + (grain - 0.5) * 1.9 * contrast + (coarse - 0.5) * 0.5
    colours = ((122, 120, 118), (176, 173, 168)) if pale else ((72, 70, 62), (178, 172, 150))
    road = blend(grey.clip(0, 1), *colours)
    across_m = (np.arange(ROAD_SIZE) + 0.5) / ROAD_SIZE * width_m
    along_m = (np.arange(ROAD_SIZE) + 0.5) / ROAD_SIZE * ROAD_LENGTH_M
    wear = 0.75 + 0.25 * fractal_noise(rng, ROAD_SIZE, (32, 64))

    def paint_line(
        from_m: float, to_m: float, colour: Rgb, rows: NDArray[np.bool_] | None = None
    ) -> None:
        columns = (across_m >= from_m) & (across_m < to_m)
        mask = columns[None, :] & (np.ones(ROAD_SIZE, bool) if rows is None else rows)[:, None]
        paint = (wear * (0.8 + 0.2 * grain))[..., None] * np.array(colour)
        road[mask] = paint[mask]

    if markings == "lanes":
        white = (245, 244, 240)
        paint_line(0.08, 0.36, white)
        paint_line(width_m - 0.36, width_m - 0.08, white)
        dashes = along_m % (ROAD_LENGTH_M / 2) < 3.0
        paint_line(width_m / 2 - 0.11, width_m / 2 + 0.11, white, dashes)
    elif markings == "edges":
        yellow = (214, 178, 62)
        for inset in (0.12, 0.46):
            paint_line(inset, inset + 0.15, yellow)
            paint_line(width_m - inset - 0.15, width_m - inset, yellow)
    return to_uint8(road)


def bricks(rng: np.random.Generator) -> Picture:
    """Return a pavement of 8 by 16 stones, (256, 256, 3), each with its own brightness."""
    rows, columns = 16, 8
    high, wide = SIZE // rows, SIZE // columns
    y, x = np.mgrid[:SIZE, :SIZE]
    row = y // high
    shifted_x = (x + (row % 2) * wide // 2) % SIZE
    brightness = rng.random((rows, columns))[row, shifted_x // wide]
    grey = 0.35 + 0.45 * brightness + 0.3 * (rng.random((SIZE, SIZE)) - 0.5)
    stones = blend(grey.clip(0, 1), (120, 92, 74), (206, 178, 150))
    joints = (y % high < 2) | (shifted_x % wide < 2)
    stones[joints] *= 0.55
    return to_uint8(stones)


def kerb(rng: np.random.Generator) -> Picture:
    """Return red and white stripes, (256, 256, 3), two of each along the texture."""
    red = (np.arange(SIZE) // (SIZE // 4)) % 2 == 0
    stripes = np.where(red[:, None, None], (208, 58, 52), (232, 228, 218)) * np.ones((1, SIZE, 1))
    grain = fractal_noise(rng, SIZE, (32, 128))[..., None]
    return to_uint8(stripes * (0.88 + 0.24 * (grain - 0.5)))


def shoulder(rng: np.random.Generator) -> Picture:
    """Return the edge of a road, (256, 256, 3): a dark gutter, then pale stone."""
    grey = fractal_noise(rng, SIZE, (16, 64, 128))
    stone = blend(grey, (206, 194, 164), (244, 234, 208))
    gutter = blend(grey, (96, 92, 80), (138, 132, 116))
    dark = np.arange(SIZE)[None, :, None] < SIZE * 0.3
    return to_uint8(np.where(dark, gutter, stone))


def _soil(low: Rgb, high: Rgb, cells: tuple[int, ...]) -> Callable[[np.random.Generator], Picture]:
    """Return a function that draws a soil, (256, 256, 3), between two colours."""

    def draw(rng: np.random.Generator) -> Picture:
        grey = fractal_noise(rng, SIZE, cells) * 0.75 + rng.random((SIZE, SIZE)) * 0.25
        return to_uint8(blend(((grey - 0.5) * 1.6 + 0.5).clip(0, 1), low, high))

    return draw


SOIL_TEXTURES: Final = {
    "sand": _soil((178, 138, 88), (214, 178, 128), (4, 32, 128)),
    "dry grass": _soil((150, 140, 62), (216, 204, 120), (4, 16, 64, 128)),
    "grass": _soil((70, 92, 34), (150, 172, 76), (8, 32, 128)),
    "earth": _soil((126, 108, 66), (190, 172, 116), (4, 16, 64)),
    "run-off": _soil((118, 114, 106), (158, 154, 144), (8, 32, 128)),
    "water": _soil((104, 146, 190), (142, 182, 218), (4, 8, 64)),
    "wall": _soil((26, 28, 34), (52, 54, 60), (16, 64)),
}


def rock(rng: np.random.Generator, low: Rgb, high: Rgb) -> Picture:
    """Return a rock face with vertical streaks, (256, 256, 3)."""
    streaks = fractal_noise(rng, SIZE, (64, 128)).mean(axis=0)[None, :]
    down = np.repeat(fractal_noise(rng, SIZE, (32, 64))[: SIZE // 8], 8, axis=0)
    patches = fractal_noise(rng, SIZE, (4, 8, 16, 32))
    grey = 0.2 * streaks + 0.45 * down + 0.35 * patches
    return to_uint8(blend(((grey - 0.5) * 3.0 + 0.45).clip(0, 1), low, high))
