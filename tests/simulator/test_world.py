import math

import pytest
from support.data.roads import circle, straight

from simulator.world import World


def advance(world: World, seconds: float) -> World:
    for _ in world.advance_to(world.time_s + seconds):
        pass
    return world


def heading_error_rad(world: World) -> float:
    """Return the heading of the car relative to its direction of travel, positive to the left."""
    along = world.position.heading_rad + (0.0 if world.direction > 0 else math.pi)
    return math.remainder(world.pose.heading_rad - along, 2 * math.pi)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_heading_to_the_left_is_positive_in_both_directions(direction: int) -> None:
    world = World(circle(50.0), 20.0, direction, heading_offset_rad=0.3)
    assert heading_error_rad(world) == pytest.approx(0.3, abs=0.01)


def test_a_car_starts_where_it_is_placed() -> None:
    world = World(circle(40.0), 10.0, 1, 2.0, 0.1)
    assert world.position.station_m == pytest.approx(10.0, abs=0.02)
    assert world.position.lateral_m == pytest.approx(2.0, abs=0.01)
    assert heading_error_rad(world) == pytest.approx(0.1, abs=0.01)
    assert world.speed_mps == 0.0


def test_a_car_in_the_other_direction_faces_the_other_way() -> None:
    road = circle(40.0, lane_m=-2.0)
    world = World(road, 10.0, -1, lateral_m=2.0)
    assert heading_error_rad(world) == pytest.approx(0.0, abs=0.01)
    assert world.lane_offset_m == pytest.approx(0.0, abs=0.01)
    world.throttle = 1.0
    assert advance(world, 1.0).position.station_m < 10.0


def test_the_lane_offset_is_positive_to_the_drivers_left() -> None:
    road = circle(40.0, lane_m=-2.0)
    assert World(road, 0.0, 1, -1.5).lane_offset_m == pytest.approx(0.5, abs=0.01)
    assert World(road, 0.0, -1, 1.5).lane_offset_m == pytest.approx(0.5, abs=0.01)


def test_every_hundredth_of_a_second_is_one_step() -> None:
    world = World(straight())
    assert len(list(world.advance_to(1 / 15))) == 7
    assert len(list(world.advance_to(2 / 15))) == 6
    assert len(list(world.advance_to(2 / 15))) == 0
    assert world.time_s == pytest.approx(0.13)


def test_the_clock_continues_when_the_car_is_put_back() -> None:
    world = World(straight())
    world.throttle = 1.0
    advance(world, 1.0).place_car(5.0, 1.0)
    assert world.time_s == pytest.approx(1.0)
    assert (world.speed_mps, world.position.station_m) == (0.0, pytest.approx(5.0))


def test_a_car_is_slower_uphill_than_downhill() -> None:
    road = straight(grade=0.1)
    speeds = []
    for direction in (1, -1):
        world = World(road, 100.0, direction)
        world.throttle = 0.5
        speeds.append(advance(world, 2.0).speed_mps)
        assert world.pose.pitch_rad == pytest.approx(direction * math.atan(0.1))
    assert speeds[1] > speeds[0] + 3.5


def test_telemetrys_speed_is_a_magnitude() -> None:
    world = World(straight(grade=0.1), 100.0)
    advance(world, 2.0)  # The car rolls back.
    assert world.speed_mps < -1.5
    assert world.speed_mph == pytest.approx(-world.speed_mps * 3600 / 1609.344)


def test_equal_commands_give_bit_identical_drives() -> None:
    runs = []
    for _ in range(2):
        world = World(circle(40.0))
        world.steering, world.throttle = -0.3, 0.4
        runs.append(
            [(position.station_m, position.lateral_m) for position in world.advance_to(10.0)]
        )
    assert runs[0] == runs[1]
