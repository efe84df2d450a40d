import numpy as np
import pytest
from support.data.roads import circle, straight

from contract.vehicle import ROW_HZ
from simulator.drivers.expert import DrivingStyle, Expert, KeyboardSteering, throttle_for
from simulator.track.builtin import builtin_track
from simulator.track.geometry import Track
from simulator.world import World

CALM = DrivingStyle(weave_m=0.0, tremor=0.0)


def driven(
    track: Track,
    style: DrivingStyle,
    seconds: float,
    direction: int = 1,
    lateral_m: float = 0.0,
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray, World]:
    """Return the lane offsets, the steering values, and the world at the end."""
    world = World(track, 50.0, direction, direction * (track.lane_m + lateral_m))
    expert = Expert(track, style, seed)
    offsets, steerings = [], []
    for frame in range(1, round(seconds * ROW_HZ) + 1):
        world.steering, world.throttle = expert.command(world)
        steerings.append(world.steering)
        offsets += [world.lane_offset_m for _ in world.advance_to(frame / ROW_HZ)]
    return np.array(offsets), np.array(steerings), world


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", ["lake", "jungle"])
def test_it_keeps_its_lane_all_around(name: str, direction: int) -> None:
    offsets, _, _ = driven(builtin_track(name), DrivingStyle(mph=25), 140, direction)
    assert np.abs(offsets).mean() < 0.4
    assert np.abs(offsets).max() < 1.3


def test_a_calm_expert_holds_a_straight_line_and_its_speed() -> None:
    offsets, steerings, world = driven(straight(400), CALM, 30)
    assert np.abs(offsets).max() < 1e-6
    assert np.abs(steerings).max() < 1e-6
    assert world.speed_mph == pytest.approx(15.0, abs=0.5)


def test_it_steers_into_the_bend_with_the_right_sign() -> None:
    _, left, _ = driven(circle(30), CALM, 10)
    assert left[-1] == pytest.approx(-np.degrees(np.arctan(2.87 / 30)) / 25, abs=0.03)
    _, right, _ = driven(circle(30), CALM, 10, direction=-1)
    assert right[-1] == pytest.approx(-left[-1], abs=0.01)


def test_it_returns_to_its_lane() -> None:
    offsets, _, _ = driven(straight(400), CALM, 15, lateral_m=2.0)
    assert offsets[0] == pytest.approx(2.0, abs=0.01)
    assert abs(offsets[-1]) < 0.05
    assert offsets.min() > -0.5


@pytest.mark.parametrize("direction", [1, -1])
def test_it_keeps_the_distance_to_the_line_that_its_style_asks(direction: int) -> None:
    """To the right, seen by the driver, whichever way round it drives."""
    style = DrivingStyle(weave_m=0.0, tremor=0.0, line_offset_m=-0.6)
    offsets, _, _ = driven(straight(400), style, 15, direction)
    assert offsets[0] == pytest.approx(0.0, abs=0.01)
    assert offsets[-1] == pytest.approx(-0.6, abs=0.05)


def test_it_slows_down_for_a_hairpin() -> None:
    _, _, world = driven(circle(12), DrivingStyle(mph=30), 20)
    assert world.speed_mps == pytest.approx((3.5 * 12) ** 0.5, abs=0.4)


def test_it_strays_as_far_as_its_style_asks() -> None:
    offsets, _, _ = driven(straight(2000), DrivingStyle(mph=20, weave_m=0.4, tremor=0.0), 180)
    assert offsets.std() == pytest.approx(0.4, rel=0.3)


def test_equal_seeds_give_equal_drives_and_other_seeds_do_not() -> None:
    one, again, other = (
        driven(straight(400), DrivingStyle(), 10, seed=seed)[1] for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert (one != other).any()


def test_a_keyboard_gives_impulses_with_nothing_between() -> None:
    offsets, steerings, _ = driven(builtin_track("lake"), DrivingStyle(mph=20, keyboard=True), 120)
    assert 0.5 < np.isclose(steerings, 0).mean() < 0.85  # The real recordings have 0.71 to 0.80.
    assert np.abs(np.diff(steerings)).max() <= 3.0 / ROW_HZ + 0.04
    assert np.abs(offsets).max() < 1.3


def test_the_key_impulses_add_up_to_the_target() -> None:
    keyboard = KeyboardSteering()
    axis = np.array([keyboard.steer(0.2, 1 / 15) for _ in range(300)])
    assert axis.mean() == pytest.approx(0.2, abs=0.02)
    assert (axis == 0).any()


@pytest.mark.parametrize("speed_mph", [5.0, 3.0, 0.0, -3.0, -9.0])
def test_the_foot_never_brakes_at_5_mph_and_below(speed_mph: float) -> None:
    assert throttle_for(-20.0, speed_mph * 0.44704) == 0.0


def test_the_brake_slows_as_fast_as_the_tyres_allow_and_is_light_above_5_mph() -> None:
    """Each m/s of excess is 0.05 · 80,000 N m · 2.8439 / 1,080 kg = 10.5 m/s²."""
    assert throttle_for(4.0, 12.0) == pytest.approx(-0.4)
    assert -0.006 < throttle_for(0.0, 5.2 * 0.44704) < 0
