from pathlib import Path

import numpy as np
import pytest
from matplotlib import _pylab_helpers

from trainer.explain.plots import style


def test_a_figure_is_a_png_of_its_size_and_is_not_kept_in_memory(tmp_path: Path) -> None:
    made = style.new_figure(4.0, 3.0, "title", "what is seen, in words " * 9)
    style.strip_axes(made.add_subplot())
    style.save(made, tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    size = tuple(int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert size == (4 * style.DPI, 3 * style.DPI)
    assert not _pylab_helpers.Gcf.figs


def test_without_saliency_the_image_is_grey() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
    saliency = np.zeros((12, 16), np.float32)
    saliency[2, 3] = 1
    shown = style.overlay_heatmap(pixels, saliency)
    assert shown.shape == (12, 16, 3)
    assert 0 <= shown.min() <= shown.max() <= 1
    grey = shown[6:, 8:]
    np.testing.assert_allclose(grey, grey[..., :1].repeat(3, axis=2))
    assert np.ptp(shown[2, 3]) > 0.2
    assert np.isfinite(style.overlay_heatmap(pixels, 0 * saliency)).all()


def test_the_grid_of_strides_of_two_is_smoothed() -> None:
    every_other = np.tile(np.array([[1.0, 0.0], [0.0, 0.0]], np.float32), (4, 4))
    shown = style.overlay_heatmap(np.full((8, 8, 3), 90, np.uint8), every_other)
    assert np.ptp(shown[1:-1, 1:-1], axis=(0, 1)).max() == pytest.approx(0, abs=1e-6)
