import math

import pytest
from support.data.roads import circle, straight

from simulator.world import World


def after(world: World, seconds: float) -> World:
    for _ in world.until(world.time_s + seconds):
        pass
    return world


def off_course_rad(world: World) -> float:
    """Return the angle from the direction of travel to the car's own, positive to the left."""
    along = world.place.heading_rad + (0.0 if world.direction > 0 else math.pi)
    return math.remainder(world.pose.heading_rad - along, 2 * math.pi)


def test_a_car_stands_where_it_was_put() -> None:
    world = World(circle(40.0), 10.0, 1, 2.0, 0.1)
    assert world.place.station_m == pytest.approx(10.0, abs=0.02)
    assert world.place.lateral_m == pytest.approx(2.0, abs=0.01)
    assert off_course_rad(world) == pytest.approx(0.1, abs=0.01)
    assert world.speed_mps == 0.0


def test_the_other_direction_faces_the_other_way() -> None:
    road = circle(40.0, lane_m=-2.0)
    world = World(road, 10.0, -1, lateral_m=2.0)
    assert off_course_rad(world) == pytest.approx(0.0, abs=0.01)
    assert world.lane_offset_m == pytest.approx(0.0, abs=0.01)
    world.throttle = 1.0
    assert after(world, 1.0).place.station_m < 10.0


def test_the_lane_offset_is_to_the_drivers_left() -> None:
    road = circle(40.0, lane_m=-2.0)
    assert World(road, 0.0, 1, -1.5).lane_offset_m == pytest.approx(0.5, abs=0.01)
    assert World(road, 0.0, -1, 1.5).lane_offset_m == pytest.approx(0.5, abs=0.01)


def test_every_hundredth_of_a_second_is_seen_once() -> None:
    world = World(straight())
    assert len(list(world.until(1 / 15))) == 7
    assert len(list(world.until(2 / 15))) == 6
    assert len(list(world.until(2 / 15))) == 0
    assert world.time_s == pytest.approx(0.13)


def test_the_clock_goes_on_when_the_car_is_put_back() -> None:
    world = World(straight())
    world.throttle = 1.0
    after(world, 1.0).put(5.0, 1.0)
    assert world.time_s == pytest.approx(1.0)
    assert (world.speed_mps, world.place.station_m) == (0.0, pytest.approx(5.0))


def test_uphill_is_slower_in_the_direction_of_travel() -> None:
    road = straight(grade=0.1)
    speeds = []
    for direction in (1, -1):
        world = World(road, 100.0, direction)
        world.throttle = 0.5
        speeds.append(after(world, 2.0).speed_mps)
        assert world.pose.pitch_rad == pytest.approx(direction * math.atan(0.1))
    assert speeds[1] > speeds[0] + 3.5


def test_the_same_commands_give_the_same_run_to_the_bit() -> None:
    runs = []
    for _ in range(2):
        world = World(circle(40.0))
        world.steering, world.throttle = -0.3, 0.4
        runs.append([(place.station_m, place.lateral_m) for place in world.until(10.0)])
    assert runs[0] == runs[1]
