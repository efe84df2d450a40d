import math

import pytest

from contract.errors import SettingError
from simulator.rendering.appearance import LIGHTS, PRESETS, Appearance


def test_an_unknown_light_is_refused() -> None:
    with pytest.raises(SettingError, match="clear, overcast, dusk, fog"):
        Appearance("night")


@pytest.mark.parametrize("light", LIGHTS)
def test_a_light_is_its_preset_unless_it_is_varied(light: str) -> None:
    assert Appearance(light, 7).resolve_light() == PRESETS[light]
    assert Appearance(light, 7, vary=True).resolve_light() != PRESETS[light]


def test_each_seed_gives_its_own_light() -> None:
    assert (
        Appearance(seed=3, vary=True).resolve_light()
        == Appearance(seed=3, vary=True).resolve_light()
    )
    assert (
        Appearance(seed=3, vary=True).resolve_light()
        != Appearance(seed=4, vary=True).resolve_light()
    )


def test_the_sun_direction_follows_its_angles() -> None:
    light = PRESETS["dusk"]
    east, north, up = light.sun_direction
    assert math.hypot(east, north, up) == pytest.approx(1.0)
    assert math.asin(up) == pytest.approx(light.elevation_rad)
    assert math.atan2(north, east) == pytest.approx(light.azimuth_rad)
