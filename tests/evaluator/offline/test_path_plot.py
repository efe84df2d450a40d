from pathlib import Path

import av
import numpy as np
import pytest

from evaluator.offline import path_plot
from evaluator.offline.virtual_car import integrate_path

TIME_S = np.arange(301) / 15


def circle() -> tuple[np.ndarray, np.ndarray]:
    """Return 20 s at 10 m/s around a circle of radius 40 m, to the left."""
    return integrate_path(TIME_S, np.full(301, 0.25), np.full(301, 10.0))


def draw(path: Path, left_m: np.ndarray, rows: list[int]) -> np.ndarray:
    position, heading = circle()
    limit_m, interventions = 1.0, np.array(rows, dtype=np.int64)
    path_plot.draw_paths(
        path, position, heading, TIME_S, left_m, limit_m, interventions, "made", "facts"
    )
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def count_crosses(picture: np.ndarray) -> int:
    """Return the number of pixels in the colour of the crosses, vermilion."""
    return int((picture == [0xD5, 0x5E, 0x00]).all(axis=2).sum())


def test_every_intervention_has_a_cross_on_the_map_and_over_time(tmp_path: Path) -> None:
    path, left = tmp_path / "replay.png", np.zeros(301)
    none, one, three = (
        count_crosses(draw(path, left, rows)) for rows in ([], [100], [50, 100, 200])
    )
    assert none == 0
    # The legend has a cross of its own.
    assert three - one == pytest.approx(one * 4 / 3, rel=0.25)


def test_an_offset_to_the_left_is_drawn_upwards(tmp_path: Path) -> None:
    def middle_of_ink(left_m: np.ndarray) -> float:
        strip = draw(tmp_path / "replay.png", left_m, [])[-350:-105, 1300:1500]
        rows, _ = np.nonzero((strip == [0x1B, 0x1F, 0x24]).all(axis=2))
        return float(rows.mean())

    left, right = (middle_of_ink(np.linspace(0, side, 301)) for side in (1, -1))
    assert left < right - 50
