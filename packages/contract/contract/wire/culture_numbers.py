"""Reads numbers as .NET writes them in any culture, and writes numbers that the culture reads.

The simulator formats with `N4` and reads answers with `float.Parse`, both in the culture of its
machine. `N4` writes ASCII digits, groups of two or three of them, the culture's decimal mark, and
always four decimals; so the mark before the last four digits is the decimal mark, whatever it is.
A negative number has the culture's minus before or after the digits, with or without a space, or
parentheses. `float.Parse` takes a minus only in front, so an answer has it there in every culture.

The minus of all cultures of mono, with which Unity's programs run, is "-". Those of the Unicode
CLDR, which .NET 5 and later take, have others, some with marks for the direction of the text.
There `float.Parse` reads the culture's own minus, and also "-" if its own is a single character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["UNKNOWN", "NumberSpelling", "join", "read"]

DECIMAL_MARKS: Final = ".,/\u066b\u060c"
GROUP_MARKS: Final = r".,'\u2019\u066c\u060c\u2e41\s"
DIRECTION_MARKS: Final = "[\u200e\u200f\u061c]*"
MINUS: Final = (
    DIRECTION_MARKS + "[-\u2010-\u2013\u207b\u208b\u2212\u2796\ufe63\uff0d]" + DIRECTION_MARKS
)
N4: Final = re.compile(
    rf"(?P<open>\()?(?:(?P<before>{MINUS})\s?)?"
    rf"(?P<whole>\d+|\d{{1,3}}(?P<group>[{GROUP_MARKS}])\d{{2,3}}(?:(?P=group)\d{{2,3}})*)"
    rf"(?P<mark>[{DECIMAL_MARKS}])(?P<decimals>\d{{4}})"
    rf"(?:\s?(?P<after>{MINUS}))?(?P<close>\))?"
)
PLAIN: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
ARABIC_MARKS: Final = frozenset("\u066b\u060c")
"""Decimal marks of cultures of the CLDR whose minus has marks for the direction of the text."""
MILLIONTHS: Final = 1_000_000


@dataclass(frozen=True)
class NumberSpelling:
    """Marks with which a client writes and reads numbers, as far as its numbers have shown them."""

    decimal_mark: str | None = None
    minus: str | None = None
    """The culture's minus, which no number shows before the first negative one."""

    def can_write(self, value: float) -> bool:
        """Return whether it is known how the client reads a number.

        Only a negative number can be unknown: the minus of a culture with an Arabic decimal mark
        has two or three characters, which differ from culture to culture, and `float.Parse` reads
        no other one there.
        """
        needs_minus = value * MILLIONTHS < -0.5  # what rounds to 0 has no sign
        return not needs_minus or self.minus is not None or self.decimal_mark not in ARABIC_MARKS

    def write(self, value: float) -> str:
        """Return a finite number with six decimals, as the client's `float.Parse` reads it.

        Without a known decimal mark it is a whole number of millionths with an exponent, which
        every culture reads alike.

        Raises:
            ValueError: It is not known how the client reads it; see `can_write`.
        """
        if not self.can_write(value):
            raise ValueError("the client has not shown how it writes a minus")
        millionths = round(value * MILLIONTHS)
        minus = self.minus or "-"
        sign = minus if millionths < 0 else ""
        whole, rest = divmod(abs(millionths), MILLIONTHS)
        if self.decimal_mark is not None:
            return f"{sign}{whole}{self.decimal_mark}{rest:06d}"
        return f"{sign}{abs(millionths)}e{minus}6" if rest else f"{sign}{whole}"


UNKNOWN: Final = NumberSpelling()
"""Spelling of a client that has shown no number."""


def read(text: str) -> tuple[float, NumberSpelling] | None:
    """Return a number and the marks that it shows, or None if the text is not a number.

    A text that two cultures would read differently is not a number: it must have the four decimals
    of `N4`, or be written as in JSON. Digits may be those of any one script.
    """
    text = text.strip()
    if match := N4.fullmatch(text):
        return _read_n4(match)
    if PLAIN.fullmatch(text):
        return float(text), NumberSpelling(
            "." if "." in text else None, "-" if text[0] == "-" else None
        )
    return None


def _read_n4(match: re.Match[str]) -> tuple[float, NumberSpelling] | None:
    signs = [sign for sign in (match["before"], match["after"], match["open"]) if sign]
    digits = "".join(filter(str.isdecimal, match["whole"])) + match["decimals"]
    zeros = {ord(digit) - unicodedata.decimal(digit) for digit in digits}
    if (
        len(signs) > 1
        or bool(match["open"]) != bool(match["close"])
        or match["group"] == match["mark"]
        or len(zeros) > 1
    ):
        return None
    value = int(digits) / 10**4
    minus = match["before"] or match["after"]
    return (-value if signs else value), NumberSpelling(match["mark"], minus)


def join(spellings: Iterable[NumberSpelling]) -> NumberSpelling:
    """Return the marks that several numbers of one client show together.

    Raises:
        ValueError: They show two different decimal marks, or two different kinds of minus.
    """
    found = list(spellings)
    marks = {each.decimal_mark for each in found} - {None}
    minuses = {each.minus for each in found} - {None}
    if len(marks) > 1:
        raise ValueError("two decimal marks")
    if len(minuses) > 1:
        raise ValueError("two kinds of minus")
    return NumberSpelling(next(iter(marks), None), next(iter(minuses), None))
