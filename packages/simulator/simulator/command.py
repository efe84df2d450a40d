"""The command that a driver gives the car."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A driver's answer to one telemetry: steering and throttle, or that a human drives."""

    manual: bool
    """True if a human drives; steering and throttle then have no meaning."""
    steering: float = 0.0
    """Steering -1..1, positive to the right."""
    throttle: float = 0.0
    """Throttle -1..1; a negative value brakes."""
