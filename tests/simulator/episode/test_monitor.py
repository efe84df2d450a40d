import json
import math
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest

from contract.errors import SettingError, TelemetryError
from simulator.episode.monitor import DriveMonitor, StepVerdict
from simulator.episode.trajectory import InterventionReason
from simulator.track.geometry import Pose, Track

RADIUS_M = 50.0
LENGTH_M = 2 * math.pi * RADIUS_M
SPEED_MPS = 10.0


def circle(lane_m: float = 0.0, width_m: float = 8.0) -> Track:
    """Return a level ring that is driven anticlockwise from its easternmost point."""
    turn = np.linspace(0, 2 * math.pi, 628, endpoint=False)
    points = np.column_stack([RADIUS_M * np.cos(turn), RADIUS_M * np.sin(turn), 0 * turn])
    return Track("ring", "lake", True, points, np.full(628, width_m), lane_m)


def straight(width_m: float = 8.0) -> Track:
    x = np.arange(0, 201) * 0.5
    points = np.column_stack([x, 0 * x, 0 * x])
    return Track("strip", "lake", False, points, np.full(201, width_m))


def check(
    monitor: DriveMonitor, track: Track, time_s: float, pose: Pose, speed: float = 10.0
) -> StepVerdict:
    return monitor.check(time_s, pose, track.locate(pose.x_m, pose.y_m), speed, 0.1, 0.2)


def lane_pose(track: Track, direction: int, station_m: float, lateral_m: float = 0.0) -> Pose:
    """Return the pose of a car on the driving line, or beside it to the driver's left."""
    turn = 0.0 if direction > 0 else math.pi
    return track.pose_at(station_m, direction * (track.lane_m + lateral_m), turn)


def check_once(track: Track, pose: Pose, direction: int = 1) -> StepVerdict:
    return check(DriveMonitor(track, direction, 1, track.position_at(20.0)), track, 0.0, pose)


def drive(
    monitor: DriveMonitor, track: Track, metres: float, direction: int = 1, lateral_m: float = 0.0
) -> Iterator[StepVerdict]:
    """Drive from station 0 at 10 m/s, with a step every 10 cm."""
    for step in range(round(metres / 0.1) + 1):
        pose = track.pose_at(direction * 0.1 * step, lateral_m, 0.0 if direction > 0 else math.pi)
        yield check(monitor, track, step / 100, pose)


