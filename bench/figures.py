"""Rates and latencies of one run, with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """A rate, or a latency, with its spread over the rounds."""

    name: str
    unit: str
    median: float
    lowest: float
    highest: float


def rates(
    name: str, unit: str, count: int, contestants: dict[str, Callable[[], object]]
) -> list[Figure]:
    """Run the contestants in turn, ROUNDS times, and return the rate of each.

    They take turns, so that a machine that slows down slows all of them.

    Args:
        name: the name that the figures begin with.
        unit: the unit of the rates.
        count: the number of items that one run of a contestant processes.
        contestants: functions by their names.
    """
    seconds: dict[str, list[float]] = {each: [] for each in contestants}
    for _ in range(ROUNDS):
        for each, run in contestants.items():
            began = perf_counter()
            run()
            seconds[each].append(perf_counter() - began)
    return [
        _figure(f"{name}: {each}", unit, [count / s for s in taken])
        for each, taken in seconds.items()
    ]


def latency(name: str, values_ms: list[float]) -> list[Figure]:
    """Return the median and the 99th percentile of latencies, in milliseconds."""
    ordered = sorted(values_ms)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return [
        Figure(f"{name}: p50", "ms", statistics.median(ordered), ordered[0], ordered[-1]),
        Figure(f"{name}: p99", "ms", p99, ordered[0], ordered[-1]),
    ]


def _figure(name: str, unit: str, values: list[float]) -> Figure:
    return Figure(name, unit, statistics.median(values), min(values), max(values))
