"""How the world looks: its light, its air, and what a seed varies of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contract.errors import SettingError

Colour = tuple[float, float, float]
"""Red, green, blue, 0..1."""


@dataclass(frozen=True)
class Light:
    """Sun, sky and air."""

    sun: Colour
    ambient: Colour
    azimuth_rad: float
    elevation_rad: float
    zenith: Colour
    """Of the sky, overhead."""
    horizon: Colour
    """Of the sky low down, and of what is far away."""
    haze_per_m: float
    """Extinction of the air: what stands at d keeps exp(-haze d) of its colour."""
    tint: Colour = (1.0, 1.0, 1.0)
    """Of all surfaces."""

    @property
    def towards(self) -> tuple[float, float, float]:
        """The unit vector towards the sun."""
        level = math.cos(self.elevation_rad)
        return (
            level * math.cos(self.azimuth_rad),
            level * math.sin(self.azimuth_rad),
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
class Look:
    """What a world is to look like.

    Args:
        light: one of LIGHTS.
        seed: of textures, trees and rocks.
        vary: whether the seed also draws the sun's place, brightness, tints and haze.

    Raises:
        SettingError: there is no such light.
    """

    light: str = "clear"
    seed: int = 1
    vary: bool = False

    def __post_init__(self) -> None:
        if self.light not in PRESETS:
            raise SettingError(
                "there is no such light", got=self.light, remedy=f"Known: {', '.join(LIGHTS)}"
            )

    def drawn(self) -> Light:
        """Return the light; where the seed varies it, the one that it draws."""
        light = PRESETS[self.light]
        if not self.vary:
            return light
        chance = np.random.default_rng([self.seed, 1])
        brightness = float(chance.uniform(0.75, 1.2))
        tint = chance.uniform(0.9, 1.1, 3).tolist()

        def brighter(colour: Colour) -> Colour:
            red, green, blue = (brightness * each for each in colour)
            return red, green, blue

        return replace(
            light,
            sun=brighter(light.sun),
            ambient=brighter(light.ambient),
            azimuth_rad=float(chance.uniform(0, 2 * math.pi)),
            elevation_rad=light.elevation_rad * float(chance.uniform(0.6, 1.3)),
            haze_per_m=light.haze_per_m * float(chance.uniform(0.5, 1.6)),
            tint=(tint[0], tint[1], tint[2]),
        )
