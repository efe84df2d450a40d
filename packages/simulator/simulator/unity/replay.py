"""Drives a bridge with recorded frames: everything of a drive but the road's answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import RecordingError
from contract.vehicle import MPS_PER_MPH, ROW_S
from simulator.unity.client import Client
from simulator.unity.round_trips import Trips
from simulator.vehicle import STEP_S, Motion, step

LOOPS: Final = 2
"""The real client opens twice, so two telemetries are in flight from its start."""


@dataclass(frozen=True)
class Drive:
    """What came of a replay."""

    telemetries: int
    answered: int
    folded: int
    """Covered by the answer to another one: of several loops, one is left."""
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

    @property
    def complete(self) -> bool:
        """Whether no telemetry was left without an answer."""
        return self.answered + self.folded == self.telemetries

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

    A bridge that answers two telemetries with one answer leaves one loop of the two.

    Args:
        client: connected, nothing sent yet.
        pictures: JPEG files.
        realtime: wait until a fifteenth of a second has passed since the last telemetry.
        told: is told how many were answered.
    """
    steering, throttle, motion = 0.0, 0.0, Motion(0.0, 0.0, 0.0)
    trips = Trips()
    steerings: list[float] = []
    manual = 0
    began = due = time.perf_counter()
    source = iter(pictures)

    def send() -> bool:
        nonlocal due
        picture = next(source, None)
        if picture is None:
            return False
        jpeg = picture.read_bytes()
        if realtime:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter()) + ROW_S
        trips.send(time.perf_counter())
        client.telemetry(steering, throttle, motion.speed_mps / MPS_PER_MPH, jpeg)
        return True

    for _ in range(LOOPS):
        send()
    while trips.waiting:
        command = client.command(trips.patience_s(time.perf_counter()))
        if command is None:
            # What was sent since the last answer is unanswered: the real car would go on with its
            # last command for ever.
            trips.fold()
            break
        trips.answer(time.perf_counter())
        if command.manual:
            manual += 1
        else:
            steering, throttle = command.steering, command.throttle
            steerings.append(steering)
        # The pictures lead where they lead; of the car's own motion only its speed is seen.
        for _ in range(round(ROW_S / STEP_S)):
            motion = step(motion, steering, throttle)
        told(trips.answers)
        send()
    seconds = time.perf_counter() - began
    p50_ms, p99_ms = trips.milliseconds()
    values = steerings or [float("nan")]
    return Drive(
        telemetries=trips.telemetries,
        answered=trips.answers,
        folded=trips.folded,
        seconds=seconds,
        answers_per_s=trips.answers / seconds,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        steering_min=min(values),
        steering_mean=statistics.fmean(values),
        steering_max=max(values),
        speed_mph=motion.speed_mps / MPS_PER_MPH,
        manual=manual,
    )
