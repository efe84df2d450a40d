"""Rejoins numbers in a driving log that was written with decimal commas.

The recorder separates fields with commas in every locale. On a German machine -0,35 becomes two
fields, and a row of four numbers has four to eight fields. The fields are joined again by the range
of each number, and by the way .NET writes a float:

- There are no leading zeros and no zeros at the end of a fraction: "05" and "0,30" are not numbers.
- Zero is "0", never "-0" (in Mono, on which Unity runs).
- A number below 1E-04 has an exponent, as in "1,814037E-05".

A row is accepted only if there is exactly one possible reading. Other rows are never used to
decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["possible_readings"]

NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:,\d*[1-9])?|-?[1-9](?:,\d*[1-9])?E[-+]\d\d")

Range = tuple[float, float]


def possible_readings(fields: Sequence[str], ranges: Sequence[Range]) -> list[tuple[float, ...]]:
    """Return all ways to read the fields as numbers, one for each range and within it.

    Args:
        fields: the fields between commas.
        ranges: smallest and largest value of each number.
    """
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
