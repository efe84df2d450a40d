"""Describes a drive for viewers: a message that the bridge publishes through Redis.

All messages go through one channel of Redis's publish and subscribe. Each is one JSON document,
sent at most ten times a second and only while somebody listens. A viewer that starts late misses
nothing that it needs.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Final

from contract.errors import TelemetryError

__all__ = ["CHANNEL", "LiveView", "decode"]

CHANNEL: Final = "lapwing:live"


@dataclass(frozen=True)
class LiveView:
    """Describes the drive of one simulator at one moment."""

    bridge: str
    """Host name and port of the bridge, such as lab-pc:4567; several bridges share the channel."""
    simulator: str
    """Number of the simulator, which the bridge counts from 1 since it started."""
    time_s: float
    """Time in seconds since 1970."""
    how: str
    """Origin of the answer: model, held, stopped or manual."""
    steering: float
    """Steering that the bridge answered, -1..1."""
    throttle: float
    """Throttle that the bridge answered, -1..1; negative values brake."""
    speed_mph: float
    """Speed of the car."""
    target_mph: float
    """Speed that the bridge tries to hold."""
    latency_ms: float
    """Time from the arrival of the telemetry to its answer, in milliseconds."""
    answers: int
    """Number of answers since the simulator connected."""
    image: str
    """JPEG of the centre camera in base64, as the simulator sent it; "" while a person drives."""

    @property
    def drive(self) -> str:
        """The simulator with its bridge, such as 1@lab-pc:4567; no other simulator is called so."""
        return f"{self.simulator}@{self.bridge}"

    def encode(self) -> str:
        """Return the message as JSON text."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))


def decode(text: str | bytes) -> LiveView:
    """Read a message that a bridge published; fields that are not known are ignored.

    Raises:
        TelemetryError: the text is not such a message.
    """
    try:
        document = json.loads(text)
        names = [field.name for field in dataclasses.fields(LiveView)]
        return LiveView(**{name: document[name] for name in names})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TelemetryError(
            "the published message is no view of a drive",
            got=f"{text[:80]!r}",
            remedy="Use the same release of Lapwing for the bridge and for this command",
        ) from error
