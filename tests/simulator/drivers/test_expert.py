import numpy as np
import pytest
from support.data.roads import circle, straight

from simulator.drivers.expert import Expert, Keys, Manner
from simulator.track.builtin import built_in
from simulator.track.geometry import Track
from simulator.world import FRAME_HZ, World

CALM = Manner(weave_m=0.0, tremor=0.0)


def driven(
    track: Track,
    manner: Manner,
    seconds: float,
    direction: int = 1,
    lateral_m: float = 0.0,
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray, World]:
    """Return the lane offsets, the steerings, and the world at the end."""
    world = World(track, 50.0, direction, direction * (track.lane_m + lateral_m))
    expert = Expert(track, manner, seed)
    offsets, steerings = [], []
    for frame in range(1, round(seconds * FRAME_HZ) + 1):
        world.steering, world.throttle = expert.command(world)
        steerings.append(world.steering)
        offsets += [world.lane_offset_m for _ in world.until(frame / FRAME_HZ)]
    return np.array(offsets), np.array(steerings), world


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", ["lake", "jungle"])
def test_it_keeps_its_lane_all_around(name: str, direction: int) -> None:
    offsets, _, _ = driven(built_in(name), Manner(mph=25), 140, direction)
    assert np.abs(offsets).mean() < 0.4
    assert np.abs(offsets).max() < 1.3


def test_a_calm_one_holds_a_straight_and_its_speed() -> None:
    offsets, steerings, world = driven(straight(400), CALM, 30)
    assert np.abs(offsets).max() < 1e-6
    assert np.abs(steerings).max() < 1e-6
    assert world.speed_mph == pytest.approx(15.0, abs=0.5)


def test_it_steers_into_the_bend_with_the_right_sign() -> None:
    _, left, _ = driven(circle(30), CALM, 10)
    assert left[-1] == pytest.approx(-np.degrees(np.arctan(2.87 / 30)) / 25, abs=0.03)
    _, right, _ = driven(circle(30), CALM, 10, direction=-1)
    assert right[-1] == pytest.approx(-left[-1], abs=0.01)


def test_it_comes_back_from_beside_its_lane() -> None:
    offsets, _, _ = driven(straight(400), CALM, 15, lateral_m=2.0)
    assert offsets[0] == pytest.approx(2.0, abs=0.01)
    assert abs(offsets[-1]) < 0.05
    assert offsets.min() > -0.5


def test_it_slows_down_for_a_hairpin() -> None:
    _, _, world = driven(circle(12), Manner(mph=30), 20)
    assert world.speed_mps == pytest.approx((3.5 * 12) ** 0.5, abs=0.4)


def test_it_strays_as_far_as_it_is_told() -> None:
    offsets, _, _ = driven(straight(2000), Manner(mph=20, weave_m=0.4, tremor=0.0), 180)
    assert offsets.std() == pytest.approx(0.4, rel=0.3)


def test_another_seed_is_another_drive_and_the_same_seed_the_same() -> None:
    one, again, other = (driven(straight(400), Manner(), 10, seed=seed)[1] for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_a_keyboard_gives_impulses_with_nothing_between() -> None:
    offsets, steerings, _ = driven(built_in("lake"), Manner(mph=20, keyboard=True), 120)
    assert 0.5 < (steerings == 0).mean() < 0.85  # the real recordings have 0.71 to 0.80
    assert np.abs(np.diff(steerings)).max() <= 3.0 / FRAME_HZ + 0.04
    assert np.abs(offsets).max() < 1.3


def test_the_keys_add_up_to_what_was_wanted() -> None:
    keys = Keys()
    axis = np.array([keys.steering(0.2, 1 / 15) for _ in range(300)])
    assert axis.mean() == pytest.approx(0.2, abs=0.02)
    assert (axis == 0).any()
