"""What the service and its lanes say to each other, over a pair of connected sockets.

    to the lane     kind, version, size; then size bytes: a JPEG, or nothing
    back            outcome, size; then size bytes: five doubles, an error as JSON, or nothing

A lane answers in the order in which it was asked, so nothing is numbered.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Final

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError

LOAD: Final = 1
"""Verify and load a version, and see that it answers its golden frames."""
CHECK: Final = 2
"""See again that it does."""
DROP: Final = 3
"""Forget a version."""
FRAME: Final = 4
"""Predict the steering for a JPEG."""

DONE: Final = 0
REFUSED: Final = 1
"""With an error of ours, which is passed on."""
FAILED: Final = 2
"""With any other, which is in the log."""

ASK: Final = struct.Struct("<BII")
REPLY: Final = struct.Struct("<BI")
STEERED: Final = struct.Struct("<5d")

ERRORS: Final = {each.__name__: each for each in (NotAJpegError, BrokenFrameError, ModelError)}


@dataclass(frozen=True)
class Steered:
    """The steering for a frame, and when each stage of it ended.

    In seconds of CLOCK_MONOTONIC, which is the same for all processes of a machine.
    """

    steering: float
    began_s: float
    decoded_s: float
    resized_s: float
    ended_s: float

    def pack(self) -> bytes:
        """Return it as a reply's payload."""
        return STEERED.pack(
            self.steering, self.began_s, self.decoded_s, self.resized_s, self.ended_s
        )


def ask(kind: int, version: int, payload: bytes = b"") -> bytes:
    """Return what is sent to a lane."""
    return ASK.pack(kind, version, len(payload)) + payload


def reply(outcome: int, payload: bytes = b"") -> bytes:
    """Return what a lane sends back."""
    return REPLY.pack(outcome, len(payload)) + payload


def refusal(error: LapwingError) -> bytes:
    """Return an error as a reply's payload."""
    kind = next(name for name, each in ERRORS.items() if isinstance(error, each))
    got = None if error.got is None else str(error.got)
    return json.dumps([kind, error.what, got, error.remedy]).encode()


def error_of(payload: bytes) -> LapwingError:
    """Return the error that a lane told of."""
    kind, what, got, remedy = json.loads(payload)
    return ERRORS[kind](what, got=got, remedy=remedy)
