"""Draws where an episode begins and how its world looks, from the environment's own generator."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from contract.errors import SettingError
from simulator.episode.initial_state import MAX_HEADING_OFFSET_RAD, InitialState
from simulator.rendering.appearance import LIGHTS
from simulator.track.geometry import Track

RANDOM: Final = "random"
STARTS: Final = ("line", RANDOM)
DIRECTIONS: Final = {"forward": 1, "reverse": -1}
MAX_OFFSET_M: Final = 1.0
"""Largest offset from the driving line at a random start; a quarter of a narrow road."""
MAX_WORLD_SEED: Final = 2**31


@dataclass(frozen=True)
class StartConfig:
    """Says what is drawn at the beginning of an episode, and what is the same in every one.

    Raises:
        SettingError: A value is not one of those that are named here.
    """

    start: str = RANDOM
    """`line`: on the driving line, where the track begins. `random`: anywhere on a closed track, up
    to 1 m beside the driving line and turned by up to 5°; an open track begins at its end."""
    direction: str = "forward"
    """`forward`: with increasing stations; `reverse`: against them; or `random`."""
    light: str = "clear"
    """Name of a light of the simulator, or `random`."""
    world_seed: int | None = 1
    """Seed of textures, trees and rocks; None draws another world for every episode."""

    def __post_init__(self) -> None:
        _check_name("start", self.start, STARTS)
        _check_name("direction", self.direction, (*DIRECTIONS, RANDOM))
        _check_name("light", self.light, (*LIGHTS, RANDOM))
        seed = self.world_seed
        if seed is not None and not (_is_integer(seed) and 0 <= seed < MAX_WORLD_SEED):
            raise SettingError(
                "world_seed has a value that it cannot take",
                got=repr(seed),
                remedy=f"It takes whole numbers from 0 to {MAX_WORLD_SEED - 1}, or None for "
                "another world in every episode",
            )


def draw_start(track: Track, config: StartConfig, rng: np.random.Generator) -> InitialState:
    """Return the initial state of an episode.

    The same numbers are drawn whatever the configuration says, so one seed means one station
    in every light.
    """
    station_share, offset_share, heading_share = rng.uniform(-1, 1, 3).tolist()
    direction_drawn = (1, -1)[int(rng.integers(2))]
    light_drawn = LIGHTS[int(rng.integers(len(LIGHTS)))]
    world_drawn = int(rng.integers(1, MAX_WORLD_SEED))
    direction = DIRECTIONS.get(config.direction, direction_drawn)
    is_random = config.start == RANDOM
    station_m = 0.0
    if not track.closed:
        station_m = 0.0 if direction > 0 else track.length_m
    elif is_random:
        station_m = (station_share + 1) / 2 * track.length_m
    max_offset_m = min(MAX_OFFSET_M, track.position_at(station_m).width_m / 4)
    return InitialState(
        station_m=station_m,
        direction=direction,
        offset_m=offset_share * max_offset_m if is_random else 0.0,
        heading_rad=heading_share * MAX_HEADING_OFFSET_RAD if is_random else 0.0,
        light=light_drawn if config.light == RANDOM else config.light,
        seed=world_drawn if config.world_seed is None else config.world_seed,
    )


def override_start(track: Track, start: InitialState, options: Mapping[str, Any]) -> InitialState:
    """Return a start with those values of another one that the options of `reset` name.

    Args:
        track: Track to drive.
        start: Start that was drawn.
        options: Values by the names of the fields of InitialState.

    Raises:
        SettingError: An option is unknown or has a value that it cannot take.
    """
    names = [field.name for field in dataclasses.fields(InitialState)]
    for name, value in options.items():
        if name not in names:
            raise SettingError(
                "reset has no such option", got=name, remedy=f"It takes {', '.join(names)}"
            )
        if name == "light":
            _check_name("light", value, LIGHTS)
        elif name == "direction":
            if not (_is_integer(value) and value in (1, -1)):
                raise _option_error(name, value, "1, which is forward, or -1, which is reverse")
        elif name == "seed":
            if not (_is_integer(value) and 0 <= value < MAX_WORLD_SEED):
                raise _option_error(name, value, f"whole numbers from 0 to {MAX_WORLD_SEED - 1}")
        elif not (isinstance(value, int | float) and math.isfinite(value)):
            raise _option_error(name, value, "finite numbers")
    start = dataclasses.replace(start, **options)
    width_m = track.position_at(start.station_m).width_m
    if abs(track.lane_m + start.offset_m) > width_m / 2:
        room_m = width_m / 2
        low, high = -room_m - track.lane_m, room_m - track.lane_m
        raise _option_error("offset_m", start.offset_m, f"{low:.2f} to {high:.2f} on this road")
    return start


def _check_name(setting: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingError(
            f"{setting} has a value that it cannot take",
            got=repr(value),
            remedy=f"It takes {', '.join(allowed)}",
        )


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _option_error(name: str, value: object, allowed: str) -> SettingError:
    return SettingError(
        f"the option {name} of reset has a value that it cannot take",
        got=repr(value),
        remedy=f"It takes {allowed}",
    )
