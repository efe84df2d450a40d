"""Holds surfaces as arrays, and attaches them to a Panda3D scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from panda3d.core import (
    Geom,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    GeomVertexFormat,
    NodePath,
    SamplerState,
    Texture,
    TransparencyAttrib,
)

from simulator.rendering.appearance import Light

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

CELL_M: Final = 80.0
"""Side of the squares into which surfaces are cut. Panda3D does not draw squares out of sight."""
VERTEX: Final = np.dtype([("position", "<f4", 3), ("colour", "u1", 4), ("texture", "<f4", 2)])


@dataclass(frozen=True)
class Surface:
    """Triangles with one texture.

    Args:
        positions: Positions of the vertices in metres, (V, 3).
        texture: Texture coordinates of the vertices, (V, 2); 1 is one repeat of the texture.
        colours: Factors of the texture's colours, 0..1, (V, 3).
        triangles: Vertex numbers of the triangles, (T, 3).
    """

    positions: Floats
    texture: Floats
    colours: Floats
    triangles: NDArray[np.int64]


def merge(surfaces: Sequence[Surface]) -> Surface:
    """Return one surface that holds the triangles of several."""
    starts = np.cumsum([0, *(len(surface.positions) for surface in surfaces[:-1])])
    return Surface(
        np.concatenate([surface.positions for surface in surfaces]),
        np.concatenate([surface.texture for surface in surfaces]),
        np.concatenate([surface.colours for surface in surfaces]),
        np.concatenate(
            [surface.triangles + start for surface, start in zip(surfaces, starts, strict=True)]
        ),
    )


def shade_vertices(normals: Floats, light: Light) -> Floats:
    """Return the colours of white matt vertices, (V, 3), by Lambert's law.

    Args:
        normals: Unit normals of the vertices, (V, 3).
        light: Light that falls on them.
    """
    facing = np.clip(normals @ np.array(light.sun_direction), 0, None)[:, None]
    colours = np.array(light.ambient) + facing * np.array(light.sun)
    return np.asarray(colours * np.array(light.tint))


def vertex_normals(positions: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Return upward unit normals, (V, 3): at each vertex the mean of its triangles' normals."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    faces *= np.where(faces[:, 2:] < 0, -1.0, 1.0)
    sums = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(sums, triangles[:, corner], faces)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9))


def make_texture(picture: Picture, repeats: bool = True, sharp: bool = False) -> Texture:
    """Return a Panda3D texture of a picture.

    Args:
        picture: RGB picture (H, W, 3) or RGBA picture (H, W, 4); H and W are powers of two.
        repeats: Whether the texture repeats beyond its edges.
        sharp: Whether pixels are shown as squares instead of being interpolated.
    """
    height, width, channels = picture.shape
    texture = Texture()
    form = Texture.F_rgb if channels == 3 else Texture.F_rgba
    texture.setup_2d_texture(width, height, Texture.T_unsigned_byte, form)
    order = [2, 1, 0] if channels == 3 else [2, 1, 0, 3]
    texture.set_ram_image(np.ascontiguousarray(picture[::-1, :, order]).tobytes())
    wrap = SamplerState.WM_repeat if repeats else SamplerState.WM_clamp
    texture.set_wrap_u(wrap)
    texture.set_wrap_v(wrap)
    texture.set_minfilter(
        SamplerState.FT_nearest if sharp else SamplerState.FT_linear_mipmap_linear
    )
    texture.set_magfilter(SamplerState.FT_nearest if sharp else SamplerState.FT_linear)
    return texture


def attach(
    parent: NodePath, surface: Surface, image: Texture, order: int = 0, cut: bool = True
) -> NodePath:
    """Attach a surface to the scene, and return the node that holds it.

    Args:
        parent: Node of the scene.
        surface: Surface to attach.
        image: Texture of the surface.
        order: Drawing order; surfaces of the same order are drawn as they were attached. Without an
            order, Panda3D draws by memory addresses, and two runs would differ where surfaces meet.
        cut: Whether the surface is cut into squares.
    """
    node = parent.attach_new_node("surface")
    middles = surface.positions[surface.triangles].mean(axis=1)
    if cut:
        cells = np.floor(middles[:, :2] / CELL_M).astype(np.int64)
        cell_ids = cells[:, 0] * 1_000_003 + cells[:, 1]
    else:
        cell_ids = np.zeros(len(middles), np.int64)
    ranked = np.argsort(cell_ids, kind="stable")
    bounds = np.flatnonzero(np.diff(cell_ids[ranked])) + 1
    for part in np.split(ranked, bounds):
        used, numbers = np.unique(surface.triangles[part], return_inverse=True)
        node.attach_new_node(_build_geometry(surface, used, numbers.reshape(-1)))
    node.set_texture(image)
    node.set_bin("fixed", order)
    node.set_two_sided(True)
    return node


def make_transparent(node: NodePath) -> None:
    """Draw the transparent pixels of a node's texture as holes."""
    node.set_transparency(TransparencyAttrib.M_binary)


def _build_geometry(
    surface: Surface, used: NDArray[np.int64], numbers: NDArray[np.int64]
) -> GeomNode:
    """Return a Panda3D node of some triangles.

    Args:
        surface: Surface of the triangles.
        used: Numbers of the vertices that the triangles use.
        numbers: Corners of the triangles as indices into `used`.
    """
    vertices = np.zeros(len(used), VERTEX)
    vertices["position"] = surface.positions[used]
    vertices["colour"][:, :3] = (surface.colours[used] * 255).clip(0, 255)
    vertices["colour"][:, 3] = 255
    vertices["texture"] = surface.texture[used]
    data = GeomVertexData("", GeomVertexFormat.get_v3c4t2(), Geom.UH_static)
    data.set_num_rows(len(vertices))
    data.modify_array_handle(0).copy_data_from(vertices.tobytes())
    triangles = GeomTriangles(Geom.UH_static)
    triangles.set_index_type(Geom.NT_uint32)
    array = triangles.modify_vertices()
    array.set_num_rows(len(numbers))
    array.modify_handle().copy_data_from(numbers.astype(np.uint32).tobytes())
    geometry = Geom(data)
    geometry.add_primitive(triangles)
    node = GeomNode("")
    node.add_geom(geometry)
    return node
