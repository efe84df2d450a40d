import json
import math
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest

from contract.errors import SettingError, TelemetryError
from simulator.episode.monitor import Judge, Verdict
from simulator.episode.trajectory import Reason
from simulator.track.geometry import Pose, Track

RADIUS_M = 50.0
LENGTH_M = 2 * math.pi * RADIUS_M
SPEED_MPS = 10.0


def circle(lane_m: float = 0.0, width_m: float = 8.0) -> Track:
    """A level ring, driven anticlockwise from its easternmost point."""
    turn = np.linspace(0, 2 * math.pi, 628, endpoint=False)
    points = np.column_stack([RADIUS_M * np.cos(turn), RADIUS_M * np.sin(turn), 0 * turn])
    return Track("ring", "lake", True, points, np.full(628, width_m), lane_m)


def straight(width_m: float = 8.0) -> Track:
    x = np.arange(0, 201) * 0.5
    points = np.column_stack([x, 0 * x, 0 * x])
    return Track("strip", "lake", False, points, np.full(201, width_m))


def look(judge: Judge, track: Track, time_s: float, pose: Pose, speed: float = 10.0) -> Verdict:
    return judge.see(time_s, pose, track.locate(pose.x_m, pose.y_m), speed, 0.1, 0.2)


def one_look(track: Track, pose: Pose, direction: int = 1) -> Verdict:
    return look(Judge(track, direction, 1, track.place(20.0)), track, 0.0, pose)


def drive(
    judge: Judge, track: Track, metres: float, direction: int = 1, lateral_m: float = 0.0
) -> Iterator[Verdict]:
    """Drive from station 0 at 10 m/s, looked at every 10 cm."""
    for step in range(round(metres / 0.1) + 1):
        pose = track.pose(direction * 0.1 * step, lateral_m, 0.0 if direction > 0 else math.pi)
        yield look(judge, track, step / 100, pose)


@pytest.mark.parametrize(("direction", "left"), [(1, 1.5), (-1, -1.5)])
def test_left_is_the_drivers_left_in_either_direction(direction: int, left: float) -> None:
    track = circle()
    verdict = one_look(track, track.pose(20.0, 1.5), direction)
    assert verdict.lateral_m == pytest.approx(left, abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_lane_is_on_the_drivers_right_in_either_direction(direction: int) -> None:
    track = circle(lane_m=-1.9)
    judge = Judge(track, direction, 1, track.place(20.0))
    verdict = look(judge, track, 0.0, judge.pose(20.0, lateral_m=0.4))
    assert verdict.lateral_m == pytest.approx(-1.5, abs=0.01)
    assert verdict.lane_error_m == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_pose_is_turned_to_the_drivers_left_in_either_direction(direction: int) -> None:
    track = circle()
    judge = Judge(track, direction, 1, track.place(20.0))
    ahead_rad = judge.pose(20.0).heading_rad
    assert judge.pose(20.0, heading_rad=0.3).heading_rad - ahead_rad == pytest.approx(0.3, abs=0.01)
    away_rad = ahead_rad - track.place(20.0).heading_rad
    assert math.cos(away_rad) == pytest.approx(direction, abs=0.01)


@pytest.mark.parametrize("side", [1, -1])
def test_a_wheel_beyond_the_edge_is_off_road_and_no_more(side: int) -> None:
    track = straight()
    assert not one_look(track, track.pose(20.0, side * 2.99)).off_road
    verdict = one_look(track, track.pose(20.0, side * 3.01))
    assert verdict.off_road
    assert not verdict.put_back


def test_a_car_across_the_road_reaches_further() -> None:
    track = straight()
    # The front left wheel of a car turned by 0.5: 1.27 sin 0.5 + cos 0.5 = 1.4865 m to the left.
    assert not one_look(track, track.pose(20.0, 2.51, 0.5)).off_road
    assert one_look(track, track.pose(20.0, 2.52, 0.5)).off_road


def test_the_rear_reaches_further_than_the_front() -> None:
    track = straight()
    # The rear left wheel of a car turned by -0.5: 1.6 sin 0.5 + cos 0.5 = 1.6447 m to the left.
    assert not one_look(track, track.pose(20.0, 2.35, -0.5)).off_road
    assert one_look(track, track.pose(20.0, 2.36, -0.5)).off_road


def test_the_road_bends_away_under_the_outer_wheels() -> None:
    track = circle()
    # The rear right wheel stands at hypot(50 + 2.97 + 1, 1.6) = 53.994 m from the middle, the
    # edge at 54 m; on a straight there would be 3 cm to spare.
    assert not one_look(track, track.pose(20.0, -2.97)).off_road
    assert one_look(track, track.pose(20.0, -2.985)).off_road


def test_a_car_whose_origin_is_beyond_the_edge_is_put_back() -> None:
    track = straight()
    assert not one_look(track, track.pose(20.0, 3.99)).put_back
    assert one_look(track, track.pose(20.0, 4.01)).reason == Reason.LEFT


def test_a_car_that_was_put_back_drives_on_and_the_clock_too() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(20.0))
    assert look(judge, track, 0.0, track.pose(20.0, 4.5)).put_back
    assert not look(judge, track, 0.01, judge.pose(20.0), speed=0.0).put_back
    trace = judge.trace()
    assert [(each.reason, each.time_s) for each in trace.interventions] == [(Reason.LEFT, 0.0)]
    assert trace.crosses.tolist() == [[20.0, 4.5]]
    assert trace.elapsed_s == pytest.approx(0.01)


