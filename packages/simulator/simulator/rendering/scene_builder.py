"""Builds a world as one Panda3D scene: road, ground, plants, sky and haze."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from panda3d.core import NodePath, TransparencyAttrib

from simulator.rendering import plant_textures, road_mesh, sky, terrain, textures, vegetation
from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, attach, make_texture, make_transparent, merge
from simulator.rendering.randomization import SceneLook
from simulator.track.geometry import Track

PLANT_VARIANTS: Final = 4
"""Number of different pictures of each plant."""
SKY_DRAW_ORDER: Final = 1000
"""Drawing order of the sky: it is drawn after the ground, and only where the ground leaves room."""
SPANNING_TEXTURES: Final = ("road", "pavement", "kerb", "shoulder")
"""Kinds of surface whose texture runs once across them."""
ROCK_COLOURS: Final = {
    "lake": ((86, 96, 92), (226, 222, 196)),
    "jungle": ((34, 38, 26), (150, 148, 116)),
}


@dataclass(frozen=True)
class Scene:
    """A world that can be rendered.

    Args:
        root: Node of everything in the world.
        sky: Node of the sky, which moves with the camera.
    """

    root: NodePath
    sky: NodePath


def build_scene(track: Track, seed: int, look: SceneLook) -> Scene:
    """Return the world around a track; the same arguments give the same world.

    Args:
        track: Track.
        seed: Seed of the ground, textures, plants and rocks.
        look: Light and colours of the world.
    """
    light = look.light
    rng = np.random.default_rng([seed, 2])
    root = NodePath("world")
    ground = terrain.generate(track, rng)
    surfaces = [
        *terrain.build_surfaces(ground, light, track.style, rng).items(),
        *road_mesh.build_surfaces(track, light, track.style, look.roadside).items(),
    ]
    kinds = dict.fromkeys(kind for kind, _ in surfaces)
    images = {
        kind: make_texture(look.surface(kind).repaint(_draw_texture(kind, track, rng)))
        for kind in kinds
    }
    for kind in kinds:
        parts = [surface for name, surface in surfaces if name == kind]
        attach(root, _resize_texture(merge(parts), kind, look), images[kind])
    water = terrain.water_surface(ground, light)
    if water is not None:
        picture = look.surface("water").repaint(textures.SOIL_TEXTURES["water"](rng))
        attach(root, _resize_texture(water, "water", look), make_texture(picture))
    shadows = road_mesh.palm_shadows(track, light)
    if shadows is not None:
        node = attach(root, shadows, make_texture(plant_textures.frond_shadow(rng)))
        node.set_transparency(TransparencyAttrib.M_alpha)
        node.set_alpha_scale(0.6)
        node.set_depth_offset(1)
        node.set_depth_write(False)
    _add_plants_and_rocks(root, track, ground, look, rng)
    sky_texture = make_texture(sky.draw_sky(rng, light, track.style))
    sky_node = attach(root, sky.build_dome(), sky_texture, SKY_DRAW_ORDER, cut=False)
    sky_node.set_depth_write(False)
    return Scene(root, sky_node)


def _resize_texture(surface: Surface, kind: str, look: SceneLook) -> Surface:
    """Return a surface with the size of its texture that a look asks for.

    Across a road the texture spans its width, with its paint, so there the size stays.
    """
    size = look.surface(kind).size
    if size == 1.0:
        return surface
    across = 1.0 if kind in SPANNING_TEXTURES else 1 / size
    return dataclasses.replace(surface, texture=surface.texture * (across, 1 / size))


def _draw_texture(kind: str, track: Track, rng: np.random.Generator) -> textures.Picture:
    """Return the texture of a kind of surface."""
    if kind in ("road", "pavement"):
        markings = track.markings if kind == "road" else "none"
        width_m = float(np.median(track.width_m))
        return textures.asphalt(rng, width_m, track.style == "jungle", markings)
    if kind == "rock":
        return textures.rock(rng, *ROCK_COLOURS[track.style])
    built = {"bricks": textures.bricks, "kerb": textures.kerb, "shoulder": textures.shoulder}
    return (built.get(kind) or textures.SOIL_TEXTURES[kind])(rng)


def _add_plants_and_rocks(
    root: NodePath,
    track: Track,
    ground: terrain.Terrain,
    look: SceneLook,
    rng: np.random.Generator,
) -> None:
    """Add trees, shrubs and rocks to the scene."""
    near, light = vegetation.MIN_ROAD_DISTANCE_M, look.light

    def plant(
        draw: Callable[[np.random.Generator], textures.Picture],
        count: int,
        min_distance_m: float,
        height_range_m: tuple[float, float],
    ) -> None:
        positions = vegetation.choose_sites(ground, rng, count, min_distance_m, 110.0)
        if len(positions):
            pictures = np.concatenate([draw(rng) for _ in range(PLANT_VARIANTS)], axis=1)
            surface = vegetation.crossed_cards(
                positions, rng, light, height_range_m, PLANT_VARIANTS
            )
            pictures = look.surface("plants").repaint(pictures)
            make_transparent(attach(root, surface, make_texture(pictures, repeats=False)))

    def scatter_rocks(count: int, size_range_m: tuple[float, float]) -> None:
        positions = vegetation.choose_sites(ground, rng, count, near, 80.0)
        if len(positions):
            surface = vegetation.build_rocks(positions, rng, light, size_range_m)
            picture = textures.rock(rng, *ROCK_COLOURS[track.style])
            attach(root, surface, make_texture(look.surface("rock").repaint(picture)))

    if track.style == "jungle":
        plant(plant_textures.palm, 520, near, (4.5, 8.0))
        plant(plant_textures.bush, 420, near - 1.5, (1.8, 3.6))
        scatter_rocks(50, (0.6, 2.0))
    else:
        plant(plant_textures.pine, 620, near + 2, (7.0, 13.0))
        plant(plant_textures.bush, 300, near, (2.0, 3.4))
        scatter_rocks(70, (0.8, 3.2))


def add_haze(parent: NodePath, light: Light, distances_m: tuple[float, ...]) -> None:
    """Attach translucent sheets in front of a camera: more of them cover what is farther away.

    Nothing fades between two sheets, and each sheet makes an edge where it cuts the ground. With
    enough sheets the edges cannot be seen.

    Args:
        parent: Node of the camera.
        light: Light of the world, with its haze.
        distances_m: Distances of the sheets from the camera, rising.
    """
    white = make_texture(np.full((1, 1, 3), 255, np.uint8))
    previous_m = 0.0
    for number, distance_m in enumerate(distances_m):
        opacity = 1.0 - float(np.exp(-light.haze_per_m * (distance_m - previous_m)))
        previous_m = distance_m
        half_m = 3.0 * distance_m
        corners = np.array(
            [
                (-half_m, distance_m, -half_m),
                (half_m, distance_m, -half_m),
                (-half_m, distance_m, half_m),
                (half_m, distance_m, half_m),
            ]
        )
        colours = np.broadcast_to(np.array(light.horizon).clip(0, 1), (4, 3))
        surface = Surface(corners, np.zeros((4, 2)), colours, np.array([(0, 1, 2), (1, 3, 2)]))
        order = SKY_DRAW_ORDER + len(distances_m) - number
        node = attach(parent, surface, white, order, cut=False)
        node.set_transparency(TransparencyAttrib.M_alpha)
        node.set_alpha_scale(opacity)
        node.set_depth_write(False)
