"""Pictures that cover the ground: asphalt and its paint, kerbs, bricks, soils, rock, water."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.noise import Floats, layered

Picture = NDArray[np.uint8]
Rgb = tuple[float, float, float]
Rows = NDArray[np.bool_] | None

SIZE: Final = 256
ROAD: Final = 512
"""Across the road; along it as many pixels are ROAD_M."""
ROAD_M: Final = 12.0


def painted(grey: Floats, low: Rgb, high: Rgb) -> Floats:
    """Return (H, W, 3) between two colours, 0..255, by (H, W) values 0..1."""
    return np.asarray(np.array(low) + grey[..., None] * (np.array(high) - np.array(low)))


def finished(picture: Floats) -> Picture:
    """Return a picture as bytes."""
    return np.asarray(picture.clip(0, 255), dtype=np.uint8)


def asphalt(chance: np.random.Generator, width_m: float, lanes: bool) -> Picture:
    """Return (512, 512, 3): a road from its left edge to its right one, ROAD_M of it.

    Args:
        chance: of the grain.
        width_m: of the road.
        lanes: dashed white centre line and white edges; else double yellow edges.
    """
    coarse = layered(chance, ROAD, (8, 16, 32))
    grain = layered(chance, ROAD, (128, 256)) * 0.6 + chance.random((ROAD, ROAD)) * 0.4
    contrast = 0.35 if lanes else 1.0
    grey = 0.5 + (grain - 0.5) * 1.9 * contrast + (coarse - 0.5) * 0.5
    colours = ((122, 120, 118), (176, 173, 168)) if lanes else ((72, 70, 62), (178, 172, 150))
    road = painted(grey.clip(0, 1), *colours)
    across = (np.arange(ROAD) + 0.5) / ROAD * width_m
    along = (np.arange(ROAD) + 0.5) / ROAD * ROAD_M
    worn = 0.75 + 0.25 * layered(chance, ROAD, (32, 64))

    def line(
        from_m: float, to_m: float, colour: Rgb, rows: NDArray[np.bool_] | None = None
    ) -> None:
        columns = (across >= from_m) & (across < to_m)
        mask = columns[None, :] & (np.ones(ROAD, bool) if rows is None else rows)[:, None]
        shade = (worn * (0.8 + 0.2 * grain))[..., None] * np.array(colour)
        road[mask] = shade[mask]

    if lanes:
        white = (245, 244, 240)
        line(0.08, 0.36, white)
        line(width_m - 0.36, width_m - 0.08, white)
        line(width_m / 2 - 0.11, width_m / 2 + 0.11, white, along % (ROAD_M / 2) < 3.0)
    else:
        yellow = (214, 178, 62)
        for inset in (0.12, 0.46):
            line(inset, inset + 0.15, yellow)
            line(width_m - inset - 0.15, width_m - inset, yellow)
    return finished(road)


def bricks(chance: np.random.Generator) -> Picture:
    """Return (256, 256, 3): paving of 8 by 16 stones, each of its own shade."""
    rows, columns = 16, 8
    high, wide = SIZE // rows, SIZE // columns
    y, x = np.mgrid[:SIZE, :SIZE]
    row = y // high
    moved = (x + (row % 2) * wide // 2) % SIZE
    shade = chance.random((rows, columns))[row, moved // wide]
    grey = 0.35 + 0.45 * shade + 0.3 * (chance.random((SIZE, SIZE)) - 0.5)
    stones = painted(grey.clip(0, 1), (120, 92, 74), (206, 178, 150))
    joints = (y % high < 2) | (moved % wide < 2)
    stones[joints] *= 0.55
    return finished(stones)


def kerb(chance: np.random.Generator) -> Picture:
    """Return (256, 256, 3): red and white, two of each along the picture."""
    red = (np.arange(SIZE) // (SIZE // 4)) % 2 == 0
    stripes = np.where(red[:, None, None], (208, 58, 52), (232, 228, 218)) * np.ones((1, SIZE, 1))
    return finished(stripes * (0.88 + 0.24 * (layered(chance, SIZE, (32, 128))[..., None] - 0.5)))


def shoulder(chance: np.random.Generator) -> Picture:
    """Return (256, 256, 3): a dark gutter beside the road, then pale stone."""
    grey = layered(chance, SIZE, (16, 64, 128))
    stone = painted(grey, (206, 194, 164), (244, 234, 208))
    gutter = painted(grey, (96, 92, 80), (138, 132, 116))
    dark = np.arange(SIZE)[None, :, None] < SIZE * 0.3
    return finished(np.where(dark, gutter, stone))


def _soil(low: Rgb, high: Rgb, cells: tuple[int, ...]) -> Callable[[np.random.Generator], Picture]:
    def made(chance: np.random.Generator) -> Picture:
        grey = layered(chance, SIZE, cells) * 0.75 + chance.random((SIZE, SIZE)) * 0.25
        return finished(painted(((grey - 0.5) * 1.6 + 0.5).clip(0, 1), low, high))

    return made


SOILS: Final = {
    "sand": _soil((178, 138, 88), (214, 178, 128), (4, 32, 128)),
    "dry grass": _soil((150, 140, 62), (216, 204, 120), (4, 16, 64, 128)),
    "grass": _soil((70, 92, 34), (150, 172, 76), (8, 32, 128)),
    "earth": _soil((126, 108, 66), (190, 172, 116), (4, 16, 64)),
    "water": _soil((104, 146, 190), (142, 182, 218), (4, 8, 64)),
    "wall": _soil((26, 28, 34), (52, 54, 60), (16, 64)),
}


def rock(chance: np.random.Generator, low: Rgb, high: Rgb) -> Picture:
    """Return (256, 256, 3): a rock face with streaks that run down it."""
    streaks = layered(chance, SIZE, (64, 128)).mean(axis=0)[None, :]
    down = np.repeat(layered(chance, SIZE, (32, 64))[: SIZE // 8], 8, axis=0)
    patches = layered(chance, SIZE, (4, 8, 16, 32))
    grey = 0.2 * streaks + 0.45 * down + 0.35 * patches
    return finished(painted(((grey - 0.5) * 3.0 + 0.45).clip(0, 1), low, high))