def test_a_car_stalls_after_five_seconds_and_not_before() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(20.0))
    verdicts = [look(judge, track, step / 100, track.pose(20.0), 0.22) for step in range(1002)]
    stalls = [step for step, each in enumerate(verdicts) if each.reason == Reason.STALLED]
    assert stalls == [500, 1000]


def test_a_car_that_moves_a_little_does_not_stall() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(20.0))
    speeds = [0.0] * 499 + [0.23] + [0.0] * 499
    assert not any(
        look(judge, track, step / 100, track.pose(20.0), speed).put_back
        for step, speed in enumerate(speeds)
    )


def test_five_metres_backwards_are_an_intervention() -> None:
    track = circle()
    judge = Judge(track, 1, 1, track.place(0.0))
    stations = [*np.arange(0, 10.05, 0.1), *np.arange(10, -1.05, -0.1)]
    verdicts = [
        look(judge, track, step / 100, track.pose(float(station)))
        for step, station in enumerate(stations)
    ]
    assert [
        (each.reason, round(stations[step], 1))
        for step, each in enumerate(verdicts)
        if each.put_back
    ] == [(Reason.BACKWARDS, 5.0), (Reason.BACKWARDS, 0.0)]


@pytest.mark.parametrize("direction", [1, -1])
def test_laps_are_counted_over_the_closing_point(direction: int) -> None:
    track = circle()
    judge = Judge(track, direction, 2, track.place(0.0))
    verdicts = list(drive(judge, track, 2 * LENGTH_M + 0.3, direction))
    laps = [each.laps_done for each in verdicts]
    assert [laps.index(lap) for lap in (0, 1, 2)] == pytest.approx([0, 3142, 6284], abs=1)
    assert [each.finished for each in verdicts] == [lap == 2 for lap in laps]
    trace = judge.trace()
    assert trace.complete
    assert trace.lap_times_s == pytest.approx([LENGTH_M / 10] * 2, abs=0.002)
    assert trace.distance_m == pytest.approx(2 * LENGTH_M + 0.3, abs=0.1)


def test_a_lap_begins_where_the_drive_began() -> None:
    track = circle()
    judge = Judge(track, 1, 1, track.place(100.0))
    assert not look(judge, track, 0.0, track.pose(100.0)).finished
    for station in np.arange(100.0, 100.0 + LENGTH_M - 1, 1.0):
        verdict = look(judge, track, float(station), track.pose(float(station)))
    assert not verdict.finished
    assert look(judge, track, 999.0, track.pose(100.5)).finished


def test_a_part_of_a_lap_is_a_drive() -> None:
    track = circle()
    judge = Judge(track, 1, 0.25, track.place(0.0))
    finished = [each.finished for each in drive(judge, track, 80.0)]
    assert finished.index(True) == pytest.approx(LENGTH_M / 4 / 0.1, abs=2)


def test_an_open_track_ends_with_its_road() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(0.0))
    verdicts = list(drive(judge, track, 100.0))
    assert [each.finished for each in verdicts[-2:]] == [False, True]


def test_the_time_can_be_up() -> None:
    track = circle()
    judge = Judge(track, 1, 1, track.place(0.0), limit_s=2.0)
    finished = [each.finished for each in drive(judge, track, 30.0)]
    assert finished.index(True) == 200
    assert not judge.trace().complete


def test_the_clock_starts_with_the_first_look() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(0.0))
    look(judge, track, 50.0, track.pose(0.0))
    assert look(judge, track, 50.5, track.pose(5.0)).time_s == 0.5


def test_a_constant_offset_is_traced_as_it_is() -> None:
    track = circle()
    judge = Judge(track, -1, 1, track.place(0.0))
    list(drive(judge, track, LENGTH_M, -1, lateral_m=1.25))
    trace = judge.trace()
    assert np.abs(trace.lane_error_m + 1.25).max() < 0.005
    assert trace.line.shape == (len(trace.time_s), 2)
    assert not trace.off_road.any()


def test_what_comes_of_a_drive_is_json() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.locate(20.0, 0.0))
    place = track.locate(20.0, 4.5)
    verdict = judge.see(0.0, track.pose(20.0, 4.5), place, 1.0, 0.0, 0.0)
    assert json.loads(json.dumps(asdict(verdict)))["put_back"] is True
    trace = judge.trace()
    parts = trace.distance_m, trace.lap_times_s, trace.complete, asdict(trace.interventions[0])
    assert json.loads(json.dumps(parts))[3]["reason"] == "left the road"


def test_a_judge_that_saw_nothing_has_an_empty_trace() -> None:
    trace = Judge(circle(), 1, 1, circle().place(0.0)).trace()
    assert trace.elapsed_s == 0
    assert trace.line.shape == trace.crosses.shape == (0, 2)


@pytest.mark.parametrize(("direction", "laps"), [(0, 1.0), (1, 0.0), (1, math.nan)])
def test_a_drive_that_means_nothing_is_refused(direction: int, laps: float) -> None:
    with pytest.raises(SettingError):
        Judge(circle(), direction, laps, circle().place(0.0))


def test_a_car_that_is_nowhere_is_an_error() -> None:
    track = straight()
    judge = Judge(track, 1, 1, track.place(0.0))
    with pytest.raises(TelemetryError, match="nowhere"):
        judge.see(0.0, Pose(math.nan, 0, 0, 0), track.place(0.0), 1.0, 0.0, 0.0)
