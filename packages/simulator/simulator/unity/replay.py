"""Drives a bridge with recorded frames: the road does not react to its answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.vehicle import MPS_PER_MPH, ROW_S
from simulator.unity.client import UnityClient
from simulator.unity.connection import TELEMETRY_LOOPS
from simulator.unity.round_trips import RoundTrips
from simulator.vehicle import STEP_S, VehicleState, step


@dataclass(frozen=True)
class ReplayResult:
    """Answers of a bridge to the frames of a recording."""

    telemetries: int
    answered: int
    coalesced: int
    """Number of telemetries that another's answer covered; their loops ended."""
    seconds: float
    answers_per_s: float
    p50_ms: float
    """Median of the round-trip times."""
    p99_ms: float
    """99th percentile of the round-trip times."""
    steering_min: float
    steering_mean: float
    steering_max: float
    speed_mph: float
    """Speed of the car at the end."""
    manual: int
    """Number of answers that say that a human drives."""

    @property
    def complete(self) -> bool:
        """Whether every telemetry was answered."""
        return self.answered + self.coalesced == self.telemetries

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return {
            "telemetries": self.telemetries,
            "answered": self.answered,
            "folded": self.coalesced,
            "seconds": self.seconds,
            "answers_per_s": self.answers_per_s,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "steering_min": self.steering_min,
            "steering_mean": self.steering_mean,
            "steering_max": self.steering_max,
            "speed_mph": self.speed_mph,
            "manual": self.manual,
        }


def replay(
    client: UnityClient,
    frame_paths: Iterable[Path],
    *,
    realtime: bool = False,
    on_progress: Callable[[int], None] = lambda count: None,
) -> ReplayResult:
    """Send every frame as a telemetry, each but the first two after an answer.

    If a bridge answers two telemetries with one answer, one of the two loops ends.

    Args:
        client: New connection to a bridge.
        frame_paths: JPEG files.
        realtime: Whether to send at most 15 telemetries a second.
        on_progress: Function that is called with the number of answers.

    Raises:
        TelemetryError: The real client would fail on an answer.
        ServiceError: The bridge closed the connection.
    """
    steering, throttle, state = 0.0, 0.0, VehicleState(0.0, 0.0, 0.0)
    trips = RoundTrips()
    steerings: list[float] = []
    manual = 0
    began = due = time.perf_counter()
    remaining = iter(frame_paths)

    def send_next() -> None:
        nonlocal due
        path = next(remaining, None)
        if path is None:
            return
        jpeg = path.read_bytes()
        if realtime:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter()) + ROW_S
        trips.send(time.perf_counter())
        client.send_telemetry(steering, throttle, abs(state.speed_mps) / MPS_PER_MPH, jpeg)

    for _ in range(TELEMETRY_LOOPS):
        send_next()
    while trips.waiting:
        command = client.command(trips.coalesce_after_s(time.perf_counter()))
        if command is None:
            # A telemetry after the last answer stays unanswered. The real car would continue with
            # its last command for ever.
            trips.coalesce()
            break
        trips.answer(time.perf_counter())
        if command.manual:
            manual += 1
        else:
            steering, throttle = command.steering, command.throttle
            steerings.append(steering)
        # The pictures do not depend on the car's motion; only its speed is used.
        for _ in range(round(ROW_S / STEP_S)):
            state = step(state, steering, throttle)
        on_progress(trips.answers)
        send_next()
    seconds = time.perf_counter() - began
    p50_ms, p99_ms = trips.percentiles_ms()
    values = steerings or [float("nan")]
    return ReplayResult(
        telemetries=trips.telemetries,
        answered=trips.answers,
        coalesced=trips.coalesced,
        seconds=seconds,
        answers_per_s=trips.answers / seconds,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        steering_min=min(values),
        steering_mean=statistics.fmean(values),
        steering_max=max(values),
        speed_mph=abs(state.speed_mps) / MPS_PER_MPH,
        manual=manual,
    )
