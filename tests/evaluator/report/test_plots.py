"""Checks that charts are made, and the same each time; people check what they show."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from evaluator.report import plots

DRAW: dict[str, Callable[[Path], None]] = {
    "split": lambda path: plots.draw_split(path, {"lake": (60, ((0, 40),), ((45, 60),))}),
    "losses": lambda path: plots.draw_losses(
        path, [1, 2], [0.1, 0.05], [0.2, 0.1], {"predict-zero": 0.3, "hold-last": 1e-4}, 2
    ),
    "one epoch": lambda path: plots.draw_losses(path, [1], [0.1], [0.2], {}, None),
    "throughput": lambda path: plots.draw_throughput(path, [1, 2], [500.0, 600.0], [0.0, 20.0]),
    "bins": lambda path: plots.draw_bins(
        path, [(-1.0, 0.0), (0.0, 1.0)], [10.0, 1000.0], [2.0, 1.0], [-1.0, 1.0]
    ),
}


@pytest.mark.parametrize("name", DRAW)
def test_the_same_values_give_the_same_image(tmp_path: Path, name: str) -> None:
    DRAW[name](tmp_path / "a.png")
    DRAW[name](tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = matplotlib.image.imread(tmp_path / "a.png")
    assert picture.shape[1] == 1600
    assert np.ptp(picture[..., :3]) == 1


def test_training_rows_have_their_length_in_the_chart(tmp_path: Path) -> None:
    plots.draw_split(tmp_path / "x.png", {"lake": (100, ((0, 50),), ((75, 100),))})
    picture = (255 * matplotlib.image.imread(tmp_path / "x.png")[..., :3]).round().astype(int)

    def widest(colour: tuple[int, int, int]) -> int:
        return int((picture == colour).all(axis=2).sum(axis=1).max())

    assert widest((0, 0x72, 0xB2)) == pytest.approx(2 * widest((0xE6, 0x9F, 0)), rel=0.02)
