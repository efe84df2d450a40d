import json
from pathlib import Path

import pytest

from contract.errors import SettingError
from simulator.calibration.preset import read_preset, write_preset
from simulator.rendering.appearance import CameraPose

POSE = CameraPose(0.5, 8.1, 1.1, 1.27, 140.0)


def test_a_preset_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_preset(tmp_path / "made" / "camera.json", POSE)
    assert read_preset(tmp_path / "made" / "camera.json") == POSE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height_m": 0.1}, "height_m has a value it cannot take: got 0.1"),
        ({"height_m": "1.2"}, "Write a number from 0.3 to 5"),
        ({"focal_px": True}, "focal_px has a value it cannot take"),
        ({"height_m": float("nan")}, "height_m has a value it cannot take"),
        ({"tilt": 1.0}, "is not a preset of the cameras"),
    ],
    ids=["too low", "text", "a truth value", "not a number", "unknown"],
)
def test_a_bad_entry_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    write_preset(path, POSE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(SettingError, match=message):
        read_preset(path)


@pytest.mark.parametrize("text", ["", "[1]", "{}"], ids=["empty", "list", "no entry"])
def test_what_is_no_preset_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(SettingError, match="preset of the cameras"):
        read_preset(path)


def test_a_missing_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        read_preset(tmp_path / "gone.json")
