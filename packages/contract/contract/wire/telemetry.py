"""Reads telemetry from the simulator, and writes steer messages to it.

The simulator writes and reads numbers in the culture of its machine: in de-DE 12.5 arrives as
"12,5000", and an answer of "0.1" is read as 1, which is full lock. In fa-IR -12.5 arrives as
"12/5000-", and an answer of "0.1" stops the simulator for ever. So answers are written with the
marks that its numbers show; see `contract.wire.culture_numbers`. Source: docs/protocol.md.

Driving needs the speed and the image. Clients that are not Udacity's may leave out the other two
fields.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.errors import TelemetryError
from contract.vehicle import MAX_STEER_DEG
from contract.wire import culture_numbers
from contract.wire.culture_numbers import UNKNOWN, NumberSpelling

__all__ = ["Telemetry", "find_spelling", "number", "parse", "steer"]

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
    spelling: NumberSpelling
    """Marks with which this simulator writes and reads numbers."""


def parse(payload: Mapping[str, object], known: NumberSpelling = UNKNOWN) -> Telemetry:
    """Read the object of a `telemetry` event.

    Args:
        payload: object of the event.
        known: marks that earlier telemetries of this client have shown. They stay in force for
            what this telemetry does not show, unless its decimal mark is another one.

    Raises:
        TelemetryError: speed or image is missing, a field is not a finite number, the fields have
            two decimal marks or two kinds of minus, or the image is not base64.
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
    return Telemetry(steering, throttle, speed_mph, jpeg, find_spelling(payload, known))


def _optional_number(payload: Mapping[str, object], field: str) -> float | None:
    """Return the value of a field, or None if it is missing or null."""
    return None if payload.get(field) is None else number(payload, field)[0]


def find_spelling(payload: Mapping[str, object], known: NumberSpelling) -> NumberSpelling:
    """Return the marks that the fields show; any field may be missing or show none of them.

    Raises:
        TelemetryError: they contradict each other, so it is not known how the simulator reads an
            answer.
    """
    fields = [name for name in ("speed", *OPTIONAL) if payload.get(name) is not None]
    try:
        shown = culture_numbers.join(number(payload, name)[1] for name in fields)
    except ValueError as error:
        raise TelemetryError(
            f"the telemetry's numbers have {error}",
            got=repr({name: payload[name] for name in fields})[:160],
            remedy="All numbers of a client must have the marks with which it reads answers",
        ) from None
    mark = shown.decimal_mark or known.decimal_mark
    if mark is None and not all(isinstance(payload[name], str) for name in fields):
        mark = "."  # a client that writes numbers as JSON reads text as JSON, too
    same_culture = known.decimal_mark in (None, mark)
    return NumberSpelling(mark, shown.minus or (known.minus if same_culture else None))


def number(payload: Mapping[str, object], field: str) -> tuple[float, NumberSpelling]:
    """Return the value of a field, and the marks with which it is written.

    Other clients than the simulator send JSON numbers, or text without four decimals. Such text is
    read with a decimal point.

    Raises:
        TelemetryError: the field is missing or is not a finite number.
    """
    value = payload.get(field)
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise _error(field, value[:16] + "…", "a number such as 12.5000")
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            result, spelling = float(value), UNKNOWN
        except OverflowError:  # whole numbers in JSON have no limit
            result, spelling = math.inf, UNKNOWN
    elif isinstance(value, str) and (found := culture_numbers.read(value)):
        result, spelling = found
    else:
        raise _error(field, value, "a number such as 12.5000")
    if not math.isfinite(result):
        raise _error(field, f"{value!r:.40}", "a finite number")
    return result, spelling


def steer(steering: float, throttle: float, spelling: NumberSpelling) -> dict[str, str]:
    """Return the object of a `steer` event, with both values clamped to -1..1 and written as text.

    The simulator fails on a JSON number, and it reads text in its own culture.

    Args:
        steering: steering command; right is positive.
        throttle: throttle; negative values brake.
        spelling: marks of the simulator; see `Telemetry`.

    Raises:
        TelemetryError: a value is not finite, so the simulator would keep full lock for ever, or
            it is negative and the simulator has not shown which minus it reads.
    """
    return {
        "steering_angle": _format(steering, "steering_angle", spelling),
        "throttle": _format(throttle, "throttle", spelling),
    }


def _format(value: float, field: str, spelling: NumberSpelling) -> str:
    if not math.isfinite(value):
        raise _error(field, value, "a finite number")
    clamped = max(-1.0, min(1.0, value))
    if not spelling.can_write(clamped):
        raise _error(field, value, "0 or more until the simulator has shown its minus")
    return spelling.write(clamped)


def _error(field: str, got: object, expected: str) -> TelemetryError:
    return TelemetryError(
        f"the telemetry's {field} means nothing", got=repr(got), remedy=f"It must be {expected}"
    )
