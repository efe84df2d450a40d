import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import error
from gymnasium.utils.env_checker import check_env
from support.data.roads import circle, straight

from contract.errors import SettingError
from lapwing_gym.driving_env import DrivingEnv
from simulator.drivers.expert import DrivingStyle, Expert, throttle_for
from simulator.track.geometry import Track

RADIUS_M = 40.0


def csv_track(folder: Path) -> Path:
    """Write an open road of 60 m with one bend, and return its path."""
    points = [(x, 0.02 * x * x) for x in range(0, 61, 4)]
    path = folder / "bend.csv"
    path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in points))
    return path


def drive(env: DrivingEnv, steering: float, throttle: float, steps: int) -> list[Any]:
    """Drive with one action, and return the answers; the last may end the episode."""
    answers = []
    for _ in range(steps):
        answers.append(env.step(np.array([steering, throttle], np.float32)))
        if answers[-1][2] or answers[-1][3]:
            break
    return answers


def small(track: Track | None = None, **arguments: Any) -> DrivingEnv:
    return DrivingEnv(track or straight(60.0), size=(40, 80), start="line", **arguments)


@pytest.mark.parametrize("name", ["Lake", "Jungle", "Track"])
def test_gymnasiums_own_checker_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    """A warning is an error in these tests."""
    arguments = {"track": str(csv_track(tmp_path))} if name == "Track" else {}
    env = gymnasium.make(f"Lapwing/{name}-v0", render_mode="rgb_array", **arguments)
    check_env(env.unwrapped)
    env.close()


def test_the_reward_is_what_the_path_of_the_car_earns_by_hand() -> None:
    """On a straight road the progress is the change of x, and the offset is y."""
    env = small()
    env.reset(options={"offset_m": 1.0, "heading_rad": -0.05})
    before = env.world.pose
    for steering, throttle in [(0.0, 1.0)] * 20 + [(0.2, 0.5)] * 10 + [(-0.3, 0.5)] * 10:
        _, reward, *_ = env.step(np.array([steering, throttle], np.float32))
        after = env.world.pose
        assert reward == pytest.approx((after.x_m - before.x_m) * (1 - abs(after.y_m) / 4))
        before = after
    assert before.x_m > 10
    env.close()


def test_driving_against_the_stations_earns_as_much() -> None:
    env = small(circle(RADIUS_M), direction="reverse")
    env.reset()
    before = env.world.pose
    for _ in range(30):
        _, reward, _, _, info = env.step(np.array([0.0, 1.0], np.float32))
        after = env.world.pose
        turn = math.atan2(before.y_m, before.x_m) - math.atan2(after.y_m, after.x_m)
        offset = math.hypot(after.x_m, after.y_m) - RADIUS_M
        assert info["offset_m"] == pytest.approx(offset, abs=0.01)  # left is outside
        nearness = max(0.0, 1 - abs(offset) / 4)
        assert reward == pytest.approx(RADIUS_M * turn * nearness, abs=0.01)
        before = after
    env.close()


def test_leaving_the_road_terminates() -> None:
    env = small()
    env.reset()
    answers = drive(env, 1.0, 1.0, 100)
    _, reward, terminated, truncated, info = answers[-1]
    assert (terminated, truncated) == (True, False)
    assert info["reason"] == "left the road"
    assert info["offset_m"] < -4  # steering is positive to the right, an offset to the left
    assert info["heading_rad"] < 0
    assert reward == pytest.approx(-10.0)
    assert not any(end for _, _, *ends, _ in answers[:-1] for end in ends)
    with pytest.raises(error.ResetNeeded, match="Call reset"):
        env.step(np.zeros(2, np.float32))
    env.reset()
    env.step(np.zeros(2, np.float32))
    env.close()


def test_standing_for_five_seconds_terminates() -> None:
    env = small()
    env.reset()
    answers = drive(env, 0.0, 0.0, 100)
    _, reward, terminated, truncated, info = answers[-1]
    assert len(answers) == 75
    assert (terminated, truncated, info["reason"]) == (True, False, "stalled")
    assert reward == -10.0
    env.close()


def test_coming_back_five_metres_terminates() -> None:
    env = small(circle(RADIUS_M))
    env.reset()
    answers = drive(env, 0.0, -1.0, 100)
    _, _, terminated, truncated, info = answers[-1]
    assert (terminated, truncated, info["reason"]) == (True, False, "drove backwards")
    # A step backwards costs its length: in all, the five metres and the cost of the end.
    assert sum(answer[1] for answer in answers) == pytest.approx(-15.0, abs=0.1)
    env.close()


def test_the_end_of_an_open_road_terminates_without_a_cost() -> None:
    env = small(straight(40.0))
    env.reset()
    answers = drive(env, 0.0, 0.5, 150)
    _, _, terminated, truncated, info = answers[-1]
    assert (terminated, truncated, info["reason"]) == (True, False, "")
    assert sum(answer[1] for answer in answers) == pytest.approx(40.0, abs=0.01)
    env.close()


def test_a_part_of_an_open_road_is_truncated() -> None:
    env = small(straight(40.0), laps=0.25)
    env.reset()
    _, _, terminated, truncated, info = drive(env, 0.0, 0.5, 100)[-1]
    assert (terminated, truncated) == (False, True)
    assert 10 <= info["distance_m"] < 12
    env.close()


