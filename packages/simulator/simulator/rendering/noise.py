"""Seeded noise, the stuff that procedural surfaces are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tile(chance: np.random.Generator, size: int, cells: int) -> Floats:
    """Return (size, size) smooth noise, 0..1, that repeats without a seam.

    Values on a lattice of `cells` a side, joined by smoothstep: value noise (K. Perlin, "An Image
    Synthesizer", SIGGRAPH 1985, with values in the place of gradients).
    """
    lattice = chance.random((cells, cells))
    at = np.arange(size) * cells / size
    low = at.astype(int)
    share = at - low
    share = share * share * (3 - 2 * share)
    high = (low + 1) % cells
    rows = lattice[low] * (1 - share)[:, None] + lattice[high] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, high] * share)


def layered(chance: np.random.Generator, size: int, cells: Sequence[int]) -> Floats:
    """Return (size, size) noise, 0..1: layers of more and more cells, each half as strong."""
    total, weight = np.zeros((size, size)), 0.0
    for number, count in enumerate(cells):
        total += tile(chance, size, count) / 2**number
        weight += 1 / 2**number
    return np.asarray(total / weight)


def field(
    chance: np.random.Generator, x: Floats, y: Floats, wavelengths_m: Sequence[float]
) -> Floats:
    """Return noise of about -1..1 at places, the shape of x: waves in random directions."""
    total, weight = np.zeros(np.shape(x)), 0.0
    for wavelength in wavelengths_m:
        for _ in range(4):
            angle, phase = chance.uniform(0, 2 * np.pi, 2)
            turn = 2 * np.pi / (wavelength * chance.uniform(0.8, 1.25))
            total += wavelength * np.sin(turn * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        weight += wavelength * 2
    return np.asarray(total / weight)
