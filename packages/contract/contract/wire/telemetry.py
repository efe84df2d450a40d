"""The two messages of a drive, in the simulator's dialect: telemetry in, steer out.

The simulator formats numbers as .NET's `N4` and parses them with the locale of its machine, so
under a decimal-comma locale 12.5 arrives as "12,5000" and an answer of "0.1" is read as 1: full
lock. N4 always has exactly four decimals: the mark before them is the locale's decimal mark, and
answers are written with it. Source: docs/protocol.md.
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

# A sign, digits in groups (parted by any mark or space), the decimal mark, four decimals.
N4: Final = re.compile(r"([-\u2212]?)([0-9][0-9.,'\u2019\u066c\s]*)([.,\u066b])([0-9]{4})")
PLAIN: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
LONGEST: Final = 64
"""Characters that a number may have."""


@dataclass(frozen=True)
class Telemetry:
    """What the simulator says of one moment."""

    steering: float
    """-1..1: the command that is in force, not degrees."""
    throttle: float
    """-1..1; negative brakes."""
    speed_mph: float
    jpeg: bytes
    """The centre camera's frame."""
    decimal_mark: str
    """"." or ",": how this simulator writes numbers, and reads them."""


def parse(payload: Mapping[str, object]) -> Telemetry:
    """Read the object of a `telemetry` event.

    Raises:
        TelemetryError: a field is missing, no number, out of its range, or the image is no base64.
    """
    angle_deg, mark = number(payload, "steering_angle")
    throttle, _ = number(payload, "throttle")
    speed_mph, _ = number(payload, "speed")
    image = payload.get("image")
    if not isinstance(image, str):
        raise _refusal("image", image, "base64 text of a JPEG")
    try:
        jpeg = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal("image", image[:16] + "…", "base64 text of a JPEG") from None
    return Telemetry(angle_deg / MAX_STEER_DEG, throttle, speed_mph, jpeg, mark)


def number(payload: Mapping[str, object], field: str) -> tuple[float, str]:
    """Return a field's value and the decimal mark it is written with.

    A JSON number or text without four decimals, as clients other than the simulator send, is read
    with a point.

    Raises:
        TelemetryError: the field is missing or no finite number.
    """
    value = payload.get(field)
    if isinstance(value, str) and len(value) > LONGEST:
        raise _refusal(field, value[:16] + "…", "a number such as 12.5000")
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            result, mark = float(value), "."
        except OverflowError:  # JSON's whole numbers have no end
            result, mark = math.inf, "."
    elif isinstance(value, str) and (match := N4.fullmatch(value.strip())):
        sign, whole, mark, decimals = match.groups()
        result = float(f"{re.sub(r'[^0-9]', '', whole)}.{decimals}") * (-1 if sign else 1)
    elif isinstance(value, str) and PLAIN.fullmatch(value.strip()):
        result, mark = float(value), "."
    else:
        raise _refusal(field, value, "a number such as 12.5000")
    if not math.isfinite(result):
        raise _refusal(field, f"{value!r:.40}", "a finite number")
    return result, mark


def steer(steering: float, throttle: float, decimal_mark: str = ".") -> dict[str, str]:
    """Return the object of a `steer` event: both values clamped to -1..1, as text.

    Text, because the simulator fails on a JSON number; with its own decimal mark.

    Raises:
        TelemetryError: a value is not finite: the simulator would hold full lock for ever.
    """
    return {
        "steering_angle": _format(steering, "steering_angle", decimal_mark),
        "throttle": _format(throttle, "throttle", decimal_mark),
    }


def _format(value: float, field: str, decimal_mark: str) -> str:
    if not math.isfinite(value):
        raise _refusal(field, value, "a finite number")
    # "+ 0.0" turns a rounded -0.0 into 0.0.
    return f"{round(max(-1.0, min(1.0, value)), 6) + 0.0:.6f}".replace(".", decimal_mark)


def _refusal(field: str, got: object, takes: str) -> TelemetryError:
    return TelemetryError(
        f"the telemetry's {field} means nothing", got=repr(got), remedy=f"It must be {takes}"
    )
