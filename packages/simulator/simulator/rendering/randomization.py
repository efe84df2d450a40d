"""Draws how one session's world looks: the randomisation of the simulator's domain.

A model that has seen one look of the world leans on it. If each recording has another look, what
they have in common is the road. Source: Tobin et al. 2017, Domain Randomization for Transferring
Deep Neural Networks from Simulation to the Real World, arXiv 1703.06907.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from simulator.rendering.appearance import Appearance, Light
from simulator.rendering.scene_preset import (
    KINDS,
    CameraPose,
    Colour,
    RoadsideWidths,
    ScenePreset,
    SurfaceLook,
    scale_colour,
)

Range = tuple[float, float]

# The bounds. A factor is drawn for its brightness and another for each of the three colours.
SUN: Final = (0.35, 1.15)
AMBIENT: Final = (0.75, 1.25)
SKY: Final = (0.8, 1.1)
ELEVATION_DEG: Final = (12.0, 70.0)
HAZE: Final = (0.3, 3.0)
LIGHT_COLOUR: Final = (0.93, 1.07)
SURFACE: Final = (0.7, 1.3)
SURFACE_COLOUR: Final = (0.88, 1.12)
CONTRAST: Final = (0.4, 2.5)
"""Factor of the differences between the pixels of a texture and its mean colour."""
ROAD_CONTRAST: Final = (0.7, 4.0)
"""The same for the road, whose real surface is far more speckled than our pale one."""
TEXTURE_SIZE: Final = (0.6, 1.8)
KERB_M: Final = (0.6, 1.8)
SHOULDER_M: Final = (0.3, 1.3)
RUN_OFF_M: Final = (0.5, 3.0)
RUN_OFF_SHARE: Final = 0.6
"""Share of the worlds that have tarmac beyond the edges of the road, as Udacity's lake has it."""
HOOD: Final = (0.75, 1.15)
HOOD_COLOUR: Final = (0.85, 1.15)
ANGLE_DEG: Final = 0.5
"""Largest change of each of the cameras' three angles."""
HEIGHT_M: Final = 0.1
"""Largest change of the cameras' height."""
FOCAL_SHARE: Final = 0.015
"""Largest change of the focal length, as a share of it."""


@dataclass(frozen=True)
class SceneLook:
    """Everything of a world's look that a session may have to itself."""

    light: Light
    camera: CameraPose = field(default_factory=CameraPose)
    hood: Colour = (1.0, 1.0, 1.0)
    """Factors of the colours of the hood."""
    surfaces: Mapping[str, SurfaceLook] = field(default_factory=dict)
    roadside: RoadsideWidths = field(default_factory=RoadsideWidths)

    def surface(self, kind: str) -> SurfaceLook:
        """Return the look of a kind of surface."""
        return self.surfaces.get(kind, SurfaceLook())

    def document(self) -> dict[str, Any]:
        """Return all figures under their names, for a JSON file."""
        return dataclasses.asdict(self)


def resolve_look(appearance: Appearance) -> SceneLook:
    """Return the look of a world; the same appearance has the same look.

    Without `randomize`, the cameras and surfaces are those of the appearance's preset, and the
    light is that of the appearance with the preset's colours of the sky.
    """
    preset = appearance.preset
    light = appearance.resolve_light()
    light = dataclasses.replace(
        light,
        zenith=scale_colour(light.zenith, preset.zenith),
        horizon=scale_colour(light.horizon, preset.horizon),
    )
    if not appearance.randomize:
        return SceneLook(light, preset.camera, preset.hood, preset.surfaces)
    rng = np.random.default_rng([appearance.seed, 3])
    light = Light(
        sun=scale_colour(light.sun, _draw_colour(rng, SUN, LIGHT_COLOUR)),
        ambient=scale_colour(light.ambient, _draw_colour(rng, AMBIENT, LIGHT_COLOUR)),
        azimuth_rad=float(rng.uniform(0, 2 * math.pi)),
        elevation_rad=math.radians(_draw(rng, ELEVATION_DEG)),
        zenith=scale_colour(light.zenith, _draw_colour(rng, SKY, LIGHT_COLOUR)),
        horizon=scale_colour(light.horizon, _draw_colour(rng, SKY, LIGHT_COLOUR)),
        haze_per_m=light.haze_per_m * _draw(rng, HAZE),
        tint=light.tint,
    )
    base = preset.camera
    camera = CameraPose(
        yaw_right_deg=base.yaw_right_deg + _draw(rng, (-ANGLE_DEG, ANGLE_DEG)),
        pitch_down_deg=base.pitch_down_deg + _draw(rng, (-ANGLE_DEG, ANGLE_DEG)),
        roll_counterclockwise_deg=base.roll_counterclockwise_deg
        + _draw(rng, (-ANGLE_DEG, ANGLE_DEG)),
        height_m=base.height_m + _draw(rng, (-HEIGHT_M, HEIGHT_M)),
        focal_px=base.focal_px * (1 + _draw(rng, (-FOCAL_SHARE, FOCAL_SHARE))),
    )
    hood = scale_colour(preset.hood, _draw_colour(rng, HOOD, HOOD_COLOUR))
    surfaces = {kind: _draw_surface(rng, kind, preset) for kind in KINDS}
    return SceneLook(light, camera, hood, surfaces, _draw_roadside(appearance.seed))


def _draw_roadside(seed: int) -> RoadsideWidths:
    rng = np.random.default_rng([seed, 4])
    kerb_m, shoulder_m, run_off_m = (
        _draw(rng, bounds) for bounds in (KERB_M, SHOULDER_M, RUN_OFF_M)
    )
    return RoadsideWidths(kerb_m, shoulder_m, run_off_m if rng.random() < RUN_OFF_SHARE else 0.0)


def _draw_surface(rng: np.random.Generator, kind: str, preset: ScenePreset) -> SurfaceLook:
    base = preset.surface(kind)
    contrast = ROAD_CONTRAST if kind in ("road", "pavement") else CONTRAST
    return SurfaceLook(
        colour=scale_colour(base.colour, _draw_colour(rng, SURFACE, SURFACE_COLOUR)),
        contrast=base.contrast * _draw_factor(rng, contrast),
        size=base.size * _draw_factor(rng, TEXTURE_SIZE),
    )


def _draw_factor(rng: np.random.Generator, bounds: Range) -> float:
    """Return a factor whose logarithm is uniform: half and double are as likely."""
    return math.exp(_draw(rng, (math.log(bounds[0]), math.log(bounds[1]))))


def _draw(rng: np.random.Generator, bounds: Range) -> float:
    return float(rng.uniform(*bounds))


def _draw_colour(rng: np.random.Generator, brightness: Range, colour: Range) -> Colour:
    """Return factors of red, green and blue: one of the brightness, times one of each colour."""
    factor = _draw(rng, brightness)
    red, green, blue = (factor * float(share) for share in rng.uniform(*colour, 3))
    return red, green, blue
