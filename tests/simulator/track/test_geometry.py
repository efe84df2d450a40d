import math

import numpy as np
import pytest
from support.data.roads import circle, straight

from simulator.track.builtin import builtin_track
from simulator.track.geometry import RoadPosition, Track


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


def located_with_arrays(track: Track, x_m: float, y_m: float, near_m: float) -> RoadPosition:
    """Return what `locate` returns, computed from the track's arrays with the formulas of its text.

    The road is searched within 15 m of the last station, along the centre line.
    """
    count, reach = len(track.points), int(15.0 / track.step_m)
    window = round(near_m / track.step_m) + np.arange(-reach, reach + 1)
    window = window % count if track.closed else window.clip(0, count - 1)
    distances = ((track.points[window, :2] - (x_m, y_m)) ** 2).sum(axis=1)
    index = window[np.argmin(distances)]
    dx, dy = np.array([x_m, y_m]) - track.points[index, :2]
    heading = float(track.heading_rad[index])
    along = dx * math.cos(heading) + dy * math.sin(heading)
    across = dy * math.cos(heading) - dx * math.sin(heading)
    along = along / max(0.2, 1.0 - across * track.curvature[index])
    station = track.wrap(index * track.step_m + float(np.clip(along, -track.step_m, track.step_m)))
    steps = station / track.step_m
    here = min(int(steps), count - 1 if track.closed else count - 2)
    after, share = (here + 1) % count, steps - here

    def between(values: np.ndarray) -> float:
        return float(values[here] * (1 - share) + values[after] * share)

    turn = float(track.heading_rad[after] - track.heading_rad[here])
    turn = (turn + math.pi) % (2 * math.pi) - math.pi
    heading = float(track.heading_rad[here] + share * turn)
    x, y = track.points[here, :2] + share * track.steps[here, :2]
    lateral = (y_m - y) * math.cos(heading) - (x_m - x) * math.sin(heading)
    return RoadPosition(
        station,
        float(lateral),
        heading,
        between(track.width_m),
        between(track.curvature),
        between(track.grade),
        between(track.points[:, 2]),
    )


@pytest.mark.parametrize("name", ["lake", "jungle", "open", "small"])
def test_a_position_is_that_of_the_arrays_to_the_last_bit(name: str) -> None:
    """The bits of every drive follow from those of its positions."""
    roads = {"open": straight(60.0, grade=0.03), "small": circle(4.0)}
    track = roads[name] if name in roads else builtin_track(name)
    rng = np.random.default_rng(1)
    for _ in range(500):
        station = float(rng.uniform(-3, track.length_m + 3))
        near = track.wrap(station + float(rng.uniform(-4, 4)))
        pose = track.pose_at(station, float(rng.uniform(-8, 8)))
        found = track.locate(pose.x_m, pose.y_m, near)
        assert found == located_with_arrays(track, pose.x_m, pose.y_m, near)
