"""What many drives under one condition add up to, each figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.episode.metrics import wilson_interval

RESAMPLES: Final = 10_000
SEED: Final = 1
"""Of the resampling: the same drives give the same interval."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A figure that each drive has, and how it is read from a drive's document."""

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
    Measure(SUCCESS, "drives that needed nobody", "%", lambda drive: 100.0 * drive["success"]),
    Measure(AUTONOMY, "autonomy", "%", _metric("autonomy_percent")),
    Measure(
        "interventions", "interventions a drive", "", lambda drive: len(drive["interventions"])
    ),
    Measure("lateral_mae_m", "off the line, mean", "m", _metric("lateral_mae_m")),
    Measure("lateral_max_m", "off the line, most", "m", _metric("lateral_max_m")),
    Measure("off_road_percent", "time with a wheel off", "%", _metric("off_road_share", 100.0)),
    Measure("whiteness_per_s", "restlessness of steering", "/s", _metric("whiteness_per_s")),
)
"""Definitions and sources: simulator/metrics.py."""


def measure(drives: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return mean, 95 % interval (low, high) and unit of each measure over drives.

    The interval of the share of successes is Wilson's; of all others it is the percentile bootstrap
    of the mean over drives. Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap,
    chapter 13. A figure that no drive has is None.
    """
    found = {}
    for each in MEASURES:
        values = [value for drive in drives if (value := each.read(drive)) is not None]
        if each.name == SUCCESS:
            low, high = (
                100 * end for end in wilson_interval(round(sum(values) / 100), len(values))
            )
        else:
            low, high = interval(np.array(values, dtype=np.float64))
        known = bool(values)
        found[each.name] = {
            "mean": float(np.mean(values)) if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "unit": each.unit,
        }
    return found


def interval(values: Floats) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of (N,) values."""
    means = resampled_means(values)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def resampled_means(values: Floats) -> Floats:
    """Return the means, (RESAMPLES,), of as many samples of (N,) values, drawn with replacement."""
    if not len(values):
        return np.full(RESAMPLES, np.nan)
    chosen = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    return np.asarray(values[chosen].mean(axis=1))
