"""Tests of gaps in time: some are lost rows, and some are pauses of the recorder."""

from pathlib import Path

import numpy as np
import pytest

from ingest.doctor.checks import timestamps
from ingest.doctor.recording_arrays import FrameFeatures, RecordingArrays
from ingest.doctor.runner import read_recordings
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.track.geometry import Track
from simulator.unity.number_format import find_locale

PERIOD_S = 1 / 15


def recording(
    gaps: dict[int, tuple[float, float]], mps: float = 7.0, rows: int = 200
) -> RecordingArrays:
    """Return a recording with gaps before some rows.

    Args:
        gaps: by row, the length of the gap in s, and the correlation of the views around it.
        mps: the speed.
        rows: the number of rows.
    """
    step_s = np.full(rows, PERIOD_S)
    alike = np.full((rows, 1), 0.9)
    for row, (length_s, peak) in gaps.items():
        step_s[row], alike[row] = length_s, peak
    zeros = np.zeros((rows, 1))
    features = FrameFeatures(
        [],
        np.full((rows, 1, 2), 100),
        zeros.astype(np.uint64),
        zeros,
        np.full((rows, 2), np.nan),
        zeros,
        alike,
    )
    return RecordingArrays(
        "made",
        np.arange(1, rows + 1),
        [(f"{row}.jpg",) for row in range(rows)],
        np.cumsum(step_s),
        np.zeros(rows),
        np.full(rows, mps),
        [],
        features,
    )


def lost(gaps: dict[int, tuple[float, float]], mps: float = 7.0) -> tuple[list[int], int]:
    """Return the lines before which rows were lost, and the number of pauses."""
    made = recording(gaps, mps)
    findings = timestamps.check(made)
    assert {finding.name for finding in findings} <= {"time-gaps"}
    return [
        line for finding in findings for line in finding.figures["lines"]
    ], timestamps.count_pauses(made)


def test_another_place_after_a_gap_means_lost_rows_and_the_same_place_a_pause() -> None:
    assert lost({50: (3.0, 0.3)}) == ([51], 0)
    assert lost({50: (3.0, 0.7)}) == ([], 1)


def test_each_gap_is_judged_by_its_own_views() -> None:
    assert lost({50: (3.0, 0.7), 90: (1.8, 0.2), 130: (8.0, 0.1)}) == ([91, 131], 1)


def test_after_a_short_or_slow_gap_the_same_place_proves_nothing() -> None:
    assert lost({50: (1.0, 0.9)}) == ([51], 0)
    assert lost({50: (3.0, 0.9)}, mps=2.0) == ([51], 0)


def test_one_sure_pause_makes_likely_pauses_of_its_length_sure() -> None:
    gaps = {20: (3.0, 0.7), 40: (3.1, 0.1), 60: (2.9, 0.2)}
    assert lost(gaps) == ([], 3)
    assert lost({**gaps, 80: (2.0, 0.1)}) == ([81], 3)
    more = {**gaps, 80: (3.0, 0.1)}
    assert lost(more) == ([41, 61, 81], 1)  # One of four is less than a third.
    assert lost({**more, 40: (3.1, 0.55)}) == ([], 4)


def test_of_what_is_only_likely_zeros_is_made() -> None:
    assert lost(dict.fromkeys((40, 80, 120), (3.0, 0.55))) == ([41, 81, 121], 0)


def test_a_row_that_is_listed_twice_is_no_gap_and_hides_none() -> None:
    made = recording({50: (3.0, 0.7)})
    made.images[50] = made.images[49]
    made.time_s[50] = made.time_s[49]
    assert timestamps.count_pauses(made) == 0  # The view was compared with that of the copy.
    (finding,) = timestamps.check(made)
    assert finding.figures["lines"] == [52]


@pytest.fixture(scope="module")
def recoveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of five ways back from the edge, with a pause before each of them."""
    x = np.arange(0, 161.0)
    points = np.column_stack([x, 12 * np.sin(x / 25), 0 * x])
    track = Track("bends", "lake", False, points, np.full(len(points), 8.0))
    folder = tmp_path_factory.mktemp("recoveries") / "run"
    lesson = DemonstrationConfig(mph=(15.0, 15.0), recoveries=5, seed=2)
    record_demonstration(track, Appearance("clear", 2), lesson, folder, find_locale("en-US"))
    return folder


def test_recoveries_are_pauses_and_removed_rows_are_a_gap(recoveries: Path, tmp_path: Path) -> None:
    (whole,) = read_recordings([recoveries], tmp_path)
    assert (timestamps.count_pauses(whole), timestamps.check(whole)) == (5, [])
    log = recoveries / "driving_log.csv"
    rows = log.read_text().splitlines(keepends=True)
    paused = np.flatnonzero(whole.step_s > 1)
    # Two seconds are taken out of the middle of the longest part without a pause: 13 m.
    stretches = np.diff(np.concatenate([[0], paused, [len(rows)]]))
    assert stretches.max() > 60
    first = int(np.concatenate([[0], paused])[stretches.argmax()]) + 20
    log.write_text("".join(rows[:first] + rows[first + 30 :]))
    (spoilt,) = read_recordings([recoveries], tmp_path)
    (finding,) = timestamps.check(spoilt)
    assert (finding.name, finding.figures["lines"]) == ("time-gaps", [first + 1])
    assert timestamps.count_pauses(spoilt) == 5
