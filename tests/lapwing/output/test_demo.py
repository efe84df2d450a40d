"""Tests of the table of the demonstration, with figures such as its programs return."""

import copy
import io
import re
from pathlib import Path
from typing import Any

import pytest

from contract.printing import TextConsole
from lapwing.output.demo import print_demo

PROGRAM = ".venv/bin/lapwing"
DIGEST = "0123456789abcdef" * 4
TRAINING: dict[str, Any] = {
    "version": 1,
    "gate": None,
    "sha256": {"model.h5": DIGEST, "model.tflite": DIGEST},
    "metrics": {
        "train_samples": 21816.0,
        "train_rows": 3636.0,
        "validation_rows": 902.0,
        "epochs": 6.0,
        "best_epoch": 5.0,
        "train_mse": 0.0012,
        "validation_mse": 0.0023,
        "validation_mse_zero": 0.0143,
        "validation_mse_hold": 0.0031,
        "validation_correlation": 0.923,
    },
}
DRIVE: dict[str, Any] = {
    "track": "lake",
    "laps": 1.0,
    "success": True,
    "finished": True,
    "laps_done": 1,
    "elapsed_s": 151.2,
    "distance_m": 1012.0,
    "interventions": [],
    "metrics": {"lateral_mae_m": 0.214, "lateral_max_m": 0.688, "off_road_share": 0.004},
    "wire": {"answered": 2268, "p50_ms": 4.2, "p99_ms": 9.1},
}
REPLAY: dict[str, Any] = {
    "telemetries": 400,
    "answered": 398,
    "folded": 2,
    "p50_ms": 4.2,
    "p99_ms": 9.1,
}


def figures(home: Path, drive: dict[str, Any] = DRIVE, **changes: Any) -> dict[str, Any]:
    return {
        "home": str(home),
        "imports": [{"rows": 2269, "rejected": 0}, {"rows": 2269, "rejected": 1}],
        "training": copy.deepcopy(TRAINING),
        "model": {"version": 1},
        "drive": {**copy.deepcopy(drive), **changes},
        "report": [f"{home}/drive/drive.{suffix}" for suffix in ("mp4", "png", "json")],
        "seconds": {"record": 20.4, "import": 13.1, "train": 92.5, "drive": 21.0},
    }


def printed(found: dict[str, Any], width: int = 80, color: bool = False) -> str:
    file = io.StringIO()
    print_demo(
        TextConsole(file=file, width=width, force_terminal=color, no_color=not color),
        found,
        PROGRAM,
    )
    return file.getvalue()


def rows(text: str) -> list[list[str]]:
    """Return the name and the value in each row of a table; the groups are separated by []."""
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in text.strip("\n").splitlines()
    ]


def groups(text: str) -> list[list[list[str]]]:
    found: list[list[list[str]]] = [[]]
    for row in rows(text):
        if row:
            found[-1].append(row)
        else:
            found.append([])
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home in the folder of this process, as `make demo` has it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "lapwing-data" / "demo"


def test_it_begins_with_whether_it_drove_how_well_the_film_and_what_to_do_next(
    home: Path,
) -> None:
    answers, following, _ = groups(printed(figures(home)))
    assert answers == [
        ["Did it drive?", "Yes, by itself."],
        ["laps", "1 of 1 lap of lake, 1,012 m in 151 s"],
        ["interventions", "0"],
        ["distance from the line", "0.21 m on average, 0.69 m at most"],
        ["with a wheel off the road", "0.4 % of the time"],
        ["film", "lapwing-data/demo/drive/drive.mp4"],
        ["map of the drive", "lapwing-data/demo/drive/drive.png"],
        ["figures of the drive", "lapwing-data/demo/drive/drive.json"],
    ]
    assert following == [
        ["next: Udacity's simulator", f"LAPWING_HOME=lapwing-data/demo {PROGRAM} up"],
        ["next: learn from your laps", f"{PROGRAM} demo path/to/recording"],
    ]


def test_hashes_are_left_to_the_json(home: Path) -> None:
    assert DIGEST[:12] not in printed(figures(home))


def test_it_fits_into_80_columns_and_24_lines(home: Path) -> None:
    text = printed(figures(home))
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 23  # above the prompt


def test_a_narrow_terminal_gets_the_same_lines_and_breaks_them_itself(home: Path) -> None:
    assert printed(figures(home), width=30) == printed(figures(home))


def test_colour_changes_no_word_and_marks_the_verdict(home: Path) -> None:
    colored, plain = printed(figures(home), color=True), printed(figures(home))
    assert "\x1b[32mYes, by itself." in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"success": False, "interventions": [{}]}, "No: it was put back on the road once."),
        ({"success": False, "interventions": [{}, {}]}, "No: it was put back on the road 2 times."),
        ({"success": False, "finished": False}, "No: it did not finish in time."),
    ],
    ids=["one intervention", "two interventions", "out of time"],
)
def test_a_drive_that_failed_is_called_so_and_what_may_help_comes_next(
    home: Path, changes: dict[str, Any], verdict: str
) -> None:
    answers, following, _ = groups(printed(figures(home, **changes)))
    assert answers[0] == ["Did it drive?", verdict]
    assert following[0] == ["next: train for longer", f"{PROGRAM} demo --epochs 12"]


def test_measures_that_are_undefined_are_dashes(home: Path) -> None:
    metrics = dict.fromkeys(DRIVE["metrics"])
    text = printed(figures(home, metrics=metrics))
    assert ["distance from the line", "– on average, – at most"] in rows(text)
    assert ["with a wheel off the road", "– of the time"] in rows(text)


def test_a_replay_begins_with_whether_it_answered_and_learned(home: Path) -> None:
    found = {**figures(home, REPLAY), "report": []}
    answers, _, behind = groups(printed(found))
    assert answers[:3] == [
        ["Did it answer?", "Yes, every frame."],
        ["Did it learn?", "Yes: it errs less than drivers that do not look."],
        ["frames answered", "400 of 400"],
    ]
    assert ["round trip p50 / p99", "4.2 / 9.1 ms"] in behind


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"answered": 300}, ["Did it answer?", "Not every frame."]),
        ({"mse": 0.0031}, ["Did it learn?", "No: a driver that does not look errs as little."]),
    ],
    ids=["unanswered", "no better than hold-last"],
)
def test_a_replay_that_shows_no_success_says_so(
    home: Path, change: dict[str, Any], row: list[str]
) -> None:
    found = {**figures(home, REPLAY), "report": []}
    found["drive"].update({name: value for name, value in change.items() if name != "mse"})
    found["training"]["metrics"]["validation_mse"] = change.get("mse", 0.0023)
    assert row in rows(printed(found))


def test_a_home_elsewhere_is_shown_in_full_and_can_be_pasted_into_a_shell(
    home: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path.parent / "my cars" / "demo"
    text = printed(figures(elsewhere))
    assert ["film", f"{elsewhere}/drive/drive.mp4"] in rows(text)
    assert f"LAPWING_HOME='{elsewhere}' " in text


def test_the_version_that_drives_is_told_where_the_gate_refused_the_new_one(home: Path) -> None:
    found = figures(home)
    found["training"]["version"] = 4
    assert ["model version", "1; the gate refused the new version 4"] in rows(printed(found))
    assert ["model version", "1"] in rows(printed(figures(home)))
