"""Rejoins the numbers of a log that was written under a decimal-comma locale.

The recorder separates fields with commas whatever the locale, so on a German machine -0,35 becomes
two fields and a row of four numbers has four to eight. The numbers are rejoined by what each can
be, and by how .NET writes a float:

- no leading zeros, and no zero at the end of a fraction: "05" is no number and "0,30" is none;
- zero is "0", never "-0" (Mono, on which Unity runs);
- what is smaller than 1E-04 is written with an exponent, "1,814037E-05".

A row is accepted only when exactly one reading is left. Nothing is inferred from its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["possible_readings"]

NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:,\d*[1-9])?|-?[1-9](?:,\d*[1-9])?E[-+]\d\d")

Range = tuple[float, float]


def possible_readings(fields: Sequence[str], ranges: Sequence[Range]) -> list[tuple[float, ...]]:
    """Return every way to read the fields as one number a range, each within its range."""
    return sorted(set(_readings(tuple(fields), tuple(ranges))))


def _readings(fields: Sequence[str], ranges: Sequence[Range]) -> Iterator[tuple[float, ...]]:
    if not ranges:
        if not fields:
            yield ()
        return
    low, high = ranges[0]
    for width in (1, 2):
        text = ",".join(fields[:width])
        if len(fields) < width or not NUMBER.fullmatch(text) or text == "-0":
            continue
        value = float(text.replace(",", "."))
        if low <= value <= high:
            for rest in _readings(fields[width:], ranges[1:]):
                yield (value, *rest)
