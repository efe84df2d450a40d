"""Writes and reads numbers as .NET does in a locale: format N4, and float.Parse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contract.errors import SettingError, TelemetryError


@dataclass(frozen=True)
class Locale:
    """Number format of a machine."""

    name: str
    decimal: str
    """Decimal mark."""
    group: str
    """Mark between groups of three digits."""

    def format_n4(self, value: float) -> str:
        """Return a number with four decimals and grouped thousands, as `value.ToString("N4")`."""
        return f"{value:,.4f}".translate({ord(","): self.group, ord("."): self.decimal})

    def parse(self, text: str) -> float:
        """Return the number that `float.Parse` reads in a text.

        It ignores group marks at any place, so a German machine reads "0.1" as 1.

        Raises:
            TelemetryError: The text is not a number in this locale.
        """
        plain = text.strip().replace(self.group, "").replace(self.decimal, ".")
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain):
            raise TelemetryError(
                f"the answer is not a number in {self.name}",
                got=repr(text),
                remedy="Send a number in the format of the simulator's machine",
            )
        return float(plain)


LOCALES: Final = {
    locale.name: locale
    for locale in (
        Locale("en-US", ".", ","),
        Locale("de-DE", ",", "."),
        Locale("fr-FR", ",", "\u202f"),
        Locale("de-CH", ".", "\u2019"),
    )
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
            remedy=f"Choose one of {', '.join(LOCALES)}",
        )
    return LOCALES[name]
