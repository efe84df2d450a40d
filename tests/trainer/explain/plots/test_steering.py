from pathlib import Path

import numpy as np
import pytest

from trainer.explain.plots import steering as charts
from trainer.explain.plots.steering import LabelStage, SteeringTrace


def test_pauses_between_blocks_are_shortened() -> None:
    time_s = np.array([10.0, 10.5, 11.0, 90.0, 90.5])
    found = charts.compress_gaps(time_s, np.array([0, 0, 0, 1, 1]))
    np.testing.assert_allclose(found, [0, 0.5, 1.0, 1.0 + charts.PAUSE_S, 1.5 + charts.PAUSE_S])


def course(name: str, rows: int) -> SteeringTrace:
    steering = np.sin(np.arange(rows) / 5)
    block = (np.arange(rows) >= rows // 2).astype(np.int64)
    return SteeringTrace(
        name, np.arange(rows) / 15, block, steering, steering / 2, {rows // 3: "1"}
    )


@pytest.mark.parametrize("count", [1, 3, charts.PANELS + 2])
def test_any_number_of_recordings_can_be_drawn_over_time(tmp_path: Path, count: int) -> None:
    charts.draw_steering(
        [course(f"run-{number}", 30 + number) for number in range(count)],
        "title",
        tmp_path / "a.png",
    )
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize("zeros", [0, 5000])
def test_histograms_with_and_without_a_very_high_bin_can_be_drawn(
    tmp_path: Path, zeros: int
) -> None:
    steering = np.concatenate([np.zeros(zeros), np.random.default_rng(1).normal(0, 0.3, 400)])
    stages = [
        LabelStage("recorded", steering, "as it was"),
        LabelStage("expanded", steering + 0.2, "more"),
    ]
    charts.draw_label_histograms(stages, "title", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_steering_that_is_always_zero_can_be_drawn(tmp_path: Path) -> None:
    charts.draw_label_histograms(
        [LabelStage("recorded", np.zeros(5), "")], "title", tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").exists()
