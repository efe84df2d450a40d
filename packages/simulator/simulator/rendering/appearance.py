"""Describes how the world looks: its light, its haze and from where, and how a seed varies them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.rendering.scene_preset import BUILT_IN, Colour, ScenePreset


@dataclass(frozen=True)
class Light:
    """Light of the sun and the sky, and the haze of the air."""

    sun: Colour
    """Light that comes from the sun."""
    ambient: Colour
    """Light that comes from all directions."""
    azimuth_rad: float
    """Direction of the sun, counter-clockwise from east."""
    elevation_rad: float
    """Height of the sun above the horizon."""
    zenith: Colour
    """Colour of the sky overhead."""
    horizon: Colour
    """Colour of the sky at the horizon, and of distant objects in haze."""
    haze_per_m: float
    """Extinction of the air: an object at distance d keeps the share exp(-haze d) of its colour."""
    tint: Colour = (1.0, 1.0, 1.0)
    """Factor of the colours of all surfaces."""

    @property
    def sun_direction(self) -> tuple[float, float, float]:
        """Unit vector towards the sun: east, north, up."""
        horizontal = math.cos(self.elevation_rad)
        return (
            horizontal * math.cos(self.azimuth_rad),
            horizontal * math.sin(self.azimuth_rad),
            math.sin(self.elevation_rad),
        )


PRESETS: Final = {
    "clear": Light(
        (0.80, 0.77, 0.68),
        (0.44, 0.46, 0.50),
        2.2,
        0.85,
        (0.28, 0.42, 0.68),
        (0.68, 0.79, 0.95),
        0.0006,
    ),
    "overcast": Light(
        (0.14, 0.14, 0.14),
        (0.66, 0.68, 0.71),
        2.2,
        1.1,
        (0.60, 0.64, 0.69),
        (0.78, 0.80, 0.82),
        0.0022,
    ),
    "dusk": Light(
        (0.62, 0.36, 0.20),
        (0.30, 0.29, 0.38),
        0.6,
        0.22,
        (0.20, 0.22, 0.42),
        (0.93, 0.60, 0.40),
        0.0012,
    ),
    "fog": Light(
        (0.08, 0.08, 0.08),
        (0.70, 0.71, 0.72),
        2.2,
        1.0,
        (0.74, 0.76, 0.78),
        (0.76, 0.78, 0.79),
        0.0180,
    ),
}
LIGHTS: Final = tuple(PRESETS)


@dataclass(frozen=True)
class Appearance:
    """Chosen light and seed of a world.

    Args:
        light: Name of a light, one of LIGHTS.
        seed: Seed of textures, trees and rocks.
        vary: Whether the seed also varies the position of the sun, brightness, tint and haze.
        randomize: Whether the seed also draws the colours of light and surfaces, the textures and
            the pose of the cameras (`rendering/randomization.py`).
        preset: Pose of the cameras and colours of the world, around which `randomize` draws.

    Raises:
        SettingError: There is no such light.
    """

    light: str = "clear"
    seed: int = 1
    vary: bool = False
    randomize: bool = False
    preset: ScenePreset = BUILT_IN

    def __post_init__(self) -> None:
        if self.light not in PRESETS:
            raise SettingError(
                "there is no such light",
                got=self.light,
                remedy=f"Choose one of {', '.join(LIGHTS)}",
            )

    def resolve_light(self) -> Light:
        """Return the named light, varied by the seed if `vary` is set."""
        light = PRESETS[self.light]
        if not self.vary:
            return light
        rng = np.random.default_rng([self.seed, 1])
        brightness = float(rng.uniform(0.75, 1.2))
        tint = rng.uniform(0.9, 1.1, 3).tolist()

        def brighten(colour: Colour) -> Colour:
            red, green, blue = (brightness * channel for channel in colour)
            return red, green, blue

        return replace(
            light,
            sun=brighten(light.sun),
            ambient=brighten(light.ambient),
            azimuth_rad=float(rng.uniform(0, 2 * math.pi)),
            elevation_rad=light.elevation_rad * float(rng.uniform(0.6, 1.3)),
            haze_per_m=light.haze_per_m * float(rng.uniform(0.5, 1.6)),
            tint=(tint[0], tint[1], tint[2]),
        )
