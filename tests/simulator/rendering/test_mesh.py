import numpy as np
import pytest

from simulator.rendering.appearance import PRESETS
from simulator.rendering.mesh import Surface, merge, shade_vertices, vertex_normals

SQUARE = np.array([(0.0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)])
HALVES = np.array([(0, 1, 2), (1, 3, 2)])


def surface(positions: np.ndarray) -> Surface:
    return Surface(positions, positions[:, :2], np.ones((len(positions), 3)), HALVES)


def test_level_ground_faces_up_for_any_order_of_corners() -> None:
    assert vertex_normals(SQUARE, HALVES) == pytest.approx(np.tile([0, 0, 1], (4, 1)))
    assert vertex_normals(SQUARE, HALVES[:, ::-1]) == pytest.approx(np.tile([0, 0, 1], (4, 1)))


def test_a_slope_faces_away_from_its_rise() -> None:
    slope = SQUARE.copy()
    slope[:, 2] = slope[:, 0]
    assert vertex_normals(slope, HALVES)[0] == pytest.approx(np.array([-1, 0, 1]) / np.sqrt(2))


def test_merged_surfaces_keep_their_corners() -> None:
    merged = merge([surface(SQUARE), surface(SQUARE + 5)])
    assert merged.positions[merged.triangles[2:]].min() == 5
    assert merged.positions[merged.triangles[:2]][..., :2].max() == 1


def test_a_surface_is_brightest_towards_the_sun_and_ambient_away_from_it() -> None:
    light = PRESETS["clear"]
    towards = np.array(light.sun_direction)
    facing, away = shade_vertices(np.array([towards, -towards]), light)
    assert away == pytest.approx(np.array(light.ambient))
    assert facing == pytest.approx(np.array(light.ambient) + light.sun)
