"""Keeps the pose of the cameras and the colours of a world in a JSON file: a preset."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from contract.errors import SettingError
from contract.files import atomic_files
from simulator.rendering.scene_preset import KINDS, CameraPose, Colour, ScenePreset, SurfaceLook

Range = tuple[float, float]

CAMERA: Final[Mapping[str, Range]] = {
    "yaw_right_deg": (-45.0, 45.0),
    "pitch_down_deg": (-20.0, 60.0),
    "roll_counterclockwise_deg": (-45.0, 45.0),
    "height_m": (0.3, 5.0),
    "focal_px": (40.0, 1000.0),
}
"""Smallest and largest value of each figure of the cameras."""
FACTOR: Final[Range] = (0.0, 10.0)
SIZE: Final[Range] = (0.05, 20.0)
COLOURS: Final = ("zenith", "horizon", "hood")
LOOK: Final = ("colour", "contrast", "size")
REMEDY: Final = "Name a file that `lapwing sim calibrate --out FILE` wrote"


def write_preset(path: Path, preset: ScenePreset) -> None:
    """Write a preset, in place of an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_files.write_json(path, dataclasses.asdict(preset))


def read_preset(path: Path) -> ScenePreset:
    """Return the preset that a file holds.

    Raises:
        SettingError: The file cannot be read, an entry is missing or unknown, or is no number
            within its range.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError("the preset cannot be read", got=error, remedy=REMEDY) from error
    whole = _entries(path, "the file", document, ("camera", *COLOURS, "surfaces"))
    camera = _entries(path, "camera", whole["camera"], tuple(CAMERA))
    surfaces = whole["surfaces"]
    if not isinstance(surfaces, dict) or not surfaces.keys() <= set(KINDS):
        raise _other_entries(path, "surfaces", surfaces, f"any of {', '.join(KINDS)}")
    return ScenePreset(
        camera=CameraPose(
            **{name: _number(path, name, camera[name], span) for name, span in CAMERA.items()}
        ),
        surfaces={kind: _surface(path, kind, entry) for kind, entry in surfaces.items()},
        **{name: _colour(path, name, whole[name]) for name in COLOURS},
    )


def _surface(path: Path, kind: str, entry: object) -> SurfaceLook:
    look = _entries(path, kind, entry, LOOK)
    return SurfaceLook(
        _colour(path, f"colour of {kind}", look["colour"]),
        _number(path, f"contrast of {kind}", look["contrast"], FACTOR),
        _number(path, f"size of {kind}", look["size"], SIZE),
    )


def _entries(path: Path, name: str, entry: object, wanted: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(entry, dict) or entry.keys() != set(wanted):
        raise _other_entries(path, name, entry, f"exactly {', '.join(wanted)}")
    return entry


def _other_entries(path: Path, name: str, entry: object, wanted: str) -> SettingError:
    return SettingError(
        f"{path} is not a preset: {name} has other entries",
        got=", ".join(map(str, entry)) if isinstance(entry, dict) else type(entry).__name__,
        remedy=f"It holds {wanted}. {REMEDY}",
    )


def _colour(path: Path, name: str, value: object) -> Colour:
    if not isinstance(value, list) or len(value) != 3:
        raise SettingError(
            f"{path}: {name} has a value it cannot take",
            got=value,
            remedy="Write a list of three factors: of red, green and blue",
        )
    red, green, blue = (_number(path, name, each, FACTOR) for each in value)
    return red, green, blue


def _number(path: Path, name: str, value: object, span: Range) -> float:
    low, high = span
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise SettingError(
            f"{path}: {name} has a value it cannot take",
            got=value,
            remedy=f"Write a number from {low:g} to {high:g}",
        )
    return float(value)
