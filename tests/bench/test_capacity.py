"""The model of capacity against a simulation event by event, and against what was measured."""

from __future__ import annotations

import heapq
from fractions import Fraction

import pytest
from bench import capacity
from bench.capacity import Constants, Scale
from support.house import ROOT

ONE = Constants()


def answered_share(simulators: int, bridges: int, service_s: float, seconds: float = 40.0) -> float:
    """Simulate bridges that answer one telemetry after the other; return the share that is driven.

    A simulator sends its next telemetry 1/15 s after its last one, or when that is answered.
    """
    period_s, free_s = 1 / 15, [0.0] * bridges
    events = [(number / simulators * period_s, number) for number in range(simulators)]
    heapq.heapify(events)
    answers = 0
    while events:
        sent_s, number = heapq.heappop(events)
        home = number % bridges
        free_s[home] = max(free_s[home], sent_s) + service_s
        if free_s[home] <= seconds:
            answers += 1
        following_s = max(sent_s + period_s, free_s[home])
        if following_s < seconds:
            heapq.heappush(events, (following_s, number))
    return answers / (simulators * seconds / period_s)


@pytest.mark.parametrize("simulators", [1, 20, 200, 1000])
def test_so_many_bridges_are_enough_and_fewer_are_not(simulators: int) -> None:
    enough = capacity.bridges(ONE, simulators)
    service_s = ONE.bridge_ms / 1000
    assert answered_share(simulators, enough, service_s) > 0.97
    fewer = enough * 3 // 4
    if fewer:
        share = answered_share(simulators, fewer, service_s)
        assert share == pytest.approx(fewer / service_s / (simulators * 15), rel=0.04)
        assert share < 0.95


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
def test_an_all_reduce_sends_so_many_bytes(workers: int) -> None:
    """Pass the pieces of the gradients round the ring, until each worker has all of the sums."""
    piece = Fraction(252_219 * 4, workers)
    # sums[w][p]: the workers whose gradients are in the piece p at worker w
    sums = [[{worker} for _ in range(workers)] for worker in range(workers)]
    sent = [Fraction(0)] * workers
    for step in range(2 * (workers - 1)):
        passed = [(w, (w - step) % workers) for w in range(workers)]
        if step >= workers - 1:
            passed = [(w, (w + 1 - (step - workers + 1)) % workers) for w in range(workers)]
        moved = [(w, p, set(sums[w][p])) for w, p in passed]
        for w, p, content in moved:
            sums[(w + 1) % workers][p] |= content
            sent[w] += piece
    assert all(content == set(range(workers)) for rows in sums for content in rows)
    assert len(set(sent)) == 1
    assert float(sent[0]) == pytest.approx(capacity.all_reduce_bytes(ONE, workers))


@pytest.mark.parametrize("cores", [1, 4, 16, 64, 1280])
def test_the_drives_of_a_gate_take_so_long(cores: int) -> None:
    """Give each drive to the core that is free first."""
    seconds = (362 + 1136 / 8 / (15 * 1609.344 / 3600) * 15 * 6.79) / 1000
    free_s = [0.0] * cores
    for _ in range(146):
        heapq.heapreplace(free_s, free_s[0] + seconds)
    found = capacity.need(ONE, Scale("", 1, 1, cores)).gate_s
    assert found == pytest.approx(max(free_s), rel=1e-3)


MEASURED = {
    # What was measured, in seconds, what the model says of it, and how far they may be apart.
    "a drive of 660 frames (ADR 6)": (4.850, capacity.drive_s(ONE, 660), 0.02),
    "a training step of 64 (ADR 12)": (0.134, 64 * ONE.train_ms / 1000, 0.03),
    # One client, who waits for each answer. Its own time is in the first figure alone.
    "1,000 whole telemetries (docs/scale.md)": (7.1, ONE.inference_ms + 2.0 + 0.57, 0.20),
    "1,500 times /predict (docs/scale.md)": (9.0, 1.5 * (ONE.inference_ms + 0.45), 0.35),
}


@pytest.mark.parametrize("point", MEASURED)
def test_what_was_measured_is_reproduced(point: str) -> None:
    measured_s, model_s, tolerance = MEASURED[point]
    assert model_s == pytest.approx(measured_s, rel=tolerance)


def test_the_table_of_the_documentation_is_fresh() -> None:
    text = (ROOT / "docs/scale.md").read_text()
    assert "\n".join(capacity.table(ONE)) in text
