"""Reads the values of options that are more than a number or a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from contract.errors import SettingError
from contract.setting_forms import BRIDGE_URL, format_value
from simulator.calibration.preset import read_preset
from simulator.rendering.scene_preset import BUILT_IN, ScenePreset

MPH_RANGE = (1, 30)


def check_bridge(url: str) -> str:
    """Return the address of the bridge; raise SettingError if it is none."""
    try:
        return BRIDGE_URL.read(url)
    except ValueError:
        raise SettingError(
            "LAPWING_BRIDGE_URL, or --bridge, has a value it cannot take",
            got=format_value(url),
            remedy=f"It takes {BRIDGE_URL.values}",
        ) from None


def parse_speed_range(text: str) -> tuple[float, float]:
    """Return the ends of a range of speeds such as 12-18; a single number is both ends.

    Raises:
        SettingError: The text is not a range, or the car cannot drive at such a speed.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?", text.strip())
    lowest, highest = MPH_RANGE
    if match:
        low, high = float(match[1]), float(match[2] or match[1])
        if lowest <= low <= high <= highest:
            return low, high
    raise SettingError(
        "this is not a speed",
        got=text,
        remedy=f"Write mph from {lowest} to {highest}, such as 15 or 12-18",
    )


def list_choices(names: Iterable[str]) -> str:
    """Return names as text, such as "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}"


def load_preset(path: Path | None) -> ScenePreset:
    """Return the preset of a file; without a file, the built-in world.

    Raises:
        SettingError: The file is no preset.
    """
    return BUILT_IN if path is None else read_preset(path)
