from pathlib import Path

import numpy as np
import pytest

from trainer.explain.plots import feature_maps


def test_maps_are_arranged_in_rows_with_a_gap() -> None:
    maps = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    found = feature_maps.tile(maps, 2)
    assert found.shape == (8, 7)
    np.testing.assert_array_equal(found[:2, :3], maps[..., 0])
    np.testing.assert_array_equal(found[3:5, 4:], maps[..., 3])
    assert np.isnan(found[2]).all()
    assert np.isnan(found[6:, 4:]).all()  # there is no sixth


def test_dead_maps_are_counted() -> None:
    maps = np.zeros((2, 3, 4), np.float32)
    maps[0, 0, :2] = (-0.5, 0.1)
    assert feature_maps.count_dead(maps) == 3


@pytest.mark.parametrize("count", [1, 24, 64, 130])
def test_any_number_of_maps_can_be_drawn(tmp_path: Path, count: int) -> None:
    maps = np.random.default_rng(1).normal(size=(3, 7, count)).astype(np.float32)
    feature_maps.draw_feature_maps(maps, 0.5, "title", "lake, 3 s", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_maps_of_zeros_can_be_drawn(tmp_path: Path) -> None:
    feature_maps.draw_feature_maps(
        np.zeros((3, 7, 4), np.float32), 0.5, "title", "lake", tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").exists()
