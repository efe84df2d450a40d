import numpy as np

from simulator.rendering.noise import fractal_noise, tileable_noise, wave_field


def test_a_tile_repeats_without_a_seam() -> None:
    noise = tileable_noise(np.random.default_rng(1), 64, 8)
    inside = np.abs(np.diff(noise, axis=1)).max()
    assert np.abs(noise[:, 0] - noise[:, -1]).max() <= inside
    assert np.abs(noise[0] - noise[-1]).max() <= np.abs(np.diff(noise, axis=0)).max()


def test_noise_stays_within_its_range() -> None:
    rng = np.random.default_rng(2)
    assert 0 <= fractal_noise(rng, 64, (4, 16)).min() < fractal_noise(rng, 64, (4, 16)).max() <= 1
    x, y = np.meshgrid(np.arange(0.0, 400, 5), np.arange(0.0, 400, 5))
    assert 0.2 < np.abs(wave_field(rng, x, y, (80, 40))).max() < 2.5


def test_the_same_seed_is_the_same_noise() -> None:
    one, other = (tileable_noise(np.random.default_rng(3), 32, 4) for _ in range(2))
    assert (one == other).all()
    assert (tileable_noise(np.random.default_rng(4), 32, 4) != one).any()
