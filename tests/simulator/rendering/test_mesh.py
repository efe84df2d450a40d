import numpy as np
import pytest

from simulator.rendering.appearance import PRESETS
from simulator.rendering.mesh import Surface, joined, lit, normals

SQUARE = np.array([(0.0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)])
HALVES = np.array([(0, 1, 2), (1, 3, 2)])


def surface(places: np.ndarray) -> Surface:
    return Surface(places, places[:, :2], np.ones((len(places), 3)), HALVES)


def test_level_ground_faces_up_whichever_way_its_corners_run() -> None:
    assert normals(SQUARE, HALVES) == pytest.approx(np.tile([0, 0, 1], (4, 1)))
    assert normals(SQUARE, HALVES[:, ::-1]) == pytest.approx(np.tile([0, 0, 1], (4, 1)))


def test_a_slope_faces_away_from_its_rise() -> None:
    slope = SQUARE.copy()
    slope[:, 2] = slope[:, 0]
    assert normals(slope, HALVES)[0] == pytest.approx(np.array([-1, 0, 1]) / np.sqrt(2))


def test_joined_surfaces_keep_their_corners() -> None:
    both = joined([surface(SQUARE), surface(SQUARE + 5)])
    assert both.places[both.triangles[2:]].min() == 5
    assert both.places[both.triangles[:2]][..., :2].max() == 1


def test_what_faces_the_sun_is_brightest_and_what_turns_away_has_ambient_light() -> None:
    light = PRESETS["clear"]
    towards = np.array(light.towards)
    facing, away = lit(np.array([towards, -towards]), light)
    assert away == pytest.approx(np.array(light.ambient))
    assert facing == pytest.approx(np.array(light.ambient) + light.sun)
