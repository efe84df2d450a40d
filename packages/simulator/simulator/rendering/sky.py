"""The sky all around, with the hills on the horizon painted on it."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Picture, Surface
from simulator.rendering.noise import layered, tile
from simulator.rendering.textures import finished

AROUND: Final = 1024
UP: Final = 256
LOW_RAD: Final = np.radians(-12.0)
HIGH_RAD: Final = np.radians(60.0)
RADIUS_M: Final = 300.0
"""Within the camera's far plane, beyond most of the ground."""


def picture(chance: np.random.Generator, light: Light, style: str) -> Picture:
    """Return (256, 1024, 3): from 60 degrees above the horizon to 12 below, all around."""
    height = np.linspace(HIGH_RAD, LOW_RAD, UP)[:, None]
    share = np.clip(height / np.radians(38), 0, 1) ** 0.65
    horizon, zenith = np.array(light.horizon), np.array(light.zenith)
    sky = (horizon + share[..., None] * (zenith - horizon)) * np.ones((1, AROUND, 1))
    clouds = np.tile(layered(chance, 256, (4, 8, 16, 32)), (1, AROUND // 256))[:UP]
    white = (np.clip((clouds - 0.56) * 3.2, 0, 0.5) * np.clip(height / 0.3, 0, 1))[..., None]
    sky = sky * (1 - white) + white * np.minimum(1.0, horizon * 1.12)
    for number, (tall, colour) in enumerate(_ridges(style)):
        skyline = _skyline(chance, tall, 6 + 10 * number, style)
        below = height < skyline
        near = 0.35 + 0.25 * number
        lit = np.array(colour) * (np.array(light.ambient) + 0.5 * np.array(light.sun))
        grain = 0.9 + 0.2 * chance.random((UP, AROUND, 1))
        hill = (horizon * (1 - near) + lit * near) * grain
        sky = np.where(below[..., None], hill, sky)
    return finished(255 * sky)


def _ridges(style: str) -> list[tuple[float, tuple[float, float, float]]]:
    """Return heights, radians, and colours of ridges, the farthest first."""
    if style == "jungle":
        return [(0.17, (0.42, 0.48, 0.36)), (0.10, (0.34, 0.40, 0.24))]
    return [(0.075, (0.55, 0.60, 0.52)), (0.045, (0.46, 0.48, 0.30))]


def _skyline(chance: np.random.Generator, tall_rad: float, cells: int, style: str) -> np.ndarray:
    """Return (1, 1024), radians: a ridge with trees, or with crags, on its back."""
    ridge = tile(chance, AROUND, cells)[0] * 0.7 + tile(chance, AROUND, cells * 4)[0] * 0.3
    steps = (
        chance.random(AROUND // 4).repeat(4) if style == "lake" else tile(chance, AROUND, 128)[0]
    )
    return np.asarray(tall_rad * (0.25 + 0.75 * ridge) + 0.014 * steps)[None, :]


def dome() -> Surface:
    """Return the cylinder on which the picture is, around the origin."""
    turn = np.linspace(0, 2 * np.pi, 33)
    rows = [(angle, np.tan(angle)) for angle in np.linspace(HIGH_RAD, LOW_RAD, 13)]
    places, texture = [], []
    for angle, height in rows:
        for at in turn:
            places.append((RADIUS_M * np.cos(at), RADIUS_M * np.sin(at), RADIUS_M * height))
            texture.append((at / (2 * np.pi), (angle - LOW_RAD) / (HIGH_RAD - LOW_RAD)))
    corner = (np.arange(len(rows) - 1)[:, None] * len(turn) + np.arange(len(turn) - 1)).ravel()
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + len(turn)], axis=1),
            np.stack([corner + 1, corner + len(turn) + 1, corner + len(turn)], axis=1),
        ]
    )
    return Surface(np.array(places), np.array(texture), np.ones((len(places), 3)), triangles)
