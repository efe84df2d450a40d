import numpy as np
import pytest
from support.data.roads import circle, straight

from contract.errors import SettingError
from lapwing_gym.starts import StartConfig, draw_start, override_start
from simulator.episode.initial_state import InitialState
from simulator.rendering.appearance import LIGHTS


def draw(config: StartConfig, seed: int = 1, **road: float) -> InitialState:
    return draw_start(circle(**road), config, np.random.default_rng(seed))


def test_the_seed_decides_everything_that_is_random() -> None:
    config = StartConfig(direction="random", light="random", world_seed=None)
    assert draw(config, 1) == draw(config, 1)
    starts = [draw(config, seed) for seed in range(40)]
    assert {start.light for start in starts} == set(LIGHTS)
    assert {start.direction for start in starts} == {1, -1}
    assert len({start.station_m for start in starts}) == 40
    assert len({start.seed for start in starts}) == 40


def test_one_seed_means_one_place_in_every_light_and_world() -> None:
    places = {
        (start.station_m, start.offset_m, start.heading_rad)
        for light in (*LIGHTS, "random")
        for world_seed in (1, 2, None)
        for start in [draw(StartConfig(light=light, world_seed=world_seed))]
    }
    assert len(places) == 1


@pytest.mark.parametrize(
    ("width_m", "limit_m"),
    [pytest.param(8.0, 1.0, id="wide"), pytest.param(3.0, 0.75, id="narrow")],
)
def test_a_random_start_is_near_the_driving_line(width_m: float, limit_m: float) -> None:
    offsets = [abs(draw(StartConfig(), seed, width_m=width_m).offset_m) for seed in range(200)]
    assert 0.9 * limit_m < max(offsets) <= limit_m


def test_the_start_line_is_exact() -> None:
    start = draw(StartConfig(start="line", direction="reverse"))
    assert start == InitialState(direction=-1)


@pytest.mark.parametrize(("direction", "station_m"), [("forward", 0.0), ("reverse", 40.0)])
def test_an_open_track_begins_at_its_end(direction: str, station_m: float) -> None:
    config = StartConfig(direction=direction)
    assert draw_start(straight(40.0), config, np.random.default_rng(1)).station_m == station_m


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ({"start": "anywhere"}, "line, random"),
        ({"direction": 1}, "forward, reverse, random"),
        ({"light": "night"}, "clear, overcast, dusk, fog, random"),
        ({"world_seed": -1}, "0 to 2147483647"),
        ({"world_seed": 1.5}, "0 to 2147483647"),
        ({"world_seed": True}, "0 to 2147483647"),
    ],
    ids=str,
)
def test_a_bad_value_is_told_with_those_that_are_allowed(
    values: dict[str, object], allowed: str
) -> None:
    (name,) = values
    with pytest.raises(SettingError, match=f"^{name} .*{allowed}"):
        StartConfig(**values)


def test_options_set_what_they_name() -> None:
    options = {"station_m": 12.5, "light": "fog", "direction": -1, "seed": 7}
    start = override_start(circle(), InitialState(offset_m=0.3, heading_rad=0.1), options)
    assert start == InitialState(12.5, -1, 0.3, 0.1, "fog", 7)


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"station": 1.0}, "station_m, direction, offset_m, heading_rad, light, seed"),
        ({"station_m": float("nan")}, "finite numbers"),
        ({"heading_rad": "left"}, "finite numbers"),
        ({"direction": 0}, "1, which is forward, or -1"),
        ({"light": "random"}, "clear, overcast, dusk, fog"),
        ({"seed": None}, "whole numbers from 0"),
        ({"offset_m": 6.0}, "-3.00 to 5.00 on this road"),
        ({"offset_m": -3.1}, "-3.00 to 5.00 on this road"),
    ],
    ids=str,
)
def test_a_bad_option_is_told_with_what_is_allowed(
    options: dict[str, object], allowed: str
) -> None:
    (name,) = options
    with pytest.raises(SettingError) as caught:
        override_start(circle(lane_m=-1.0), InitialState(), options)
    assert name in str(caught.value)
    assert allowed in str(caught.value)
