"""Reads telemetry from the simulator, and writes steer messages to it.

The simulator writes numbers in .NET's format `N4` and reads them with the locale of its machine. In
a locale with decimal commas 12.5 arrives as "12,5000", and the simulator reads an answer of "0.1"
as 1, which is full lock. N4 always has exactly four decimals, so the mark before them is the
decimal mark of the locale. Answers are written with the same mark. Source: docs/protocol.md.

Driving needs the speed and the image. Clients that are not Udacity's may leave out the other two
fields.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.errors import TelemetryError
from contract.vehicle import MAX_STEER_DEG

__all__ = ["Telemetry", "number", "parse", "steer"]

# A sign, digits in groups separated by any mark or space, the decimal mark, and four decimals.
N4: Final = re.compile(r"([-\u2212]?)([0-9][0-9.,'\u2019\u066c\s]*)([.,\u066b])([0-9]{4})")
PLAIN: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
OPTIONAL: Final = ("steering_angle", "throttle")
"""Fields that driving does not need."""
MAX_CHARACTERS: Final = 64
"""Maximum number of characters of a number."""


@dataclass(frozen=True)
class Telemetry:
    """Holds the state of the simulator at one moment."""

    steering: float | None
    """Steering command that the car obeys now, -1..1, not degrees; None if it was left out."""
    throttle: float | None
    """Throttle, -1..1, where negative values brake; None if it was left out."""
    speed_mph: float
    jpeg: bytes
    """Image of the centre camera."""
    decimal_mark: str
    """Decimal mark with which this simulator writes and reads numbers: "." or ","."""


def parse(payload: Mapping[str, object]) -> Telemetry:
    """Read the object of a `telemetry` event.

    Raises:
        TelemetryError: speed or image is missing, a field is not a finite number, the fields have
            two decimal marks, or the image is not base64.
    """
    speed_mph, _ = number(payload, "speed")
    angle_deg, throttle = (_optional_number(payload, name) for name in OPTIONAL)
    image = payload.get("image")
    if not isinstance(image, str):
        raise _error("image", image, "base64 text of a JPEG")
    try:
        jpeg = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        raise _error("image", image[:16] + "…", "base64 text of a JPEG") from None
    steering = None if angle_deg is None else angle_deg / MAX_STEER_DEG
    return Telemetry(steering, throttle, speed_mph, jpeg, _decimal_mark(payload))


def _optional_number(payload: Mapping[str, object], field: str) -> float | None:
    """Return the value of a field, or None if it is missing or null."""
    return None if payload.get(field) is None else number(payload, field)[0]


def _decimal_mark(payload: Mapping[str, object]) -> str:
    """Return the decimal mark of the fields in the format N4; "." if none has that format.

    Any one field may be missing or written otherwise, so all of them are asked.

    Raises:
        TelemetryError: they have two marks, so it is not known how the simulator reads an answer.
    """
    texts = {name: payload.get(name) for name in ("speed", *OPTIONAL)}
    marks = {
        match[3]
        for text in texts.values()
        if isinstance(text, str) and (match := N4.fullmatch(text.strip()))
    }
    if len(marks) > 1:
        raise TelemetryError(
            "the telemetry's numbers have two decimal marks",
            got=repr(texts)[:160],
            remedy="All numbers of a client must have the decimal mark with which it reads answers",
        )
    return marks.pop() if marks else "."


def number(payload: Mapping[str, object], field: str) -> tuple[float, str]:
    """Return the value of a field, and the decimal mark with which it is written.

    Other clients than the simulator send JSON numbers, or text without four decimals. These are
    read with a decimal point.

    Raises:
        TelemetryError: the field is missing or is not a finite number.
    """
    value = payload.get(field)
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise _error(field, value[:16] + "…", "a number such as 12.5000")
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            result, mark = float(value), "."
        except OverflowError:  # whole numbers in JSON have no limit
            result, mark = math.inf, "."
    elif isinstance(value, str) and (match := N4.fullmatch(value.strip())):
        sign, whole, mark, decimals = match.groups()
        result = float(f"{re.sub(r'[^0-9]', '', whole)}.{decimals}") * (-1 if sign else 1)
    elif isinstance(value, str) and PLAIN.fullmatch(value.strip()):
        result, mark = float(value), "."
    else:
        raise _error(field, value, "a number such as 12.5000")
    if not math.isfinite(result):
        raise _error(field, f"{value!r:.40}", "a finite number")
    return result, mark


def steer(steering: float, throttle: float, decimal_mark: str = ".") -> dict[str, str]:
    """Return the object of a `steer` event, with both values clamped to -1..1 and written as text.

    The simulator fails on a JSON number, and it reads text with its own decimal mark.

    Args:
        steering: steering command; right is positive.
        throttle: throttle; negative values brake.
        decimal_mark: decimal mark of the simulator; see `Telemetry`.

    Raises:
        TelemetryError: a value is not finite; the simulator would keep full lock for ever.
    """
    return {
        "steering_angle": _format(steering, "steering_angle", decimal_mark),
        "throttle": _format(throttle, "throttle", decimal_mark),
    }


def _format(value: float, field: str, decimal_mark: str) -> str:
    if not math.isfinite(value):
        raise _error(field, value, "a finite number")
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(max(-1.0, min(1.0, value)), 6) + 0.0:.6f}".replace(".", decimal_mark)


def _error(field: str, got: object, expected: str) -> TelemetryError:
    return TelemetryError(
        f"the telemetry's {field} means nothing", got=repr(got), remedy=f"It must be {expected}"
    )
