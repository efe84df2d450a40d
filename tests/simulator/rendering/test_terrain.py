import numpy as np
import pytest
from support.data.roads import circle

from simulator.rendering import terrain
from simulator.rendering.appearance import PRESETS
from simulator.rendering.terrain import EXTENT_M, Terrain, generate
from simulator.track.builtin import TRACK_NAMES, builtin_track
from simulator.track.geometry import RoadFeature, Track


def generate_ground(track: Track) -> Terrain:
    return generate(track, np.random.default_rng(1))


@pytest.mark.parametrize("name", TRACK_NAMES)
def test_the_ground_never_covers_the_road(name: str) -> None:
    track = builtin_track(name)
    ground = generate_ground(track)
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    for width_share in (-0.5, -0.25, 0.0, 0.25, 0.5):
        places = track.points[:, :2] + width_share * track.width_m[:, None] * across
        assert (ground.height_at(places[:, 0], places[:, 1]) < track.points[:, 2]).all()


def test_the_ground_extends_as_far_as_planned() -> None:
    ground = generate_ground(circle(40.0))
    assert ground.x[0] <= 1 - 40 - EXTENT_M
    assert ground.y[-1] >= 40 + EXTENT_M - 1


def test_a_lake_lies_on_its_side_of_the_road_and_below_it() -> None:
    road = circle(60.0, features=(RoadFeature("water", 0, 30, "right"),))
    ground = generate_ground(road)
    assert ground.water_m is not None
    assert ground.water_m < road.points[:, 2].min()
    middle = road.pose_at(15.0, -20.0)
    across = road.pose_at(15.0, 20.0)
    assert ground.height_at(np.array([middle.x_m]), np.array([middle.y_m]))[0] < ground.water_m
    assert ground.height_at(np.array([across.x_m]), np.array([across.y_m]))[0] > ground.water_m


def test_a_track_without_water_has_no_wet_ground() -> None:
    ground = generate_ground(circle(40.0))
    assert ground.water_m is None
    assert not ground.wet.any()


def test_worlds_around_one_track_do_not_disturb_each_other() -> None:
    track, seen = circle(40.0, style="jungle"), []
    for seed in (1, 2, 1):
        ground = generate(track, np.random.default_rng(seed))
        terrain.build_surfaces(ground, PRESETS["clear"], track.style, np.random.default_rng(seed))
        seen.append(ground)
    alone = generate_ground(circle(40.0, style="jungle"))
    for again in (seen[2], alone):
        assert (seen[0].heights == again.heights).all()
        assert (seen[0].road_distance_m == again.road_distance_m).all()
    assert (seen[0].heights != seen[1].heights).any()
