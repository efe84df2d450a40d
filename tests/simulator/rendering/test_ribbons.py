import numpy as np
import pytest
from support.data.roads import circle, straight

from simulator.rendering.appearance import PRESETS
from simulator.rendering.ribbons import along, band, beside, within
from simulator.track.geometry import Stretch


def test_a_line_beside_a_circle_is_a_circle() -> None:
    road = circle(40.0)
    left = beside(road, np.full(len(road.points), 3.0), 0.5)
    assert np.hypot(left[:, 0], left[:, 1]) == pytest.approx(37.0, abs=0.01)
    assert left[:, 2] == pytest.approx(0.5)


def test_a_stretch_may_run_past_the_start() -> None:
    road = circle(40.0)
    marked = within(road, road.length_m - 10, 10)
    assert marked[0]
    assert marked[-1]
    assert marked.sum() * road.step_m == pytest.approx(20, abs=1)


def test_a_stretch_accompanies_its_side_only() -> None:
    road = circle(40.0, stretches=(Stretch("kerb", 0, 20, "left"),))
    assert along(road, "kerb", "left").any()
    assert not along(road, "kerb", "right").any()
    assert not along(road, "water", "left").any()


@pytest.mark.parametrize("road", [circle(40.0), straight(100.0)])
def test_a_band_is_as_long_as_its_road(road) -> None:
    half = road.width_m / 2
    strip = band(road, beside(road, half), beside(road, -half), PRESETS["clear"], 8.0)
    a, b, c = (strip.places[strip.triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert area == pytest.approx(road.length_m * 8.0, rel=0.01)
    assert strip.texture[:, 1].max() == pytest.approx(road.length_m / 8.0, rel=0.01)
