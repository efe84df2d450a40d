from pathlib import Path

import cv2
import numpy as np
from support.data import samples

from evaluator.shadow import plots
from evaluator.shadow.comparison import Moment


def drive(simulator: str, count: int) -> list[Moment]:
    return [
        Moment(simulator, 100 + number / 10, 9.0, np.sin(number / 9) / 2, np.sin(number / 9) / 3)
        for number in range(count)
    ]


def height_px(path: Path) -> int:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture.shape[0]


def ink(path: Path) -> float:
    """Return the share of pixels of a picture that are not white."""
    picture = cv2.imread(str(path))
    assert picture is not None
    return float((picture < 250).any(axis=2).mean())


def test_each_simulator_has_a_chart_up_to_a_bound(tmp_path: Path) -> None:
    heights = []
    for drives in (1, 2, plots.MAX_DRIVES, plots.MAX_DRIVES + 3):
        moments = [moment for number in range(drives) for moment in drive(str(number), 50)]
        plots.draw_steering(tmp_path / "steering.png", "title", moments)
        heights.append(height_px(tmp_path / "steering.png"))
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_pause_is_not_drawn(tmp_path: Path) -> None:
    """The two parts of the drive are far apart: a line between them would be a long one."""
    first, last = drive("1", 20), drive("1", 20)
    later = [Moment("1", moment.time_s + 500, 9, 0.9, 0.9) for moment in last]
    plots.draw_steering(tmp_path / "with_pause.png", "title", first + later)
    between = [Moment("1", 100 + number, 9, 0.5, 0.5) for number in range(3, 500)]
    plots.draw_steering(tmp_path / "without.png", "title", first + between + later)
    assert ink(tmp_path / "with_pause.png") < ink(tmp_path / "without.png")


def test_the_worst_moments_are_drawn_with_their_pictures(tmp_path: Path) -> None:
    moments = drive("1", 3)
    worst = [(moment, samples.picture(0.1, 1)) for moment in moments]
    plots.draw_worst(tmp_path / "three.png", "title", worst)
    plots.draw_worst(tmp_path / "one.png", "title", worst[:1])
    assert height_px(tmp_path / "three.png") > height_px(tmp_path / "one.png")
    assert 0.3 < ink(tmp_path / "three.png") < 0.9
