import numpy as np
import pytest
from support.data.roads import circle

from simulator.rendering.terrain import AROUND_M, Land, form
from simulator.track.builtin import NAMES, built_in
from simulator.track.geometry import Stretch, Track


def formed(track: Track) -> Land:
    return form(track, np.random.default_rng(1))


@pytest.mark.parametrize("name", NAMES)
def test_the_ground_never_covers_the_road(name: str) -> None:
    track = built_in(name)
    land = formed(track)
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    for share in (-0.5, -0.25, 0.0, 0.25, 0.5):
        places = track.points[:, :2] + share * track.width_m[:, None] * across
        assert (land.at(places[:, 0], places[:, 1]) < track.points[:, 2]).all()


def test_there_is_ground_as_far_as_one_sees() -> None:
    land = formed(circle(40.0))
    assert land.x[0] <= 1 - 40 - AROUND_M
    assert land.y[-1] >= 40 + AROUND_M - 1


def test_a_lake_lies_on_its_side_of_the_road_and_below_it() -> None:
    road = circle(60.0, stretches=(Stretch("water", 0, 30, "right"),))
    land = formed(road)
    assert land.water_m is not None
    assert land.water_m < road.points[:, 2].min()
    middle = road.pose(15.0, -20.0)
    across = road.pose(15.0, 20.0)
    assert land.at(np.array([middle.x_m]), np.array([middle.y_m]))[0] < land.water_m
    assert land.at(np.array([across.x_m]), np.array([across.y_m]))[0] > land.water_m


def test_without_water_nothing_is_wet() -> None:
    land = formed(circle(40.0))
    assert land.water_m is None
    assert not land.wet.any()
