"""Writes and reads numbers as .NET does in a locale: format N4, and float.Parse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contract.errors import SettingError, TelemetryError
from simulator.unity.cultures import FORMATS

SPACES: Final = r"[ \t-\r]"
"""Characters that float.Parse skips around a number."""
NEGATIVE_PATTERNS: Final = {1: "-{}", 2: "- {}", 3: "{}-"}
"""Form of a negative number by .NET's number of it."""


@dataclass(frozen=True)
class Locale:
    """Number format of a machine, which .NET calls a culture."""

    name: str
    decimal: str
    """Decimal mark."""
    group: str
    """Mark between groups of digits."""
    negative_pattern: int = 1
    """Form of a negative number; see `NEGATIVE_PATTERNS`."""
    group_sizes: tuple[int, ...] = (3,)
    """Digits of the groups from the right; the last size repeats."""

    def format_n4(self, value: float) -> str:
        """Return a number with four decimals and grouped thousands, as `value.ToString("N4")`."""
        whole, decimals = f"{abs(value):.4f}".split(".")
        sizes = list(self.group_sizes)
        groups: list[str] = []
        while whole:
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            groups.insert(0, whole[-size:])
            whole = whole[:-size]
        text = f"{self.group.join(groups)}{self.decimal}{decimals}"
        return NEGATIVE_PATTERNS[self.negative_pattern].format(text) if value < 0 else text

    def parse(self, text: str) -> float:
        """Return the number that `float.Parse` reads in a text.

        It takes a sign only in front of the digits, also where the locale writes it behind them,
        and a space after it only where the locale writes one. It ignores group marks before the
        decimal mark, so a German machine reads "0.1" as 1.

        Raises:
            TelemetryError: The text is not a number in this locale.
        """
        groups = "[\u00a0 ]" if self.group == "\u00a0" else re.escape(self.group)
        after_sign = f"{SPACES}*" if self.negative_pattern == 2 else ""
        match = re.fullmatch(
            rf"{SPACES}*(?P<sign>[-+]?){after_sign}(?P<whole>(?:[0-9](?:[0-9]|{groups})*)?)"
            rf"(?:{re.escape(self.decimal)}(?P<decimals>[0-9]*))?"
            rf"(?P<exponent>(?:[eE][-+]?[0-9]+)?){SPACES}*",
            text,
        )
        if match is None or not (match["whole"] or match["decimals"]):
            raise TelemetryError(
                f"the answer is not a number in {self.name}",
                got=repr(text),
                remedy="Send a number in the format of the simulator's machine",
            )
        whole = re.sub("[^0-9]", "", match["whole"])
        return float(f"{match['sign']}{whole}.{match['decimals'] or ''}0{match['exponent']}")


LOCALES: Final = {
    name: Locale(name, *number_format)
    for number_format, names in FORMATS.items()
    for name in names.split()
}


def find_locale(name: str) -> Locale:
    """Return the locale with a name.

    Raises:
        SettingError: There is no such locale.
    """
    if name not in LOCALES:
        raise SettingError(
            "there is no such locale",
            got=name,
            remedy="Give one of .NET's names, such as en-US, de-DE, fa-IR or hr-HR; "
            f"{len(LOCALES)} are known",
        )
    return LOCALES[name]
