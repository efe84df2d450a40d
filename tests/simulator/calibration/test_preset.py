import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import SettingError
from simulator.calibration.preset import read_preset, write_preset
from simulator.rendering.scene_preset import CameraPose, ScenePreset, SurfaceLook

PRESET = ScenePreset(
    CameraPose(0.5, 8.1, 1.1, 1.27, 140.0),
    zenith=(0.7, 0.8, 0.9),
    hood=(1.1, 1.0, 0.9),
    surfaces={"road": SurfaceLook((1.0, 1.1, 1.2), 0.8, 2.0), "plants": SurfaceLook()},
)


def test_a_preset_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_preset(tmp_path / "made" / "lake.json", PRESET)
    assert read_preset(tmp_path / "made" / "lake.json") == PRESET


@pytest.mark.parametrize(
    ("where", "change", "message"),
    [
        ("camera", {"height_m": 0.1}, "height_m has a value it cannot take: got 0.1"),
        ("camera", {"height_m": "1.2"}, "Write a number from 0.3 to 5"),
        ("camera", {"focal_px": True}, "focal_px has a value it cannot take"),
        ("camera", {"height_m": float("nan")}, "height_m has a value it cannot take"),
        ("camera", {"tilt": 1.0}, "is not a preset: camera has other entries"),
        ("", {"sun": [1, 1, 1]}, "is not a preset: the file has other entries"),
        ("", {"hood": 1.0}, "hood has a value it cannot take: got 1.0"),
        ("", {"zenith": [1.0, 1.0]}, "Write a list of three factors"),
        ("", {"horizon": [1.0, 1.0, -0.1]}, "horizon has a value it cannot take: got -0.1"),
        ("surfaces", {"lava": {}}, "surfaces has other entries: .*It holds any of road"),
        ("surfaces", {"road": {"colour": [1, 1, 1]}}, "road has other entries"),
        (
            "surfaces",
            {"road": {"colour": [1, 1, 1], "contrast": 1, "size": 0}},
            "size of road has a value it cannot take: got 0",
        ),
    ],
    ids=[
        "too low",
        "text",
        "a truth value",
        "not a number",
        "unknown figure of the cameras",
        "unknown entry",
        "one factor",
        "two factors",
        "a negative factor",
        "unknown kind",
        "half a look",
        "a texture without size",
    ],
)
def test_a_bad_entry_is_named(
    where: str, change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "lake.json"
    write_preset(path, PRESET)
    document: dict[str, Any] = json.loads(path.read_text())
    (document[where] if where else document).update(change)
    path.write_text(json.dumps(document))
    with pytest.raises(SettingError, match=message):
        read_preset(path)


@pytest.mark.parametrize("text", ["", "[1]", "{}"], ids=["empty", "list", "no entry"])
def test_what_is_no_preset_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "lake.json"
    path.write_text(text)
    with pytest.raises(SettingError, match="preset"):
        read_preset(path)


def test_a_missing_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        read_preset(tmp_path / "gone.json")
