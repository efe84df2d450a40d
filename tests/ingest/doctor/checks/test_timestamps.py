"""Gaps in time: where rows were lost, and where the recorder was paused."""

from pathlib import Path

import numpy as np
import pytest

from ingest.doctor.checks import timestamps
from ingest.doctor.recording_arrays import Drive, Pictures
from ingest.doctor.runner import read
from simulator.recording.demonstrations import Lesson, record
from simulator.rendering.appearance import Look
from simulator.track.geometry import Track
from simulator.unity.number_format import locale

PERIOD_S = 1 / 15


def drive(gaps: dict[int, tuple[float, float]], mps: float = 7.0, rows: int = 200) -> Drive:
    """Return a drive with gaps before some rows: their length in s, and how alike the views are."""
    step_s = np.full(rows, PERIOD_S)
    alike = np.full((rows, 1), 0.9)
    for row, (length_s, peak) in gaps.items():
        step_s[row], alike[row] = length_s, peak
    nothing = np.zeros((rows, 1))
    pictures = Pictures(
        [],
        np.full((rows, 1, 2), 100),
        nothing.astype(np.uint64),
        nothing,
        np.full((rows, 2), np.nan),
        nothing,
        alike,
    )
    return Drive(
        "made",
        np.arange(1, rows + 1),
        [(f"{row}.jpg",) for row in range(rows)],
        np.cumsum(step_s),
        np.zeros(rows),
        np.full(rows, mps),
        [],
        pictures,
    )


def lost(gaps: dict[int, tuple[float, float]], mps: float = 7.0) -> tuple[list[int], int]:
    """Return the lines before which rows were lost, and how many pauses there were."""
    made = drive(gaps, mps)
    findings = timestamps.examine(made)
    assert {each.name for each in findings} <= {"time-gaps"}
    return [line for each in findings for line in each.figures["lines"]], timestamps.pauses(made)


def test_another_place_after_a_gap_is_a_loss_and_the_same_is_a_pause() -> None:
    assert lost({50: (3.0, 0.3)}) == ([51], 0)
    assert lost({50: (3.0, 0.7)}) == ([], 1)


def test_each_gap_is_told_by_what_it_shows() -> None:
    assert lost({50: (3.0, 0.7), 90: (1.8, 0.2), 130: (8.0, 0.1)}) == ([91, 131], 1)


def test_what_is_short_or_slow_shows_the_same_place_either_way() -> None:
    assert lost({50: (1.0, 0.9)}) == ([51], 0)
    assert lost({50: (3.0, 0.9)}, mps=2.0) == ([51], 0)


def test_pauses_of_one_length_stand_in_for_each_other() -> None:
    gaps = {20: (3.0, 0.7), 40: (3.1, 0.1), 60: (2.9, 0.2)}
    assert lost(gaps) == ([], 3)
    assert lost({**gaps, 80: (2.0, 0.1)}) == ([81], 3)
    more = {**gaps, 80: (3.0, 0.1)}
    assert lost(more) == ([41, 61, 81], 1)  # one of four is less than a third
    assert lost({**more, 40: (3.1, 0.55)}) == ([], 4)


def test_of_what_is_only_likely_nothing_is_made() -> None:
    assert lost(dict.fromkeys((40, 80, 120), (3.0, 0.55))) == ([41, 81, 121], 0)


def test_a_row_that_is_listed_twice_is_no_gap_and_hides_none() -> None:
    made = drive({50: (3.0, 0.7)})
    made.images[50] = made.images[49]
    made.time_s[50] = made.time_s[49]
    assert timestamps.pauses(made) == 0  # the view was compared with the copy's
    (found,) = timestamps.examine(made)
    assert found.figures["lines"] == [52]


@pytest.fixture(scope="module")
def recoveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five ways back from the edge, for each of which the recorder was paused."""
    x = np.arange(0, 161.0)
    points = np.column_stack([x, 12 * np.sin(x / 25), 0 * x])
    track = Track("bends", "lake", False, points, np.full(len(points), 8.0))
    folder = tmp_path_factory.mktemp("recoveries") / "run"
    lesson = Lesson(mph=(15.0, 15.0), recoveries=5, seed=2)
    record(track, Look("clear", 2), lesson, folder, locale("en-US"))
    return folder


def test_recoveries_are_pauses_and_rows_taken_out_are_a_gap(
    recoveries: Path, tmp_path: Path
) -> None:
    (whole,) = read([recoveries], tmp_path)
    assert (timestamps.pauses(whole), timestamps.examine(whole)) == (5, [])
    log = recoveries / "driving_log.csv"
    rows = log.read_text().splitlines(keepends=True)
    paused = np.flatnonzero(whole.step_s > 1)
    # The longest stretch without a pause: two seconds out of its middle are 13 m.
    stretches = np.diff(np.concatenate([[0], paused, [len(rows)]]))
    assert stretches.max() > 60
    first = int(np.concatenate([[0], paused])[stretches.argmax()]) + 20
    log.write_text("".join(rows[:first] + rows[first + 30 :]))
    (spoilt,) = read([recoveries], tmp_path)
    (found,) = timestamps.examine(spoilt)
    assert (found.name, found.figures["lines"]) == ("time-gaps", [first + 1])
    assert timestamps.pauses(spoilt) == 5
