import numpy as np
import pytest
from support.data.roads import circle, straight

from simulator.rendering.appearance import PRESETS
from simulator.rendering.ribbons import between_stations, has_feature, offset_line, ribbon
from simulator.track.geometry import RoadFeature


def test_a_line_at_an_offset_from_a_circle_is_a_circle() -> None:
    road = circle(40.0)
    left = offset_line(road, np.full(len(road.points), 3.0), 0.5)
    assert np.hypot(left[:, 0], left[:, 1]) == pytest.approx(37.0, abs=0.01)
    assert left[:, 2] == pytest.approx(0.5)


def test_a_feature_may_continue_beyond_the_start() -> None:
    road = circle(40.0)
    mask = between_stations(road, road.length_m - 10, 10)
    assert mask[0]
    assert mask[-1]
    assert mask.sum() * road.step_m == pytest.approx(20, abs=1)


def test_a_feature_lies_on_its_side_only() -> None:
    road = circle(40.0, features=(RoadFeature("kerb", 0, 20, "left"),))
    assert has_feature(road, "kerb", "left").any()
    assert not has_feature(road, "kerb", "right").any()
    assert not has_feature(road, "water", "left").any()


@pytest.mark.parametrize("road", [circle(40.0), straight(100.0)])
def test_a_ribbon_is_as_long_as_its_road(road) -> None:
    half = road.width_m / 2
    surface = ribbon(road, offset_line(road, half), offset_line(road, -half), PRESETS["clear"], 8.0)
    a, b, c = (surface.positions[surface.triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert area == pytest.approx(road.length_m * 8.0, rel=0.01)
    assert surface.texture[:, 1].max() == pytest.approx(road.length_m / 8.0, rel=0.01)
