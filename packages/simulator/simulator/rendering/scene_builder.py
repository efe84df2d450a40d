"""Puts a world together: road, land, plants, sky and air, as one Panda3D scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from panda3d.core import NodePath, TransparencyAttrib

from simulator.rendering import plant_textures, road_mesh, sky, terrain, textures, vegetation
from simulator.rendering.appearance import Light, Look
from simulator.rendering.mesh import Surface, hang, joined, see_through, texture
from simulator.track.geometry import Track

KINDS: Final = 4
"""Different pictures of each plant."""
SKY: Final = 1000
"""In the order of drawing: after the ground, so that only what it leaves free is drawn."""
ROCKS: Final = {
    "lake": ((86, 96, 92), (226, 222, 196)),
    "jungle": ((34, 38, 26), (150, 148, 116)),
}


@dataclass(frozen=True)
class Scene:
    """A world to be looked at.

    Args:
        root: of all that stands still.
        sky: goes with the camera.
        light: that it is in.
    """

    root: NodePath
    sky: NodePath
    light: Light


def build(track: Track, look: Look) -> Scene:
    """Return the world around a track; the same track and look give the same world."""
    light = look.drawn()
    chance = np.random.default_rng([look.seed, 2])
    root = NodePath("world")
    ground = terrain.form(track, chance)
    surfaces = [
        *terrain.surfaces(ground, light, track.style, chance).items(),
        *road_mesh.surfaces(track, light, track.style).items(),
    ]
    kinds = dict.fromkeys(kind for kind, _ in surfaces)
    images = {kind: texture(_image(kind, track, chance)) for kind in kinds}
    for kind in kinds:
        hang(root, joined([each for name, each in surfaces if name == kind]), images[kind])
    water = terrain.water(ground, light)
    if water is not None:
        hang(root, water, texture(textures.SOILS["water"](chance)))
    shadows = road_mesh.fronds(track, light)
    if shadows is not None:
        node = hang(root, shadows, texture(plant_textures.frond_shadow(chance)))
        node.set_transparency(TransparencyAttrib.M_alpha)
        node.set_alpha_scale(0.6)
        node.set_depth_offset(1)
        node.set_depth_write(False)
    _grow(root, track, ground, light, chance)
    above = hang(root, sky.dome(), texture(sky.picture(chance, light, track.style)), SKY, cut=False)
    above.set_depth_write(False)
    return Scene(root, above, light)


def _image(kind: str, track: Track, chance: np.random.Generator) -> textures.Picture:
    """Return the picture that covers a kind of surface."""
    if kind == "road":
        return textures.asphalt(chance, float(np.median(track.width_m)), track.style == "jungle")
    if kind == "rock":
        return textures.rock(chance, *ROCKS[track.style])
    made = {"bricks": textures.bricks, "kerb": textures.kerb, "shoulder": textures.shoulder}
    return (made.get(kind) or textures.SOILS[kind])(chance)


def _grow(
    root: NodePath, track: Track, ground: terrain.Land, light: Light, chance: np.random.Generator
) -> None:
    """Plant trees and shrubs, and strew rocks."""
    near = vegetation.NEAREST_M

    def plant(draw: object, count: int, clear_m: float, tall_m: tuple[float, float]) -> None:
        assert callable(draw)
        places = vegetation.sites(track, ground, chance, count, clear_m, 110.0)
        if len(places):
            pictures = np.concatenate([draw(chance) for _ in range(KINDS)], axis=1)
            surface = vegetation.cards(places, chance, light, tall_m, KINDS)
            see_through(hang(root, surface, texture(pictures, repeats=False)))

    def strew(count: int, size_m: tuple[float, float]) -> None:
        places = vegetation.sites(track, ground, chance, count, near, 80.0)
        if len(places):
            surface: Surface = vegetation.rocks(places, chance, light, size_m)
            hang(root, surface, texture(textures.rock(chance, *ROCKS[track.style])))

    if track.style == "jungle":
        plant(plant_textures.palm, 520, near, (4.5, 8.0))
        plant(plant_textures.bush, 420, near - 1.5, (1.8, 3.6))
        strew(50, (0.6, 2.0))
    else:
        plant(plant_textures.pine, 620, near + 2, (7.0, 13.0))
        plant(plant_textures.bush, 300, near, (2.0, 3.4))
        strew(70, (0.8, 3.2))


def air(eye: NodePath, light: Light, sheets: tuple[float, ...]) -> None:
    """Hang translucent sheets before a camera: what is behind more of them keeps less colour.

    Between two sheets nothing fades, and where one cuts the ground there is an edge; enough of
    them, and no eye sees it.
    """
    white = texture(np.full((1, 1, 3), 255, np.uint8))
    before = 0.0
    for number, distance in enumerate(sheets):
        share = 1.0 - float(np.exp(-light.haze_per_m * (distance - before)))
        before = distance
        across = 3.0 * distance
        places = np.array(
            [
                (-across, distance, -across),
                (across, distance, -across),
                (-across, distance, across),
                (across, distance, across),
            ]
        )
        colours = np.broadcast_to(np.array(light.horizon).clip(0, 1), (4, 3))
        surface = Surface(places, np.zeros((4, 2)), colours, np.array([(0, 1, 2), (1, 3, 2)]))
        node = hang(eye, surface, white, SKY + len(sheets) - number, cut=False)
        node.set_transparency(TransparencyAttrib.M_alpha)
        node.set_alpha_scale(share)
        node.set_depth_write(False)
