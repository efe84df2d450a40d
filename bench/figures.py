"""Figures of one run, side by side with what they are compared to."""

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
    """Run each contestant in turn, ROUNDS times; return how many of `count` a second each did.

    In turn, so that a machine that slows down slows all of them.
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
