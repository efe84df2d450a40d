"""The messages between the service and its workers, over a pair of connected sockets.

    request     command, version, size; then size bytes: a JPEG, or nothing
    reply       outcome, size; then size bytes: six doubles, an error as JSON or text, or nothing

A worker replies in the order of the requests, so messages carry no numbers.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Final, NamedTuple

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from contract.policy.answer import PolicyAnswer

# Commands.
LOAD: Final = 1
"""Verify and load a version, and check that it predicts its golden frames as it should."""
CHECK: Final = 2
"""Check the golden frames of a loaded version again."""
DROP: Final = 3
"""Unload a version."""
PREDICT: Final = 4
"""Predict the answer to a JPEG."""

# Outcomes.
DONE: Final = 0
REFUSED: Final = 1
"""The worker raised one of ERRORS: the frame or the version is at fault, and always will be."""
FAILED: Final = 2
"""The worker raised another error, which may have passed by the next request. The reply says which
in words, and the log has its traceback."""

REQUEST_HEADER: Final = struct.Struct("<BII")
REPLY_HEADER: Final = struct.Struct("<BI")
PREDICTION: Final = struct.Struct("<6d")
"""Steering, speed in mph, and four times. The speed is NaN where the version has learned none."""

ERRORS: Final = {error.__name__: error for error in (NotAJpegError, BrokenFrameError, ModelError)}


class TimedPrediction(NamedTuple):
    """The answer to a frame, and the time at which each stage of its prediction ended.

    Times are in seconds of CLOCK_MONOTONIC, which is the same for all processes of a machine.
    """

    answer: PolicyAnswer
    began_s: float
    decoded_s: float
    resized_s: float
    ended_s: float


def encode_request(command: int, version: int, payload: bytes = b"") -> bytes:
    """Return a request to a worker as bytes."""
    return REQUEST_HEADER.pack(command, version, len(payload)) + payload


def encode_reply(outcome: int, payload: bytes = b"") -> bytes:
    """Return a reply of a worker as bytes."""
    return REPLY_HEADER.pack(outcome, len(payload)) + payload


def encode_prediction(prediction: TimedPrediction) -> bytes:
    """Return a prediction as the payload of a reply."""
    answer, *times_s = prediction
    speed_mph = math.nan if answer.speed_mph is None else answer.speed_mph
    return PREDICTION.pack(answer.steering, speed_mph, *times_s)


def decode_prediction(payload: bytes) -> TimedPrediction:
    """Return the prediction in the payload of a reply."""
    steering, speed_mph, *times_s = PREDICTION.unpack(payload)
    answer = PolicyAnswer(steering, None if math.isnan(speed_mph) else speed_mph)
    return TimedPrediction(answer, *times_s)


def encode_error(error: LapwingError) -> bytes:
    """Return an error as the payload of a reply."""
    name = next(name for name, error_class in ERRORS.items() if isinstance(error, error_class))
    got = None if error.got is None else str(error.got)
    return json.dumps([name, error.what, got, error.remedy]).encode()


def decode_error(payload: bytes) -> LapwingError:
    """Return the error in the payload of a reply."""
    name, what, got, remedy = json.loads(payload)
    return ERRORS[name](what, got=got, remedy=remedy)
