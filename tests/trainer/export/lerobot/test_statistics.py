import numpy as np
import pytest

from trainer.export.lerobot import statistics

FRAMES = np.random.default_rng(9).integers(3, 240, (7, 16, 16, 3)).astype(np.uint8)


def test_a_histogram_gives_the_statistics_of_the_pixels() -> None:
    halves = statistics.histogram(FRAMES[:3]) + statistics.histogram(FRAMES[3:])
    found = statistics.of_pixels(halves, len(FRAMES))
    pixels = FRAMES.reshape(-1, 3) / 255
    for name, expected in (
        ("min", pixels.min(axis=0)),
        ("max", pixels.max(axis=0)),
        ("mean", pixels.mean(axis=0)),
        ("std", pixels.std(axis=0)),
        ("q01", np.quantile(pixels, 0.01, axis=0, method="inverted_cdf")),
        ("q50", np.quantile(pixels, 0.5, axis=0, method="inverted_cdf")),
        ("q99", np.quantile(pixels, 0.99, axis=0, method="inverted_cdf")),
    ):
        assert found[name].shape == (3, 1, 1)
        np.testing.assert_allclose(found[name].ravel(), expected, atol=1e-12)
    assert found["count"].tolist() == [7]


def test_values_have_a_statistic_for_each_column() -> None:
    found = statistics.of_values(np.array([[0.0, 1.0], [1.0, 5.0], [2.0, 9.0]], np.float32))
    assert found["mean"].tolist() == [1.0, 5.0]
    assert found["std"] == pytest.approx([np.sqrt(2 / 3), np.sqrt(32 / 3)])
    assert (found["min"].tolist(), found["max"].tolist()) == ([0.0, 1.0], [2.0, 9.0])
    assert (found["q50"].tolist(), found["count"].tolist()) == ([1.0, 5.0], [3])
