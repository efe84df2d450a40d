"""Draws the sky all around, with hills on the horizon."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Picture, Surface
from simulator.rendering.noise import Floats, fractal_noise, tileable_noise
from simulator.rendering.textures import to_uint8

WIDTH: Final = 1024
HEIGHT: Final = 256
LOW_RAD: Final = np.radians(-12.0)
HIGH_RAD: Final = np.radians(60.0)
RADIUS_M: Final = 300.0
"""Radius of the sky: it is within the camera's far plane, and beyond most of the ground."""


def draw_sky(rng: np.random.Generator, light: Light, style: str) -> Picture:
    """Return the sky all around, (256, 1024, 3).

    The rows run from 60 degrees above the horizon to 12 degrees below it.
    """
    elevation = np.linspace(HIGH_RAD, LOW_RAD, HEIGHT)[:, None]
    share = sky_share(elevation)
    horizon, zenith = np.array(light.horizon), np.array(light.zenith)
    sky = (horizon + share[..., None] * (zenith - horizon)) * np.ones((1, WIDTH, 1))
    clouds = np.tile(fractal_noise(rng, 256, (4, 8, 16, 32)), (1, WIDTH // 256))[:HEIGHT]
    white = (np.clip((clouds - 0.56) * 3.2, 0, 0.5) * np.clip(elevation / 0.3, 0, 1))[..., None]
    sky = sky * (1 - white) + white * np.minimum(1.0, horizon * 1.12)
    for number, (height_rad, colour) in enumerate(_ridges(style)):
        skyline = _draw_skyline(rng, height_rad, 6 + 10 * number, style)
        below = elevation < skyline
        near = 0.35 + 0.25 * number
        lit = np.array(colour) * (np.array(light.ambient) + 0.5 * np.array(light.sun))
        grain = 0.9 + 0.2 * rng.random((HEIGHT, WIDTH, 1))
        hill = (horizon * (1 - near) + lit * near) * grain
        sky = np.where(below[..., None], hill, sky)
    return to_uint8(255 * sky)


def sky_share(elevation_rad: Floats) -> Floats:
    """Return the share of the zenith's colour in the colour of the clear sky at an elevation."""
    return np.asarray(np.clip(elevation_rad / np.radians(38), 0, 1) ** 0.65)


def _ridges(style: str) -> list[tuple[float, tuple[float, float, float]]]:
    """Return heights in radians and colours of the ridges, the most distant one first."""
    if style == "jungle":
        return [(0.17, (0.42, 0.48, 0.36)), (0.10, (0.34, 0.40, 0.24))]
    return [(0.075, (0.55, 0.60, 0.52)), (0.045, (0.46, 0.48, 0.30))]


def _draw_skyline(rng: np.random.Generator, height_rad: float, cells: int, style: str) -> Floats:
    """Return the elevation of a ridge in each direction in radians, (1, 1024).

    Trees stand on the ridges of lake, and crags on those of jungle.
    """
    ridge = tileable_noise(rng, WIDTH, cells)[0] * 0.7
    ridge = ridge + tileable_noise(rng, WIDTH, cells * 4)[0] * 0.3
    steps = (
        rng.random(WIDTH // 4).repeat(4) if style == "lake" else tileable_noise(rng, WIDTH, 128)[0]
    )
    return np.asarray(height_rad * (0.25 + 0.75 * ridge) + 0.014 * steps)[None, :]


def build_dome() -> Surface:
    """Return the cylinder around the origin that carries the picture of the sky."""
    turn = np.linspace(0, 2 * np.pi, 33)
    rows = [(angle, np.tan(angle)) for angle in np.linspace(HIGH_RAD, LOW_RAD, 13)]
    positions, texture = [], []
    for angle, height in rows:
        for azimuth in turn:
            positions.append(
                (RADIUS_M * np.cos(azimuth), RADIUS_M * np.sin(azimuth), RADIUS_M * height)
            )
            texture.append((azimuth / (2 * np.pi), (angle - LOW_RAD) / (HIGH_RAD - LOW_RAD)))
    corner = (np.arange(len(rows) - 1)[:, None] * len(turn) + np.arange(len(turn) - 1)).ravel()
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + len(turn)], axis=1),
            np.stack([corner + 1, corner + len(turn) + 1, corner + len(turn)], axis=1),
        ]
    )
    colours = np.ones((len(positions), 3))
    return Surface(np.array(positions), np.array(texture), colours, triangles)
