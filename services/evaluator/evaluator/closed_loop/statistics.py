"""Summarizes many drives under one condition: the mean of each measure and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.episode.metrics import wilson_interval

RESAMPLES: Final = 10_000
DRAWN_AT_ONCE: Final = 1_000_000
"""Number of values that are drawn at the same time: 16 MB with their indices.

The means are the same for any number."""
ALL_SUBSETS: Final = 13
"""Number of values up to which the means of all subsets are computed: 8,191 of them."""
ROUNDING: Final = 1e-9
"""What a product of floats that should be a whole number may lack."""
SEED: Final = 1
"""Seed of the resampling: the same drives give the same interval."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A measure of a drive, and the function that reads it from a drive's document."""

    name: str
    title: str
    unit: str
    read: Callable[[Mapping[str, Any]], float | None]


def _metric(name: str, factor: float = 1.0) -> Callable[[Mapping[str, Any]], float | None]:
    def read(drive: Mapping[str, Any]) -> float | None:
        value = drive["metrics"][name]
        return None if value is None else factor * value

    return read


SUCCESS: Final = "success_percent"
AUTONOMY: Final = "autonomy_percent"
MEASURES: Final = (
    Measure(SUCCESS, "drives without intervention", "%", lambda drive: 100.0 * drive["success"]),
    Measure(AUTONOMY, "autonomy", "%", _metric("autonomy_percent")),
    Measure(
        "interventions", "interventions per drive", "", lambda drive: len(drive["interventions"])
    ),
    Measure("lateral_mae_m", "mean distance from the line", "m", _metric("lateral_mae_m")),
    Measure("lateral_max_m", "largest distance from the line", "m", _metric("lateral_max_m")),
    Measure(
        "off_road_percent", "time with a wheel off the road", "%", _metric("off_road_share", 100.0)
    ),
    Measure("whiteness_per_s", "steering whiteness", "/s", _metric("whiteness_per_s")),
)
"""The measures of an evaluation; simulator/episode/metrics.py has definitions and sources."""
MEAN_SPEED: Final = Measure(
    "mean_speed_mph", "mean speed", "mph", lambda drive: drive["mean_speed_mph"]
)
"""The measure of versions that have learned their speed; all others drive at a fixed one."""


def summarize(
    drives: Sequence[Mapping[str, Any]], measures: Sequence[Measure] = MEASURES
) -> dict[str, dict[str, Any]]:
    """Return the mean, 95 % interval (low, high) and unit of each measure over drives.

    The interval of the share of successes is Wilson's. All others are percentile bootstrap
    intervals of the mean over drives. Source: Efron and Tibshirani 1993, An Introduction to the
    Bootstrap, chapter 13. A measure that no drive has is None.
    """
    summary = {}
    for measure in measures:
        values = [value for drive in drives if (value := measure.read(drive)) is not None]
        if measure.name == SUCCESS:
            low, high = (
                100 * end for end in wilson_interval(round(sum(values) / 100), len(values))
            )
        else:
            low, high = bootstrap_interval(np.array(values, dtype=np.float64))
        known = bool(values)
        summary[measure.name] = {
            "mean": float(np.mean(values)) if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "unit": measure.unit,
        }
    return summary


def bootstrap_interval(values: Floats) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of values, shape (values,)."""
    means = bootstrap_means(values)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def bootstrap_means(values: Floats) -> Floats:
    """Return the means of RESAMPLES samples that are drawn from values with replacement."""
    if not len(values):
        return np.full(RESAMPLES, np.nan)
    # Drawn all at once, the indices of ten hours of driving would take 1.4 GB.
    random = np.random.default_rng(SEED)
    means = np.empty(RESAMPLES)
    rows = max(1, DRAWN_AT_ONCE // len(values))
    for first in range(0, RESAMPLES, rows):
        shape = (min(rows, RESAMPLES - first), len(values))
        means[first : first + rows] = values[random.integers(0, len(values), shape)].mean(axis=1)
    return means


def subset_bound(values: Floats, error: float) -> float:
    """Return the one-sided lower bound of the centre of values, from the means of their subsets.

    If n values are independent and symmetric around a common centre, the means of all 2^n - 1
    subsets divide the line into 2^n intervals, each of which holds the centre with the same
    probability. So the k-th smallest mean is above the centre with a probability of k / 2^n,
    exactly. Of few values, the bootstrap's bound is too near. Source: Hartigan 1969, Using
    Subsample Values as Typical Values, Journal of the American Statistical Association 64 (328),
    1303-1317.

    Args:
        values: The values, shape (values,).
        error: Largest probability that the centre is below the bound.

    Returns:
        The bound; -inf if the values are too few for any.
    """
    means = np.sort(subset_means(values))
    rank = math.floor(error * (len(means) + 1) + ROUNDING)
    return float(means[rank - 1]) if rank else -math.inf


def subset_means(values: Floats) -> Floats:
    """Return the means of all subsets of values, or of RESAMPLES random ones; none is empty."""
    count = len(values)
    if count <= ALL_SUBSETS:
        numbers = np.arange(1, 2**count)[:, np.newaxis]
        return _means_of((numbers >> np.arange(count)) & 1, values)
    random = np.random.default_rng(SEED)
    rows = max(1, DRAWN_AT_ONCE // count)
    return np.concatenate(
        [
            _means_of(random.integers(0, 2, (min(rows, RESAMPLES - first), count)), values)
            for first in range(0, RESAMPLES, rows)
        ]
    )


def _means_of(chosen: NDArray[np.int64], values: Floats) -> Floats:
    """Return the mean of the values that each row chooses, without the rows that choose none."""
    counts = chosen.sum(axis=1)
    return np.asarray((chosen @ values)[counts > 0] / counts[counts > 0])
