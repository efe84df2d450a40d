import math

import pytest

from contract.errors import SettingError
from simulator.rendering.appearance import LIGHTS, PRESETS, Look


def test_an_unknown_light_is_refused() -> None:
    with pytest.raises(SettingError, match="clear, overcast, dusk, fog"):
        Look("night")


@pytest.mark.parametrize("light", LIGHTS)
def test_a_light_is_its_preset_unless_it_is_to_be_varied(light: str) -> None:
    assert Look(light, 7).drawn() == PRESETS[light]
    assert Look(light, 7, vary=True).drawn() != PRESETS[light]


def test_a_seed_draws_one_light_and_another_seed_another() -> None:
    assert Look(seed=3, vary=True).drawn() == Look(seed=3, vary=True).drawn()
    assert Look(seed=3, vary=True).drawn() != Look(seed=4, vary=True).drawn()


def test_the_sun_stands_where_its_angles_say() -> None:
    light = PRESETS["dusk"]
    east, north, up = light.towards
    assert math.hypot(east, north, up) == pytest.approx(1.0)
    assert math.asin(up) == pytest.approx(light.elevation_rad)
    assert math.atan2(north, east) == pytest.approx(light.azimuth_rad)
