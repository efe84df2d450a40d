"""Tests of what `lapwing explain` prints. test_end_to_end.py runs the command itself."""

import io

import pytest

from contract.printing import TextConsole
from lapwing.commands import explain

FRAME = {"name": "lake-1, 3.2 s", "network_deg": -6.66, "driver_deg": -7.31, "error_deg": 0.65}
RESULT = {
    "version": 3,
    "figures": [
        {"name": "validation rows", "value": 1074.0, "unit": "rows"},
        {"name": "validation MSE", "value": 0.0114, "unit": "(steering -1..1)²"},
        {"name": "validation bias", "value": 0.407, "unit": "deg"},
        {"name": "smoothed", "value": 3985, "unit": "labels"},
    ],
    "frames": [FRAME, {"name": "mine.jpg", "network_deg": 2.0}],
    "hardest": [
        {
            "dataset": "lake-1",
            "row": 3,
            "time_s": 0.2,
            "network_deg": 0.0,
            "driver_deg": 6.8,
            "error_deg": -6.8,
        }
    ],
    "pictures": [
        {"file": "hardest.png", "shows": "the validation frames"},
        {"file": "frame-1-convolution-2.png", "shows": "36 maps"},
    ],
    "missing": ["Nothing of jungle-2: there is no store jungle-2"],
    "folder": "/models/versions/3/explanation",
}


@pytest.mark.parametrize("copied", [False, True])
def test_figures_have_units_and_images_have_a_folder(copied: bool) -> None:
    file = io.StringIO()
    explain.print_explanation(TextConsole(file=file, width=160), RESULT, copied)
    printed = file.getvalue()
    for words in (
        "validation rows",
        "1074",
        "0.0114 (steering -1..1)²",
        "0.41°",
        "Nothing of jungle-2",
        "network -6.7°, driver -7.3°",
        "network +2.0°",
        "lake-1, 0.2 s: network +0.0°",
        "hardest.png",
        "/models/versions/3/explanation",
    ):
        assert words in printed
    assert "smoothed" not in printed
    assert "frame-1-convolution-2.png" not in printed
    assert "frame-N-convolution-M.png" in printed
    fetch_command = "docker compose cp trainer:/models/versions/3/explanation ."
    assert (fetch_command in printed) is copied
