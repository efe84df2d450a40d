import struct
from pathlib import Path
from typing import Any

from support.data import roads

from evaluator.closed_loop import plots
from evaluator.closed_loop.statistics import summarize


def drive(success: bool, station_m: float) -> dict[str, Any]:
    helped = [] if success else [{"station_m": station_m + 20}]
    return {
        "success": success,
        "station_m": station_m,
        "direction": 1,
        "lateral_m": 0.2,
        "interventions": helped,
        "metrics": {
            "autonomy_percent": 100.0 if success else 40.0,
            "lateral_mae_m": 0.5,
            "lateral_max_m": 1.0,
            "off_road_share": 0.0,
            "whiteness_per_s": None,
        },
    }


def size(path: Path) -> tuple[int, int]:
    """Check that a file is a PNG; return its width and height."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_the_map_shows_starts_and_interventions(tmp_path: Path) -> None:
    """The success of a drive changes the image."""
    seen = []
    for number, drives in enumerate(
        ([drive(True, 0), drive(True, 50)], [drive(True, 0), drive(False, 50)], [drive(False, 50)])
    ):
        path = tmp_path / f"{number}.png"
        plots.draw_interventions(path, roads.circle(), "Version 1 on a circle", drives)
        assert min(size(path)) > 400
        seen.append(path.read_bytes())
    assert len(set(seen)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"0.png", "1.png", "2.png"}


def test_an_open_track_can_be_drawn(tmp_path: Path) -> None:
    plots.draw_interventions(tmp_path / "open.png", roads.straight(), "Straight", [drive(True, 0)])
    assert min(size(tmp_path / "open.png")) > 400


def test_each_condition_has_a_row_in_the_chart(tmp_path: Path) -> None:
    """This holds for an unknown measure too: none of these drives has a whiteness."""
    drives = [drive(True, 0), drive(False, 50)]
    found = [
        {"condition": name, "measures": summarize(drives)}
        for name in ("clear", "fog+delay=50ms", "offset=1m")
    ]
    heights = []
    for count in (1, 3):
        path = tmp_path / f"{count}.png"
        plots.draw_conditions(path, "Version 1 on lake", found[:count])
        heights.append(size(path)[1])
    assert heights[1] > heights[0]
