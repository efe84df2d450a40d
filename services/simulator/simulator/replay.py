"""Drives a bridge with recorded frames: everything of a drive but the road's answer."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import RecordingError
from simulator.car import MPS_PER_MPH, STEP_S, Motion, step
from simulator.dialect import Client

FRAME_S: Final = 1 / 15
LOOPS: Final = 2
"""The real client opens twice, so two telemetries are in flight from its start."""


@dataclass(frozen=True)
class Drive:
    """What came of a replay."""

    telemetries: int
    answered: int
    seconds: float
    answers_per_s: float
    p50_ms: float
    p99_ms: float
    steering_min: float
    steering_mean: float
    steering_max: float
    speed_mph: float
    """At the end."""
    manual: int

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return asdict(self)


def frames(folder: Path, limit: int | None) -> list[Path]:
    """List the centre frames of a recording, or all JPEGs of a folder, in order of their names.

    Raises:
        RecordingError: there are none.
    """
    places = [folder / "IMG", folder]
    for pattern in ("center_*.jpg", "*.jpg"):
        for place in places:
            found = sorted(place.glob(pattern))
            if found:
                return found[:limit]
    raise RecordingError(
        "there are no frames to replay", got=str(folder), remedy="Name a recording's folder"
    )


def replay(
    client: Client,
    pictures: Iterable[Path],
    *,
    realtime: bool = False,
    told: Callable[[int], None] = lambda count: None,
) -> Drive:
    """Send every picture as a telemetry, each but the first two in answer to an answer.

    Args:
        client: connected, nothing sent yet.
        pictures: JPEG files.
        realtime: wait until a fifteenth of a second has passed since the last telemetry.
        told: is told how many were answered.
    """
    steering, throttle, motion = 0.0, 0.0, Motion(0.0, 0.0, 0.0)
    sent: deque[float] = deque()
    trips_ms: list[float] = []
    steerings: list[float] = []
    telemetries, manual = 0, 0
    began = due = time.perf_counter()
    source = iter(pictures)

    def send() -> bool:
        nonlocal telemetries, due
        picture = next(source, None)
        if picture is None:
            return False
        jpeg = picture.read_bytes()
        if realtime:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter()) + FRAME_S
        sent.append(time.perf_counter())
        client.telemetry(steering, throttle, motion.speed_mps / MPS_PER_MPH, jpeg)
        telemetries += 1
        return True

    for _ in range(LOOPS):
        send()
    while sent:
        command = client.command()
        if command is None:
            break  # unanswered: the real car would go on with its last command for ever
        trips_ms.append((time.perf_counter() - sent.popleft()) * 1000)
        if command.manual:
            manual += 1
        else:
            steering, throttle = command.steering, command.throttle
            steerings.append(steering)
        # The pictures lead where they lead; of the car's own motion only its speed is seen.
        for _ in range(round(FRAME_S / STEP_S)):
            motion = step(motion, steering, throttle)
        told(len(trips_ms))
        send()
    seconds = time.perf_counter() - began
    trips = sorted(trips_ms) or [float("nan")]
    values = steerings or [float("nan")]
    return Drive(
        telemetries=telemetries,
        answered=len(trips_ms),
        seconds=seconds,
        answers_per_s=len(trips_ms) / seconds,
        p50_ms=statistics.median(trips),
        p99_ms=trips[min(len(trips) - 1, int(0.99 * len(trips)))],
        steering_min=min(values),
        steering_mean=statistics.fmean(values),
        steering_max=max(values),
        speed_mph=motion.speed_mps / MPS_PER_MPH,
        manual=manual,
    )
