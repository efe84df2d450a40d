"""Surfaces as arrays, and their way into Panda3D."""

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
"""Side of the squares into which surfaces are cut: those out of sight are not drawn."""
VERTEX: Final = np.dtype([("place", "<f4", 3), ("colour", "u1", 4), ("texture", "<f4", 2)])


@dataclass(frozen=True)
class Surface:
    """Triangles with one texture.

    Args:
        places: (V, 3), metres.
        texture: (V, 2), in repeats of the texture.
        colours: (V, 3), 0..1, what the texture is multiplied by.
        triangles: (T, 3), numbers of vertices.
    """

    places: Floats
    texture: Floats
    colours: Floats
    triangles: NDArray[np.int64]


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Return one surface of many."""
    starts = np.cumsum([0, *(len(each.places) for each in surfaces[:-1])])
    return Surface(
        np.concatenate([each.places for each in surfaces]),
        np.concatenate([each.texture for each in surfaces]),
        np.concatenate([each.colours for each in surfaces]),
        np.concatenate(
            [each.triangles + start for each, start in zip(surfaces, starts, strict=True)]
        ),
    )


def lit(normals: Floats, light: Light) -> Floats:
    """Return (V, 3) colours of white matt surfaces with (V, 3) unit normals: Lambert's law."""
    facing = np.clip(normals @ np.array(light.towards), 0, None)[:, None]
    colours = np.array(light.ambient) + facing * np.array(light.sun)
    return np.asarray(colours * np.array(light.tint))


def normals(places: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Return (V, 3) unit normals: the mean of the triangles around each vertex, upwards."""
    a, b, c = (places[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    faces *= np.where(faces[:, 2:] < 0, -1.0, 1.0)
    found = np.zeros_like(places)
    for corner in range(3):
        np.add.at(found, triangles[:, corner], faces)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))


def texture(picture: Picture, repeats: bool = True, sharp: bool = False) -> Texture:
    """Return a texture of (H, W, 3) RGB or (H, W, 4) RGBA, sides powers of two."""
    height, width, channels = picture.shape
    made = Texture()
    form = Texture.F_rgb if channels == 3 else Texture.F_rgba
    made.setup_2d_texture(width, height, Texture.T_unsigned_byte, form)
    order = [2, 1, 0] if channels == 3 else [2, 1, 0, 3]
    made.set_ram_image(np.ascontiguousarray(picture[::-1, :, order]).tobytes())
    wrap = SamplerState.WM_repeat if repeats else SamplerState.WM_clamp
    made.set_wrap_u(wrap)
    made.set_wrap_v(wrap)
    made.set_minfilter(SamplerState.FT_nearest if sharp else SamplerState.FT_linear_mipmap_linear)
    made.set_magfilter(SamplerState.FT_nearest if sharp else SamplerState.FT_linear)
    return made


def hang(
    parent: NodePath, surface: Surface, image: Texture, order: int = 0, cut: bool = True
) -> NodePath:
    """Put a surface into the scene, in squares; return the node that holds them.

    Args:
        parent: in the scene.
        surface: to be seen.
        image: that covers it.
        order: in which surfaces are drawn, those of one order as they were hung. Left to itself,
            Panda3D draws in the order of addresses in memory, and no two runs would be the same
            where surfaces meet.
        cut: whether into squares.
    """
    node = parent.attach_new_node("surface")
    middles = surface.places[surface.triangles].mean(axis=1)
    if cut:
        cells = np.floor(middles[:, :2] / CELL_M).astype(np.int64)
        names = cells[:, 0] * 1_000_003 + cells[:, 1]
    else:
        names = np.zeros(len(middles), np.int64)
    ranked = np.argsort(names, kind="stable")
    bounds = np.flatnonzero(np.diff(names[ranked])) + 1
    for part in np.split(ranked, bounds):
        used, numbers = np.unique(surface.triangles[part], return_inverse=True)
        node.attach_new_node(_geometry(surface, used, numbers.reshape(-1)))
    node.set_texture(image)
    node.set_bin("fixed", order)
    node.set_two_sided(True)
    return node


def see_through(node: NodePath) -> None:
    """Let a node's texture have holes."""
    node.set_transparency(TransparencyAttrib.M_binary)


def _geometry(surface: Surface, used: NDArray[np.int64], numbers: NDArray[np.int64]) -> GeomNode:
    vertices = np.zeros(len(used), VERTEX)
    vertices["place"] = surface.places[used]
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
