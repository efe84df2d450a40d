"""Builds the road and what lies along it: kerbs, shoulders, verges, bridge walls and shadows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, merge
from simulator.rendering.ribbons import has_feature, offset_line, ribbon
from simulator.rendering.scene_preset import RoadsideWidths
from simulator.rendering.textures import ROAD_LENGTH_M
from simulator.track.geometry import Floats, Track

KERB_STONE_M: Final = 0.4
"""Width of the pale stone behind a kerb."""
VERGE_M: Final = 5.0
DIRT_M: Final = 13.0
DIRT_EDGE_M: Final = 1.6
SIDE_ROAD_M: Final = 24.0
"""Length of the side road at a junction. Farther away, hills hide where it leads."""
WALL_HEIGHT_M: Final = 0.9
WALL_THICK_M: Final = 0.5
SHADE_LIGHT_SHARE: Final = 0.42
"""Share of the light that remains where rocks and trees stand in front of the sun."""


def build_surfaces(
    track: Track, light: Light, style: str, widths: RoadsideWidths
) -> dict[str, Surface]:
    """Return the surfaces of the road and its sides by the name of their texture."""
    half_m = track.width_m / 2
    brightness = np.where(has_feature(track, "shade", "left"), SHADE_LIGHT_SHARE, 1.0)
    bridge = has_feature(track, "bridge", "left")
    # The paint of the road ends where another road joins it.
    junction = has_feature(track, "junction", "left") | has_feature(track, "junction", "right")
    parts: dict[str, list[Surface]] = {}

    def add(kind: str, surface: Surface) -> None:
        if len(surface.triangles):
            parts.setdefault(kind, []).append(surface)

    road = offset_line(track, half_m), offset_line(track, -half_m)
    add("road", ribbon(track, *road, light, ROAD_LENGTH_M, ~bridge & ~junction, brightness))
    add("pavement", ribbon(track, *road, light, ROAD_LENGTH_M, junction & ~bridge, brightness))
    add("bricks", ribbon(track, *road, light, 6.0, bridge, brightness))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        dirt, side_road = has_feature(track, "dirt", side), has_feature(track, "junction", side)
        free = ~dirt & ~side_road & ~bridge
        kerbed = has_feature(track, "kerb", side) & free
        dirt_edge = has_feature(track, "dirt edge", side) & free & ~kerbed
        plain = free & ~kerbed & ~dirt_edge
        inner_room_m = _inner_room_m(track, sign) - half_m

        def add_strip(
            kind: str,
            from_m: Floats,
            to_m: Floats,
            heights_m: tuple[float, float],
            length_m: float,
            where: NDArray[np.bool_],
            sign: float = sign,
        ) -> None:
            """Add a strip between two distances from the edge of the road."""
            inner = offset_line(track, sign * (half_m + from_m), heights_m[0])
            outer = offset_line(track, sign * (half_m + to_m), heights_m[1])
            add(kind, ribbon(track, inner, outer, light, length_m, where, brightness))

        zero = np.zeros(len(half_m))
        verge_m = np.minimum(VERGE_M, inner_room_m)
        kerb_m = zero + widths.kerb_m
        shoulder_m = np.where(kerbed, widths.kerb_m + KERB_STONE_M, widths.shoulder_m)
        outer_m, dirt_m = np.maximum(shoulder_m, verge_m), np.minimum(DIRT_M, inner_room_m)
        run_off_m = np.minimum(shoulder_m + widths.run_off_m, outer_m)
        edge_m = np.minimum(DIRT_EDGE_M, outer_m)
        add_strip("kerb", zero, kerb_m, (0.01, 0.10), 4.0, kerbed)
        add_strip("shoulder", kerb_m, shoulder_m, (0.09, 0.0), 3.0, kerbed)
        add_strip("sand", zero, edge_m, (0.0, -0.05), 5.0, dirt_edge)
        if style == "jungle":
            add_strip("grass", zero, verge_m, (-0.01, -0.5), 5.0, plain)
            grass, beside_shoulder = "grass", kerbed
        else:
            add_strip("shoulder", zero, shoulder_m, (0.0, 0.0), 3.0, plain)
            grass, beside_shoulder = "dry grass", plain | kerbed
        if widths.run_off_m:
            add_strip("run-off", shoulder_m, run_off_m, (0.0, -0.02), 5.0, beside_shoulder)
        add_strip(grass, run_off_m, outer_m, (0.0, -0.5), 5.0, beside_shoulder)
        add_strip(grass, edge_m, outer_m, (-0.05, -0.5), 5.0, dirt_edge)
        add_strip("sand", zero, dirt_m, (0.0, 0.05), 5.0, dirt)
        side_road_m = np.minimum(SIDE_ROAD_M, inner_room_m)
        add_strip("pavement", zero, side_road_m, (0.0, 0.05), SIDE_ROAD_M, side_road)
        for base, top in _wall_faces(track, sign, half_m):
            add("wall", ribbon(track, base, top, light, 4.0, bridge))
    return {kind: merge(surfaces) for kind, surfaces in parts.items()}


def palm_shadows(track: Track, light: Light) -> Surface | None:
    """Return the surface of palm shadows before and after each shady part, or None."""
    parts = []
    for feature in track.features:
        if feature.kind != "shade":
            continue
        for middle_m in (feature.from_m - 8.0, feature.to_m + 8.0):
            near = np.zeros(len(track.points), bool)
            first = int(middle_m / track.step_m)
            near[np.arange(first - 12, first + 12) % len(track.points)] = True
            left = offset_line(track, track.width_m / 2, 0.03)
            right = offset_line(track, -track.width_m / 2, 0.03)
            parts.append(ribbon(track, left, right, light, 24 * track.step_m, near))
    return merge(parts) if parts else None


def _inner_room_m(track: Track, sign: float) -> Floats:
    """Return how far a ribbon can reach from the centre line before it folds in a bend, (N,)."""
    inward_curvature = np.maximum(sign * track.curvature, 1e-4)
    return np.asarray(np.maximum(track.width_m / 2, 0.8 / inward_curvature))


def _wall_faces(track: Track, sign: float, half_m: Floats) -> list[tuple[Floats, Floats]]:
    """Return the pairs of lines that bound the inner face, top and outer face of a wall."""
    inner, outer = sign * half_m, sign * (half_m + WALL_THICK_M)
    return [
        (offset_line(track, inner, -0.3), offset_line(track, inner, WALL_HEIGHT_M)),
        (offset_line(track, inner, WALL_HEIGHT_M), offset_line(track, outer, WALL_HEIGHT_M)),
        (offset_line(track, outer, -3.0), offset_line(track, outer, WALL_HEIGHT_M)),
    ]
