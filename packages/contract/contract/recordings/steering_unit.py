"""Finds out whether a log's steering is in another unit than the recorder's, and names the cure.

Udacity's recorder writes the steering as a share of the full lock, -1..1. Other programs write
degrees, radians or the angle of a wheel. The values alone cannot tell what a small one means: 0.5
may be half of the full lock or half a degree. So a log with values beyond -1..1 is refused as a
whole, unless the user says which value is the full lock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from contract.errors import RecordingError, SettingError
from contract.recordings.log_rows import Rejection, Row
from contract.vehicle import MAX_STEER_DEG, MAX_STEER_RAD

__all__ = ["MAX_FULL_LOCK", "OPTION", "RECORDER_UNIT", "check_unit", "parse_unit"]

OPTION: Final = "--steering-unit"
"""Option of ingest and of the doctor that names the unit."""
RECORDER_UNIT: Final = 1.0
"""The steering at full lock in the logs of Udacity's recorder."""
UNITS: Final = {"lock": RECORDER_UNIT, "degrees": MAX_STEER_DEG, "radians": MAX_STEER_RAD}
"""The steering at full lock in each unit that has a name."""
MAX_FULL_LOCK: Final = 10_000.0
"""Largest steering at full lock that any unit may have."""
MIN_LINES: Final = 2
"""Number of lines with steering beyond the full lock from which on the unit is wrong. One such line
is damaged, and is rejected alone."""
MIN_SHARE: Final = 0.005
"""Share of the lines from which on the unit is wrong."""


def parse_unit(text: str) -> float:
    """Return the value of the steering at full lock for the name of a unit, or for that value.

    Raises:
        SettingError: the text is neither.
    """
    if text in UNITS:
        return UNITS[text]
    number = re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII)
    if number is None or not 0 < float(text) <= MAX_FULL_LOCK:
        raise SettingError(
            f"{OPTION} has a value it cannot take",
            got=repr(text),
            remedy=f"It takes {', '.join(UNITS)}, or the value of the steering at full lock, such "
            "as 450",
        )
    return float(text)


def check_unit(
    rows: Sequence[Row], beyond: Sequence[tuple[Rejection, float]], full_lock: float
) -> None:
    """Check that the steering of a log is in the unit in which it was read.

    Args:
        rows: the rows, with steering -1..1.
        beyond: rejections of lines whose steering is beyond the full lock, and that steering.
        full_lock: the value of the steering at full lock.

    Raises:
        RecordingError: the values are of another unit.
    """
    count, total = len(beyond), len(rows) + len(beyond)
    if count >= MIN_LINES and count >= MIN_SHARE * total:
        values = [value for _, value in beyond]
        least, most = min(values), max(values)
        raise RecordingError(
            f"the steering is beyond -{full_lock:g} to {full_lock:g} in {count} of {total} lines, "
            "so it is in another unit",
            got=f"{least:g} to {most:g}, such as {values[0]:g} in line {beyond[0][0].line}",
            remedy=_remedy(max(map(abs, values))),
        )
    largest = max((abs(row.steering) for row in rows), default=math.inf) * full_lock
    if full_lock > RECORDER_UNIT and largest <= RECORDER_UNIT:
        raise RecordingError(
            f"the steering is not in the unit that {OPTION} names",
            got=f"at most {largest:g}, where {full_lock:g} is the full lock",
            remedy=f"Import it without {OPTION}: the recorder writes -1 to 1",
        )


def _remedy(largest: float) -> str:
    other = f"{OPTION} X takes a wheel's own values, where X is the value at full lock"
    if largest <= MAX_STEER_DEG:
        return (
            f"Import it with {OPTION} degrees if these are degrees of the front wheels, of which "
            f"{MAX_STEER_DEG:g} are the full lock. {other}"
        )
    return (
        f"These are more than the {MAX_STEER_DEG:g} degrees that the front wheels turn. {other}, "
        f"at least {largest:g}"
    )
