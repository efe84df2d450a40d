from pathlib import Path

import numpy as np
import pytest

from trainer.explain.plots import frames
from trainer.explain.plots.frames import FrameView

CHANCE = np.random.default_rng(3)


def view(driver_deg: float | None = -3.0, high: int = 73, wide: int = 128) -> FrameView:
    return FrameView(
        "lake, 3.2 s",
        CHANCE.integers(0, 256, (128, 128, 3), np.uint8),
        CHANCE.integers(0, 256, (high, wide, 3), np.uint8),
        CHANCE.random((high, wide)).astype(np.float32),
        (43, 115, 0, 127),
        31.0,
        driver_deg,
    )


@pytest.mark.parametrize("one", [view(), view(None), view(high=66, wide=200)])
def test_one_large_frame_can_be_drawn(tmp_path: Path, one: FrameView) -> None:
    frames.draw_frame(one, "title", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 50_000


@pytest.mark.parametrize("count", [1, 3, 12])
def test_many_frames_can_be_drawn_in_one_figure(tmp_path: Path, count: int) -> None:
    frames.draw_frame_grid([view()] * count, "title", "what is seen", tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert int.from_bytes(content[20:24], "big") > 100 * -(-count // frames.COLUMNS)
