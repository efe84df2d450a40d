import math

import numpy as np
import pytest
from support.data.roads import circle, straight


def test_the_measures_of_a_circle() -> None:
    track = circle(50.0)
    assert track.length_m == pytest.approx(2 * math.pi * 50, rel=1e-4)
    assert track.curvature == pytest.approx(np.full(len(track.points), 1 / 50), rel=1e-3)
    assert track.position_at(0.0).heading_rad % (2 * math.pi) == pytest.approx(
        math.pi / 2, abs=1e-6
    )


@pytest.mark.parametrize("lateral_m", [-3.0, 0.0, 2.5])
@pytest.mark.parametrize("station_m", [0.0, 0.2, 100.3, 314.0])
def test_a_pose_is_found_again(station_m: float, lateral_m: float) -> None:
    track = circle(50.0)
    pose = track.pose_at(station_m, lateral_m)
    position = track.locate(pose.x_m, pose.y_m)
    assert position.lateral_m == pytest.approx(lateral_m, abs=5e-3)
    along = math.remainder(position.station_m - station_m, track.length_m)
    assert along == pytest.approx(0.0, abs=0.02)


def test_left_is_positive() -> None:
    assert circle(50.0).locate(40.0, 0.0).lateral_m == pytest.approx(10.0, abs=0.01)
    assert straight().locate(10.0, 2.0).lateral_m == pytest.approx(2.0)
    assert straight().locate(10.0, -2.0).lateral_m == pytest.approx(-2.0)


def test_a_car_far_from_the_road_is_searched_near_its_last_station() -> None:
    track = circle(50.0)
    assert track.locate(-20.0, 1.0).station_m == pytest.approx(157.0, abs=5)
    assert track.locate(-20.0, 1.0, near_m=10.0).station_m < 30


def test_a_closed_track_continues_at_its_start_and_an_open_one_ends() -> None:
    track = circle(50.0)
    assert track.position_at(track.length_m + 5).station_m == pytest.approx(5.0)
    assert track.position_at(-5).station_m == pytest.approx(track.length_m - 5)
    road = straight(100.0)
    assert road.length_m == pytest.approx(100.0)
    assert road.position_at(150).station_m == pytest.approx(100.0)
    assert road.position_at(-5).station_m == 0.0
    assert road.pose_at(100.0).x_m == pytest.approx(100.0)


def test_the_grade_and_the_pitch_of_a_slope() -> None:
    road = straight(100.0, grade=0.1)
    assert road.position_at(50.0).grade == pytest.approx(0.1)
    assert road.pose_at(50.0).z_m == pytest.approx(5.0)
    assert road.pose_at(50.0).pitch_rad == pytest.approx(math.atan(0.1))
    assert road.pose_at(50.0, heading_offset_rad=math.pi).pitch_rad == pytest.approx(
        -math.atan(0.1)
    )


def test_the_station_never_jumps_along_a_bend() -> None:
    track = circle(12.0)
    stations = [
        track.locate(10 * math.cos(angle), 10 * math.sin(angle)).station_m
        for angle in np.linspace(0.01, 6.2, 2000)
    ]
    assert np.diff(stations) == pytest.approx(np.full(1999, 12 * 6.19 / 1999), abs=0.006)
