"""Numbers as .NET writes and reads them in a locale: N4 out, float.Parse in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contract.errors import SettingError, TelemetryError


@dataclass(frozen=True)
class Locale:
    """The marks of one machine's number format."""

    name: str
    decimal: str
    group: str

    def n4(self, value: float) -> str:
        """Format with four decimals and grouped thousands, as `value.ToString("N4")` does."""
        return f"{value:,.4f}".translate({ord(","): self.group, ord("."): self.decimal})

    def parse(self, text: str) -> float:
        """Read a number as `float.Parse` does: group marks are passed over wherever they stand.

        So a German machine reads "0.1" as 1.

        Raises:
            TelemetryError: the text is no number in this locale.
        """
        plain = text.strip().replace(self.group, "").replace(self.decimal, ".")
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain):
            raise TelemetryError(f"the answer is no number in {self.name}", got=repr(text))
        return float(plain)


LOCALES: Final = {
    each.name: each
    for each in (
        Locale("en-US", ".", ","),
        Locale("de-DE", ",", "."),
        Locale("fr-FR", ",", "\u202f"),
        Locale("de-CH", ".", "\u2019"),
    )
}


def locale(name: str) -> Locale:
    """Return a locale by its name.

    Raises:
        SettingError: it is not known here.
    """
    if name not in LOCALES:
        raise SettingError("no such locale", got=name, remedy=f"Known: {', '.join(LOCALES)}")
    return LOCALES[name]
