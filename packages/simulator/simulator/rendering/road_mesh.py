"""The road and what is built along it: kerbs, shoulders, verges, the bridge's walls, shadows."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, joined
from simulator.rendering.ribbons import along, band, beside
from simulator.rendering.textures import ROAD_M
from simulator.track.geometry import Floats, Track

KERB_M: Final = 0.9
SHOULDER_M: Final = 1.3
VERGE_M: Final = 5.0
DIRT_M: Final = 13.0
WALL_M: Final = 0.9
WALL_THICK_M: Final = 0.5
SHADE: Final = 0.42
"""Of the light that is left where rocks and trees stand before the sun."""


def surfaces(track: Track, light: Light, style: str) -> dict[str, Surface]:
    """Return the road's surfaces by the texture that covers each."""
    half = track.width_m / 2
    shade = np.where(along(track, "shade", "left"), SHADE, 1.0)
    bridge = along(track, "bridge", "left")
    found: dict[str, list[Surface]] = {}

    def add(kind: str, surface: Surface) -> None:
        if len(surface.triangles):
            found.setdefault(kind, []).append(surface)

    road = beside(track, half), beside(track, -half)
    add("road", band(track, *road, light, ROAD_M, ~bridge, shade))
    add("bricks", band(track, *road, light, 6.0, bridge, shade))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        dirt = along(track, "dirt", side)
        kerbed = along(track, "kerb", side) & ~dirt & ~bridge
        plain = ~kerbed & ~dirt & ~bridge
        inner = _inner_room(track, sign) - half

        def strip(
            kind: str,
            from_m: Floats,
            to_m: Floats,
            heights: tuple[float, float],
            length_m: float,
            where: np.ndarray,
            sign: float = sign,
            half: Floats = half,
        ) -> None:
            one = beside(track, sign * (half + from_m), heights[0])
            other = beside(track, sign * (half + to_m), heights[1])
            add(kind, band(track, one, other, light, length_m, where, shade))

        zero = np.zeros(len(half))
        verge = np.minimum(VERGE_M, inner)
        if style == "jungle":
            strip("grass", zero, verge, (-0.01, -0.5), 5.0, ~bridge)
        else:
            strip("kerb", zero, zero + KERB_M, (0.01, 0.10), 4.0, kerbed)
            strip("shoulder", zero + KERB_M, zero + SHOULDER_M, (0.09, 0.0), 3.0, kerbed)
            strip("shoulder", zero, zero + SHOULDER_M, (0.0, 0.0), 3.0, plain)
            strip(
                "dry grass",
                zero + SHOULDER_M,
                np.maximum(SHOULDER_M, verge),
                (0.0, -0.5),
                5.0,
                plain | kerbed,
            )
            strip("sand", zero, np.minimum(DIRT_M, inner), (0.0, 0.05), 5.0, dirt)
        for base, top in _wall(track, sign, half):
            add("wall", band(track, base, top, light, 4.0, bridge))
    return {kind: joined(parts) for kind, parts in found.items()}


def fronds(track: Track, light: Light) -> Surface | None:
    """Return the sheets on which palms' shadows lie, before and after each shady stretch."""
    parts = []
    for each in track.stretches:
        if each.kind != "shade":
            continue
        for middle in (each.from_m - 8.0, each.to_m + 8.0):
            near = np.zeros(len(track.points), bool)
            first = int(middle / track.step_m)
            near[np.arange(first - 12, first + 12) % len(track.points)] = True
            lines = beside(track, track.width_m / 2, 0.03), beside(track, -track.width_m / 2, 0.03)
            parts.append(band(track, *lines, light, 24 * track.step_m, near))
    return joined(parts) if parts else None


def _inner_room(track: Track, sign: float) -> Floats:
    """Return (N,) how far from the centre line a band may reach before it folds in a bend."""
    inwards = np.maximum(sign * track.curvature, 1e-4)
    return np.asarray(np.maximum(track.width_m / 2, 0.8 / inwards))


def _wall(track: Track, sign: float, half: Floats) -> list[tuple[Floats, Floats]]:
    """Return the lines between which a wall's inner face, top and outer face lie."""
    inner, outer = sign * half, sign * (half + WALL_THICK_M)
    return [
        (beside(track, inner, -0.3), beside(track, inner, WALL_M)),
        (beside(track, inner, WALL_M), beside(track, outer, WALL_M)),
        (beside(track, outer, -3.0), beside(track, outer, WALL_M)),
    ]