def test_the_last_lap_of_a_closed_road_is_truncated_because_the_road_goes_on() -> None:
    track = circle(RADIUS_M)
    env = small(track, laps=0.1)
    env.reset()
    expert = Expert(track, DrivingStyle(mph=20, weave_m=0, tremor=0), 1)
    ends = (False, False)
    while ends == (False, False):
        action = np.array(expert.command(env.world), np.float32)
        _, _, *ends, info = env.step(action)
        ends = tuple(ends)
    assert ends == (False, True)
    assert info["distance_m"] == pytest.approx(0.1 * 2 * math.pi * RADIUS_M, abs=0.2)
    env.close()


def test_the_time_limit_truncates() -> None:
    """The limit is that of a drive at 2 m/s, and 30 s more: 42 s for 24 m."""
    env = small(straight(24.0))
    env.reset()
    ended = False
    while not ended:
        throttle = throttle_for(0.4, env.world.speed_mps)
        _, _, terminated, ended, info = env.step(np.array([0.0, throttle], np.float32))
        assert not terminated
    assert info["time_s"] == pytest.approx(42.0)
    env.close()


def test_the_expert_earns_more_than_who_drives_straight_on() -> None:
    track = circle(RADIUS_M)
    returns = {}
    for driver in ("expert", "straight"):
        env = small(track, laps=0.4)
        env.reset(seed=1)
        expert = Expert(track, DrivingStyle(), 1)
        total, ended = 0.0, False
        while not ended:
            steering, throttle = expert.command(env.world)
            steering = steering if driver == "expert" else 0.0
            _, reward, terminated, truncated, _ = env.step(
                np.array([steering, throttle], np.float32)
            )
            total, ended = total + reward, terminated or truncated
        returns[driver] = total
        env.close()
    road_m = 0.4 * 2 * math.pi * RADIUS_M
    assert 0.85 * road_m < returns["expert"] <= road_m
    # Straight on, the car leaves a road of 8 m after sqrt(44² − 40²) = 18.3 m.
    assert -10 < returns["straight"] < 8.3


def test_a_smaller_picture_is_the_mean_over_areas() -> None:
    env = small(render_mode="rgb_array")
    observation, _ = env.reset()
    blocks = env.render().reshape(40, 4, 80, 4, 3).astype(np.float64).mean(axis=(1, 3))
    assert observation.shape == env.observation_space.shape == (40, 80, 3)
    assert np.abs(observation - blocks).max() <= 0.5
    env.close()


def test_a_picture_that_was_given_away_is_not_used_again() -> None:
    env = DrivingEnv(straight(60.0), render_mode="rgb_array")
    observation, _ = env.reset(seed=1)
    first = observation.copy()
    assert np.array_equal(env.render(), first)
    observation[:] = 0
    assert np.array_equal(env.render(), first)
    env.render()[:] = 0
    assert np.array_equal(env.render(), first)
    env.close()


def test_without_a_render_mode_nothing_is_rendered() -> None:
    env = small()
    env.reset()
    assert env.render() is None
    env.close()


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ({"track": None}, "lake, jungle, or the path of a CSV"),
        ({"track": "moon"}, "lake or jungle"),
        ({"size": (0, 80)}, "a height from 1 to 160 and a width from 1 to 320"),
        ({"size": (160, 321)}, "a height from 1 to 160 and a width from 1 to 320"),
        ({"size": 64}, "a height from 1 to 160 and a width from 1 to 320"),
        ({"size": (80.0, 160.0)}, "a height from 1 to 160 and a width from 1 to 320"),
        ({"laps": 0}, "numbers above 0"),
        ({"laps": math.nan}, "numbers above 0"),
        ({"render_mode": "human"}, "'rgb_array' or None"),
        ({"start": "middle"}, "line, random"),
        ({"light": "night"}, "clear, overcast, dusk, fog, random"),
    ],
    ids=str,
)
def test_a_bad_argument_is_told_with_what_is_allowed(
    arguments: dict[str, Any], allowed: str
) -> None:
    with pytest.raises(SettingError, match=allowed):
        DrivingEnv(**{"track": "lake", **arguments})


@pytest.mark.parametrize(
    "action",
    [
        [0.5],
        [0.0, 0.0, 0.0],
        [0.5, 1.1],
        [12.5, 0.0],
        [math.nan, 0.5],
        [0.5, math.nan],
        [0.5, math.inf],
        ["left", "slow"],
        None,
    ],
    ids=str,
)
def test_what_is_no_action_is_refused_and_moves_nothing(action: Any) -> None:
    env = small()
    _, before = env.reset()
    with pytest.raises(SettingError, match="two numbers from -1 to 1"):
        env.step(action)
    assert env.world.time_s == before["time_s"]
    env.close()


def test_rounding_may_take_an_action_to_its_bounds() -> None:
    env = small()
    env.reset()
    *_, info = env.step(np.array([1 + 1e-7, -1 - 1e-7]))
    assert (info["steering"], info["throttle"]) == (1.0, -1.0)
    env.close()


def test_a_closed_environment_says_so() -> None:
    env = small()
    env.reset()
    env.close()
    env.close()
    with pytest.raises(error.ClosedEnvironmentError, match="Make another"):
        env.reset()
    with pytest.raises(error.ResetNeeded):
        env.step(np.zeros(2, np.float32))


@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_before_the_first_reset_there_is_no_episode(render_mode: str | None) -> None:
    env = small(render_mode=render_mode)
    with pytest.raises(error.ResetNeeded):
        env.step(np.zeros(2, np.float32))
    with pytest.raises(error.ResetNeeded):
        _ = env.world
    env.close()