@pytest.mark.parametrize(("direction", "offset_m"), [(1, 1.5), (-1, -1.5)])
def test_left_is_the_drivers_left_in_either_direction(direction: int, offset_m: float) -> None:
    track = circle()
    verdict = check_once(track, track.pose_at(20.0, 1.5), direction)
    assert verdict.lateral_m == pytest.approx(offset_m, abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_lane_is_on_the_drivers_right_in_either_direction(direction: int) -> None:
    track = circle(lane_m=-1.9)
    monitor = DriveMonitor(track, direction, 1, track.position_at(20.0))
    verdict = check(monitor, track, 0.0, lane_pose(track, direction, 20.0, lateral_m=0.4))
    assert verdict.lateral_m == pytest.approx(-1.5, abs=0.01)
    assert verdict.lane_error_m == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("side", [1, -1])
def test_a_wheel_beyond_the_edge_is_off_road_without_an_intervention(side: int) -> None:
    track = straight()
    assert not check_once(track, track.pose_at(20.0, side * 2.99)).off_road
    verdict = check_once(track, track.pose_at(20.0, side * 3.01))
    assert verdict.off_road
    assert not verdict.put_back


def test_a_car_across_the_road_reaches_further() -> None:
    track = straight()
    # The front left wheel of a car turned by 0.5 is 1.27 sin 0.5 + cos 0.5 = 1.4865 m to the left.
    assert not check_once(track, track.pose_at(20.0, 2.51, 0.5)).off_road
    assert check_once(track, track.pose_at(20.0, 2.52, 0.5)).off_road


def test_the_rear_reaches_further_than_the_front() -> None:
    track = straight()
    # The rear left wheel of a car turned by -0.5 is 1.6 sin 0.5 + cos 0.5 = 1.6447 m to the left.
    assert not check_once(track, track.pose_at(20.0, 2.35, -0.5)).off_road
    assert check_once(track, track.pose_at(20.0, 2.36, -0.5)).off_road


def test_a_bend_puts_the_outer_wheels_off_the_road() -> None:
    track = circle()
    # The rear right wheel is hypot(50 + 2.97 + 1, 1.6) = 53.994 m from the middle, and the edge is
    # at 54 m. On a straight there would be 3 cm to spare.
    assert not check_once(track, track.pose_at(20.0, -2.97)).off_road
    assert check_once(track, track.pose_at(20.0, -2.985)).off_road


def test_a_car_whose_origin_is_beyond_the_edge_is_put_back() -> None:
    track = straight()
    assert not check_once(track, track.pose_at(20.0, 3.99)).put_back
    assert check_once(track, track.pose_at(20.0, 4.01)).reason == InterventionReason.LEFT


def test_a_car_that_was_put_back_drives_on_and_the_clock_continues() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(20.0))
    assert check(monitor, track, 0.0, track.pose_at(20.0, 4.5)).put_back
    assert not check(monitor, track, 0.01, lane_pose(track, 1, 20.0), speed=0.0).put_back
    trajectory = monitor.trajectory()
    assert [(event.reason, event.time_s) for event in trajectory.interventions] == [
        (InterventionReason.LEFT, 0.0)
    ]
    assert trajectory.intervention_points.tolist() == [[20.0, 4.5]]
    assert trajectory.elapsed_s == pytest.approx(0.01)


def test_a_car_stalls_after_five_seconds_and_not_before() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(20.0))
    verdicts = [
        check(monitor, track, step / 100, track.pose_at(20.0), 0.22) for step in range(1002)
    ]
    stalls = [
        step
        for step, verdict in enumerate(verdicts)
        if verdict.reason == InterventionReason.STALLED
    ]
    assert stalls == [500, 1000]


def test_a_car_that_moves_a_little_does_not_stall() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(20.0))
    speeds = [0.0] * 499 + [0.23] + [0.0] * 499
    assert not any(
        check(monitor, track, step / 100, track.pose_at(20.0), speed).put_back
        for step, speed in enumerate(speeds)
    )


def test_five_metres_backwards_are_an_intervention() -> None:
    track = circle()
    monitor = DriveMonitor(track, 1, 1, track.position_at(0.0))
    stations = [*np.arange(0, 10.05, 0.1), *np.arange(10, -1.05, -0.1)]
    verdicts = [
        check(monitor, track, step / 100, track.pose_at(float(station)))
        for step, station in enumerate(stations)
    ]
    assert [
        (verdict.reason, round(stations[step], 1))
        for step, verdict in enumerate(verdicts)
        if verdict.put_back
    ] == [(InterventionReason.BACKWARDS, 5.0), (InterventionReason.BACKWARDS, 0.0)]


@pytest.mark.parametrize("direction", [1, -1])
def test_laps_are_counted_over_the_closing_point(direction: int) -> None:
    track = circle()
    monitor = DriveMonitor(track, direction, 2, track.position_at(0.0))
    verdicts = list(drive(monitor, track, 2 * LENGTH_M + 0.3, direction))
    laps = [verdict.laps_done for verdict in verdicts]
    assert [laps.index(lap) for lap in (0, 1, 2)] == pytest.approx([0, 3142, 6284], abs=1)
    assert [verdict.finished for verdict in verdicts] == [lap == 2 for lap in laps]
    trajectory = monitor.trajectory()
    assert trajectory.complete
    assert trajectory.lap_times_s == pytest.approx([LENGTH_M / 10] * 2, abs=0.002)
    assert trajectory.distance_m == pytest.approx(2 * LENGTH_M + 0.3, abs=0.1)


