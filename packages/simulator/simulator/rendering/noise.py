"""Makes seeded noise for procedural surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tileable_noise(rng: np.random.Generator, size: int, cells: int) -> Floats:
    """Return smooth noise of 0..1, (size, size), that repeats without a seam.

    This is value noise: random values on a lattice, joined by smoothstep (K. Perlin, "An Image
    Synthesizer", SIGGRAPH 1985, with values in the place of gradients).

    Args:
        rng: Random numbers.
        size: Width and height of the noise in pixels.
        cells: Number of lattice cells along each side.
    """
    lattice = rng.random((cells, cells))
    coordinate = np.arange(size) * cells / size
    low = coordinate.astype(int)
    share = coordinate - low
    share = share * share * (3 - 2 * share)
    high = (low + 1) % cells
    rows = lattice[low] * (1 - share)[:, None] + lattice[high] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, high] * share)


def fractal_noise(rng: np.random.Generator, size: int, cells: Sequence[int]) -> Floats:
    """Return layered noise of 0..1, (size, size), where each layer is half as strong as the last.

    Args:
        rng: Random numbers.
        size: Width and height of the noise in pixels.
        cells: Number of lattice cells along each side, for each layer.
    """
    total, weight = np.zeros((size, size)), 0.0
    for number, count in enumerate(cells):
        total += tileable_noise(rng, size, count) / 2**number
        weight += 1 / 2**number
    return np.asarray(total / weight)


def wave_field(
    rng: np.random.Generator, x: Floats, y: Floats, wavelengths_m: Sequence[float]
) -> Floats:
    """Return noise of about -1..1 at positions: a sum of waves in random directions.

    Args:
        rng: Random numbers.
        x: East coordinates in metres, of any shape.
        y: North coordinates in metres, of the same shape.
        wavelengths_m: Wavelengths; a longer wave is stronger.
    """
    total, weight = np.zeros(np.shape(x)), 0.0
    for wavelength in wavelengths_m:
        for _ in range(4):
            angle, phase = rng.uniform(0, 2 * np.pi, 2)
            frequency = 2 * np.pi / (wavelength * rng.uniform(0.8, 1.25))
            total += wavelength * np.sin(
                frequency * (x * np.cos(angle) + y * np.sin(angle)) + phase
            )
        weight += wavelength * 2
    return np.asarray(total / weight)
