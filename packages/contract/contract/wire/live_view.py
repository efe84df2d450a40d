"""What a bridge tells viewers of a simulator that drives, over Redis's publish and subscribe.

One channel, one JSON document a moment; it is told ten times a second at most, and only while
somebody listens. Whoever listens late has missed nothing that matters.
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
    """One simulator at one moment."""

    simulator: str
    """Its number at the bridge, counted from 1 since that began."""
    time_s: float
    """Seconds since 1970."""
    how: str
    """How its answer came about: model, held, stopped or manual."""
    steering: float
    """-1..1: what was answered."""
    throttle: float
    """-1..1; negative brakes."""
    speed_mph: float
    target_mph: float
    """The speed that is held now."""
    latency_ms: float
    """From the telemetry's arrival to its answer."""
    answers: int
    """Since it came."""
    image: str
    """The centre camera's JPEG in base64, as the simulator sent it; empty while a human drives."""

    def encode(self) -> str:
        """Return it as it travels."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))


def decode(text: str | bytes) -> LiveView:
    """Read what a bridge published.

    Raises:
        TelemetryError: it is none.
    """
    try:
        document = json.loads(text)
        names = [field.name for field in dataclasses.fields(LiveView)]
        return LiveView(**{name: document[name] for name in names})
    except (ValueError, KeyError, TypeError) as error:
        raise TelemetryError(
            "what was published is no view of a drive",
            got=f"{text[:80]!r}",
            remedy="Are the bridge and this command of one version",
        ) from error