def test_a_lap_begins_where_the_drive_began() -> None:
    track = circle()
    monitor = DriveMonitor(track, 1, 1, track.position_at(100.0))
    assert not check(monitor, track, 0.0, track.pose_at(100.0)).finished
    for station in np.arange(100.0, 100.0 + LENGTH_M - 1, 1.0):
        verdict = check(monitor, track, float(station), track.pose_at(float(station)))
    assert not verdict.finished
    assert check(monitor, track, 999.0, track.pose_at(100.5)).finished


def test_a_drive_may_be_a_part_of_a_lap() -> None:
    track = circle()
    monitor = DriveMonitor(track, 1, 0.25, track.position_at(0.0))
    finished = [verdict.finished for verdict in drive(monitor, track, 80.0)]
    assert finished.index(True) == pytest.approx(LENGTH_M / 4 / 0.1, abs=2)


def test_an_open_track_ends_with_its_road() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(0.0))
    verdicts = list(drive(monitor, track, 100.0))
    assert [verdict.finished for verdict in verdicts[-2:]] == [False, True]


def test_a_drive_ends_at_its_time_limit() -> None:
    track = circle()
    monitor = DriveMonitor(track, 1, 1, track.position_at(0.0), limit_s=2.0)
    finished = [verdict.finished for verdict in drive(monitor, track, 30.0)]
    assert finished.index(True) == 200
    assert not monitor.trajectory().complete


def test_the_clock_starts_with_the_first_step() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(0.0))
    check(monitor, track, 50.0, track.pose_at(0.0))
    assert check(monitor, track, 50.5, track.pose_at(5.0)).time_s == 0.5


def test_a_constant_offset_is_measured_exactly() -> None:
    track = circle()
    monitor = DriveMonitor(track, -1, 1, track.position_at(0.0))
    list(drive(monitor, track, LENGTH_M, -1, lateral_m=1.25))
    trajectory = monitor.trajectory()
    assert np.abs(trajectory.lane_error_m + 1.25).max() < 0.005
    assert trajectory.path.shape == (len(trajectory.time_s), 2)
    assert not trajectory.off_road.any()


def test_the_findings_can_be_written_as_json() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.locate(20.0, 0.0))
    position = track.locate(20.0, 4.5)
    verdict = monitor.check(0.0, track.pose_at(20.0, 4.5), position, 1.0, 0.0, 0.0)
    assert json.loads(json.dumps(asdict(verdict)))["put_back"] is True
    trajectory = monitor.trajectory()
    parts = (
        trajectory.distance_m,
        trajectory.lap_times_s,
        trajectory.complete,
        asdict(trajectory.interventions[0]),
    )
    assert json.loads(json.dumps(parts))[3]["reason"] == "left the road"


def test_a_monitor_without_steps_has_an_empty_trajectory() -> None:
    trajectory = DriveMonitor(circle(), 1, 1, circle().position_at(0.0)).trajectory()
    assert trajectory.elapsed_s == 0
    assert trajectory.path.shape == trajectory.intervention_points.shape == (0, 2)


@pytest.mark.parametrize(("direction", "laps"), [(0, 1.0), (1, 0.0), (1, math.nan)])
def test_an_impossible_drive_is_refused(direction: int, laps: float) -> None:
    with pytest.raises(SettingError):
        DriveMonitor(circle(), direction, laps, circle().position_at(0.0))


def test_a_state_that_is_not_finite_is_an_error() -> None:
    track = straight()
    monitor = DriveMonitor(track, 1, 1, track.position_at(0.0))
    with pytest.raises(TelemetryError, match="not a finite number"):
        monitor.check(0.0, Pose(math.nan, 0, 0, 0), track.position_at(0.0), 1.0, 0.0, 0.0)
