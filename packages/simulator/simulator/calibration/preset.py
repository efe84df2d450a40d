"""Keeps a pose of the cameras in a JSON file, which recordings are made from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Final

from contract.errors import SettingError
from contract.files import atomic_files
from simulator.rendering.appearance import CameraPose

RANGES: Final = {
    "yaw_right_deg": (-45.0, 45.0),
    "pitch_down_deg": (-20.0, 60.0),
    "roll_counterclockwise_deg": (-45.0, 45.0),
    "height_m": (0.3, 5.0),
    "focal_px": (40.0, 1000.0),
}
"""Smallest and largest value of each entry of a preset."""


def write_preset(path: Path, pose: CameraPose) -> None:
    """Write a pose as a preset, in place of an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_files.write_json(path, dataclasses.asdict(pose))


def read_preset(path: Path) -> CameraPose:
    """Return the pose of a preset.

    Raises:
        SettingError: The file cannot be read, an entry is missing or unknown, or is no number
            within its range.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(
            "the preset of the cameras cannot be read",
            got=error,
            remedy="Name a file that `lapwing sim calibrate --out FILE` wrote",
        ) from error
    if not isinstance(document, dict) or document.keys() != RANGES.keys():
        raise SettingError(
            f"{path} is not a preset of the cameras",
            got=", ".join(document) if isinstance(document, dict) else type(document).__name__,
            remedy=f"It holds exactly {', '.join(RANGES)}",
        )
    for name, (low, high) in RANGES.items():
        value = document[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise SettingError(
                f"{path}: {name} has a value it cannot take",
                got=value,
                remedy=f"Write a number from {low:g} to {high:g}",
            )
    return CameraPose(**{name: float(document[name]) for name in RANGES})
