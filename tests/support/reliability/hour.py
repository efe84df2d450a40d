"""A simulator with one loop that is driven at 20 Hz, and what each of its answers was."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

PERIOD_S = 0.05
NEAR = 1e-3
SPEED_MPH = 9.0


@dataclass(frozen=True)
class Reply:
    """One answer to a telemetry."""

    sent_s: float
    """When the telemetry was sent, on the clock of time.monotonic."""
    took_s: float
    how: str
    """model: what the model says of this frame. held: what it said of the last frame that it
    answered. stopped: straight on, and braked. Anything else is wrong."""
    throttle: float

    @property
    def at_s(self) -> float:
        return self.sent_s + self.took_s


@dataclass
class SimulatorLoop:
    """A simulator that sends frames in turn, each after the answer to the last one.

    Like the real client it has two telemetries in flight when it begins. The bridge answers these
    two with one answer, so that one is in flight from then on (docs/protocol.md).
    """

    url: str
    frames: list[bytes]
    steerings: list[float]
    """What the model says of each frame, as inference itself answers."""
    replies: list[Reply] = field(default_factory=list)
    sent: int = 0
    surplus: int = 0
    """Answers that came when every telemetry was answered already."""
    ended: threading.Event = field(default_factory=threading.Event)
    _last: float = 0.0
    """Steering of the last answer of the model."""

    def run(self) -> None:
        """Drive until `ended` is set. It is also set by an error, which is raised."""
        try:
            with UnityClient(self.url, find_locale("en-US"), 5.0) as client:
                self._send(client)
                while not self.ended.is_set():
                    began = time.monotonic()
                    self._send(client)
                    self._receive(client, began)
                    time.sleep(max(0.0, began + PERIOD_S - time.monotonic()))
                while client.command(1.0) is not None:
                    self.surplus += 1
        finally:
            self.ended.set()

    def _send(self, client: UnityClient) -> None:
        frame = self.frames[self.sent % len(self.frames)]
        client.send_telemetry(0.0, 0.0, SPEED_MPH, frame)
        self.sent += 1

    def _receive(self, client: UnityClient, sent_s: float) -> None:
        expected = self.steerings[(self.sent - 1) % len(self.frames)]
        command = client.command()
        took_s = time.monotonic() - sent_s
        assert command is not None, f"telemetry {self.sent} was not answered"
        if not self.replies and abs(command.steering - self.steerings[0]) < NEAR:
            expected = self.steerings[0]  # the answer to both may be decided before the second came
        how = self._judge(command.steering, command.throttle, expected)
        self.replies.append(Reply(sent_s, took_s, how, command.throttle))

    def _judge(self, steering: float, throttle: float, expected: float) -> str:
        if abs(steering - expected) < NEAR:
            self._last = steering
            return "model"
        if steering == 0.0:
            return "stopped" if throttle <= 0 else f"straight on with throttle {throttle}"
        if abs(steering - self._last) < NEAR:
            return "held"
        return f"steering {steering}, which is not {expected}"
